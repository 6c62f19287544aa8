/** The text filter: finds what a person would look for in a row, among the rows that are loaded. */
import type { Payment } from '../api/payment.ts';

/** True when every word of the text occurs somewhere in the payment. */
export function matchesText(payment: Payment, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const said = wordsOf(payment).join('\n').toLowerCase();
  return words.every((word) => said.includes(word) || said.includes(word.replaceAll(',', '')));
}

function wordsOf(payment: Payment): readonly string[] {
  const { customer } = payment;
  return [
    payment.id,
    payment.externalId,
    payment.amount.amount,
    payment.amount.currency,
    payment.portal,
    payment.method ?? '',
    customer?.name ?? '',
    customer?.email ?? '',
    customer?.externalId ?? '',
    ...payment.allocations.map(({ target }) => target.number ?? target.externalId),
    ...payment.references.map(({ value }) => value),
    ...payment.releases.map(({ target }) => target.number ?? ''),
  ];
}
