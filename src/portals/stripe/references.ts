/** Which invoices, work orders and orders a Stripe object says it is about. */
import type { Reference } from '../events.ts';
import type { StripeSettings } from './settings.ts';
import type { Invoice, InvoiceField, Metadata } from './wire.ts';
import { expanded, idOf } from './wire.ts';

type Kind = Reference['kind'];

/** A field of an invoice's own making that holds a reference, by the words people give it. */
const CUSTOM_FIELDS: readonly (readonly [Kind, RegExp])[] = [
  ['workOrder', /^(work[ _-]?order|wo)\b/i],
  ['purchaseOrder', /^(purchase[ _-]?order|po)\b/i],
  ['order', /^order\b/i],
];

/** What metadata names, by the connection's key names; several numbers in one value are split. */
export function metadataReferences(metadata: Metadata, settings: StripeSettings): Reference[] {
  const keys: readonly (readonly [Kind, readonly string[]])[] = [
    ['invoice', settings.invoiceMetadataKeys],
    ['workOrder', settings.workOrderMetadataKeys],
    ['purchaseOrder', settings.purchaseOrderMetadataKeys],
    ['order', settings.orderMetadataKeys],
  ];
  return keys.flatMap(([kind, names]) =>
    names.flatMap((name) => {
      const value = metadata && Object.hasOwn(metadata, name) ? metadata[name] : undefined;
      return typeof value === 'string' ? numbered(kind, value) : [];
    }),
  );
}

/**
 * The references of a payment: metadata, its details, the invoice it names, and its description.
 */
export function paymentReferences(
  object: {
    readonly description?: string | null | undefined;
    readonly invoice?: InvoiceField;
    readonly metadata?: Metadata;
    readonly payment_details?:
      | {
          readonly customer_reference?: string | null | undefined;
          readonly order_reference?: string | null | undefined;
        }
      | null
      | undefined;
  },
  settings: StripeSettings,
): Reference[] {
  const invoiceId = idOf(object.invoice);
  const number = blankToNull(expanded(object.invoice)?.number);
  return distinct([
    ...(invoiceId === null
      ? []
      : [{ kind: 'invoice' as const, externalId: invoiceId, ...(number && { number }) }]),
    ...metadataReferences(object.metadata, settings),
    ...numbered('invoice', object.payment_details?.customer_reference),
    ...numbered('workOrder', object.payment_details?.order_reference),
    ...memo(object.description),
  ]);
}

/**
 * The references of an invoice that was paid with `paidMinor`, or of one that only names itself.
 */
export function invoiceReferences(
  invoice: Invoice,
  settings: StripeSettings,
  paidMinor?: bigint,
): Reference[] {
  const number = blankToNull(invoice.number);
  const subscription = idOf(
    invoice.parent?.subscription_details?.subscription ?? invoice.subscription,
  );
  const named = metadataReferences(invoice.metadata, settings);
  return distinct([
    {
      kind: 'invoice' as const,
      externalId: invoice.id,
      ...(number && { number }),
      ...(paidMinor !== undefined && { amountMinor: paidMinor }),
    },
    ...named.filter((one) => one.kind !== 'invoice' || one.number !== number),
    ...(invoice.custom_fields ?? []).flatMap(({ name, value }) => {
      const kind = CUSTOM_FIELDS.find(([, words]) => words.test(name.trim()))?.[0];
      return kind ? numbered(kind, value) : [];
    }),
    ...(subscription === null ? [] : [{ kind: 'subscription' as const, externalId: subscription }]),
    ...memo(invoice.description),
  ]);
}

/** The first number of a kind, where only one can be told. */
export function firstNumber(references: readonly Reference[], kind: Kind): string | null {
  return references.find((reference) => reference.kind === kind)?.number ?? null;
}

function numbered(kind: Kind, value: string | null | undefined): Reference[] {
  return (value ?? '')
    .split(/[,;\n]/)
    .map((number) => number.trim())
    .filter((number) => number.length > 0)
    .map((number) => ({ kind, number }));
}

function memo(value: string | null | undefined): Reference[] {
  const text = blankToNull(value);
  return text === null ? [] : [{ kind: 'memo', text }];
}

function blankToNull(value: string | null | undefined): string | null {
  return value?.trim() || null;
}

function distinct(references: readonly Reference[]): Reference[] {
  const seen = new Set<string>();
  return references.filter(({ kind, externalId, number, text }) => {
    const key = JSON.stringify([kind, externalId, number, text]);
    return seen.has(key) ? false : seen.add(key);
  });
}
