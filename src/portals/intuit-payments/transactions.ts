/** Charges and eChecks: which state is which event, and of how much. */
import { fromDecimalText } from '../../money/money.ts';
import type { CanonicalEvent, EventType } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { present } from '../kit/intuit-transactions.ts';
import { processorInstant } from './instants.ts';
import { type Recorded, sayingOf } from './recorded.ts';
import { CURRENCIES, type ReadingSettings } from './settings.ts';
import type { Kind, Transaction, WireError } from './wire.ts';

/** What a document is read with. */
export type Reading = {
  readonly settings: ReadingSettings;
  /** When it was read: the processor dates a transaction and its capture, and nothing that becomes of it later. */
  readonly learnedAt: string;
};

export type ToldTransaction = {
  readonly kind: Kind;
  readonly facts: Transaction;
  readonly recorded: Recorded | undefined;
};

const STATES: Readonly<Record<Kind, ReadonlyMap<string, EventType>>> = {
  charge: new Map([
    ['AUTHORIZED', 'payment.authorized'],
    ['CAPTURED', 'payment.succeeded'],
    ['SETTLED', 'payment.succeeded'],
    // Its refunds are told by themselves.
    ['REFUNDED', 'payment.succeeded'],
    ['DECLINED', 'payment.failed'],
    ['FAILED', 'payment.failed'],
    ['CANCELLED', 'payment.voided'],
  ]),
  echeck: new Map([
    ['PENDING', 'payment.pending'],
    ['SUCCEEDED', 'payment.succeeded'],
    ['REFUNDED', 'payment.succeeded'],
    ['DECLINED', 'payment.failed'],
    ['VOIDED', 'payment.voided'],
  ]),
};

/**
 * The payment's one event; undefined for a charge of nothing, which only verifies a card.
 * @throws WireMismatch for a state nobody documented, UnknownCurrency, MalformedAmount
 */
export function paymentEvent(
  { kind, facts, recorded }: ToldTransaction,
  reading: Reading,
): CanonicalEvent | undefined {
  const { id, status, bankAccount, card, description, captureDetail } = facts;
  const currency = currencyOf(kind, facts, reading.settings);
  const type = typeOf(kind, facts);
  // What was captured is the money, be it less or more than was authorized.
  const money = captureDetail ?? facts;
  const amountMinor = minorOf(money.amount, currency, 'amount');
  if (amountMinor === 0n && !captureDetail) return undefined;
  const name = present(card?.name ?? bankAccount?.name);
  const said = recorded && recorded.entity !== 'RefundReceipt' ? recorded : undefined;
  const saying = said && sayingOf(said, { amountMinor, currency, externalPaymentId: id });
  const notes = [captureDetail?.description, description].map(present);
  const texts = [...new Set(notes.filter((text) => text !== null))];
  const channel = present(said?.facts.TxnSource ?? facts.paymentMode);
  const reason = reasonOf(type, facts);
  return {
    type,
    externalPaymentId: id,
    eventId: [id, status, ...(captureDetail ? [captureDetail.created] : [])].join(':'),
    occurredAt: isEnd(type) ? reading.learnedAt : processorInstant(money.created, 'created'),
    amountMinor,
    currency,
    feeMinor: null,
    method: kind === 'charge' ? 'card' : 'ach',
    references: [
      ...(saying?.references ?? []),
      ...texts.map((text) => ({ kind: 'memo', text }) as const),
    ],
    customer: saying?.customer ?? (name === null ? null : { externalId: null, name, email: null }),
    links: saying?.links ?? {},
    ...(channel === null ? {} : { channel }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Minor units of an amount in major units. @throws WireMismatch when it is negative */
export function minorOf(amount: string, currency: string, path: string): bigint {
  const { minor } = fromDecimalText(amount, currency);
  if (minor < 0n) throw new WireMismatch(`${path}: ${amount} is not documented`);
  return minor;
}

/** One error as a person reads it: `PMT-5000 transaction_declined: The card was declined.` */
export function describeError({ code, type, message, detail }: WireError): string {
  const words = present(message) ?? present(detail);
  const name = [code, type].map(present).filter((part) => part !== null);
  return `${name.join(' ') || 'an error'}${words === null ? '' : `: ${words}`}`;
}

/** Debits of bank accounts are in the United States only, and name no currency. */
function currencyOf(kind: Kind, facts: Transaction, settings: ReadingSettings): string {
  const home = kind === 'echeck' ? 'USD' : (settings.homeCurrency ?? 'USD');
  const currency = present(facts.currency) ?? home;
  if (!CURRENCIES.some((known) => known === currency)) {
    throw new WireMismatch(`currency: Intuit takes ${CURRENCIES.join(' and ')}, not ${currency}`);
  }
  return currency;
}

function typeOf(kind: Kind, { id, status, errors }: Transaction): EventType {
  const type = STATES[kind].get(status);
  if (!type) throw new WireMismatch(`status: "${status}" of ${kind} ${id} is not documented`);
  // A charge that was declined, or cancelled for fraud, says so beside itself.
  const refusal = errors?.find(({ code }) => /^PMT-[25]/.test(code ?? ''));
  if (refusal && !isEnd(type)) {
    throw new WireMismatch(`status: "${status}" stands beside ${describeError(refusal)}`);
  }
  return type;
}

function isEnd(type: EventType): boolean {
  return type === 'payment.failed' || type === 'payment.voided';
}

/** Why it failed; a warning of fraud goes with a payment that succeeded. */
function reasonOf(type: EventType, { status, errors }: Transaction): string | undefined {
  const [first] = errors ?? [];
  if (first) return describeError(first);
  return isEnd(type) ? status : undefined;
}
