/** The body that a sender of ours writes: `type`, `timestamp` and `data`, by Standard Webhooks. */
import { z } from 'zod';
import { fromDecimalText, fromMinor } from '../../money/money.ts';
import type { Normalized, PortalDocument } from '../contract.ts';
import { type CanonicalEvent, type EventType, METHODS, type Reference } from '../events.ts';
import { digestOf } from '../kit/documents.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire, wireDecimal } from '../kit/wire.ts';
import { mapBody } from './field-mapping.ts';
import type { GenericSettings } from './settings.ts';
import { deliveryId } from './signature.ts';

/** Types of events that move money, or add to what is known of a payment. */
export const WEBHOOK_TYPES = [
  'payment.pending',
  'payment.authorized',
  'payment.succeeded',
  'payment.failed',
  'payment.voided',
  'payment.referenced',
  'refund.succeeded',
  'refund.failed',
  'dispute.opened',
  'dispute.won',
  'dispute.lost',
  'payout.paid',
  'payout.failed',
] as const satisfies readonly EventType[];

/** The money of these is known before, or never was any. */
const MAY_LACK_AMOUNT: readonly EventType[] = [
  'payment.failed',
  'payment.voided',
  'payment.referenced',
  'refund.failed',
  'payout.failed',
];

const text = z.union([z.string(), z.int()]).transform((value) => String(value).trim());
const optionalText = text.nullish().transform((value) => value || undefined);
const amount = wireDecimal.nullish();
const minor = z.union([z.string(), z.int()]).nullish();

const data = z.object({
  id: text.pipe(z.string().min(1, 'must not be empty').max(200, 'is longer than 200 characters')),
  payment_id: optionalText,
  amount,
  amount_minor: minor,
  currency: z.string(),
  fee: amount,
  fee_minor: minor,
  occurred_at: z.string().nullish(),
  method: z.string().nullish(),
  reason: optionalText,
  funds_withdrawn: z.boolean().nullish(),
  customer: z.object({ id: optionalText, name: optionalText, email: optionalText }).nullish(),
  references: z
    .object({
      invoices: z
        .array(z.object({ number: text, amount, amount_minor: minor }))
        .max(100)
        .nullish(),
      order: optionalText,
      work_order: optionalText,
      purchase_order: optionalText,
      memo: optionalText,
      subscription: optionalText,
    })
    .nullish(),
});
type Data = z.output<typeof data>;

const envelope = z.object({ type: z.string(), timestamp: z.string().nullish() });

/**
 * What a delivery's body becomes: our own contract, or the sender's own shape by `fieldMapping`.
 * @throws WireMismatch, MalformedAmount, UnknownCurrency
 */
export function readWebhook(document: PortalDocument, settings: GenericSettings): Normalized {
  if (document.body.length === 0) return { ignored: 'an empty body tells nothing' };
  const sent = parseExactJson(document.body);
  if (Array.isArray(sent)) {
    return { quarantined: 'the body is a list; one delivery tells one event' };
  }
  const mapped = settings.fieldMapping === undefined ? sent : mapBody(sent, settings.fieldMapping);
  const { type, timestamp } = readWire(envelope, mapped);
  if (!isWebhookType(type)) return { ignored: whyIgnored(type) };
  const fields = readWire(z.object({ data }), mapped).data;
  const told: Told = {
    eventId: deliveryId(document.headers) ?? `body:${digestOf(document.body)}`,
    occurredAt: instantOf(fields.occurred_at ?? timestamp),
  };
  return { events: [eventOf(type, fields, told)] };
}

function isWebhookType(type: string): type is (typeof WEBHOOK_TYPES)[number] {
  return (WEBHOOK_TYPES as readonly string[]).includes(type);
}

function whyIgnored(type: string): string {
  return /^(invoice|customer)\./.test(type)
    ? `${type}: invoices and customers enter through the API, not by this webhook`
    : `${type}: not a type of event that is read here`;
}

/** ISO 8601 with an offset, so that it is one instant whoever reads it. */
function instantOf(value: string | null | undefined): string {
  if (!value)
    throw new WireMismatch('neither data.occurred_at nor timestamp says when it happened');
  const iso = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)$/i;
  const instant = new Date(value.replace(' ', 'T').replace(',', '.').toUpperCase());
  if (!iso.test(value) || Number.isNaN(instant.getTime())) {
    throw new WireMismatch(
      `"${value}" is not an ISO 8601 instant with an offset, such as …T15:04:05Z`,
    );
  }
  return instant.toISOString();
}

