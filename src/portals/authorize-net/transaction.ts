/** A transaction's details: the whole truth about it at the moment of reading. */
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent, EventType } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { type Facts, factsOf } from './facts.ts';
import { readAmount } from './money.ts';
import type { Settings } from './settings.ts';
import { utc, type WireTransaction } from './wire.ts';

const CHARGES: readonly string[] = [
  'authCaptureTransaction',
  'authOnlyTransaction',
  'captureOnlyTransaction',
  'priorAuthCaptureTransaction',
  'authCaptureContinueTransaction',
  'authOnlyContinueTransaction',
];
const REFUND = 'refundTransaction';

/** `settled` is `captured` and later; `declined` happened at once, `rejected` after a review. */
const CHARGE_STATES: Readonly<Record<string, State>> = {
  capturedPendingSettlement: 'captured',
  pendingSettlement: 'captured',
  pendingFinalSettlement: 'captured',
  updatingSettlement: 'captured',
  settledSuccessfully: 'settled',
  authorizedPendingCapture: 'authorized',
  underReview: 'pending',
  approvedReview: 'pending',
  authorizedPendingRelease: 'pending',
  FDSPendingReview: 'pending',
  FDSAuthorizedPendingReview: 'pending',
  declined: 'declined',
  generalError: 'declined',
  communicationError: 'declined',
  failedReview: 'rejected',
  settlementError: 'unsettled',
  voided: 'voided',
  expired: 'voided',
  returnedItem: 'returned',
  chargeback: 'chargedBack',
  chargebackReversal: 'won',
};
type State =
  | 'captured'
  | 'settled'
  | 'authorized'
  | 'pending'
  | 'declined'
  | 'rejected'
  | 'unsettled'
  | 'voided'
  | 'returned'
  | 'chargedBack'
  | 'won';

const REFUND_STATES: Readonly<Record<string, 'refund.succeeded' | 'refund.failed' | 'waits'>> = {
  refundPendingSettlement: 'refund.succeeded',
  refundSettledSuccessfully: 'refund.succeeded',
  settledSuccessfully: 'refund.succeeded',
  underReview: 'waits',
  approvedReview: 'waits',
  FDSPendingReview: 'waits',
  FDSAuthorizedPendingReview: 'waits',
  voided: 'refund.failed',
  expired: 'refund.failed',
  declined: 'refund.failed',
  generalError: 'refund.failed',
  communicationError: 'refund.failed',
  failedReview: 'refund.failed',
  settlementError: 'refund.failed',
  returnedItem: 'refund.failed',
};

/** A transaction as it was read, with what every event made of it has in common. */
type Read = {
  readonly transaction: WireTransaction;
  readonly currency: string;
  readonly facts: Facts;
  readonly submittedAt: string;
  readonly readAt: string;
};

/** @throws WireMismatch, MalformedAmount: each quarantines the document. */
export function normalizeTransaction(
  transaction: WireTransaction,
  settings: Settings,
  receivedAt: Date,
): Normalized {
  const { transId, transactionType, transactionStatus } = transaction;
  if (/^0+$/.test(transId)) return { ignored: 'transaction 0 was made in test mode: no money' };
  const read: Read = {
    transaction,
    currency: settings.currency,
    facts: factsOf(transaction),
    submittedAt: utc(transaction.submitTimeUTC, 'submitTimeUTC'),
    readAt: receivedAt.toISOString(),
  };
  if (transactionType === REFUND) return refund(read);
  if (!CHARGES.includes(transactionType)) {
    return { quarantined: `${transId}: transaction type "${transactionType}" is not known` };
  }
  const state = memberOf(CHARGE_STATES, transactionStatus);
  if (state === undefined) return unknownStatus(transaction);
  const events = charge(read, state);
  if (events.every(({ amountMinor }) => amountMinor === 0n)) {
    return { ignored: `transaction ${transId} of 0.00 verifies a card: no money moves` };
  }
  return { events };
}

/** States that come later than the submission and carry no instant are dated when they were read. */
function charge(read: Read, state: State): readonly CanonicalEvent[] {
  const { transaction, submittedAt, readAt } = read;
  const { batch, returnedItems } = transaction;
  switch (state) {
    case 'captured':
      return received(read);
    case 'settled':
      return [...received(read), ...settled(read)];
    case 'authorized':
      return [attempt(read, 'payment.authorized', submittedAt)];
    case 'pending':
      return [attempt(read, 'payment.pending', submittedAt)];
    case 'declined':
      return [failed(read, wasHeld(transaction) ? readAt : submittedAt, answerOf(transaction))];
    case 'rejected':
      return [failed(read, readAt, 'declined after review')];
    case 'unsettled': {
      const at = batch?.settlementTimeUTC;
      return [failed(read, at ? utc(at, 'settlementTimeUTC') : readAt, 'settlement error')];
    }
    case 'voided':
      return [attempt(read, 'payment.voided', readAt)];
    case 'returned': {
      const last = returnedItems?.at(-1);
      const reason = [last?.code, last?.description].filter(Boolean).join(': ');
      const at = last?.dateUTC ? utc(last.dateUTC, 'returnedItems.dateUTC') : readAt;
      return [failed(read, at, reason || 'returned')];
    }
    case 'chargedBack':
      return [...received(read), { ...dispute(read, 'dispute.opened'), fundsWithdrawn: true }];
    case 'won':
      return [...received(read), dispute(read, 'dispute.won')];
  }
}

/**
 * The money came in. Where less (or with a tip more) is settled than the notification told, the amount is a revision
 * of that; the references then travel apart, so that it replaces none.
 */
