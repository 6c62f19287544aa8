/** What a simulated PayPal knows: payments of both generations, what became of them, and its own balance. */
import type { SimulatedOrder, SimulatedPortal, TruePayment } from './contract.ts';
import type { Random } from './random.ts';

export type PaypalRefund = {
  readonly id: string;
  readonly amountMinor: bigint;
  readonly at: Date;
  /** Made by PayPal itself, for a dispute. */
  readonly reversal: boolean;
  changedAt: Date;
  status: 'COMPLETED' | 'FAILED';
};

export type PaypalMovement = {
  readonly type: 'DEBIT' | 'CREDIT';
  readonly reason: 'DISPUTE_SETTLEMENT' | 'CHARGEBACK_FEE';
  readonly amountMinor: bigint;
};

export type PaypalDispute = {
  readonly id: string;
  readonly stage: 'INQUIRY' | 'CHARGEBACK';
  readonly amountMinor: bigint;
  readonly at: Date;
  readonly movements: PaypalMovement[];
  changedAt: Date;
  outcome: string | null;
};

export type PaypalPayment = {
  readonly order: SimulatedOrder;
  readonly generation: 'v1' | 'v2';
  readonly orderId: string;
  readonly authorizationId: string | null;
  readonly createdAt: Date;
  /** Capture or sale; null while only authorized. */
  id: string | null;
  status: TruePayment['status'];
  paidAt: Date | null;
  changedAt: Date;
  readonly refunds: PaypalRefund[];
  dispute: PaypalDispute | null;
};

export type PaypalPayout = {
  readonly id: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly at: Date;
  /** The transaction by which the bank sent it back. */
  readonly returnedBy: string | null;
};

export type PaypalWorld = {
  readonly random: Random;
  readonly webhookId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly payments: PaypalPayment[];
  readonly payouts: PaypalPayout[];
  readonly tokens: Set<string>;
  /** More transactions than this are too many for one search. */
  readonly mostResults: number;
};

/** Ids of transactions are 17 capital letters and digits. */
export function newId(random: Random, length = 17): string {
  return random.token(length).toUpperCase();
}

/** @throws RangeError for an id that is neither a capture, a sale nor an authorization. */
export function findPayment(world: PaypalWorld, id: string): PaypalPayment {
  const found = world.payments.find((one) => one.id === id || one.authorizationId === id);
  if (!found) throw new RangeError(`this account has no payment ${id}`);
  return found;
}

/** 3.49 % and 49 of the smallest unit, kept once the money has come; null before. */
export function feeOf({ status, order }: PaypalPayment): bigint | null {
  return status === 'succeeded' ? (order.amountMinor * 349n) / 10_000n + 49n : null;
}

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, one) => total + one, 0n);

/** Refunded by the firm so far, in minor units. */
export function refundedOf({ refunds }: PaypalPayment): bigint {
  const made = refunds.filter(({ status, reversal }) => status === 'COMPLETED' && !reversal);
  return sum(made.map(({ amountMinor }) => amountMinor));
}

/** Taken by the payment's dispute less what it gave back: of the disputed money, or of its fee. */
export function takenOf(
  { dispute }: PaypalPayment,
  reason: PaypalMovement['reason'] = 'DISPUTE_SETTLEMENT',
): bigint {
  const moves = (dispute?.movements ?? []).filter((one) => one.reason === reason);
  return sum(moves.map(({ type, amountMinor }) => (type === 'DEBIT' ? amountMinor : -amountMinor)));
}

/** What the account holds, by currency. */
export function balancesOf({ payments, payouts }: PaypalWorld): ReadonlyMap<string, bigint> {
  const balances = new Map<string, bigint>();
  const add = (currency: string, minor: bigint) =>
    balances.set(currency, (balances.get(currency) ?? 0n) + minor);
  for (const payment of payments) {
    const { order, status } = payment;
    if (status !== 'succeeded') continue;
    const gone = refundedOf(payment) + takenOf(payment) + takenOf(payment, 'CHARGEBACK_FEE');
    add(order.currency, order.amountMinor - (feeOf(payment) ?? 0n) - gone);
  }
  for (const { currency, amountMinor, returnedBy } of payouts) {
    if (returnedBy === null) add(currency, -amountMinor);
  }
  return balances;
}

/** What really happened, in the words of every simulated portal. */
export function truthOf(
  world: PaypalWorld,
): Required<Pick<SimulatedPortal, 'truth' | 'payouts' | 'disputeFees'>> {
  const { payments, payouts } = world;
  return {
    truth: () =>
      payments.map((payment) => {
        const open = payment.dispute?.outcome === null;
        return {
          externalId: payment.id ?? (payment.authorizationId as string),
          status: payment.status,
          amountMinor: payment.order.amountMinor,
          currency: payment.order.currency,
          refundedMinor: refundedOf(payment),
          disputedMinor: open ? takenOf(payment) : 0n,
          lostMinor: open ? 0n : takenOf(payment),
          feeMinor: feeOf(payment),
        };
      }),
    payouts: () =>
      payouts.map(({ id, amountMinor, currency, returnedBy }) => ({
        externalId: id,
        amountMinor,
        currency,
        state: returnedBy === null ? 'paid' : 'failed',
      })),
    disputeFees: () =>
      payments.map((payment) => ({
        currency: payment.order.currency,
        amountMinor: takenOf(payment, 'CHARGEBACK_FEE'),
      })),
  };
}
