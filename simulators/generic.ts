/**
 * A home-made source that signs by Standard Webhooks and writes our own contract. It has no API: what was not
 * acknowledged is sent again until it is.
 */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signMessage,
} from 'node:crypto';
import { toDecimalText } from '../src/money/money.ts';
import type {
  SimulatedNotice,
  SimulatedOrder,
  SimulatedPortal,
  SimulatorOptions,
  TruePayment,
  TruePayout,
} from './contract.ts';
import { type Random, seededRandom } from './random.ts';

export type GenericSimulatorOptions = SimulatorOptions & {
  /** Names of the headers; the values are the same. */
  readonly headers?: 'webhook' | 'svix';
  /** `v1`: a shared secret; `v1a`: ed25519, of which the receiver holds the public key. */
  readonly version?: 'v1' | 'v1a';
};

type Payment = { -readonly [Fact in keyof TruePayment]: TruePayment[Fact] } & {
  readonly order: SimulatedOrder;
};
type Refund = { readonly payment: Payment; readonly amountMinor: bigint; failed: boolean };
type Dispute = {
  readonly payment: Payment;
  readonly amountMinor: bigint;
  state: 'open' | 'won' | 'lost';
};

/** What stands before the 32 bytes of a key in PKCS #8 (RFC 8410). */
const ED25519_PRIVATE_KEY = Buffer.from('302e020100300506032b657004220420', 'hex');
const DISPUTE_FEE_MINOR = 1500n;
/** Of the bank statements that come by the same connection. */
const STATEMENT_COLUMNS = JSON.stringify({
  date: 'date',
  amount: 'amount',
  currency: 'currency',
  payer: 'payer',
  description: 'description',
});

/** Starts the source; nothing listens, for it has nothing to answer. */
export async function simulateGeneric(options: GenericSimulatorOptions): Promise<SimulatedPortal> {
  const random = seededRandom(options.seed ^ 0x6e2a1c);
  const { version = 'v1', headers = 'webhook' } = options;
  const keys = newKeys(random, version);
  const world = newWorld(random, { keys, headers });
  return {
    portal: 'generic',
    role: 'source',
    redelivers: true,
    settings: { ...keys.settings, csvColumns: STATEMENT_COLUMNS },
    ...paymentsOf(world),
    ...refundsOf(world),
    ...disputesOf(world),
    payout: (at) => payOut(world, at),
    payouts: () => world.payouts,
    takeNotices: world.takeNotices,
    truth: () => [...world.payments.values()].map(({ order: _, ...truth }) => truth),
    requestCount: () => 0,
    close: async () => {},
  };
}

type Keys = {
  readonly settings: Readonly<Record<string, string>>;
  /** One entry of the signature header. */
  sign(message: Buffer): string;
};

