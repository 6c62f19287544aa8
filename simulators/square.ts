/** A simulated Square seller: payments of several locations, refunds, disputes, payouts and invoices. */
import { type AuthorizationServer, authorizationServer } from './authorization-server.ts';
import type {
  SimulatedOrder,
  SimulatedPortal,
  SimulatorOptions,
  TruePayment,
  TruePayout,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { seededRandom } from './random.ts';
import { answerSquare, TOO_MANY } from './square-api.ts';
import type { SquareObject, WireMoney } from './square-objects.ts';
import * as square from './square-objects.ts';
import { newWorld, type SquareWorld } from './square-world.ts';

export type SquareSimulatorOptions = SimulatorOptions & {
  /** The seller's own token, or an application that the seller permitted. */
  readonly credentials?: 'token' | 'application';
};

/** Starts the seller on loopback. */
export async function simulateSquare(
  options: SquareSimulatorOptions,
): Promise<SimulatedPortal & Pick<AuthorizationServer, 'expireAccessTokens'>> {
  const world = newWorld(options.seed);
  const authorization = authorizationServer({
    random: seededRandom(options.seed + 3),
    authorizePath: '/oauth2/authorize',
    tokenPath: '/oauth2/token',
    client: 'json',
    accessSeconds: 30 * 86_400,
    rotation: 'none',
    // An instant in place of a lifetime; the seller's own clock is the world's.
    extra: () => ({
      expires_in: undefined,
      expires_at: '2099-01-01T00:00:00Z',
      merchant_id: world.merchantId,
    }),
    required: ['scope', 'session', 'state'],
  });
  const state = { world, authorization };
  const server = await serveFaulty((request) => answerSquare(state, request), {
    // A generator of its own, so that the number of requests does not change what customers do.
    random: seededRandom(options.seed ^ 0x59a4e),
    faultRate: options.faultRate ?? 0,
    tooMany: TOO_MANY,
    between: options.between,
  });
  return {
    portal: 'square',
    role: 'source',
    settings: {
      signatureKey: world.signatureKey,
      notificationUrl: world.notificationUrl,
      ...(options.credentials === 'application'
        ? {
            applicationId: authorization.clientId,
            applicationSecret: authorization.clientSecret,
            refreshToken: authorization.refreshToken,
          }
        : { accessToken: world.accessToken }),
      environment: 'sandbox',
      apiBaseUrl: server.baseUrl,
      authBaseUrl: server.baseUrl,
    },
    currencies: [...new Set(world.locations.map(({ currency }) => currency))],
    ...paymentsOf(world),
    ...refundsOf(world),
    ...disputesOf(world),
    payout: (at) => payOut(world, at),
    payouts: () => world.all('payout').map(truePayout),
    disputeFees: () => refundFeesOf(world),
    takeNotices: world.takeNotices,
    truth: () => world.all('payment').map((payment) => truthOf(world, payment)),
    expireAccessTokens: authorization.expireAccessTokens,
    requestCount: server.requestCount,
    close: server.close,
  };
}

/** Of each refund that stands, what Square gives back of its fee. */
function refundFeesOf(world: SquareWorld) {
  return world
    .all('refund')
    .filter(({ status, processing_fee }) => status === 'COMPLETED' && processing_fee !== undefined)
    .map(({ amount_money, processing_fee }) => ({
      currency: (amount_money as WireMoney).currency,
      amountMinor: feeOf(processing_fee),
    }));
}

function paymentsOf(world: SquareWorld) {
  return {
    pay(order: SimulatedOrder, at: Date): string {
      const source = world.random.pick(['CARD', 'CARD', 'WALLET', 'BUY_NOW_PAY_LATER'] as const);
      const payment = attempt(world, order, { source, status: 'APPROVED' }, at);
      complete(world, payment, at);
      return payment.id;
    },
    begin(order: SimulatedOrder, at: Date): string {
      return attempt(world, order, { source: 'BANK_ACCOUNT', status: 'PENDING' }, at).id;
    },
    settle(paymentId: string, at: Date): void {
      complete(world, inStatus(world, paymentId, 'PENDING'), at);
    },
    fail(paymentId: string, at: Date): void {
      const payment = inStatus(world, paymentId, 'PENDING');
      const errors = [{ category: 'PAYMENT_METHOD_ERROR', code: 'INSUFFICIENT_FUNDS' }];
      const details = payment.bank_account_details as Record<string, unknown>;
      change(
        world,
        payment,
        { status: 'FAILED', bank_account_details: { ...details, errors } },
        at,
      );
    },
    authorize(order: SimulatedOrder, at: Date): string {
      return attempt(world, order, { source: 'CARD', status: 'APPROVED' }, at).id;
    },
    capture(paymentId: string, at: Date): void {
      complete(world, inStatus(world, paymentId, 'APPROVED'), at);
    },
    void(paymentId: string, at: Date): void {
      const payment = inStatus(world, paymentId, 'APPROVED');
      const ms = world.instant(at);
      const details = withTimeline(payment, { voided_at: square.iso(ms) }, 'VOIDED');
      change(world, payment, { status: 'CANCELED', ...details }, at);
    },
  };
}

/** A payment with its order, sometimes made through an invoice, which then alone names the number. */
function attempt(
  world: SquareWorld,
  order: SimulatedOrder,
  how: { source: 'CARD' | 'WALLET' | 'BUY_NOW_PAY_LATER' | 'BANK_ACCOUNT'; status: string },
  at: Date,
): SquareObject {
  const { random } = world;
  const ms = world.instant(at);
  const shops = world.locations.filter(({ currency }) => currency === order.currency);
  if (shops.length === 0) throw new RangeError(`no location takes ${order.currency}`);
  const location = random.pick(shops);
  const byInvoice = order.invoiceNumber !== undefined && random.chance(0.5);
  const product = byInvoice ? 'INVOICES' : random.pick(['ECOMMERCE_API', 'VIRTUAL_TERMINAL']);
  const orderId = world.newId(29);
  const note = [order.workOrder, order.memo].filter((part) => part !== undefined).join(' ');
  const payment = square.newPayment(world.newId(29), order, {
    ...how,
    at: ms,
    location,
    orderId,
    product,
    referenceId: byInvoice ? undefined : order.invoiceNumber,
    note: byInvoice || note === '' ? undefined : note,
  });
  world.add('payment', payment);
  world.add('customer', square.newCustomer(order));
  const money = payment.total_money as WireMoney;
  const customerId = order.customer.externalId;
  const ofOrder = { at: ms, location, customerId };
  world.add('order', square.newOrder(orderId, { id: payment.id, money }, ofOrder));
  if (byInvoice) {
    const id = `inv:0-${world.newId(27)}`;
    world.add('invoice', square.newInvoice(id, order, { at: ms, location, orderId }));
  }
  world.orders.set(payment.id, order);
  world.emit('payment.created', payment, ms);
  return payment;
}

function inStatus(world: SquareWorld, id: string, status: string): SquareObject {
  const payment = world.get('payment', id);
  if (payment.status !== status) throw new RangeError(`${id} is ${payment.status}, not ${status}`);
  return payment;
}

/** Every change of a payment is told by the whole payment. */
function change(
  world: SquareWorld,
  payment: SquareObject,
  changes: Readonly<Record<string, unknown>>,
  at: Date,
): void {
  const ms = world.instant(at);
  Object.assign(payment, changes, { updated_at: square.iso(ms) });
  world.emit('payment.updated', payment, ms);
}

/** The money arrives; its customer and its fee are known a moment later, and the fee may be corrected. */
function complete(world: SquareWorld, payment: SquareObject, at: Date): void {
  const { random } = world;
  const captured = square.iso(world.instant(at));
  const details = withTimeline(payment, { captured_at: captured }, 'CAPTURED');
  change(world, payment, { status: 'COMPLETED', ...details }, at);
  const order = world.orders.get(payment.id);
  change(world, payment, { customer_id: order?.customer.externalId }, at);
  const { currency } = payment.total_money as WireMoney;
  const initial = (square.minorOf(payment.total_money) * 29n) / 1000n + 30n;
  const fees = [feePart('INITIAL', initial, currency, captured)];
  change(world, payment, { processing_fee: [...fees] }, at);
  if (random.chance(0.2)) {
    const adjustment = BigInt(random.between(-25, 25));
    fees.push(feePart('ADJUSTMENT', adjustment, currency, captured));
    change(world, payment, { processing_fee: [...fees] }, at);
  }
  credit(world, payment.location_id, square.minorOf(payment.total_money) - feeOf(fees));
  const invoice = world.all('invoice').find((one) => one.order_id === payment.order_id);
  if (invoice) world.emit('invoice.payment_made', invoice, world.instant(at));
}

function withTimeline(
  payment: SquareObject,
  instant: Readonly<Record<string, string>>,
  status: string,
): Record<string, unknown> {
  const details = payment.card_details as { card_payment_timeline: object } | undefined;
  if (!details) return {};
  const card_payment_timeline = { ...details.card_payment_timeline, ...instant };
  return { card_details: { ...details, status, card_payment_timeline } };
}

type FeePart = { readonly amount_money: WireMoney };

function feePart(type: string, minor: bigint, currency: string, effective_at: string) {
  return { effective_at, type, amount_money: square.toMoney(minor, currency) };
}

function feeOf(parts: unknown): bigint {
  return ((parts ?? []) as readonly FeePart[]).reduce(
    (sum, { amount_money }) => sum + square.minorOf(amount_money),
    0n,
  );
}

function credit(world: SquareWorld, locationId: unknown, minor: bigint): void {
  const id = String(locationId);
  world.balances.set(id, (world.balances.get(id) ?? 0n) + minor);
}

function refundsOf(world: SquareWorld) {
  return {
    /** Square gives back the part of its fee that depends on the amount. */
    refund(paymentId: string, amountMinor: bigint, at: Date): string {
      const payment = inStatus(world, paymentId, 'COMPLETED');
      const total = square.minorOf(payment.total_money);
      const refunded = square.minorOf(payment.refunded_money) + amountMinor;
      if (amountMinor <= 0n || refunded > total) {
        throw new RangeError(`${paymentId} cannot give back ${amountMinor}`);
      }
      const { currency } = payment.total_money as WireMoney;
      const money = square.toMoney(amountMinor, currency);
      const id = `${paymentId}_${world.newId(43)}`;
      const ms = world.instant(at);
      const refund = world.add('refund', square.newRefund(id, payment, { at: ms, money }));
      world.emit('refund.created', refund, ms);
      const doneAt = world.instant(at);
      const back = (amountMinor * 29n) / 1000n;
      const processing_fee = [feePart('INITIAL', -back, currency, square.iso(doneAt))];
      Object.assign(refund, {
        status: 'COMPLETED',
        updated_at: square.iso(doneAt),
        processing_fee,
      });
      world.emit('refund.updated', refund, doneAt);
      const refund_ids = [...((payment.refund_ids as string[] | undefined) ?? []), id];
      const refunded_money = square.toMoney(refunded, currency);
      change(world, payment, { refund_ids, refunded_money }, at);
      credit(world, payment.location_id, back - amountMinor);
      return id;
    },
    /** The bank does not take it after all. */
    failRefund(refundId: string, at: Date): void {
      const refund = world.get('refund', refundId);
      if (refund.status !== 'COMPLETED') throw new RangeError(`${refundId} is ${refund.status}`);
      const ms = world.instant(at);
      const fee = feeOf(refund.processing_fee);
      Object.assign(refund, {
        status: 'FAILED',
        updated_at: square.iso(ms),
        processing_fee: undefined,
      });
      world.emit('refund.updated', refund, ms);
      const payment = world.get('payment', String(refund.payment_id));
      const { currency } = payment.total_money as WireMoney;
      const back = square.minorOf(refund.amount_money);
      const refunded = square.minorOf(payment.refunded_money) - back;
      change(world, payment, { refunded_money: square.toMoney(refunded, currency) }, at);
      credit(world, payment.location_id, back + fee);
    },
  };
}

function disputesOf(world: SquareWorld) {
  const move = (dispute: SquareObject, state: string, at: Date): void => {
    const ms = world.instant(at);
    const version = Number(dispute.version) + 1;
    Object.assign(dispute, { state, version, updated_at: square.iso(ms) });
    world.emit('dispute.state.updated', dispute, ms);
  };
  const withhold = (dispute: SquareObject, sign: 1n | -1n): void => {
    credit(world, dispute.location_id, sign * square.minorOf(dispute.amount_money));
  };

  return {
    /** Square keeps nothing for a dispute but its amount; an inquiry takes nothing until it becomes a dispute. */
    dispute(paymentId: string, at: Date): string {
      const payment = inStatus(world, paymentId, 'COMPLETED');
      const { currency } = payment.total_money as WireMoney;
      const left = square.minorOf(payment.total_money) - square.minorOf(payment.refunded_money);
      if (left <= 0n) throw new RangeError(`${paymentId} cannot be disputed`);
      const inquiry = world.random.chance(0.4);
      const state = inquiry ? 'INQUIRY_EVIDENCE_REQUIRED' : 'EVIDENCE_REQUIRED';
      const ms = world.instant(at);
      const money = square.toMoney(left, currency);
      const facts = { at: ms, money, state };
      const dispute = square.newDispute(world.newId(20), payment, facts);
      world.add('dispute', dispute);
      world.emit('dispute.created', dispute, ms);
      if (inquiry && world.random.chance(0.5)) move(dispute, 'EVIDENCE_REQUIRED', at);
      if (dispute.state === 'EVIDENCE_REQUIRED') withhold(dispute, -1n);
      return dispute.id;
    },
    closeDispute(disputeId: string, outcome: 'won' | 'lost', at: Date): void {
      const dispute = world.get('dispute', disputeId);
      const inquiry = dispute.state === 'INQUIRY_EVIDENCE_REQUIRED';
      if (!inquiry && dispute.state !== 'EVIDENCE_REQUIRED') {
        throw new RangeError(`${disputeId} is ${dispute.state}`);
      }
      if (inquiry && outcome === 'won') return move(dispute, 'INQUIRY_CLOSED', at);
      if (inquiry) {
        move(dispute, 'EVIDENCE_REQUIRED', at);
        withhold(dispute, -1n);
      }
      move(dispute, 'PROCESSING', at);
      if (outcome === 'won') withhold(dispute, 1n);
      const lost = world.random.chance(0.5) ? 'LOST' : 'ACCEPTED';
      move(dispute, outcome === 'won' ? 'WON' : lost, at);
    },
  };
}

/** One payout for each location with a balance, negative where it owes; now and then the bank sends one back. */
function payOut(world: SquareWorld, at: Date): string | undefined {
  let first: string | undefined;
  for (const location of world.locations) {
    const amountMinor = world.balances.get(location.id) ?? 0n;
    if (amountMinor === 0n) continue;
    const ms = world.instant(at);
    const facts = { at: ms, location, amountMinor };
    const payout = square.newPayout(`po_${world.newId(32)}`, facts);
    world.add('payout', payout);
    first ??= payout.id;
    world.emit('payout.sent', payout, ms);
    movePayout(world, payout, 'PAID', at);
    if (world.random.chance(0.15)) movePayout(world, payout, 'FAILED', at);
    else credit(world, location.id, -amountMinor);
  }
  return first;
}

function movePayout(
  world: SquareWorld,
  payout: SquareObject,
  status: 'PAID' | 'FAILED',
  at: Date,
): void {
  const ms = world.instant(at);
  const version = Number(payout.version) + 1;
  Object.assign(payout, { status, version, updated_at: square.iso(ms) });
  world.emit(`payout.${status.toLowerCase()}`, payout, ms);
}

function truePayout({ id, amount_money, status }: SquareObject): TruePayout {
  const { currency_code } = amount_money as { currency_code: string };
  return {
    externalId: id,
    amountMinor: square.minorOf(amount_money),
    currency: currency_code,
    state: status === 'PAID' ? 'paid' : 'failed',
  };
}

const TRUE_STATUS: Readonly<Record<string, TruePayment['status']>> = {
  APPROVED: 'authorized',
  PENDING: 'pending',
  COMPLETED: 'succeeded',
  CANCELED: 'voided',
  FAILED: 'failed',
};

function truthOf(world: SquareWorld, payment: SquareObject): TruePayment {
  const total = (kind: 'refund' | 'dispute', states: readonly string[]): bigint =>
    world
      .all(kind)
      .filter((one) => {
        const disputed = one.disputed_payment as { payment_id: string } | undefined;
        return (disputed?.payment_id ?? one.payment_id) === payment.id;
      })
      .filter((one) => states.includes(String(one.state ?? one.status)))
      .reduce((sum, one) => sum + square.minorOf(one.amount_money), 0n);
  const { currency } = payment.total_money as WireMoney;
  return {
    externalId: payment.id,
    status: TRUE_STATUS[String(payment.status)] as TruePayment['status'],
    amountMinor: square.minorOf(payment.total_money),
    currency,
    refundedMinor: total('refund', ['COMPLETED']),
    disputedMinor: total('dispute', ['EVIDENCE_REQUIRED', 'PROCESSING']),
    lostMinor: total('dispute', ['LOST', 'ACCEPTED']),
    feeMinor: payment.processing_fee === undefined ? null : feeOf(payment.processing_fee),
  };
}
