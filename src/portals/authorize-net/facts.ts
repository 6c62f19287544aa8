/** What a transaction says besides its money: who paid, how, and for what. */
import type { CanonicalEvent, Method, Payer, Reference } from '../events.ts';
import type { WireTransaction } from './wire.ts';

export type Facts = Pick<CanonicalEvent, 'method' | 'channel' | 'references' | 'customer'>;

export function factsOf(transaction: WireTransaction): Facts {
  const { marketType } = transaction;
  return {
    method: methodOf(transaction),
    ...(marketType ? { channel: marketType } : {}),
    references: referencesOf(transaction),
    customer: payerOf(transaction),
  };
}

/** Exactly one of these stands in `payment`; a kind added later is `other`, for the money is the same. */
const METHODS: Readonly<Record<string, Method>> = {
  creditCard: 'card',
  bankAccount: 'ach',
  tokenInformation: 'wallet',
};

function methodOf({ payment }: WireTransaction): Method | null {
  const [kind] = Object.keys(payment ?? {});
  if (kind === undefined) return null;
  const known = Object.keys(METHODS).find((name) => Object.hasOwn(payment ?? {}, name));
  return known === undefined ? 'other' : (METHODS[known] ?? 'other');
}

function referencesOf({ order, subscription }: WireTransaction): readonly Reference[] {
  const { invoiceNumber, purchaseOrderNumber, description } = order ?? {};
  return [
    ...(invoiceNumber ? [{ kind: 'invoice', number: invoiceNumber } as const] : []),
    ...(purchaseOrderNumber
      ? [{ kind: 'purchaseOrder', number: purchaseOrderNumber } as const]
      : []),
    ...(subscription?.id ? [{ kind: 'subscription', externalId: subscription.id } as const] : []),
    ...(description ? [{ kind: 'memo', text: description } as const] : []),
  ];
}

function payerOf({ customer, billTo }: WireTransaction): Payer | null {
  const person = [billTo?.firstName, billTo?.lastName].filter(Boolean).join(' ');
  const externalId = customer?.id ?? null;
  const name = billTo?.company ?? (person || null);
  const email = customer?.email ?? null;
  return externalId || name || email ? { externalId, name, email } : null;
}
