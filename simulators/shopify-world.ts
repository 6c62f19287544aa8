/** All that a simulated Shopify shop knows, and how its orders come to be paid, refunded and disputed. */
import type { SimulatedOrder, TruePayment, TruePayout } from './contract.ts';
import type { Random } from './random.ts';

export type ShopTransaction = {
  readonly id: string;
  readonly kind: 'sale' | 'authorization' | 'capture' | 'void' | 'refund';
  readonly gateway: string;
  readonly amountMinor: bigint;
  readonly at: Date;
  readonly parentId: string | null;
  readonly feeMinor: bigint;
  /** The gateway's own id, where it is not Shopify's. */
  readonly authorization?: string;
  status: 'success' | 'pending' | 'failure';
};

export type ShopOrder = {
  readonly id: string;
  readonly name: string;
  readonly customerId: string;
  readonly order: SimulatedOrder;
  /** The work order stands in the PO number, else among the attributes. */
  readonly usesPoNumber: boolean;
  /** The money is at another portal. */
  readonly isShown: boolean;
  /** Fees stand in the order's transactions as well as in the account's movements. */
  readonly tellsFees: boolean;
  readonly createdAt: Date;
  readonly transactions: ShopTransaction[];
  updatedAt: Date;
};

export type ShopDispute = {
  readonly id: string;
  readonly orderId: string;
  readonly paymentId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly at: Date;
  status: 'needs_response' | 'won' | 'lost';
  closedAt: Date | null;
};

/** A movement on the account of Shopify Payments. */
export type ShopMovement = {
  readonly id: string;
  readonly type: string;
  readonly source: { readonly type: string; readonly id: string };
  readonly transactionId: string;
  readonly order: ShopOrder;
  readonly amountMinor: bigint;
  readonly feeMinor: bigint;
  readonly at: Date;
};

export type ShopPayout = TruePayout & { readonly at: Date };

export type ShopWorld = {
  readonly random: Random;
  readonly shopDomain: string;
  readonly orders: ShopOrder[];
  readonly disputes: ShopDispute[];
  readonly movements: ShopMovement[];
  readonly payouts: ShopPayout[];
  readonly customers: Map<string, string>;
  /** Minor units on the account and not yet paid out, by currency. */
  readonly cleared: Map<string, bigint>;
  lastId: number;
};

const OWN_GATEWAY = 'shopify_payments';
/** What the portal keeps for a dispute, in minor units; it comes back when the dispute is won. */
export const DISPUTE_FEE_MINOR = 1500n;

export function openShop(random: Random): ShopWorld {
  return {
    random,
    shopDomain: `shop-${random.token(8)}.myshopify.com`,
    orders: [],
    disputes: [],
    movements: [],
    payouts: [],
    customers: new Map(),
    cleared: new Map(),
    lastId: 7_205_113_300_000,
  };
}

export function newId(world: ShopWorld): string {
  world.lastId += world.random.between(1, 40_000);
  return String(world.lastId);
}

export function placeOrder(
  world: ShopWorld,
  order: SimulatedOrder,
  at: Date,
  isShown = false,
): ShopOrder {
  const { externalId } = order.customer;
  const customerId = world.customers.get(externalId) ?? newId(world);
  world.customers.set(externalId, customerId);
  const placed: ShopOrder = {
    id: newId(world),
    name: `#${1001 + world.orders.length}`,
    customerId,
    order,
    usesPoNumber: world.random.chance(0.5),
    isShown,
    tellsFees: world.random.chance(0.5),
    createdAt: at,
    transactions: [],
    updatedAt: at,
  };
  world.orders.push(placed);
  return placed;
}

/** Adds a transaction to the order, and to the account what it moves there. */
export function transact(
  world: ShopWorld,
  order: ShopOrder,
  at: Date,
  given: Pick<ShopTransaction, 'kind'> & Partial<ShopTransaction>,
): ShopTransaction {
  const amountMinor = given.amountMinor ?? order.order.amountMinor;
  const gateway = given.gateway ?? order.transactions[0]?.gateway ?? OWN_GATEWAY;
  const isReceipt = given.kind === 'sale' || given.kind === 'capture';
  const moves = gateway === OWN_GATEWAY && (given.status ?? 'success') === 'success';
  const transaction: ShopTransaction = {
    id: newId(world),
    parentId: null,
    status: 'success',
    ...given,
    amountMinor,
    gateway,
    at,
    feeMinor: moves && isReceipt ? (amountMinor * 29n) / 1000n : 0n,
  };
  order.transactions.push(transaction);
  order.updatedAt = at;
  if (moves && (isReceipt || given.kind === 'refund')) {
    const type = isReceipt ? 'CHARGE' : 'REFUND';
    const signed = isReceipt ? amountMinor : -amountMinor;
    move(world, { type, source: { type, id: newId(world) }, signed, order, transaction, at });
  }
  return transaction;
}

