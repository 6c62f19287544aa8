/** What people write into payments: modes, references, work orders; and Zoho's way of writing time. */
import { fromDecimalText } from '../../money/money.ts';
import type { Method, Reference } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
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
 * An instant with a compact offset (`+0530`), or only a day, in UTC.
 * @throws WireMismatch without an offset: a local time would be read in the zone of this machine.
 */
export function readInstant(text: string, path: string): string {
  const day = /^\d{4}-\d\d-\d\d$/.test(text);
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:?\d\d)$/.exec(text);
  const [, local = '', offset = ''] = match ?? [];
  const zoned = `${local}${offset.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')}`;
  const instant = new Date(day ? `${text}T00:00:00Z` : zoned);
  if ((!match && !day) || Number.isNaN(instant.getTime())) {
    throw new WireMismatch(`${path}: "${text}" is not an instant with its offset`);
  }
  return instant.toISOString();
}
