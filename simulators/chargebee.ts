/** A simulated Chargebee site: transactions, invoices and customers, events behind HTTP Basic, and its own truth. */
import { answerChargebee, TOO_MANY } from './chargebee-api.ts';
import type { Transaction } from './chargebee-objects.ts';
import * as chargebee from './chargebee-objects.ts';
import {
  applyToInvoices,
  enterCustomer,
  invoiceOrder,
  mistakenInvoice,
  newWorld,
  seconds,
  type World,
} from './chargebee-world.ts';
import {
  gatewayName,
  type SimulatedOrder,
  type SimulatedPortal,
  type SimulatorOptions,
  type TruePayment,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { seededRandom } from './random.ts';

export type ChargebeeSimulatorOptions = SimulatorOptions & {
  /** The firm writes its invoices in Chargebee; else Chargebee collects for invoices written elsewhere. */
  readonly billsHere?: boolean;
  /** Tells of payments by the name that older lists of triggers have for `payment_succeeded`. */
  readonly olderName?: boolean;
};

const LATE_FAILURE_SECONDS = 60;

/** Starts the site on loopback; the same seed and calls tell the same story. */
export async function simulateChargebee(
  options: ChargebeeSimulatorOptions,
): Promise<SimulatedPortal> {
  const { seed, billsHere = false, olderName = false } = options;
  const succeeded = olderName ? 'payment_collected_successfully' : 'payment_succeeded';
  const world = newWorld({ seed, billsHere, succeeded });
  const { apiKey } = world.credentials;
  const server = await serveFaulty(
    (request) => answerChargebee({ apiKey, all: world.all }, request),
    {
      // A generator of its own, so that the number of requests does not change what customers do.
      random: seededRandom(seed ^ 0xcbcbcb),
      faultRate: options.faultRate ?? 0,
      tooMany: TOO_MANY,
    },
  );
  return {
    portal: 'chargebee',
    role: 'source',
    settings: {
      ...world.credentials,
      importInvoices: String(billsHere),
      apiBaseUrl: `${server.baseUrl}/api/v2`,
    },
    voidsPaid: true,
    // Chargebee has no way to write thousandths.
    currencies: ['USD', 'EUR', 'JPY'],
    ...paymentActs(world),
    ...reversalActs(world),
    takeNotices: world.takeNotices,
    truth: () => truthOf(world),
    requestCount: server.requestCount,
    close: server.close,
  };
}

type PaymentActs = Required<
  Pick<
    SimulatedPortal,
    'pay' | 'show' | 'begin' | 'settle' | 'fail' | 'authorize' | 'capture' | 'void'
  >
>;

function paymentActs(world: World): PaymentActs {
  return {
    pay(order, at) {
      const payment = attempt(world, order, howPaid(world, order), at);
      receive(world, payment, at);
      return payment.id;
    },
    show({ order, portal, externalId }, at) {
      const how = { gateway: gatewayName(portal), id_at_gateway: externalId, isShown: true };
      const payment = attempt(world, order, { payment_method: 'card', ...how }, at);
      receive(world, payment, at);
      return payment.id;
    },
    begin(order, at) {
      const how = { payment_method: 'direct_debit', gateway: 'gocardless' };
      const payment = attempt(world, order, how, at);
      world.tellOf('payment_initiated', payment, at);
      return payment.id;
    },
    settle: (paymentId, at) => receive(world, inStatus(world, paymentId, 'in_progress'), at),
    fail(paymentId, at) {
      const payment = inStatus(world, paymentId, 'in_progress');
      if (world.random.chance(0.5)) return failLate(world, payment, at);
      change(world, payment, { status: 'failure', ...NO_FUNDS }, at);
      world.tellOf('payment_failed', payment, at);
    },
    authorize(order, at) {
      const customer = enterCustomer(world, order, at);
      const authorization = chargebee.newTransaction(
        world.newId('txn'),
        { ...moneyOf(order), customer_id: customer.id },
        { type: 'authorization', status: 'success', date: seconds(at), linked_payments: [] },
      );
      const { amount } = authorization;
      change(world, authorization, { amount_capturable: amount }, at);
      world.orders.set(authorization.id, order);
      world.tellOf('authorization_succeeded', authorization, at);
      return authorization.id;
    },
    capture(paymentId, at) {
      const authorization = inStatus(world, paymentId, 'success');
      if (authorization.amount_capturable === 0) throw new RangeError(`${paymentId} is captured`);
      const order = world.orders.get(paymentId) as SimulatedOrder;
      const how = { reference_authorization_id: authorization.id };
      const payment = attempt(world, order, how, at);
      const { id, amount } = payment;
      const linked = { id, amount, status: 'success', date: seconds(at) };
      change(world, authorization, { amount_capturable: 0, linked_payments: [linked] }, at);
      receive(world, payment, at);
    },
    void: (paymentId, at) => voidTransaction(world, paymentId, at),
  };
}

const NO_FUNDS = { error_code: 'insufficient_funds', error_text: 'Insufficient funds' };

/** What can be written on a transaction itself can only be written on one recorded by hand. */
function howPaid(world: World, order: SimulatedOrder): Record<string, unknown> {
  const note = [order.memo, order.workOrder].filter((part) => part !== undefined).join(' ');
  if (order.invoiceNumber !== undefined || note === '' || world.options.billsHere) {
    return { payment_method: world.random.pick(['card', 'apple_pay', 'paypal_express_checkout']) };
  }
  return { payment_method: 'check', gateway: 'not_applicable', reference_number: note };
}

function moneyOf(order: SimulatedOrder) {
  const { currency } = order;
  return {
    amount: chargebee.toChargebeeAmount(order.amountMinor, currency),
    currency_code: currency,
  };
}

/** A payment under way, of which nothing is told yet. */
function attempt(
  world: World,
  order: SimulatedOrder,
  how: Readonly<Record<string, unknown>>,
  at: Date,
): Transaction {
  const customer = enterCustomer(world, order, at);
  if (world.options.billsHere && world.random.chance(0.2)) mistakenInvoice(world, order, at);
  const money = { ...moneyOf(order), customer_id: customer.id };
  const payment = chargebee.newTransaction(world.newId('txn'), money, {
    type: 'payment',
    status: 'in_progress',
    date: seconds(at),
    ...how,
    linked_invoices: invoiceOrder(world, order, money.amount, at),
  });
  return world.touch(payment, at);
}

function change(world: World, of: Transaction, facts: Record<string, unknown>, at: Date): void {
  world.touch(Object.assign(of, facts), at);
}

function receive(world: World, payment: Transaction, at: Date): void {
  change(world, payment, { status: 'success' }, at);
  applyToInvoices(world, payment, 1, at);
  world.tellOf('payment_succeeded', payment, at);
  world.tellOf('transaction_created', payment, at);
}

/** The bank takes a debit back that had been reported as paid. */
function failLate(world: World, payment: Transaction, at: Date): void {
  receive(world, payment, at);
  const later = new Date(at.getTime() + LATE_FAILURE_SECONDS * 1000);
  const { amount, currency_code, customer_id } = payment;
  const money = { amount, currency_code, customer_id };
  const reversal = chargebee.newTransaction(world.newId('txn'), money, {
    type: 'payment_reversal',
    status: 'success',
    date: seconds(later),
    reference_transaction_id: payment.id,
  });
  world.touch(reversal, later);
  const facts = { status: 'late_failure', reversal_transaction_id: reversal.id, ...NO_FUNDS };
  change(world, payment, facts, later);
  applyToInvoices(world, payment, -1, later);
  world.tellOf('payment_failed', payment, later);
}

function voidTransaction(world: World, id: string, at: Date): void {
  const transaction = inStatus(world, id, 'success');
  if (transaction.type === 'authorization' && transaction.amount_capturable !== 0) {
    change(world, transaction, { status: 'voided', voided_at: seconds(at) }, at);
    return world.tellOf('authorization_voided', transaction, at);
  }
  const payment = paymentOf(world, id);
  applyToInvoices(world, payment, -1, at);
  if (payment.gateway === 'not_applicable') {
    change(world, payment, { deleted: true }, at);
    return world.tellOf('transaction_deleted', payment, at);
  }
  // No event of its own tells of a void at the gateway.
  change(world, payment, { status: 'voided', voided_at: seconds(at) }, at);
  world.tellOf('transaction_updated', payment, at);
}

function inStatus(world: World, id: string, status: string): Transaction {
  const transaction = world.transaction(id);
  if (transaction.status !== status || transaction.deleted) {
    throw new RangeError(`${id} is ${transaction.status}, not ${status}`);
  }
  return transaction;
}

/** The payment of that id, or the one that captured the authorization of that id. */
function paymentOf(world: World, id: string): Transaction {
  const transaction = inStatus(world, id, 'success');
  const [capture] = transaction.linked_payments ?? [];
  return capture ? inStatus(world, String(capture.id), 'success') : transaction;
}

function reversalActs(
  world: World,
): Required<Pick<SimulatedPortal, 'refund' | 'failRefund' | 'dispute' | 'closeDispute'>> {
  return {
    refund(paymentId, amountMinor, at) {
      const payment = paymentOf(world, paymentId);
      const amount = chargebee.toChargebeeAmount(amountMinor, payment.currency_code);
      const refund = giveBack(world, payment, { amount, status: 'success' }, at);
      if (world.random.chance(0.3)) {
        world.tellOf('refund_initiated', { ...refund, status: 'in_progress' }, at);
      }
      world.tellOf('payment_refunded', refund, at);
      return refund.id;
    },
    failRefund(refundId, at) {
      const refund = inStatus(world, refundId, 'success');
      change(world, refund, { status: 'failure', error_code: 'account_closed' }, at);
      world.tellOf('transaction_updated', refund, at);
    },
    dispute(paymentId, at) {
      const payment = paymentOf(world, paymentId);
      const amount = payment.amount - gone(world, payment);
      const facts = { amount, status: 'success', payment_method: 'chargeback' };
      const chargeback = giveBack(world, payment, facts, at);
      world.tellOf('payment_refunded', chargeback, at);
      return chargeback.id;
    },
    closeDispute(disputeId, outcome, at) {
      const chargeback = inStatus(world, disputeId, 'success');
      // Chargebee hears nothing of a dispute that is lost: the chargeback simply stays.
      if (outcome === 'lost') return;
      change(world, chargeback, { deleted: true }, at);
      world.tellOf('transaction_deleted', chargeback, at);
    },
  };
}

function giveBack(
  world: World,
  payment: Transaction,
  facts: { readonly amount: number; readonly status: string },
  at: Date,
): Transaction {
  const { currency_code, customer_id, gateway, payment_method } = payment;
  if (facts.amount <= 0 || facts.amount > payment.amount - gone(world, payment)) {
    throw new RangeError(`${payment.id} cannot give back ${facts.amount}`);
  }
  const money = { amount: facts.amount, currency_code, customer_id };
  const offline = gateway === 'not_applicable';
  const [linked] = payment.linked_invoices;
  const refund = chargebee.newTransaction(world.newId('txn'), money, {
    type: 'refund',
    date: seconds(at),
    gateway,
    payment_method,
    [offline ? 'reference_transaction_id' : 'refunded_txn_id']: payment.id,
    linked_credit_notes: linked
      ? [
          {
            cn_id: `CN-${world.random.token(5)}`,
            applied_amount: facts.amount,
            cn_reference_invoice_id: linked.invoice_id,
          },
        ]
      : [],
    ...facts,
  });
  world.touch(refund, at);
  payment.linked_refunds.push({ txn_id: refund.id, txn_amount: facts.amount });
  world.touch(payment, at);
  return refund;
}

/** What of a payment has left again. */
function gone(world: World, payment: Transaction): number {
  return reversalsOf(world, payment).reduce((sum, { amount }) => sum + amount, 0);
}

function reversalsOf(world: World, payment: Transaction): readonly Transaction[] {
  return (world.all('transaction') as readonly Transaction[]).filter(
    (one) =>
      one.type === 'refund' &&
      one.status === 'success' &&
      !one.deleted &&
      (one.refunded_txn_id ?? one.reference_transaction_id) === payment.id,
  );
}

const TRUE_STATUS: Readonly<Record<string, TruePayment['status']>> = {
  in_progress: 'pending',
  success: 'succeeded',
  failure: 'failed',
  late_failure: 'failed',
  voided: 'voided',
};

/** Payments, and authorizations that no payment captured. */
function truthOf(world: World): readonly TruePayment[] {
  return (world.all('transaction') as readonly Transaction[])
    .filter(({ isShown }) => isShown !== true)
    .filter(({ type, linked_payments }) =>
      type === 'authorization' ? linked_payments?.length === 0 : type === 'payment',
    )
    .map((transaction) => {
      const { currency_code: currency, amount } = transaction;
      const back = (isDispute: boolean): bigint =>
        reversalsOf(world, transaction)
          .filter(({ payment_method }) => (payment_method === 'chargeback') === isDispute)
          .reduce((sum, one) => sum + chargebee.toMinor(one.amount, currency), 0n);
      return {
        externalId: transaction.id,
        status: trueStatus(transaction),
        amountMinor: chargebee.toMinor(amount, currency),
        currency,
        refundedMinor: back(false),
        disputedMinor: back(true),
        lostMinor: 0n,
        feeMinor: null,
      };
    });
}

function trueStatus({ type, status, deleted }: Transaction): TruePayment['status'] {
  if (deleted) return 'voided';
  if (type === 'authorization' && status === 'success') return 'authorized';
  return TRUE_STATUS[status] as TruePayment['status'];
}
