/** A simulated Mollie: both webhook systems, the v2 API as HAL pages, and its own truth. */
import { createHmac } from 'node:crypto';
import type {
  SimulatedNotice,
  SimulatedOrder,
  SimulatedPortal,
  SimulatorOptions,
  TruePayment,
} from './contract.ts';
import { type SimulatedAnswer, serveFaulty } from './faulty-server.ts';
import {
  answerMollie,
  feeOf,
  link,
  type MollieWorld,
  problem,
  refunded,
  type SimulatedChargeback,
  type SimulatedPayment,
  type SimulatedRefund,
  wireChargeback,
  wirePayment,
  wireRefund,
  withdrawn,
} from './mollie-api.ts';
import { type Random, seededRandom } from './random.ts';

const INSTANT_METHODS = ['ideal', 'creditcard', 'paypal', 'bancontact', 'applepay'] as const;

/** How a change is told: by the classic webhook, by a signed event with a snapshot or without, or by both. */
const WAYS = ['classic', 'snapshot', 'simple', 'both'] as const;
type Way = (typeof WAYS)[number];

export type MollieSimulatorOptions = SimulatorOptions & {
  /** Among which the seed chooses; all of them when absent. */
  readonly ways?: readonly Way[];
};

/** Starts the portal on loopback; the same seed and calls tell the same story. */
export async function simulateMollie(options: MollieSimulatorOptions): Promise<SimulatedPortal> {
  const random = seededRandom(options.seed);
  const world: MollieWorld = {
    apiKey: `live_${random.token(30)}`,
    organizationToken: `access_${random.token(40)}`,
    profileId: `pfl_${random.token(10)}`,
    payments: [],
    settlements: [],
    cleared: new Map(),
  };
  const webhookSecret = random.token(32);
  const tooMany: SimulatedAnswer = problem(
    429,
    'Too Many Requests',
    'You exceeded the rate limit.',
  );
  const server = await serveFaulty((request) => answerMollie(world, request, server.baseUrl), {
    // A generator of its own: how often the API is called must not change the story.
    random: seededRandom(options.seed + 1),
    faultRate: options.faultRate ?? 0,
    tooMany,
  });
  const notices: SimulatedNotice[] = [];
  const tell = noticeWriter({
    random,
    ways: options.ways ?? WAYS,
    webhookSecret,
    notices,
    baseUrl: server.baseUrl,
  });
  return {
    portal: 'mollie',
    role: 'source',
    settings: {
      apiKey: world.apiKey,
      organizationToken: world.organizationToken,
      profileId: world.profileId,
      webhookSecret,
      payouts: 'settlements',
      fees: 'true',
      apiBaseUrl: `${server.baseUrl}/v2`,
    },
    ...paymentActs(world, random, tell),
    ...reversalActs(world, random, tell),
    payout: (at) => settle(world, random, at),
    payouts: () =>
      world.settlements.map(({ id, currency, amountMinor }) => ({
        externalId: id,
        currency,
        amountMinor,
        state: 'paid',
      })),
    takeNotices: () => notices.splice(0),
    truth: () => world.payments.map(trueOf),
    requestCount: () => server.requestCount(),
    close: () => server.close(),
  };
}

/** Queues what Mollie sends when `entity` of `payment` has changed. */
type Tell = (
  type: string,
  entity: Record<string, unknown> & { readonly id: string },
  payment: SimulatedPayment,
  at: Date,
) => void;

type Acts = Required<
  Pick<SimulatedPortal, 'pay' | 'begin' | 'settle' | 'fail' | 'authorize' | 'capture' | 'void'>
>;

