/** Which invoice, work order or order a Mollie object names; `metadata` is what its maker put there. */
import type { Reference } from '../events.ts';
import { parseExactJson } from '../kit/wire.ts';
import { member, textOf } from './wire.ts';

type Named = { readonly kind: Reference['kind']; readonly as: 'number' | 'externalId' };

const INVOICE: Named = { kind: 'invoice', as: 'number' };
const WORK_ORDER: Named = { kind: 'workOrder', as: 'number' };
const PURCHASE_ORDER: Named = { kind: 'purchaseOrder', as: 'number' };
const ORDER: Named = { kind: 'order', as: 'number' };

/** Metadata keys in lower case without separators: `work_order` and `Work-Order` are one. */
const KEYS: ReadonlyMap<string, Named> = new Map([
  ['invoice', INVOICE],
  ['invoices', INVOICE],
  ['invoicenumber', INVOICE],
  ['invoicenumbers', INVOICE],
  ['invoiceno', INVOICE],
  ['invoicenr', INVOICE],
  ['invoiceid', { kind: 'invoice', as: 'externalId' }],
  ['workorder', WORK_ORDER],
  ['workorders', WORK_ORDER],
  ['workordernumber', WORK_ORDER],
  ['workorderno', WORK_ORDER],
  ['wo', WORK_ORDER],
  ['workorderid', { kind: 'workOrder', as: 'externalId' }],
  ['purchaseorder', PURCHASE_ORDER],
  ['purchaseordernumber', PURCHASE_ORDER],
  ['ponumber', PURCHASE_ORDER],
  ['po', PURCHASE_ORDER],
  ['order', ORDER],
  ['ordernumber', ORDER],
  ['orderno', ORDER],
  ['orderid', { kind: 'order', as: 'externalId' }],
  ['subscriptionid', { kind: 'subscription', as: 'externalId' }],
]);

/** References in the order of their strength: metadata, ids of Mollie's own, then the free text. */
export function referencesOf(source: {
  readonly metadata?: unknown;
  readonly description?: unknown;
  readonly orderId?: unknown;
  readonly subscriptionId?: unknown;
}): readonly Reference[] {
  const metadata = parseMetadata(source.metadata);
  const orderId = textOf(source.orderId);
  const subscriptionId = textOf(source.subscriptionId);
  const memos = [textOf(source.description), textOf(metadata)];
  return distinct([
    ...fromMetadata(metadata),
    ...(orderId ? [{ kind: 'order', externalId: orderId } as const] : []),
    ...(subscriptionId ? [{ kind: 'subscription', externalId: subscriptionId } as const] : []),
    ...memos.flatMap((text) => (text ? [{ kind: 'memo', text } as const] : [])),
  ]);
}

/** Metadata that is a JSON text is read as JSON; any other text stays a text. */
function parseMetadata(metadata: unknown): unknown {
  if (typeof metadata !== 'string' || !/^\s*[[{]/.test(metadata)) return metadata;
  try {
    return parseExactJson(Buffer.from(metadata));
  } catch {
    return metadata;
  }
}

function fromMetadata(metadata: unknown): Reference[] {
  if (typeof metadata !== 'object' || metadata === null) return [];
  if (Array.isArray(metadata)) return metadata.flatMap(fromElement);
  return Object.keys(metadata).flatMap((key) => {
    const named = KEYS.get(key.toLowerCase().replace(/[^a-z]/g, ''));
    if (!named) return [];
    const value = member(metadata, key);
    return (Array.isArray(value) ? value : [value]).flatMap((one) => {
      const text = textOf(one);
      return text ? [{ kind: named.kind, [named.as]: text }] : [];
    });
  });
}

/** An array holds objects, read as metadata themselves, or bare texts that name nothing: memos. */
function fromElement(element: unknown): Reference[] {
  const text = textOf(element);
  if (text) return [{ kind: 'memo', text }];
  return Array.isArray(element) ? [] : fromMetadata(element);
}

function distinct(references: readonly Reference[]): readonly Reference[] {
  const seen = new Map(references.map((one) => [JSON.stringify(one), one]));
  return [...seen.values()];
}
