/** Transactions: payments, authorizations, refunds, and the chargebacks among these. */
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent, EventType, Payer } from '../events.ts';
import { elsewhereAt } from '../kit/elsewhere.ts';
import { WireMismatch } from '../kit/errors.ts';
import { methodOf } from './methods.ts';
import { paymentReferences, refundReferences } from './references.ts';
import type { ChargebeeSettings } from './settings.ts';
import { present, type Told, tell } from './telling.ts';
import { chargebeeMoney, instant } from './units.ts';
import type { NamedInvoice, Transaction } from './wire.ts';

/** What stood beside a transaction. */
export type Beside = {
  readonly invoices: readonly NamedInvoice[];
  readonly payer: Payer | null;
};

/** Null: no money has moved yet. */
type States = ReadonlyMap<string, EventType | null>;

const PAYMENT_STATES: States = new Map([
  ['success', 'payment.succeeded'],
  ['in_progress', 'payment.pending'],
  ['failure', 'payment.failed'],
  ['timeout', 'payment.failed'],
  ['late_failure', 'payment.failed'],
  ['voided', 'payment.voided'],
]);

const AUTHORIZATION_STATES: States = new Map([
  ['success', 'payment.authorized'],
  ['in_progress', 'payment.pending'],
  ['failure', 'payment.failed'],
  ['timeout', 'payment.failed'],
  ['voided', 'payment.voided'],
]);

const REFUND_STATES: States = new Map([
  ['success', 'refund.succeeded'],
  ['in_progress', null],
  ['failure', 'refund.failed'],
  ['timeout', 'refund.failed'],
  ['late_failure', 'refund.failed'],
  ['voided', 'refund.failed'],
]);

/** A chargeback that did not happen or was taken off the books again has left the money with us. */
const CHARGEBACK_STATES: States = new Map([
  ['success', 'dispute.opened'],
  ['in_progress', null],
  ['failure', 'dispute.won'],
  ['timeout', 'dispute.won'],
  ['voided', 'dispute.won'],
]);

/** States that a transaction of each type can be in, and what becomes of it when it is removed. */
type Kind = { readonly states: States; readonly removed: EventType };

const KINDS: ReadonlyMap<string, Kind> = new Map([
  ['payment', { states: PAYMENT_STATES, removed: 'payment.voided' }],
  ['authorization', { states: AUTHORIZATION_STATES, removed: 'payment.voided' }],
  ['refund', { states: REFUND_STATES, removed: 'refund.failed' }],
  ['chargeback', { states: CHARGEBACK_STATES, removed: 'dispute.won' }],
]);

/** What each type of event may say; a transaction in another state contradicts it. */
const SAID_BY: ReadonlyMap<string, readonly EventType[]> = new Map([
  ['payment_succeeded', ['payment.succeeded', 'payment.pending']],
  // The name under which older lists of triggers know the same event.
  ['payment_collected_successfully', ['payment.succeeded', 'payment.pending']],
  ['payment_failed', ['payment.failed', 'payment.voided']],
  ['payment_initiated', ['payment.pending', 'payment.succeeded']],
  ['authorization_succeeded', ['payment.authorized', 'payment.pending']],
  ['authorization_voided', ['payment.voided']],
  ['payment_refunded', ['refund.succeeded', 'dispute.opened']],
  ['transaction_deleted', ['payment.voided', 'refund.failed', 'dispute.won']],
]);

export const TRANSACTION_EVENT_TYPES: readonly string[] = [...SAID_BY.keys()];

/** A transaction as an event tells of it: its state decides, and the type of the event must agree. */
export function transactionEvent(
  eventType: string,
  transaction: Transaction,
  beside: Beside,
  context: { readonly told: Told; readonly settings: ChargebeeSettings },
): Normalized {
  const removed = eventType === 'transaction_deleted';
  const read = transactionState(removed ? { ...transaction, deleted: true } : transaction, beside, {
    ...context,
  });
  if (!('events' in read)) return read;
  const said = SAID_BY.get(eventType) ?? [];
  const contradicts = read.events[0] && !said.includes(read.events[0].type);
  if (!contradicts) return read;
  return {
    quarantined:
      `${eventType} of ${transaction.id}, a ${transaction.type} whose status is ` +
      `"${transaction.status}": they contradict`,
  };
}

