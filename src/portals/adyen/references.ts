/** Which invoices, work orders and orders an item says it is about, and who paid. */
import type { Payer, Reference } from '../events.ts';
import type { AdyenSettings } from './settings.ts';
import { additional, type Item } from './wire.ts';

type Kind = Reference['kind'];

/** What the firm itself sent as `merchantReference`; several numbers in one are split. */
export function merchantReferences(
  text: string | null | undefined,
  { merchantReferenceMeans: kind }: AdyenSettings,
): Reference[] {
  return kind === 'memo' ? memo(text) : numbered(kind, text);
}

/** The references of a payment: its own, and its metadata by the connection's names. */
export function paymentReferences(item: Item, settings: AdyenSettings): Reference[] {
  const keys: readonly (readonly [Kind, readonly string[]])[] = [
    ['invoice', settings.invoiceMetadataKeys],
    ['workOrder', settings.workOrderMetadataKeys],
    ['purchaseOrder', settings.purchaseOrderMetadataKeys],
    ['order', settings.orderMetadataKeys],
  ];
  const metadata = (name: string) => additional(item, `metadata.${name}`);
  return distinct([
    ...merchantReferences(item.merchantReference, settings),
    ...keys.flatMap(([kind, names]) => names.flatMap((name) => numbered(kind, metadata(name)))),
    ...settings.memoMetadataKeys.flatMap((name) => memo(metadata(name))),
  ]);
}

/** Who paid, as far as the webhook's additional settings tell it. */
export function payerOf(item: Item): Payer | null {
  const externalId = additional(item, 'shopperReference') ?? null;
  const name = additional(item, 'cardHolderName') ?? null;
  const email = additional(item, 'shopperEmail') ?? null;
  return externalId === null && name === null && email === null
    ? null
    : { externalId, name, email };
}

function numbered(kind: Kind, text: string | null | undefined): Reference[] {
  return (text ?? '')
    .split(/[,;\n]/)
    .map((number) => number.trim())
    .filter((number) => number.length > 0)
    .map((number) => ({ kind, number }));
}

/** A text for people. */
export function memo(text: string | null | undefined): Reference[] {
  const trimmed = text?.trim();
  return trimmed ? [{ kind: 'memo', text: trimmed }] : [];
}

function distinct(references: readonly Reference[]): Reference[] {
  const seen = new Set<string>();
  return references.filter(({ kind, number, text }) => {
    const key = JSON.stringify([kind, number, text]);
    return seen.has(key) ? false : seen.add(key);
  });
}