function paymentActs(world: MollieWorld, random: Random, tell: Tell): Acts {
  const create = (
    order: SimulatedOrder,
    at: Date,
    first: Pick<SimulatedPayment, 'status' | 'method' | 'instants'>,
  ): string => {
    const id = `tr_${random.token(22)}`;
    const createdAt = stamp(new Date(at.getTime() - 90_000));
    const payment = { id, order, createdAt, refunds: [], chargebacks: [], ...first };
    world.payments.push(payment);
    if (first.status === 'paid') clear(world, payment, order.amountMinor - (feeOf(payment) ?? 0n));
    tell(`payment.${first.status}`, wirePayment(world, payment), payment, at);
    return id;
  };
  const become = (
    id: string,
    from: SimulatedPayment['status'],
    to: SimulatedPayment['status'],
    at: Date,
  ): void => {
    const payment = inState(find(world, id), from);
    payment.status = to;
    payment.instants = { ...payment.instants, [`${to}At`]: stamp(at) };
    if (to === 'paid') clear(world, payment, payment.order.amountMinor - (feeOf(payment) ?? 0n));
    tell(`payment.${to}`, wirePayment(world, payment), payment, at);
  };
  return {
    pay: (order, at) =>
      create(order, at, {
        status: 'paid',
        method: random.pick(INSTANT_METHODS),
        instants: { paidAt: stamp(at) },
      }),
    begin: (order, at) =>
      create(order, at, {
        status: 'pending',
        method: random.pick(['directdebit', 'banktransfer']),
        instants: {},
      }),
    settle: (id, at) => become(id, 'pending', 'paid', at),
    fail: (id, at) => become(id, 'pending', 'failed', at),
    authorize: (order, at) =>
      create(order, at, {
        status: 'authorized',
        method: 'creditcard',
        instants: { authorizedAt: stamp(at) },
      }),
    capture: (id, at) => become(id, 'authorized', 'paid', at),
    void: (id, at) => become(id, 'authorized', 'canceled', at),
  };
}

type Reversals = Required<
  Pick<SimulatedPortal, 'refund' | 'failRefund' | 'dispute' | 'closeDispute'>
>;

function reversalActs(world: MollieWorld, random: Random, tell: Tell): Reversals {
  return {
    refund(paymentId, amountMinor, at) {
      const payment = inState(find(world, paymentId), 'paid');
      const id = `re_${random.token(10)}`;
      const createdAt = stamp(at);
      const refund: SimulatedRefund = { id, paymentId, amountMinor, createdAt, status: 'refunded' };
      payment.refunds.push(refund);
      clear(world, payment, -amountMinor);
      tell('refund.refunded', wireRefund(payment, refund), payment, at);
      return id;
    },
    failRefund(refundId, at) {
      const payment = world.payments.find((one) => one.refunds.some(({ id }) => id === refundId));
      const refund = payment?.refunds.find(({ id }) => id === refundId);
      if (!payment || !refund || refund.status === 'failed') throw unknown(refundId);
      refund.status = 'failed';
      clear(world, payment, refund.amountMinor);
      tell('refund.failed', wireRefund(payment, refund), payment, at);
    },
    dispute(paymentId, at) {
      const payment = inState(find(world, paymentId), 'paid');
      const amountMinor = payment.order.amountMinor - refunded(payment) - withdrawn(payment);
      if (amountMinor <= 0n) throw new Error(`nothing of ${paymentId} is left to charge back`);
      const id = `chb_${random.token(21)}`;
      const chargeback: SimulatedChargeback = {
        id,
        paymentId,
        amountMinor,
        createdAt: stamp(at),
        reversedAt: null,
      };
      payment.chargebacks.push(chargeback);
      clear(world, payment, -amountMinor);
      tell('chargeback.received', wireChargeback(payment, chargeback), payment, at);
      return id;
    },
    // Mollie never says that a dispute is lost: the money stays withdrawn, and that is all.
    closeDispute(disputeId, outcome, at) {
      const payment = world.payments.find(({ chargebacks }) =>
        chargebacks.some(({ id }) => id === disputeId),
      );
      const chargeback = payment?.chargebacks.find(({ id }) => id === disputeId);
      if (!payment || !chargeback || chargeback.reversedAt) throw unknown(disputeId);
      if (outcome === 'lost') return;
      chargeback.reversedAt = stamp(at);
      clear(world, payment, chargeback.amountMinor);
      tell('chargeback.reversed', wireChargeback(payment, chargeback), payment, at);
    },
  };
}

