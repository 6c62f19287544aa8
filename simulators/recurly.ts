/** A simulated Recurly site: transactions, invoices and accounts, webhooks of both generations, and its own truth. */
import { fromDecimalText } from '../src/money/money.ts';
import {
  gatewayName,
  type SimulatedOrder,
  type SimulatedPortal,
  type SimulatorOptions,
  type TruePayment,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { seededRandom } from './random.ts';
import { answerRecurly, TOO_MANY } from './recurly-api.ts';
import type { Transaction } from './recurly-objects.ts';
import * as recurly from './recurly-objects.ts';
import {
  enterAccount,
  invoiceOrder,
  markInvoice,
  mistakenInvoice,
  newWorld,
  type Telling,
  type World,
  type WorldOptions,
} from './recurly-world.ts';

export type RecurlySimulatorOptions = SimulatorOptions & Partial<Omit<WorldOptions, 'seed'>>;

const SUCCEEDED: Telling = { json: 'payment.succeeded', xml: 'successful_payment_notification' };
const FAILED: Telling = { json: 'payment.failed', xml: 'failed_payment_notification' };
const SCHEDULED: Telling = { json: 'payment.scheduled', xml: 'scheduled_payment_notification' };
const PROCESSING: Telling = { json: 'payment.processing', xml: 'processing_payment_notification' };
const AUTHORIZED: Telling = {
  json: 'payment.authorized',
  xml: 'transaction_authorized_notification',
};
const UPDATED: Telling = {
  json: 'payment.transaction_status_updated',
  xml: 'transaction_status_updated_notification',
};
/** JSON has no confirmed name for these: the pull finds them. */
const VOIDED: Telling = { json: null, xml: 'void_payment_notification' };
const REFUNDED: Telling = { json: null, xml: 'successful_refund_notification' };

/** Starts the site on loopback; the same seed and calls tell the same story. */
export async function simulateRecurly(options: RecurlySimulatorOptions): Promise<SimulatedPortal> {
  const { seed, format = 'both', billsHere = false, captures = 'same' } = options;
  const world = newWorld({ seed, format, billsHere, captures });
  const { apiKey } = world.credentials;
  const server = await serveFaulty(
    (request) => answerRecurly({ apiKey, site: world.site, all: world.all }, request),
    {
      // A generator of its own, so that the number of requests does not change what customers do.
      random: seededRandom(seed ^ 0x5ec0517),
      faultRate: options.faultRate ?? 0,
      tooMany: TOO_MANY,
    },
  );
  return {
    portal: 'recurly',
    role: 'source',
    settings: {
      ...world.credentials,
      siteId: world.site.id,
      currency: 'USD',
      importInvoices: String(billsHere),
      apiBaseUrl: server.baseUrl,
    },
    voidsPaid: true,
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
      if (world.random.chance(0.15)) declineFirst(world, order, at);
      const payment = attempt(world, order, { type: 'purchase' }, at);
      receive(world, payment, at);
      return payment.id;
    },
    show({ order, portal, externalId }, at) {
      const gateway = {
        gateway_reference: externalId ?? null,
        payment_gateway: { object: 'payment_gateway', type: gatewayName(portal) },
      };
      const payment = attempt(world, order, { type: 'purchase', ...gateway, isShown: true }, at);
      receive(world, payment, at);
      return payment.id;
    },
    begin(order, at) {
      const status = world.random.pick(['scheduled', 'processing', 'pending']);
      const payment = attempt(world, order, { type: 'purchase', status, ...BANK_DEBIT }, at);
      if (status !== 'pending') {
        world.tell(status === 'scheduled' ? SCHEDULED : PROCESSING, payment, at);
      }
      return payment.id;
    },
    settle: (paymentId, at) => receive(world, underWay(world, paymentId), at),
    fail(paymentId, at) {
      const payment = underWay(world, paymentId);
      // A bank takes a debit back that had been reported as paid.
      if (world.random.chance(0.3)) receive(world, payment, new Date(at.getTime() - 60_000));
      world.change(payment, { status: 'declined', success: false, ...NO_FUNDS }, at);
      markInvoice(world, payment, 'past_due', at);
      world.tell(FAILED, payment, at);
    },
    authorize(order, at) {
      const facts = { type: 'authorization', status: 'success' } as const;
      const authorization = attempt(world, order, facts, at);
      world.tell(AUTHORIZED, authorization, at);
      return authorization.id;
    },
    capture(paymentId, at) {
      const authorization = inStatus(world, paymentId, 'success');
      if (world.options.captures === 'same') {
        world.change(authorization, { type: 'capture' }, at);
        return receive(world, authorization, at);
      }
      const { account, invoice, currency, amount } = authorization;
      const facts = { account, invoice, currency, amount, original_transaction_id: paymentId };
      const capture = recurly.newTransaction(
        world.newIds(),
        { ...facts, type: 'capture', status: 'pending' },
        at,
      );
      receive(world, world.put(capture), at);
    },
    void(paymentId, at) {
      const payment = paymentOf(world, paymentId);
      const facts = { status: 'void', success: false, voided_at: recurly.instant(at) };
      world.change(payment, facts, at);
      markInvoice(world, payment, 'past_due', at);
      world.tell(VOIDED, payment, at);
      if (world.random.chance(0.5)) world.tell(UPDATED, payment, at);
    },
  };
}