/** A transaction by its own state. @throws WireMismatch, UnknownCurrency, MalformedAmount */
export function transactionState(
  transaction: Transaction,
  beside: Beside,
  context: { readonly told: Told; readonly settings: ChargebeeSettings },
): Normalized {
  const { id, type, status } = transaction;
  if (type === 'payment_reversal') {
    return { ignored: `${id} is the twin of a payment's late failure, which that payment tells` };
  }
  const isChargeback = type === 'refund' && transaction.payment_method === 'chargeback';
  const kind = KINDS.get(isChargeback ? 'chargeback' : type);
  if (!kind) return { quarantined: `transaction ${id} is of the unknown type "${type}"` };
  if (status === 'needs_attention' && !transaction.deleted) {
    return {
      quarantined:
        `${type} ${id} needs attention in Chargebee, which does not know whether the gateway took ` +
        'the money; its last state stands until it is settled there',
    };
  }
  const state = transaction.deleted ? kind.removed : kind.states.get(status ?? '');
  if (state === undefined) {
    return { quarantined: `${type} ${id} has the status "${status}", which is not known` };
  }
  if (state === null) return { ignored: `${type} ${id} is ${status}: no money has moved yet` };
  if (!transaction.amount && !isEnd(state)) {
    if (transaction.amount === 0) return { ignored: `${type} ${id} is of zero: no money moves` };
    throw new WireMismatch(`amount: missing in ${type} ${id}`);
  }
  return { events: eventsOf(state, transaction, beside, context) };
}

/** States in which money is at most taken back, whatever the amount. */
function isEnd(state: EventType): boolean {
  return state === 'payment.failed' || state === 'payment.voided';
}

function eventsOf(
  state: EventType,
  transaction: Transaction,
  beside: Beside,
  context: { readonly told: Told; readonly settings: ChargebeeSettings },
): readonly CanonicalEvent[] {
  if (state.startsWith('payment.')) return [paymentEvent(state, transaction, beside, context)];
  const isDispute = state.startsWith('dispute.');
  const why = transaction.linked_credit_notes?.map(
    (note) => present(note.cn_create_reason_code) ?? present(note.cn_reason_code),
  );
  return [
    tell(context.told, resourceOf(transaction), {
      type: state,
      externalPaymentId:
        present(transaction.refunded_txn_id) ?? present(transaction.reference_transaction_id),
      ...(isDispute ? { disputeId: transaction.id } : { refundId: transaction.id }),
      ...moneyOf(transaction),
      method: methodOf(transaction.payment_method),
      references: refundReferences(transaction),
      customer: payerOf(transaction, beside),
      ...(state === 'dispute.opened' ? { fundsWithdrawn: true } : {}),
      ...reason(isEndOfRefund(state) ? failureOf(transaction) : why),
    }),
  ];
}

function isEndOfRefund(state: EventType): boolean {
  return state === 'refund.failed' || state === 'dispute.won';
}

function paymentEvent(
  state: EventType,
  transaction: Transaction,
  beside: Beside,
  context: { readonly told: Told; readonly settings: ChargebeeSettings },
): CanonicalEvent {
  const authorizationId = present(transaction.reference_authorization_id);
  return tell(context.told, resourceOf(transaction), {
    type: state,
    externalPaymentId: transaction.id,
    ...moneyOf(transaction),
    method: methodOf(transaction.payment_method),
    references: paymentReferences(transaction, beside.invoices, context.settings),
    customer: payerOf(transaction, beside),
    // One authorization may be captured by several payments.
    links: {
      ...(authorizationId === null ? {} : { insteadOf: [authorizationId] }),
      ...elsewhereAt(transaction.gateway, transaction.id_at_gateway),
    },
    ...(state === 'payment.failed' ? reason(failureOf(transaction)) : {}),
  });
}

function moneyOf(transaction: Transaction): Pick<CanonicalEvent, 'amountMinor' | 'currency'> {
  const { minor, currency } = chargebeeMoney(transaction.amount ?? 0, transaction.currency_code);
  return { amountMinor: minor, currency };
}

function resourceOf(transaction: Transaction) {
  const at = transaction.updated_at ?? transaction.date;
  if (typeof at !== 'number') throw new WireMismatch(`updated_at: missing in ${transaction.id}`);
  const state = transaction.deleted ? 'deleted' : String(transaction.status);
  return { id: transaction.id, state, at: instant(at) };
}

function payerOf(transaction: Transaction, { payer }: Beside): Payer | null {
  if (payer) return payer;
  const externalId = present(transaction.customer_id);
  return externalId === null ? null : { externalId, name: null, email: null };
}

function failureOf(transaction: Transaction): readonly (string | null)[] {
  return [present(transaction.error_code), present(transaction.error_text)];
}

/** Chargebee's words for why, the coarse one first. */
function reason(words: readonly (string | null)[] = []): { readonly reason?: string } {
  const said = words.filter((word) => word !== null);
  return said.length === 0 ? {} : { reason: said.join(': ') };
}