function newKeys(random: Random, version: 'v1' | 'v1a'): Keys {
  if (version === 'v1') {
    const key = Buffer.from(random.token(32));
    return {
      settings: { webhookSecret: `whsec_${key.toString('base64')}` },
      sign: (message) => `v1,${createHmac('sha256', key).update(message).digest('base64')}`,
    };
  }
  const seed = Buffer.from(random.token(32));
  const der = Buffer.concat([ED25519_PRIVATE_KEY, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return {
    settings: { webhookPublicKey: `whpk_${rawKey(createPublicKey(privateKey))}` },
    sign: (message) => `v1a,${signMessage(null, message, privateKey).toString('base64')}`,
  };
}

function rawKey(publicKey: KeyObject): string {
  const { x } = publicKey.export({ format: 'jwk' });
  return Buffer.from(String(x), 'base64url').toString('base64');
}

type World = ReturnType<typeof newWorld>;

function newWorld(
  random: Random,
  { keys, headers }: { readonly keys: Keys; readonly headers: 'webhook' | 'svix' },
) {
  const payments = new Map<string, Payment>();
  let notices: SimulatedNotice[] = [];
  return {
    random,
    payments,
    refunds: new Map<string, Refund>(),
    disputes: new Map<string, Dispute>(),
    payouts: [] as TruePayout[],
    newId: (prefix: string) => `${prefix}_${random.token(16)}`,
    payment(id: string, ...states: readonly TruePayment['status'][]): Payment {
      const payment = payments.get(id);
      if (!payment) throw new RangeError(`there is no payment ${id}`);
      if (!states.includes(payment.status)) throw new RangeError(`${id} is ${payment.status}`);
      return payment;
    },
    emit(type: string, data: Readonly<Record<string, unknown>>, at: Date): void {
      const id = `msg_${random.token(20)}`;
      const occurred = { ...data, occurred_at: at.toISOString() };
      const body = Buffer.from(
        JSON.stringify({ type, timestamp: at.toISOString(), data: occurred }),
      );
      // While a sender changes its keys, a signature by the former one stands beside the new one.
      const rotating = random.chance(0.2);
      notices.push({
        label: `${type} ${String(data.id)}`,
        sign(now) {
          const timestamp = String(Math.floor(now.getTime() / 1000));
          const message = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
          const former = `v1,${createHmac('sha256', 'former').update(message).digest('base64')}`;
          return {
            headers: {
              'content-type': 'application/json',
              [`${headers}-id`]: id,
              [`${headers}-timestamp`]: timestamp,
              [`${headers}-signature`]: `${rotating ? `${former} ` : ''}${keys.sign(message)}`,
            },
            body,
          };
        },
      });
    },
    takeNotices(): SimulatedNotice[] {
      const taken = notices;
      notices = [];
      return taken;
    },
  };
}

/** Senders write decimal text or minor units, as they like. */
function amountOf(world: World, amountMinor: bigint, currency: string) {
  return world.random.chance(0.5)
    ? { amount: toDecimalText({ minor: amountMinor, currency }), currency }
    : { amount_minor: Number(amountMinor), currency };
}

function tell(world: World, status: string, payment: Payment, at: Date, fee?: bigint): void {
  const { order, externalId, amountMinor, currency } = payment;
  const { customer, invoiceNumber, workOrder, memo } = order;
  world.emit(
    `payment.${status}`,
    {
      id: externalId,
      ...amountOf(world, amountMinor, currency),
      ...(fee === undefined ? {} : { fee_minor: Number(fee) }),
      method: 'card',
      customer: { id: customer.externalId, name: customer.name, email: customer.email },
      references: {
        invoices: invoiceNumber === undefined ? [] : [{ number: invoiceNumber }],
        work_order: workOrder ?? null,
        memo: memo ?? null,
      },
    },
    at,
  );
}

function paymentsOf(world: World) {
  function open(order: SimulatedOrder, status: Payment['status']): Payment {
    const payment: Payment = {
      order,
      externalId: world.newId('gp'),
      status,
      amountMinor: order.amountMinor,
      currency: order.currency,
      refundedMinor: 0n,
      disputedMinor: 0n,
      lostMinor: 0n,
      feeMinor: null,
    };
    world.payments.set(payment.externalId, payment);
    return payment;
  }

  /** The fee is told with the money, or a while after it. */
  function receive(payment: Payment, at: Date): void {
    payment.status = 'succeeded';
    payment.feeMinor = (payment.amountMinor * 29n) / 1000n + 30n;
    if (world.random.chance(0.6)) return tell(world, 'succeeded', payment, at, payment.feeMinor);
    tell(world, 'succeeded', payment, at);
    const { externalId: id, currency, feeMinor } = payment;
    world.emit('payment.referenced', { id, currency, fee_minor: Number(feeMinor) }, at);
  }

  function change(payment: Payment, status: 'failed' | 'voided', at: Date): void {
    payment.status = status;
    tell(world, status, payment, at);
  }

  return {
    pay(order: SimulatedOrder, at: Date): string {
      const payment = open(order, 'succeeded');
      receive(payment, at);
      return payment.externalId;
    },
    begin(order: SimulatedOrder, at: Date): string {
      const payment = open(order, 'pending');
      tell(world, 'pending', payment, at);
      return payment.externalId;
    },
    settle: (id: string, at: Date) => receive(world.payment(id, 'pending'), at),
    fail: (id: string, at: Date) => change(world.payment(id, 'pending'), 'failed', at),
    authorize(order: SimulatedOrder, at: Date): string {
      const payment = open(order, 'authorized');
      tell(world, 'authorized', payment, at);
      return payment.externalId;
    },
    capture: (id: string, at: Date) => receive(world.payment(id, 'authorized'), at),
    void: (id: string, at: Date) => change(world.payment(id, 'authorized'), 'voided', at),
  };
}

function refundsOf(world: World) {
  const tellRefund = (type: string, id: string, { payment, amountMinor }: Refund, at: Date) => {
    const { externalId, currency } = payment;
    const amount = amountOf(world, amountMinor, currency);
    world.emit(type, { id, payment_id: externalId, ...amount }, at);
  };
  return {
    refund(paymentId: string, amountMinor: bigint, at: Date): string {
      const payment = world.payment(paymentId, 'succeeded');
      const left = payment.amountMinor - payment.refundedMinor - payment.disputedMinor;
      if (amountMinor <= 0n || amountMinor > left - payment.lostMinor) {
        throw new RangeError(`${paymentId} cannot give back ${amountMinor}`);
      }
      const id = world.newId('gr');
      const refund = { payment, amountMinor, failed: false };
      world.refunds.set(id, refund);
      payment.refundedMinor += amountMinor;
      tellRefund('refund.succeeded', id, refund, at);
      return id;
    },
    failRefund(refundId: string, at: Date): void {
      const refund = world.refunds.get(refundId);
      if (!refund || refund.failed) throw new RangeError(`${refundId} cannot fail`);
      refund.failed = true;
      refund.payment.refundedMinor -= refund.amountMinor;
      tellRefund('refund.failed', refundId, refund, at);
    },
  };
}

function disputesOf(world: World) {
  const tellDispute = (type: string, id: string, dispute: Dispute, fee: bigint, at: Date) => {
    const { payment, amountMinor } = dispute;
    const amount = amountOf(world, amountMinor, payment.currency);
    world.emit(
      type,
      { id, payment_id: payment.externalId, ...amount, fee_minor: Number(fee), reason: 'fraud' },
      at,
    );
  };
  return {
    dispute(paymentId: string, at: Date): string {
      const payment = world.payment(paymentId, 'succeeded');
      const amountMinor = payment.amountMinor - payment.refundedMinor - payment.lostMinor;
      if (amountMinor <= 0n || payment.disputedMinor > 0n) {
        throw new RangeError(`${paymentId} cannot be disputed`);
      }
      const id = world.newId('gd');
      const dispute: Dispute = { payment, amountMinor, state: 'open' };
      world.disputes.set(id, dispute);
      payment.disputedMinor = amountMinor;
      tellDispute('dispute.opened', id, dispute, DISPUTE_FEE_MINOR, at);
      return id;
    },
    closeDispute(disputeId: string, outcome: 'won' | 'lost', at: Date): void {
      const dispute = world.disputes.get(disputeId);
      if (dispute?.state !== 'open') throw new RangeError(`${disputeId} is not open`);
      dispute.state = outcome;
      dispute.payment.disputedMinor = 0n;
      if (outcome === 'lost') dispute.payment.lostMinor += dispute.amountMinor;
      const fee = outcome === 'won' ? 0n : DISPUTE_FEE_MINOR;
      tellDispute(`dispute.${outcome}`, disputeId, dispute, fee, at);
    },
    disputeFees: () => feesKept(world),
  };
}

function feesKept(world: World) {
  return [...world.disputes.values()]
    .filter(({ state }) => state !== 'won')
    .map(({ payment }) => ({ currency: payment.currency, amountMinor: DISPUTE_FEE_MINOR }));
}

/** One payout for each currency in which there is something to pay out. */
function payOut(world: World, at: Date): string | undefined {
  const due = new Map<string, bigint>();
  const add = (currency: string, minor: bigint) =>
    due.set(currency, (due.get(currency) ?? 0n) + minor);
  for (const payment of world.payments.values()) {
    if (payment.status !== 'succeeded') continue;
    const { amountMinor, refundedMinor, disputedMinor, lostMinor, feeMinor, currency } = payment;
    add(currency, amountMinor - refundedMinor - disputedMinor - lostMinor - (feeMinor ?? 0n));
  }
  for (const { currency, amountMinor } of [...feesKept(world), ...world.payouts]) {
    add(currency, -amountMinor);
  }
  let first: string | undefined;
  for (const [currency, minor] of due) {
    if (minor <= 0n) continue;
    const externalId = world.newId('gpo');
    world.payouts.push({ externalId, amountMinor: minor, currency, state: 'paid' });
    world.emit('payout.paid', { id: externalId, ...amountOf(world, minor, currency) }, at);
    first ??= externalId;
  }
  return first;
}