const BANK_DEBIT = { payment_method: { object: 'ach' } };
const NO_FUNDS = {
  status_code: 'insufficient_funds',
  status_message: 'The card has insufficient funds to cover the cost of the transaction.',
};

/** A transaction under way, of which nothing is told yet. */
function attempt(
  world: World,
  order: SimulatedOrder,
  facts: Pick<Transaction, 'type'> & Readonly<Record<string, unknown>>,
  at: Date,
): Transaction {
  const account = enterAccount(world, order, at);
  if (world.options.billsHere && world.random.chance(0.2)) {
    mistakenInvoice(world, order, account, at);
  }
  const { amountMinor, currency } = order;
  const transaction = recurly.newTransaction(
    world.newIds(),
    {
      account,
      invoice: invoiceOrder(world, order, account, at),
      currency,
      amount: recurly.amountOf(amountMinor, currency),
      status: 'pending',
      description: [order.memo, order.workOrder].filter((part) => part).join(' ') || null,
      payment_method: { object: world.random.pick(['credit_card', 'apple_pay', 'paypal']) },
      ...facts,
    },
    at,
  );
  return world.put(transaction);
}

/** Cards are verified, and declined at first: neither is money. */
function declineFirst(world: World, order: SimulatedOrder, at: Date): void {
  const account = enterAccount(world, order, at);
  const verify = { account, type: 'verify', currency: order.currency, amount: 1 } as const;
  world.put(recurly.newTransaction(world.newIds(), { ...verify, status: 'void' }, at));
}

function receive(world: World, payment: Transaction, at: Date): void {
  const facts = { status: 'success', success: true, collected_at: recurly.instant(at) };
  world.change(payment, facts, at);
  markInvoice(world, payment, 'paid', at);
  world.tell(SUCCEEDED, payment, at);
  if (world.random.chance(0.3)) world.tell(UPDATED, payment, at);
}

function transactionOf(world: World, id: string): Transaction {
  const found = world.find(id);
  if (found?.object !== 'transaction') throw new RangeError(`this site has no transaction ${id}`);
  return found as Transaction;
}

function inStatus(world: World, id: string, status: string): Transaction {
  const transaction = transactionOf(world, id);
  if (transaction.status === status) return transaction;
  throw new RangeError(`${id} is ${transaction.status}, not ${status}`);
}

function underWay(world: World, id: string): Transaction {
  const transaction = transactionOf(world, id);
  if (['scheduled', 'processing', 'pending'].includes(transaction.status)) return transaction;
  throw new RangeError(`${id} is ${transaction.status}, not under way`);
}

/** The payment of that id, or the capture of the authorization of that id. */
function paymentOf(world: World, id: string): Transaction {
  const capture = captureOf(world, id);
  return capture ?? inStatus(world, id, 'success');
}

function captureOf(world: World, id: string): Transaction | undefined {
  return transactionsOf(world).find(
    (one) => one.type === 'capture' && one.original_transaction_id === id,
  );
}

function transactionsOf(world: World): readonly Transaction[] {
  return world.all('transaction') as readonly Transaction[];
}

