/** What every canonical event made of a Square object has in common: money, instants, and what is not filled in. */
import { fromMinor, MalformedAmount, type Money } from '../../money/money.ts';
import type { CanonicalEvent } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import type { Payment, WireMoney } from './wire.ts';

/** The id of the webhook event that carried an object; undefined for an object fetched or pulled. */
export type ToldBy = string | undefined;

type Facts = Omit<
  CanonicalEvent,
  'feeMinor' | 'method' | 'references' | 'customer' | 'links' | 'externalPaymentId'
> &
  Partial<CanonicalEvent>;

/** A canonical event of which only the facts differ from "nothing known". */
export function tell(facts: Facts): CanonicalEvent {
  return {
    externalPaymentId: null,
    feeMinor: null,
    method: null,
    references: [],
    customer: null,
    links: {},
    ...facts,
  };
}

/** Reads minor units of an upper-case ISO 4217 currency. @throws MalformedAmount, UnknownCurrency, WireMismatch */
export function readMoney({ amount, currency, currency_code }: WireMoney, path: string): Money {
  const code = currency ?? currency_code;
  if (!code) throw new WireMismatch(`${path}.currency: missing`);
  return fromMinor(amount, code);
}

/** Like `readMoney`, for amounts that are never below zero. @throws also MalformedAmount for a negative amount */
export function readUnsigned(money: WireMoney, path: string): Money {
  const read = readMoney(money, path);
  if (read.minor < 0n) throw new MalformedAmount(`${path}: ${read.minor} is negative`);
  return read;
}

/**
 * The sum of fees, which Square tells in parts (first charged, later adjusted); null while there are none.
 * @throws MalformedAmount for parts in several currencies.
 */
export function feeOf(
  parts: Payment['processing_fee'],
  currency: string,
): Pick<CanonicalEvent, 'feeMinor' | 'feeCurrency'> {
  const moneys = (parts ?? []).flatMap(({ amount_money }) =>
    amount_money ? [readMoney(amount_money, 'processing_fee.amount_money')] : [],
  );
  const [first] = moneys;
  if (!first) return { feeMinor: null };
  if (moneys.some((one) => one.currency !== first.currency)) {
    throw new MalformedAmount('processing_fee: parts in several currencies have no sum');
  }
  const feeMinor = moneys.reduce((sum, one) => sum + one.minor, 0n);
  return { feeMinor, ...(first.currency === currency ? {} : { feeCurrency: first.currency }) };
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** The first instant that is given, in UTC with milliseconds (Square writes 0 to 9 digits). @throws WireMismatch */
export function instantOf(candidates: Readonly<Record<string, string | null | undefined>>): string {
  const [name, text] = Object.entries(candidates).find(([, one]) => one) ?? [];
  if (!text) throw new WireMismatch(`${Object.keys(candidates).join(', ')}: none is given`);
  const ms = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new WireMismatch(`${name}: "${text}" is not an RFC 3339 instant`);
  return new Date(ms).toISOString();
}

/** What an unknown word of Square's does to its document. */
export function unknownStatus(
  kind: string,
  id: string,
  status: string,
): { readonly quarantined: string } {
  return { quarantined: `${kind} ${id} has the status "${status}", which is not known` };
}
