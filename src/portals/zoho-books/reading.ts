/** What people write into payments: modes, references, work orders; and Zoho's way of writing time. */
import { fromDecimalText } from '../../money/money.ts';
import type { CanonicalEvent, Method, Reference } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { wallTime } from '../kit/wall-time.ts';
import type { ZohoPayment } from './wire.ts';

/** In this order: "creditcard" is not credit, "banktransfer" may be localised or of the firm's own making. */
const MODES: readonly (readonly [RegExp, Method])[] = [
  [/\bach\b|direct\s*debit/i, 'ach'],
  [/card/i, 'card'],
  [/che(ck|que)/i, 'check'],
  [/^cash/i, 'cash'],
  [/bank|wire|transfer|remittance/i, 'bank'],
  [/paypal|wallet|venmo|upi/i, 'wallet'],
];

/** How it was paid; an automatic transaction may be card or bank, and is left open. */
export function methodOf(mode: string | null): Method | null {
  if (mode === null || /^autotransaction$/i.test(mode)) return null;
  return MODES.find(([pattern]) => pattern.test(mode))?.[1] ?? 'other';
}

/** A work order written into a text (`WO-20881`). */
export function workOrderIn(text: string | null): string | null {
  return /\bWO[-#\s]{0,2}\d[A-Z0-9-]*/i.exec(text ?? '')?.[0] ?? null;
}

/** Invoices with their shares first, then the texts, in which an own mark stays visible. */
export function referencesOf(facts: ZohoPayment): readonly Reference[] {
  const { currency_code: currency, invoices, custom_fields: fields } = facts;
  const field = (name: RegExp): string | null => {
    const found = fields.find(({ label, api_name: api }) => name.test(label ?? api ?? ''));
    return typeof found?.value === 'string' ? found.value.trim() || null : null;
  };
  const workOrder =
    field(/work.?order/i) ?? workOrderIn(facts.description) ?? workOrderIn(facts.reference_number);
  const purchaseOrder = field(/purchase.?order/i);
  return [
    ...invoices.map((one): Reference => {
      const share = fromDecimalText(one.amount_applied ?? '0', currency).minor;
      return {
        kind: 'invoice',
        externalId: one.invoice_id,
        ...(one.invoice_number === null ? {} : { number: one.invoice_number }),
        ...(share > 0n ? { amountMinor: share } : {}),
      };
    }),
    ...(workOrder === null ? [] : [{ kind: 'workOrder', number: workOrder } as const]),
    ...(purchaseOrder === null ? [] : [{ kind: 'purchaseOrder', number: purchaseOrder } as const]),
    ...[facts.reference_number, facts.description].flatMap((text) =>
      text === null ? [] : [{ kind: 'memo', text } as const],
    ),
  ];
}

/**
 * An instant with a compact offset (`+0530`), in UTC; a day alone is its midnight where the organization is.
 * @throws WireMismatch for a time without an offset, which would be read in the zone of this machine
 */
export function readInstant(text: string, path: string, timeZone = 'UTC'): string {
  const [, local = '', offset = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:?\d\d)$/.exec(text) ?? [];
  try {
    if (/^\d{4}-\d\d-\d\d$/.test(text)) return wallTime(`${text}T00:00:00`, timeZone);
    return new Date(`${local}${offset.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')}`).toISOString();
  } catch (cause) {
    throw new WireMismatch(`${path}: "${text}" is not an instant with its offset`, { cause });
  }
}

/** Portals that a mode of payment names; others have ids of their own, too. */
const GATEWAYS: readonly (readonly [RegExp, string])[] = [
  [/stripe/i, 'stripe'],
  [/paypal/i, 'paypal'],
  [/square/i, 'square'],
  [/braintree/i, 'braintree'],
  [/authorize/i, 'authorize-net'],
];

/** What the card processor calls the same money, where Zoho names it. */
export function elsewhereOf({
  online_transaction_id: externalId,
  payment_mode: mode,
}: ZohoPayment): CanonicalEvent['links'] {
  if (externalId === null) return {};
  const portal = GATEWAYS.find(([pattern]) => pattern.test(mode ?? ''))?.[1];
  return { elsewhere: [{ ...(portal ? { portal } : {}), externalId }] };
}
