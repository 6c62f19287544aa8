/** Order transactions, the money itself, as webhooks and GraphQL tell them. */
import { exponentOf, MalformedAmount } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent, EventType, Method } from '../events.ts';
import { elsewhereAt, portalOfGateway } from '../kit/elsewhere.ts';
import { WireMismatch } from '../kit/errors.ts';
import { methodOf } from './methods.ts';
import type { OrderFacts } from './orders.ts';
import type { Settings } from './settings.ts';
import {
  type GraphTransaction,
  instant,
  orderGid,
  type RestTransaction,
  shopMoney,
  type WireMoney,
} from './wire.ts';

/** A transaction in the words both dialects share; `kind` and `status` in lower case. */
type Transaction = {
  readonly id: string;
  readonly orderId: string | null;
  readonly parentId: string | null;
  readonly kind: string;
  readonly status: string;
  readonly isTest: boolean;
  readonly at: readonly (string | null | undefined)[];
  readonly amount: string | null | undefined;
  readonly currency: string | null | undefined;
  readonly fees: readonly WireMoney[];
  readonly method: Method | null;
  readonly gateway: string | null | undefined;
  /** Ids that the gateway gave, where it is one of others' money. */
  readonly gatewayIds: readonly string[];
  readonly reason: string;
};

export function fromRest(
  transaction: RestTransaction,
  orderId: string | null | undefined,
): Transaction {
  const { payment_details: details, gateway } = transaction;
  return {
    id: transaction.id,
    orderId: transaction.order_id ?? orderId ?? null,
    parentId: transaction.parent_id ?? null,
    kind: transaction.kind.toLowerCase(),
    status: transaction.status.toLowerCase(),
    isTest: transaction.test ?? false,
    at: [transaction.processed_at, transaction.created_at],
    amount: transaction.amount,
    currency: transaction.currency,
    fees: [],
    method: methodOf({
      gateway,
      wallet: details?.credit_card_wallet,
      brand: details?.credit_card_company,
      methodName: details?.payment_method_name,
    }),
    gateway,
    gatewayIds: gatewayIds(transaction),
    reason: [transaction.error_code, transaction.message].filter(Boolean).join(': '),
  };
}

/** The amount is what the buyer paid, in the buyer's currency: it is what webhooks tell, too. */
export function fromGraph(transaction: GraphTransaction, orderId: string): Transaction {
  const { presentmentMoney } = transaction.amountSet;
  return {
    id: transaction.id,
    orderId,
    parentId: transaction.parentTransaction?.id ?? null,
    kind: transaction.kind.toLowerCase(),
    status: transaction.status.toLowerCase(),
    isTest: transaction.test ?? false,
    at: [transaction.processedAt, transaction.createdAt],
    amount: presentmentMoney.amount,
    currency: presentmentMoney.currencyCode,
    fees: (transaction.fees ?? []).map(({ amount }) => amount),
    method: methodOf({ gateway: transaction.gateway }),
    gateway: transaction.gateway,
    gatewayIds: [],
    reason: transaction.errorCode?.toLowerCase() ?? '',
  };
}

/** Fields of receipts under which gateways write the ids that their own portals use. */
const RECEIPT_IDS = [
  'payment_intent',
  'payment_intent_id',
  'charge',
  'charge_id',
  'latest_charge',
  'transaction_id',
  'capture_id',
  'id',
];

/** Shopify's own gateways have no portal elsewhere, so that their codes name nothing. */
function gatewayIds({ gateway, authorization, receipt }: RestTransaction): readonly string[] {
  if (portalOfGateway(gateway) === undefined) return [];
  return [authorization, ...RECEIPT_IDS.map((name) => receipt?.[name])].filter(
    (id) => typeof id === 'string' && id !== '',
  ) as string[];
}

type State = 'success' | 'pending' | 'failure';
type Become = Readonly<Partial<Record<State, EventType>>>;

const STATES: ReadonlyMap<string, State> = new Map([
  ['success', 'success'],
  ['pending', 'pending'],
  ['awaiting_response', 'pending'],
  ['failure', 'failure'],
  ['error', 'failure'],
]);

const AUTHORIZATION: Become = {
  success: 'payment.authorized',
  pending: 'payment.pending',
  failure: 'payment.failed',
};
const RECEIPT: Become = {
  success: 'payment.succeeded',
  pending: 'payment.pending',
  failure: 'payment.failed',
};

/** What each kind of money becomes; a state that is absent moves nothing. */
const KINDS: ReadonlyMap<string, Become> = new Map([
  ['authorization', AUTHORIZATION],
  ['emv_authorization', AUTHORIZATION],
  ['sale', RECEIPT],
  ['capture', RECEIPT],
  ['void', { success: 'payment.voided' }],
  ['refund', { success: 'refund.succeeded', failure: 'refund.failed' }],
  // Cash handed back at the counter: what was taken is the sale less the change.
  ['change', { success: 'refund.succeeded' }],
]);

