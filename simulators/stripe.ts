/**
 * A simulated Stripe account: PaymentIntents, refunds, disputes, payouts and invoices, with signed
 * events.
 */
import type {
  SimulatedOrder,
  SimulatedPortal,
  SimulatorOptions,
  TruePayment,
  TruePayout,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { seededRandom } from './random.ts';
import { answerStripe, TOO_MANY } from './stripe-api.ts';
import type { StripeObject } from './stripe-objects.ts';
import * as stripe from './stripe-objects.ts';
import { newWorld, type World } from './stripe-world.ts';

export type StripeSimulatorOptions = SimulatorOptions & {
  /**
   * Payments with an invoice number are made through a Stripe invoice, with all the events of one.
   */
  readonly extraEvents?: boolean;
};

const DISPUTE_FEE_MINOR = 1500n;

/** Starts the account on loopback. */
export async function simulateStripe(options: StripeSimulatorOptions): Promise<SimulatedPortal> {
  const account = newAccount(options);
  const server = await serveFaulty((request) => answerStripe(account, request), {
    // A generator of its own, so that the number of requests does not change what customers do.
    random: seededRandom(options.seed ^ 0x57e19e),
    faultRate: options.faultRate ?? 0,
    tooMany: TOO_MANY,
  });
  const { payments, refunds, disputes, payout, payouts, disputeFees, takeNotices, truth } = account;
  return {
    portal: 'stripe',
    role: 'source',
    settings: {
      webhookSecret: account.webhookSecret,
      secretKey: account.secretKey,
      apiBaseUrl: server.baseUrl,
    },
    ...payments,
    ...refunds,
    ...disputes,
    payout,
    payouts,
    disputeFees,
    takeNotices,
    truth,
    requestCount: server.requestCount,
    close: server.close,
  };
}

function newAccount(options: StripeSimulatorOptions) {
  const world = newWorld(options.seed, options.extraEvents ?? false);
  return {
    objects: world.objects,
    all: world.all,
    webhookSecret: world.webhookSecret,
    secretKey: world.secretKey,
    now: world.now,
    takeNotices: world.takeNotices,
    payments: paymentsOf(world),
    refunds: refundsOf(world),
    disputes: disputesOf(world),
    payout: (at: Date) => payOut(world, at),
    payouts: () => world.all('payout').map(truePayout),
    disputeFees: () => disputeFeesOf(world),
    truth: () => world.all('payment_intent').map((intent) => truthOf(world, intent)),
  };
}

/** A customer's attempt: an intent with its first charge, neither of them told of yet. */
function attempt(
  world: World,
  order: SimulatedOrder,
  how: { readonly method: string; readonly manual?: boolean },
  at: Date,
) {
  const { method, manual = false } = how;
  const created = world.seconds(at);
  const intent = stripe.newIntent(world.newId('pi'), order, { created, method, manual });
  world.add(intent);
  const charge = stripe.newCharge(world.newId(method === 'card' ? 'ch' : 'py'), intent, order, {
    created,
    method,
  });
  world.add(charge);
  intent.latest_charge = charge.id;
  world.orders.set(intent.id, order);
  return { intent, charge };
}

function paymentsOf(world: World) {
  return {
    pay(order: SimulatedOrder, at: Date): string {
      const { intent, charge } = attempt(world, order, { method: 'card' }, at);
      receive(world, intent, charge, at);
      return intent.id;
    },
    begin(order: SimulatedOrder, at: Date): string {
      const { intent } = attempt(world, order, { method: 'us_bank_account' }, at);
      intent.status = 'processing';
      world.emit('payment_intent.processing', intent, at);
      return intent.id;
    },
    settle(paymentId: string, at: Date): void {
      const intent = inStatus(world, paymentId, 'processing');
      receive(world, intent, world.get(intent.latest_charge), at);
    },
    fail(paymentId: string, at: Date): void {
      const intent = inStatus(world, paymentId, 'processing');
      const failure = { code: 'payment_intent_payment_attempt_failed', decline_code: null };
      Object.assign(world.get(intent.latest_charge), {
        status: 'failed',
        failure_code: failure.code,
      });
      intent.last_payment_error = {
        ...failure,
        message: 'The bank returned it.',
        type: 'api_error',
      };
      intent.status = 'requires_payment_method';
      world.emit('payment_intent.payment_failed', intent, at);
    },
    authorize(order: SimulatedOrder, at: Date): string {
      const { intent, charge } = attempt(world, order, { method: 'card', manual: true }, at);
      Object.assign(charge, { status: 'succeeded', paid: true });
      Object.assign(intent, { status: 'requires_capture', amount_capturable: intent.amount });
      world.emit('payment_intent.amount_capturable_updated', intent, at);
      return intent.id;
    },
    capture(paymentId: string, at: Date): void {
      const intent = inStatus(world, paymentId, 'requires_capture');
      receive(world, intent, world.get(intent.latest_charge), at);
    },
    void(paymentId: string, at: Date): void {
      const intent = inStatus(world, paymentId, 'requires_capture');
      Object.assign(world.get(intent.latest_charge), { refunded: true });
      Object.assign(intent, {
        status: 'canceled',
        amount_capturable: 0,
        canceled_at: world.seconds(at),
        cancellation_reason: 'requested_by_customer',
      });
      world.emit('payment_intent.canceled', intent, at);
    },
  };
}

function inStatus(world: World, id: string, status: string): StripeObject {
  const intent = world.get(id);
  if (intent.status !== status) throw new RangeError(`${id} is ${intent.status}, not ${status}`);
  return intent;
}

/**
 * The money arrives; its fee is known a moment later, by `charge.updated` (asynchronous capture).
 */
function receive(world: World, intent: StripeObject, charge: StripeObject, at: Date): void {
  const amount = intent.amount as number;
  Object.assign(charge, {
    status: 'succeeded',
    captured: true,
    paid: true,
    amount_captured: amount,
  });
  Object.assign(intent, { status: 'succeeded', amount_received: amount, amount_capturable: 0 });
  world.emit('payment_intent.succeeded', intent, at);
  bookBalance(world, charge, at, {
    type: 'charge',
    category: 'charge',
    amount,
    fee: feeOf(charge),
  });
  world.emit('charge.updated', charge, at);
  const order = world.orders.get(intent.id);
  if (!world.extraEvents || !order?.invoiceNumber) return;
  const created = world.seconds(at);
  const invoice = world.add(stripe.newInvoice(world.newId('in'), intent, order, created));
  const share = stripe.newInvoicePayment(world.newId('inpay'), invoice, intent, created);
  world.add(share);
  world.emit('invoice.paid', invoice, at);
  world.emit('invoice.payment_succeeded', invoice, at);
  world.emit('invoice_payment.paid', share, at);
}

/** 2.9 % and 30 of the smallest unit, in whole units of the currency as Stripe counts them. */
function feeOf(charge: StripeObject): number {
  const currency = String(charge.currency).toUpperCase();
  const minor = (stripe.toMinor(charge.amount as number, currency) * 29n) / 1000n + 30n;
  return stripe.toStripeAmount(currency === 'MGA' ? minor - (minor % 100n) : minor, currency);
}

/** Moves the account's balance and ties the movement to what caused it. */
function bookBalance(
  world: World,
  source: StripeObject,
  at: Date,
  facts: { type: string; category: string; amount: number; fee: number },
): StripeObject {
  const created = world.seconds(at);
  const moved = stripe.newBalanceTransaction(world.newId('txn'), source, { ...facts, created });
  world.add(moved);
  if (source.balance_transaction === null) source.balance_transaction = moved.id;
  return moved;
}

function refundsOf(world: World) {
  return {
    refund(paymentId: string, amountMinor: bigint, at: Date): string {
      const intent = inStatus(world, paymentId, 'succeeded');
      const charge = world.get(intent.latest_charge);
      const amount = stripe.toStripeAmount(amountMinor, String(charge.currency).toUpperCase());
      const refunded = (charge.amount_refunded as number) + amount;
      if (amount <= 0 || refunded > (charge.amount as number)) {
        throw new RangeError(`${paymentId} cannot give back ${amountMinor}`);
      }
      const waits = world.random.chance(0.3);
      const status = waits ? 'pending' : 'succeeded';
      const created = world.seconds(at);
      const refund = stripe.newRefund(world.newId('re'), charge, { amount, created, status });
      world.add(refund);
      bookBalance(world, refund, at, {
        type: 'refund',
        category: 'refund',
        amount: -amount,
        fee: 0,
      });
      Object.assign(charge, { amount_refunded: refunded, refunded: refunded === charge.amount });
      world.emit('refund.created', refund, at);
      world.emit('charge.refunded', charge, at);
      if (waits) {
        refund.status = 'succeeded';
        world.emit('refund.updated', refund, at);
      }
      return refund.id;
    },
    failRefund(refundId: string, at: Date): void {
      const refund = world.get(refundId);
      if (refund.status !== 'succeeded') throw new RangeError(`${refundId} is ${refund.status}`);
      const amount = refund.amount as number;
      const charge = world.get(refund.charge);
      const facts = { type: 'refund_failure', category: 'refund_failure', amount, fee: 0 };
      const failure = bookBalance(world, refund, at, facts);
      Object.assign(refund, {
        status: 'failed',
        failure_reason: 'expired_or_canceled_card',
        failure_balance_transaction: failure.id,
      });
      const refunded = (charge.amount_refunded as number) - amount;
      Object.assign(charge, { amount_refunded: refunded, refunded: false });
      world.emit('refund.updated', refund, at);
      world.emit('refund.failed', refund, at);
    },
  };
}

function disputesOf(world: World) {
  function move(dispute: StripeObject, at: Date, sign: 1 | -1, category: string): void {
    const currency = String(dispute.currency).toUpperCase();
    const fee = stripe.toStripeAmount(DISPUTE_FEE_MINOR, currency) * -sign;
    const amount = (dispute.amount as number) * sign;
    const moved = bookBalance(world, dispute, at, { type: 'adjustment', category, amount, fee });
    (dispute.balance_transactions as StripeObject[]).push(moved);
  }

  return {
    dispute(paymentId: string, at: Date): string {
      const intent = inStatus(world, paymentId, 'succeeded');
      const charge = world.get(intent.latest_charge);
      const amount = (charge.amount as number) - (charge.amount_refunded as number);
      if (charge.disputed || amount <= 0) throw new RangeError(`${paymentId} cannot be disputed`);
      const created = world.seconds(at);
      const dispute = stripe.newDispute(world.newId('du'), charge, { amount, created });
      world.add(dispute);
      charge.disputed = true;
      move(dispute, at, -1, 'dispute');
      world.emit('charge.dispute.created', dispute, at);
      world.emit('charge.dispute.funds_withdrawn', dispute, at);
      return dispute.id;
    },
    closeDispute(disputeId: string, outcome: 'won' | 'lost', at: Date): void {
      const dispute = world.get(disputeId);
      if (dispute.status !== 'needs_response') throw new RangeError(`${disputeId} is closed`);
      dispute.status = outcome;
      if (outcome === 'lost') return world.emit('charge.dispute.closed', dispute, at);
      move(dispute, at, 1, 'dispute_reversal');
      const types = ['charge.dispute.closed', 'charge.dispute.funds_reinstated'];
      for (const type of world.random.shuffle(types)) world.emit(type, dispute, at);
    },
  };
}

/** One payout for each currency with a balance; a negative balance is debited from the bank. */
function payOut(world: World, at: Date): string | undefined {
  const net = new Map<string, number>();
  for (const moved of world.all('balance_transaction')) {
    const currency = String(moved.currency);
    net.set(currency, (net.get(currency) ?? 0) + (moved.net as number));
  }
  let first: string | undefined;
  for (const [currency, amount] of net) {
    if (amount === 0) continue;
    const created = world.seconds(at);
    const payout = stripe.newPayout(world.newId('po'), { amount, currency, created });
    world.add(payout);
    bookBalance(world, payout, at, { type: 'payout', category: 'payout', amount: -amount, fee: 0 });
    world.emit('payout.paid', payout, at);
    first ??= payout.id;
  }
  return first;
}

function truePayout({ id, amount, currency }: StripeObject): TruePayout {
  return {
    externalId: id,
    amountMinor: stripe.toMinor(amount as number, String(currency)),
    currency: String(currency).toUpperCase(),
    state: 'paid',
  };
}

/** For each dispute that was not won. */
function disputeFeesOf(world: World) {
  return world
    .all('dispute')
    .filter(({ status }) => status !== 'won')
    .map((one) => ({
      currency: String(one.currency).toUpperCase(),
      amountMinor: DISPUTE_FEE_MINOR,
    }));
}

const TRUE_STATUS: Readonly<Record<string, TruePayment['status']>> = {
  processing: 'pending',
  requires_capture: 'authorized',
  succeeded: 'succeeded',
  requires_payment_method: 'failed',
  canceled: 'voided',
};

function truthOf(world: World, intent: StripeObject): TruePayment {
  const charge = world.get(intent.latest_charge);
  const fee = charge.balance_transaction ? world.get(charge.balance_transaction).fee : null;
  const total = (kind: string, status: string): bigint =>
    world
      .all(kind)
      .filter((one) => one.payment_intent === intent.id && one.status === status)
      .reduce((sum, one) => sum + minorOf(one.amount), 0n);
  const minorOf = (amount: unknown): bigint =>
    stripe.toMinor(amount as number, String(intent.currency));
  return {
    externalId: intent.id,
    status: TRUE_STATUS[String(intent.status)] as TruePayment['status'],
    amountMinor: minorOf(intent.amount),
    currency: String(intent.currency).toUpperCase(),
    refundedMinor: total('refund', 'succeeded'),
    disputedMinor: total('dispute', 'needs_response'),
    lostMinor: total('dispute', 'lost'),
    feeMinor: fee === null ? null : minorOf(fee),
  };
}