function reversalActs(
  world: World,
): Required<Pick<SimulatedPortal, 'refund' | 'failRefund' | 'dispute' | 'closeDispute'>> {
  return {
    refund(paymentId, amountMinor, at) {
      const payment = paymentOf(world, paymentId);
      const refund = giveBack(world, payment, { amountMinor, origin: 'merchant' }, at);
      world.change(payment, { refunded: true }, at);
      world.tell(REFUNDED, refund, at);
      return refund.id;
    },
    failRefund(refundId, at) {
      const refund = inStatus(world, refundId, 'success');
      const status = world.random.pick(['void', 'declined', 'error']);
      world.change(refund, { status, success: false }, at);
      world.tell(UPDATED, refund, at);
    },
    dispute(paymentId, at) {
      const payment = paymentOf(world, paymentId);
      const amountMinor = minorOf(payment) - back(world, payment, 'any');
      const way = world.random.pick(['status', 'refund', 'both'] as const);
      const refund =
        way === 'status'
          ? undefined
          : giveBack(world, payment, { amountMinor, origin: 'chargeback' }, at);
      if (way !== 'refund') {
        world.change(payment, { status: 'chargeback', success: false }, at);
        world.tell(UPDATED, payment, at);
      }
      return refund?.id ?? payment.id;
    },
    closeDispute(disputeId, outcome, at) {
      const refund = transactionOf(world, disputeId);
      // Recurly hears nothing of a dispute that is lost, and of one that is won only where somebody voids its refund.
      if (outcome === 'lost' || refund.type !== 'refund') return;
      world.change(refund, { status: 'void', success: false, voided_at: recurly.instant(at) }, at);
      const payment = transactionOf(world, String(refund.original_transaction_id));
      if (payment.status === 'chargeback') world.change(payment, { status: 'success' }, at);
    },
  };
}

function giveBack(
  world: World,
  payment: Transaction,
  facts: { readonly amountMinor: bigint; readonly origin: string },
  at: Date,
): Transaction {
  const { amountMinor, origin } = facts;
  if (amountMinor <= 0n || amountMinor > minorOf(payment) - back(world, payment, 'any')) {
    throw new RangeError(`${payment.id} cannot give back ${amountMinor}`);
  }
  const { account, currency, payment_method } = payment;
  const credit = {
    id: world.newIds().id,
    object: 'invoice',
    number: `CR-${world.random.token(6)}`,
  };
  const refund = recurly.newTransaction(
    world.newIds(),
    {
      account,
      currency,
      payment_method,
      origin,
      invoice: { ...credit, type: 'credit', state: 'closed' },
      original_transaction_id: payment.id,
      type: 'refund',
      amount: recurly.amountOf(amountMinor, currency),
      status: 'success',
      collected_at: recurly.instant(at),
    },
    at,
  );
  return world.put(refund);
}

function minorOf({ amount, currency }: Transaction): bigint {
  return fromDecimalText(String(amount), currency).minor;
}

/** What of a payment has left again, by refunds or by chargebacks. */
function back(world: World, payment: Transaction, by: 'refund' | 'chargeback' | 'any'): bigint {
  return transactionsOf(world)
    .filter(
      ({ type, status, origin, original_transaction_id: original }) =>
        type === 'refund' &&
        status === 'success' &&
        original === payment.id &&
        (by === 'any' || (origin === 'chargeback') === (by === 'chargeback')),
    )
    .reduce((sum, one) => sum + minorOf(one), 0n);
}

const TRUE_STATUS: Readonly<Record<string, TruePayment['status']>> = {
  pending: 'pending',
  processing: 'pending',
  scheduled: 'pending',
  success: 'succeeded',
  chargeback: 'succeeded',
  declined: 'failed',
  error: 'failed',
  void: 'voided',
};

/** Payments, and authorizations that no transaction of its own captured. */
function truthOf(world: World): readonly TruePayment[] {
  return transactionsOf(world)
    .filter(({ isShown }) => isShown !== true)
    .filter(({ type, id }) =>
      type === 'authorization' ? !captureOf(world, id) : type === 'purchase' || type === 'capture',
    )
    .map((transaction) => {
      const amountMinor = minorOf(transaction);
      const isHold = transaction.type === 'authorization' && transaction.status === 'success';
      const charged = back(world, transaction, 'chargeback');
      return {
        externalId: transaction.id,
        status: isHold ? 'authorized' : (TRUE_STATUS[transaction.status] as TruePayment['status']),
        amountMinor,
        currency: transaction.currency,
        refundedMinor: back(world, transaction, 'refund'),
        disputedMinor: transaction.status === 'chargeback' ? amountMinor : charged,
        lostMinor: 0n,
        feeMinor: null,
      };
    });
}