function move(
  world: ShopWorld,
  made: {
    readonly type: string;
    readonly source: ShopMovement['source'];
    readonly signed: bigint;
    readonly feeMinor?: bigint;
    readonly order: ShopOrder;
    readonly transaction: ShopTransaction;
    readonly at: Date;
  },
): void {
  const feeMinor = made.feeMinor ?? made.transaction.feeMinor;
  const { currency } = made.order.order;
  world.movements.push({
    id: newId(world),
    type: made.type,
    source: made.source,
    transactionId: made.transaction.id,
    order: made.order,
    amountMinor: made.signed,
    feeMinor,
    at: made.at,
  });
  world.cleared.set(currency, (world.cleared.get(currency) ?? 0n) + made.signed - feeMinor);
}

/** The order whose payment has or had that id. @throws when there is none */
export function orderOfPayment(world: ShopWorld, paymentId: string): ShopOrder {
  const order = world.orders.find(({ transactions }) =>
    transactions.some(({ id }) => id === paymentId),
  );
  if (!order) throw new Error(`there is no payment ${paymentId}`);
  return order;
}

/** The transaction that brought the order's money. @throws when none did */
export function receiptOf(order: ShopOrder): ShopTransaction {
  const receipt = order.transactions.find(isReceived);
  if (!receipt) throw new Error(`order ${order.name} is not paid`);
  return receipt;
}

function isReceived({ kind, status }: ShopTransaction): boolean {
  return (kind === 'sale' || kind === 'capture') && status === 'success';
}

const sum = (list: readonly { readonly amountMinor: bigint }[]): bigint =>
  list.reduce((total, { amountMinor }) => total + amountMinor, 0n);

const refundsOf = ({ transactions }: ShopOrder) =>
  transactions.filter(({ kind, status }) => kind === 'refund' && status === 'success');

/** Opens a chargeback of all that is left. */
export function openDispute(world: ShopWorld, order: ShopOrder, at: Date): ShopDispute {
  const receipt = receiptOf(order);
  const dispute: ShopDispute = {
    id: newId(world),
    orderId: order.id,
    paymentId: receipt.id,
    amountMinor: receipt.amountMinor - sum(refundsOf(order)),
    currency: order.order.currency,
    at,
    status: 'needs_response',
    closedAt: null,
  };
  world.disputes.push(dispute);
  moveDispute(world, order, dispute, at);
  return dispute;
}

export function endDispute(
  world: ShopWorld,
  disputeId: string,
  outcome: 'won' | 'lost',
  at: Date,
): ShopDispute {
  const dispute = world.disputes.find(({ id }) => id === disputeId);
  if (!dispute || dispute.closedAt) throw new Error(`${disputeId} is unknown or closed`);
  dispute.status = outcome;
  dispute.closedAt = at;
  if (outcome === 'won') moveDispute(world, orderOfPayment(world, dispute.paymentId), dispute, at);
  return dispute;
}

function moveDispute(world: ShopWorld, order: ShopOrder, dispute: ShopDispute, at: Date): void {
  const back = dispute.status === 'won';
  move(world, {
    type: back ? 'DISPUTE_REVERSAL' : 'DISPUTE_WITHDRAWAL',
    source: { type: 'DISPUTE', id: dispute.id },
    signed: back ? dispute.amountMinor : -dispute.amountMinor,
    feeMinor: back ? -DISPUTE_FEE_MINOR : DISPUTE_FEE_MINOR,
    order,
    transaction: receiptOf(order),
    at,
  });
}

/** Empties the account: what is there goes to the bank, what is missing is taken from it. */
export function payOut(world: ShopWorld, at: Date): string | undefined {
  const due = [...world.cleared].filter(([, amountMinor]) => amountMinor !== 0n);
  const made = due.map(([currency, amountMinor]) => {
    world.cleared.set(currency, 0n);
    return { externalId: newId(world), currency, amountMinor, at, state: 'paid' as const };
  });
  world.payouts.push(...made);
  return made[0]?.externalId;
}

/** What really became of the order's payment. */
export function trueOf(world: ShopWorld, order: ShopOrder): TruePayment {
  const { currency } = order.order;
  const [first] = order.transactions as [ShopTransaction];
  const receipt = order.transactions.find(isReceived);
  const told = receipt ?? first;
  const disputes = world.disputes.filter(({ orderId }) => orderId === order.id);
  return {
    externalId: told.id,
    status: receipt ? 'succeeded' : statusOf(order, first),
    amountMinor: told.amountMinor,
    currency,
    refundedMinor: sum(refundsOf(order)),
    disputedMinor: sum(disputes.filter(({ status }) => status === 'needs_response')),
    lostMinor: sum(disputes.filter(({ status }) => status === 'lost')),
    feeMinor: receipt && receipt.feeMinor > 0n ? receipt.feeMinor : null,
  };
}

function statusOf(order: ShopOrder, first: ShopTransaction): TruePayment['status'] {
  if (order.transactions.some(({ kind }) => kind === 'void')) return 'voided';
  if (first.status === 'failure') return 'failed';
  return first.kind === 'authorization' ? 'authorized' : 'pending';
}
