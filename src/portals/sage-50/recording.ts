/** What the ways of recording a payment share: invoices, amounts and words as Sage 50 takes them. */
import { toDecimalText } from '../../money/money.ts';
import type { PaymentToRecord } from '../contract.ts';
import { Rejected } from '../kit/errors.ts';
import { sumShares } from '../kit/shares.ts';
import { idOf, type Sage50Settings } from './settings.ts';

/** What an invoice gets of the payment. */
export type Share = {
  /** Its number among the transactions. */
  readonly tran: string;
  /** What people call it. */
  readonly name: string;
  readonly amountMinor: bigint;
};

/** One share for each invoice, in a lasting order. @throws Rejected for invoices of other data, or too much */
export function sharesOf(payment: PaymentToRecord, settings: Sage50Settings): readonly Share[] {
  const names = new Map(payment.invoices.map(({ externalId, number }) => [externalId, number]));
  const shares = [...sumShares(payment.invoices)].map(([externalId, amountMinor]) => {
    const prefix = idOf(settings, '');
    if (!externalId.startsWith(prefix)) throw refusal(`invoice ${externalId} is of other data`);
    const tran = externalId.slice(prefix.length);
    return { tran, name: names.get(externalId) ?? tran, amountMinor };
  });
  if (totalOf(shares) > payment.amountMinor) {
    throw refusal(`${payment.mark}: its shares exceed its amount`);
  }
  return shares.toSorted((left, right) => (left.tran < right.tran ? -1 : 1));
}

export function totalOf(shares: readonly Share[]): bigint {
  return shares.reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
}

/** Decimal text with the two digits that Sage 50 keeps in every currency. @throws Rejected for a third one */
export function amountOf(minor: bigint, currency: string): string {
  const [whole = '', fraction = ''] = toDecimalText({ minor, currency }).split('.');
  if (/[1-9]/.test(fraction.slice(2))) {
    throw refusal(`${whole}.${fraction} ${currency}: Sage 50 keeps two decimals only`);
  }
  return `${whole}.${fraction.slice(0, 2).padEnd(2, '0')}`;
}

/** Where money is recorded into. @throws Rejected until a person has said so */
export function bankOf({ edition, bankNominal, cashAccount }: Sage50Settings): string {
  const [field, bank] =
    edition === 'uk' ? ['bankNominal', bankNominal] : ['cashAccount', cashAccount];
  if (bank === undefined) throw refusal(`say in ${field} into which account payments are recorded`);
  return bank;
}

/** Words cut to a column's width, without what would break its line. */
export function cut(text: string, width: number): string {
  return text
    .normalize('NFKD')
    .replace(/\p{Mark}+/gu, '')
    .replace(/[^\x20-\x7e]+/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trim()
    .slice(0, width)
    .trim();
}

export function refusal(message: string): Rejected {
  return new Rejected(message, { status: 400, body: '' });
}
