/** How a payment was made, by its source. */
import type { Method } from '../events.ts';
import type { Payment } from './wire.ts';

const METHOD_OF_SOURCE: ReadonlyMap<string, Method> = new Map([
  ['CARD', 'card'],
  ['SQUARE_ACCOUNT', 'wallet'],
  ['WALLET', 'wallet'],
  ['BUY_NOW_PAY_LATER', 'wallet'],
  ['CASH', 'cash'],
] as const);

/** What staff recorded as received elsewhere. */
const METHOD_OF_EXTERNAL: ReadonlyMap<string, Method> = new Map([
  ['CHECK', 'check'],
  ['BANK_TRANSFER', 'ach'],
  ['CARD', 'card'],
] as const);

/** Entries and destinations of money that never passes through Square. */
const RECORDED: readonly string[] = ['CASH', 'EXTERNAL'];

/** True for what staff only recorded in Square: no fee is kept of it, and it is never paid out. */
export function isRecorded(source: string | null | undefined): boolean {
  return RECORDED.includes(source ?? '');
}

/** Null when the source is not told; `other` for a source that is not known. */
export function methodOf(payment: Payment): Method | null {
  const { source_type: source } = payment;
  if (!source) return null;
  if (source === 'EXTERNAL') {
    return METHOD_OF_EXTERNAL.get(payment.external_details?.type ?? '') ?? 'other';
  }
  if (source === 'BANK_ACCOUNT') {
    const transfer = payment.bank_account_details?.transfer_type ?? 'ACH';
    return transfer === 'ACH' ? 'ach' : 'bank';
  }
  return isByPhone(payment) ? 'phone' : (METHOD_OF_SOURCE.get(source) ?? 'other');
}

/** In the virtual terminal staff type the card of a customer who calls, or use the one on file. */
function isByPhone({ source_type, card_details, application_details }: Payment): boolean {
  return (
    source_type === 'CARD' &&
    application_details?.square_product === 'VIRTUAL_TERMINAL' &&
    ['KEYED', 'ON_FILE'].includes(card_details?.entry_method ?? '')
  );
}