function received(read: Read): readonly CanonicalEvent[] {
  const { transaction, currency, submittedAt } = read;
  const { transId, transactionStatus } = transaction;
  const authorized = readAmount(transaction.authAmount, currency);
  const money = eventOf(read, 'payment.succeeded', {
    eventId: `${transId}:${isFinal(transactionStatus) ? 'capturedPendingSettlement' : transactionStatus}`,
    occurredAt: submittedAt,
    amountMinor: settledAmount(read),
  });
  if (authorized === null || authorized === money.amountMinor) return [money];
  const revision = isFinal(transactionStatus) ? 2 : 1;
  const named = eventOf(read, 'payment.referenced', {
    eventId: `${money.eventId}:references`,
    occurredAt: submittedAt,
    amountMinor: money.amountMinor,
  });
  const revised = { ...money, eventId: `${money.eventId}:${money.amountMinor}`, revision };
  return [{ ...revised, references: [] }, named];
}

/** The day of settlement is told, too: it revives a payment whose settlement had failed before. */
function settled(read: Read): readonly CanonicalEvent[] {
  const { transaction } = read;
  const at = transaction.batch?.settlementTimeUTC;
  if (!at) return [];
  const [money] = received(read);
  if (!money) return [];
  return [
    {
      ...money,
      eventId: `${transaction.transId}:settledSuccessfully`,
      occurredAt: utc(at, 'batch.settlementTimeUTC'),
      references: [],
    },
  ];
}

function settledAmount({ transaction, currency }: Read): bigint {
  const { transId, transactionStatus } = transaction;
  const amountMinor = readAmount(transaction.settleAmount, currency);
  if (amountMinor === null) throw new WireMismatch('settleAmount: missing');
  if (amountMinor === 0n && (readAmount(transaction.authAmount, currency) ?? 0n) > 0n) {
    throw new WireMismatch(
      `settleAmount: ${transId} is ${transactionStatus} and yet settles nothing`,
    );
  }
  return amountMinor;
}

/** From here on the settled amount no longer changes. */
function isFinal(status: string): boolean {
  return ['settledSuccessfully', 'chargeback', 'chargebackReversal'].includes(status);
}

/** Not captured: nothing is settled, so the amount is what was authorized or asked for. */
function attempt(read: Read, type: EventType, occurredAt: string): CanonicalEvent {
  const { transaction, currency } = read;
  const { transId, transactionStatus, authAmount, requestedAmount, settleAmount } = transaction;
  const amounts = [authAmount, requestedAmount, settleAmount].map((one) =>
    readAmount(one, currency),
  );
  if (amounts.every((one) => one === null)) throw new WireMismatch('authAmount: missing');
  return eventOf(read, type, {
    eventId: `${transId}:${transactionStatus}`,
    occurredAt,
    amountMinor: amounts.find((one) => one !== null && one > 0n) ?? 0n,
  });
}

function failed(read: Read, occurredAt: string, reason: string): CanonicalEvent {
  return { ...attempt(read, 'payment.failed', occurredAt), reason };
}

/** Authorize.Net has no id for a chargeback and tells neither its day nor that it is lost. */
function dispute(read: Read, type: 'dispute.opened' | 'dispute.won'): CanonicalEvent {
  const { transId, transactionStatus } = read.transaction;
  const event = eventOf(read, type, {
    eventId: `${transId}:${transactionStatus}`,
    occurredAt: read.readAt,
    amountMinor: settledAmount(read),
  });
  return { ...event, disputeId: transId, method: null, references: [], customer: null };
}

function refund(read: Read): Normalized {
  const { transaction, currency, submittedAt, readAt } = read;
  const { transId, refTransId, transactionStatus, settleAmount, authAmount } = transaction;
  const type = memberOf(REFUND_STATES, transactionStatus);
  if (type === undefined) return unknownStatus(transaction);
  if (type === 'waits') return { ignored: `refund ${transId} is under review: no money moves` };
  const amounts = [settleAmount, authAmount].map((one) => readAmount(one, currency));
  const event = eventOf(read, type, {
    eventId: `${transId}:${type === 'refund.succeeded' ? 'refunded' : transactionStatus}`,
    occurredAt: type === 'refund.succeeded' ? submittedAt : readAt,
    amountMinor: amounts.find((one) => one !== null && one > 0n) ?? 0n,
  });
  return {
    events: [
      {
        ...event,
        externalPaymentId: refTransId ?? null,
        refundId: transId,
        method: null,
        links: refTransId ? { paymentExternalId: refTransId } : {},
        ...(type === 'refund.failed' ? { reason: transactionStatus } : {}),
      },
    ],
  };
}

function eventOf(
  { transaction, currency, facts }: Read,
  type: EventType,
  told: Pick<CanonicalEvent, 'eventId' | 'occurredAt' | 'amountMinor'>,
): CanonicalEvent {
  const { transId } = transaction;
  return {
    type,
    externalPaymentId: transId,
    currency,
    feeMinor: null,
    links: {},
    ...facts,
    ...told,
  };
}

/** The fraud filters saw it, so it may have been pending before it was declined. */
function wasHeld({ FDSFilterAction, FDSFilters }: WireTransaction): boolean {
  return FDSFilterAction !== undefined || (FDSFilters !== undefined && FDSFilters !== null);
}

function answerOf({
  transactionStatus,
  responseReasonCode,
  responseReasonDescription,
}: WireTransaction): string {
  const answer = [responseReasonCode, responseReasonDescription].filter(Boolean).join(': ');
  return answer || transactionStatus;
}

/** `couldNotVoid` is among these: whether it still settles nobody says. */
function unknownStatus({ transId, transactionType, transactionStatus }: WireTransaction) {
  return {
    quarantined: `${transId}: "${transactionStatus}" says nothing certain of a ${transactionType}`,
  };
}

function memberOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
