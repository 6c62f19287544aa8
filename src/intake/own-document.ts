/**
 * What our own side says, as documents: manual payments, receivables, people's decisions. They enter by the same
 * door.
 */
import { z } from 'zod';
import { fromDecimalText } from '../money/money.ts';
import { type CanonicalEvent, METHODS, type Reference } from '../portals/events.ts';
import { readWire } from '../portals/kit/wire.ts';

/** The connection every own document comes from. */
export const OWN_CONNECTION = 'con_own';

const text = z.string().trim().min(1).max(200);
const optionalText = text.nullish();
const currency = z.string().regex(/^[A-Z]{3}$/, 'must be a currency code such as USD');
const decimal = z.string().regex(/^\d{1,15}(\.\d{1,4})?$/, 'must be a decimal such as "1075.00"');
const day = z.iso.date('must be a day such as 2026-11-21').nullish();
const id = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}_\\d{1,18}$`), `must be an id such as ${prefix}_12`);

export const paymentRecord = z.strictObject({
  kind: z.literal('payment.recorded'),
  externalId: text,
  amount: z.strictObject({ amount: decimal, currency }),
  method: z.enum(METHODS).default('other'),
  occurredAt: z.iso.datetime('must be an instant such as 2026-11-21T07:00:00Z'),
  references: z
    .array(
      z.strictObject({
        kind: z.enum(['invoice', 'workOrder', 'order', 'purchaseOrder', 'memo']),
        value: text,
        amount: decimal.optional(),
      }),
    )
    .max(100)
    .default([]),
  customer: z
    .strictObject({ externalId: optionalText, name: optionalText, email: optionalText })
    .nullish(),
});

export const customerRecord = z.strictObject({
  kind: z.literal('customer.upserted'),
  externalId: text,
  name: optionalText,
  email: optionalText,
});

export const invoiceRecord = z.strictObject({
  kind: z.literal('invoice.upserted'),
  externalId: text,
  number: optionalText,
  customerExternalId: optionalText,
  total: z.strictObject({ amount: decimal, currency }),
  issuedOn: day,
  dueOn: day,
  workOrder: optionalText,
  purchaseOrder: optionalText,
  void: z.boolean().default(false),
});

export const workOrderRecord = z.strictObject({
  kind: z.literal('work-order.upserted'),
  externalId: text,
  number: optionalText,
  workOrderKind: z.enum(['service', 'repair', 'parts', 'contract', 'warranty']),
  description: z.string().max(2000).nullish(),
  customerExternalId: optionalText,
  total: z.strictObject({ amount: decimal, currency }).nullish(),
});

export const entitlementRecord = z.strictObject({
  kind: z.enum(['service-contract.upserted', 'warranty.upserted', 'parts-order.upserted']),
  externalId: text,
  number: optionalText,
  customerExternalId: optionalText,
  workOrder: optionalText,
  invoice: optionalText,
  attributes: z.record(z.string(), z.unknown()).default({}),
});

export const allocationRecord = z.strictObject({
  kind: z.literal('allocation.made'),
  paymentId: id('pay'),
  target: z.strictObject({
    kind: z.enum(['invoice', 'work-order']),
    id: z.string().regex(/^(inv|wo)_\d{1,18}$/),
  }),
  amount: decimal.optional(),
  by: text,
  reason: z.string().max(500).nullish(),
});

export const allocationReversalRecord = z.strictObject({
  kind: z.literal('allocation.reversed'),
  allocationId: id('al'),
  by: text,
  reason: z.string().max(500).nullish(),
});

export const reviewRecord = z.strictObject({
  kind: z.literal('review.resolved'),
  reviewItemId: id('rev'),
  resolution: z.string().trim().min(1).max(500),
  /** Of what may be the same money as something else. */
  decision: z.enum(['same', 'separate']).optional(),
  by: text,
});

const copyRecord = z.strictObject({
  kind: z.literal('copy.recorded'),
  paymentId: id('pay'),
  connectionId: text,
  externalId: text,
});

export const ownRecord = z.discriminatedUnion('kind', [
  paymentRecord,
  customerRecord,
  invoiceRecord,
  workOrderRecord,
  entitlementRecord,
  allocationRecord,
  allocationReversalRecord,
  reviewRecord,
  copyRecord,
]);

export type OwnRecord = z.infer<typeof ownRecord>;
export type OwnRecordInput = z.input<typeof ownRecord>;

/** Own records that are not canonical events. */
export type OwnDecision = Exclude<
  OwnRecord,
  { kind: 'payment.recorded' | 'customer.upserted' | 'invoice.upserted' }
>;

/**
 * Reads an own document: either canonical events, as a portal's document becomes, or a decision.
 * @throws WireMismatch, MalformedAmount, UnknownCurrency.
 */
export function readOwnDocument(
  body: Buffer,
): { events: readonly CanonicalEvent[] } | { decision: OwnDecision } {
  const record = readWire(ownRecord, JSON.parse(body.toString('utf8')));
  switch (record.kind) {
    case 'payment.recorded':
      return { events: [paymentEvent(record)] };
    case 'customer.upserted':
      return {
        events: [
          {
            ...NO_MONEY,
            type: 'customer.upserted',
            eventId: `customer:${record.externalId}`,
            customer: {
              externalId: record.externalId,
              name: record.name ?? null,
              email: record.email ?? null,
            },
          },
        ],
      };
    case 'invoice.upserted':
      return { events: [invoiceEvent(record)] };
    default:
      return { decision: record };
  }
}

const NO_MONEY = {
  externalPaymentId: null,
  occurredAt: '1970-01-01T00:00:00.000Z',
  amountMinor: 0n,
  currency: 'XXX',
  feeMinor: null,
  method: null,
  references: [],
  customer: null,
  links: {},
} as const;

function paymentEvent(record: z.infer<typeof paymentRecord>): CanonicalEvent {
  const money = fromDecimalText(record.amount.amount, record.amount.currency);
  return {
    type: 'payment.succeeded',
    externalPaymentId: record.externalId,
    eventId: `own:${record.externalId}`,
    occurredAt: new Date(record.occurredAt).toISOString(),
    amountMinor: money.minor,
    currency: money.currency,
    feeMinor: null,
    method: record.method,
    channel: 'manual',
    references: record.references.map(
      (reference): Reference => ({
        kind: reference.kind,
        ...(reference.kind === 'memo' ? { text: reference.value } : { number: reference.value }),
        ...(reference.amount === undefined
          ? {}
          : { amountMinor: fromDecimalText(reference.amount, money.currency).minor }),
      }),
    ),
    customer: record.customer
      ? {
          externalId: record.customer.externalId ?? null,
          name: record.customer.name ?? null,
          email: record.customer.email ?? null,
        }
      : null,
    links: {},
  };
}

function invoiceEvent(record: z.infer<typeof invoiceRecord>): CanonicalEvent {
  const total = fromDecimalText(record.total.amount, record.total.currency);
  return {
    ...NO_MONEY,
    type: record.void ? 'invoice.voided' : 'invoice.upserted',
    eventId: `invoice:${record.externalId}`,
    amountMinor: total.minor,
    currency: total.currency,
    invoice: {
      externalId: record.externalId,
      number: record.number ?? record.externalId,
      currency: total.currency,
      totalMinor: total.minor,
      issuedOn: record.issuedOn ?? null,
      dueOn: record.dueOn ?? null,
      customerExternalId: record.customerExternalId ?? null,
      workOrder: record.workOrder ?? null,
      purchaseOrder: record.purchaseOrder ?? null,
    },
  };
}