/** What a transaction becomes, told by the event of that id. @throws for what cannot be read */
export function transactionState(
  transaction: Transaction,
  eventId: string,
  order: OrderFacts,
  settings: Settings,
): Normalized {
  const { id, kind, status } = transaction;
  const become = KINDS.get(kind);
  if (!become) return { ignored: `transaction ${id} is a ${kind}, which moves no money` };
  if (transaction.isTest && settings.environment === 'production') {
    return { ignored: `transaction ${id} is a test, and this connection is for production` };
  }
  const state = STATES.get(status);
  if (!state)
    return { quarantined: `transaction ${id} has the status "${status}", which is not known` };
  const type = become[state];
  if (!type) return { ignored: `transaction ${id}: a ${kind} that is ${status} moves nothing` };
  if (type === 'payment.voided') return voided(transaction, eventId);
  const amount = shopMoney(transaction.amount, transaction.currency);
  if (amount.minor === 0n) return { ignored: `transaction ${id} is of zero` };
  if (amount.minor < 0n) throw new MalformedAmount(`transaction ${id} is of ${transaction.amount}`);
  const facts = {
    ...told(transaction, eventId),
    amountMinor: amount.minor,
    currency: amount.currency,
  };
  if (type.startsWith('refund.')) return { events: [refund(transaction, { ...facts, type })] };
  const isMoney = type === 'payment.succeeded';
  const event: CanonicalEvent = {
    ...facts,
    type,
    externalPaymentId: id,
    method: transaction.method,
    ...(transaction.gateway ? { channel: transaction.gateway } : {}),
    ...(isMoney ? feeOf(transaction, amount.currency) : {}),
    links: {
      ...(isMoney ? announcements(transaction) : {}),
      ...elsewhereAt(transaction.gateway, ...transaction.gatewayIds),
    },
    ...order,
    ...(type === 'payment.failed' && transaction.reason ? { reason: transaction.reason } : {}),
  };
  return { events: [event] };
}

type Told = Pick<
  CanonicalEvent,
  'eventId' | 'occurredAt' | 'feeMinor' | 'method' | 'references' | 'customer' | 'links'
>;

function told({ at }: Transaction, eventId: string): Told {
  return {
    eventId,
    occurredAt: instant(...at),
    feeMinor: null,
    method: null,
    references: [],
    customer: null,
    links: {},
  };
}

/** What the money was announced by: the authorization or the pending sale it follows, and the order it pays. */
function announcements({ parentId, orderId }: Transaction): CanonicalEvent['links'] {
  const insteadOf = [...(parentId ? [parentId] : []), ...(orderId ? [orderGid(orderId)] : [])];
  return insteadOf.length > 0 ? { insteadOf } : {};
}

/** Without the order's references: a void or refund that finds no payment must not be given another one's. */
function voided(transaction: Transaction, eventId: string): Normalized {
  const { id, parentId, amount, currency } = transaction;
  if (parentId === null) return { quarantined: `the void ${id} does not say what it voids` };
  const read = shopMoney(amount ?? '0', currency);
  const event: CanonicalEvent = {
    ...told(transaction, eventId),
    type: 'payment.voided',
    externalPaymentId: parentId,
    amountMinor: read.minor < 0n ? -read.minor : read.minor,
    currency: read.currency,
  };
  return { events: [event] };
}

function refund(
  transaction: Transaction,
  facts: Told & Pick<CanonicalEvent, 'type' | 'amountMinor' | 'currency'>,
): CanonicalEvent {
  const { id, kind, parentId, orderId, reason } = transaction;
  const paidBy = parentId ?? (orderId ? orderGid(orderId) : undefined);
  const why = kind === 'change' ? 'cash-change' : facts.type === 'refund.failed' ? reason : '';
  return {
    ...facts,
    externalPaymentId: parentId,
    refundId: id,
    links: paidBy ? { paymentExternalId: paidBy } : {},
    ...(why ? { reason: why } : {}),
  };
}

/** The sum of what was kept; null while none is told, for it may be told later. */
function feeOf(
  { id, fees }: Transaction,
  currency: string,
): Pick<CanonicalEvent, 'feeMinor' | 'feeCurrency'> {
  const [first] = fees;
  if (!first) return { feeMinor: null };
  exponentOf(first.currencyCode);
  let feeMinor = 0n;
  for (const { amount, currencyCode } of fees) {
    if (currencyCode !== first.currencyCode) {
      throw new WireMismatch(`fees: those of ${id} are in several currencies`);
    }
    feeMinor += shopMoney(amount, currencyCode).minor;
  }
  return {
    feeMinor,
    ...(first.currencyCode === currency ? {} : { feeCurrency: first.currencyCode }),
  };
}