/** One settlement per currency with money to pay; Mollie sends no notice of settlements. */
function settle(world: MollieWorld, random: Random, at: Date): string | undefined {
  const due = [...world.cleared].filter(([, amountMinor]) => amountMinor > 0n);
  const made = due.map(([currency, amountMinor]) => {
    world.cleared.set(currency, 0n);
    return { id: `stl_${random.token(9)}`, currency, amountMinor, at: stamp(at) };
  });
  world.settlements.push(...made);
  return made[0]?.id;
}

/** Each change is told as shops really have it configured. Classic knows no pending payments. */
function noticeWriter(context: {
  readonly random: Random;
  readonly ways: readonly Way[];
  readonly webhookSecret: string;
  readonly notices: SimulatedNotice[];
  readonly baseUrl: string;
}): Tell {
  const { random, ways, webhookSecret, notices, baseUrl } = context;
  return (type, entity, payment, at) => {
    const way = random.pick(ways);
    const classic = (way === 'classic' || way === 'both') && type !== 'payment.pending';
    if (classic) notices.push(classicNotice(payment.id));
    if (classic && way !== 'both') return;
    const id = `event_${random.token(21)}`;
    const path = entity.id === payment.id ? '' : `/${type.split('.')[0]}s/${entity.id}`;
    const event = {
      resource: 'event',
      id,
      type,
      entityId: entity.id,
      createdAt: stamp(at),
      ...(way === 'simple' ? {} : { _embedded: { entity } }),
      _links: {
        self: link(`${baseUrl}/v2/events/${id}`),
        entity: link(`${baseUrl}/v2/payments/${payment.id}${path}`),
      },
    };
    notices.push(signedNotice(`${type} ${entity.id}`, event, webhookSecret));
  };
}

function classicNotice(id: string): SimulatedNotice {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'user-agent': 'Mollie HTTP client/1.0',
  };
  return {
    label: `classic ${id}`,
    sign: () => ({ headers, body: Buffer.from(`id=${id}`) }),
    // Nothing is signed here: whoever invents an id only makes us ask the portal for it.
    forge: () => ({ headers, body: Buffer.from(`id=${id}x`) }),
  };
}

/** The snapshot is taken when the event happens; Mollie's signature covers no time. */
function signedNotice(label: string, event: object, webhookSecret: string): SimulatedNotice {
  const body = Buffer.from(JSON.stringify(event));
  const signature = createHmac('sha256', webhookSecret).update(body).digest('hex');
  const headers = {
    'content-type': 'application/json',
    'x-mollie-signature': `sha256=${signature}`,
  };
  return { label, sign: () => ({ headers, body }) };
}

/** Mollie writes whole seconds and an explicit offset. */
function stamp(at: Date): string {
  return at.toISOString().replace(/\.\d{3}Z$/, '+00:00');
}

function clear(world: MollieWorld, { order }: SimulatedPayment, minor: bigint): void {
  world.cleared.set(order.currency, (world.cleared.get(order.currency) ?? 0n) + minor);
}

function find(world: MollieWorld, id: string): SimulatedPayment {
  const payment = world.payments.find((one) => one.id === id);
  if (!payment) throw unknown(id);
  return payment;
}

function inState(payment: SimulatedPayment, status: SimulatedPayment['status']): SimulatedPayment {
  if (payment.status === status) return payment;
  throw new Error(`${payment.id} is ${payment.status}, not ${status}`);
}

const unknown = (id: string): Error => new Error(`${id} is unknown or already closed`);

const TRUE_STATUS = {
  pending: 'pending',
  authorized: 'authorized',
  paid: 'succeeded',
  failed: 'failed',
  canceled: 'voided',
} as const;

function trueOf(payment: SimulatedPayment): TruePayment {
  return {
    externalId: payment.id,
    status: TRUE_STATUS[payment.status],
    amountMinor: payment.order.amountMinor,
    currency: payment.order.currency,
    refundedMinor: refunded(payment),
    disputedMinor: withdrawn(payment),
    lostMinor: 0n,
    feeMinor: feeOf(payment),
  };
}