type Told = { readonly eventId: string; readonly occurredAt: string };

function eventOf(type: EventType, fields: Data, told: Told): CanonicalEvent {
  const { currency, reason, funds_withdrawn: fundsWithdrawn } = fields;
  return {
    type,
    ...identityOf(type, fields),
    ...told,
    amountMinor: amountOf(type, fields),
    currency,
    feeMinor: moneyOf({ decimal: fields.fee, minor: fields.fee_minor, what: 'fee', currency }),
    method: methodOf(fields.method),
    references: referencesOf(fields),
    customer: payerOf(fields),
    links: {},
    ...(reason === undefined ? {} : { reason }),
    ...(type === 'dispute.opened' && typeof fundsWithdrawn === 'boolean' ? { fundsWithdrawn } : {}),
  };
}

function identityOf(type: EventType, { id, payment_id: paymentId }: Data) {
  const externalPaymentId = paymentId ?? null;
  if (type.startsWith('refund.')) return { externalPaymentId, refundId: id };
  if (type.startsWith('dispute.')) return { externalPaymentId, disputeId: id };
  if (type.startsWith('payout.')) return { externalPaymentId: null, payoutId: id };
  return { externalPaymentId: id };
}

function amountOf(
  type: EventType,
  { amount: decimal, amount_minor: given, currency }: Data,
): bigint {
  const money = moneyOf({ decimal, minor: given, what: 'amount', currency });
  if (money === null) {
    if (MAY_LACK_AMOUNT.includes(type)) return 0n;
    throw new WireMismatch(`data.amount: ${type} needs an amount (or amount_minor)`);
  }
  const mayBeNegative = type.startsWith('payout.');
  if (money < 0n && !mayBeNegative) throw new WireMismatch('data.amount: must not be negative');
  return money;
}

/** Major units as decimal text or minor units; given both, they must agree. */
function moneyOf(given: {
  readonly decimal: string | null | undefined;
  readonly minor: string | number | null | undefined;
  readonly what: string;
  readonly currency: string;
}): bigint | null {
  const { decimal, minor: units, what, currency } = given;
  const byDecimal = decimal == null ? null : fromDecimalText(decimal, currency).minor;
  const byMinor = units == null ? null : fromMinor(units, currency).minor;
  // Checked even when nothing is due, so that an unknown currency is never passed on.
  if (byDecimal === null && byMinor === null) fromMinor(0, currency);
  if (byDecimal !== null && byMinor !== null && byDecimal !== byMinor) {
    throw new WireMismatch(
      `data.${what}: ${decimal} ${currency} and ${what}_minor ${units} are not the same amount`,
    );
  }
  return byDecimal ?? byMinor;
}

function methodOf(method: string | null | undefined): CanonicalEvent['method'] {
  if (!method) return null;
  return METHODS.find((known) => known === method.toLowerCase()) ?? 'other';
}

function referencesOf({ references, currency }: Data): readonly Reference[] {
  if (!references) return [];
  const invoices = (references.invoices ?? [])
    .filter(({ number }) => number !== '')
    .map(({ number, amount: decimal, amount_minor: units }): Reference => {
      const share = moneyOf({
        decimal,
        minor: units,
        what: 'references.invoices.amount',
        currency,
      });
      return { kind: 'invoice', number, ...(share && share > 0n ? { amountMinor: share } : {}) };
    });
  const { order, work_order, purchase_order, memo, subscription } = references;
  return [
    ...invoices,
    ...(work_order ? [{ kind: 'workOrder', number: work_order } as const] : []),
    ...(order ? [{ kind: 'order', number: order } as const] : []),
    ...(purchase_order ? [{ kind: 'purchaseOrder', number: purchase_order } as const] : []),
    ...(subscription ? [{ kind: 'subscription', externalId: subscription } as const] : []),
    ...(memo ? [{ kind: 'memo', text: memo } as const] : []),
  ];
}

function payerOf({ customer }: Data): CanonicalEvent['customer'] {
  const { id, name, email } = customer ?? {};
  if (!id && !name && !email) return null;
  return { externalId: id ?? null, name: name ?? null, email: email ?? null };
}
