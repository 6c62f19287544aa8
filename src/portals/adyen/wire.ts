/** Adyen's standard webhooks as they come: JSON with a list of items, or one item as a form. */
import { z } from 'zod';
import { parseExactJson } from '../kit/wire.ts';

const text = z.string().nullish();

/** One notification item; what is not signed may be anything, so it is read leniently. */
export const notificationItem = z.object({
  pspReference: z.string().min(1),
  originalReference: text,
  merchantAccountCode: z.string().min(1),
  merchantReference: text,
  amount: z.object({ value: z.union([z.int(), z.string()]), currency: z.string() }).nullish(),
  eventCode: z.string().min(1),
  eventDate: z.string(),
  success: z.union([z.enum(['true', 'false']), z.boolean().transform(String)]),
  paymentMethod: text,
  reason: text,
  additionalData: z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((value) => value ?? {}),
});
export type Item = z.output<typeof notificationItem>;

/** A delivery taken apart; items are what stands under `NotificationRequestItem`, not checked. */
export type Delivery = { readonly live: unknown; readonly items: readonly unknown[] };

/** The items of a body, whichever of the two methods the webhook uses; undefined for any other body. */
export function readDelivery(body: Buffer): Delivery | undefined {
  try {
    return looksLikeJson(body) ? fromJson(parseExactJson(body)) : fromForm(body);
  } catch {
    return undefined;
  }
}

export function looksLikeJson(body: Buffer): boolean {
  return /^(?:\ufeff)?\s*[[{]/.test(body.subarray(0, 64).toString('utf8'));
}

function fromJson(whole: unknown): Delivery | undefined {
  const { live, notificationItems } = (whole ?? {}) as Record<string, unknown>;
  if (!Array.isArray(notificationItems)) return undefined;
  return { live, items: notificationItems.map(itemIn) };
}

/** An element of `notificationItems` wraps its item in a name of its own. */
export function itemIn(element: unknown): unknown {
  if (typeof element !== 'object' || element === null) return undefined;
  return (element as Record<string, unknown>).NotificationRequestItem;
}

const AMOUNT_FIELDS = ['value', 'currency'];
const ADDITIONAL = 'additionalData.';

/** The form has one item with flat names; an empty field is one that JSON leaves out. */
function fromForm(body: Buffer): Delivery | undefined {
  const form = new URLSearchParams(body.toString('utf8'));
  if (!form.has('eventCode') || !form.has('pspReference')) return undefined;
  const item: Record<string, unknown> = {};
  const amount: Record<string, unknown> = {};
  const additionalData: Record<string, unknown> = {};
  for (const [name, value] of form) {
    if (value === '') continue;
    if (name.startsWith(ADDITIONAL)) additionalData[name.slice(ADDITIONAL.length)] = value;
    else if (AMOUNT_FIELDS.includes(name)) amount[name] = value;
    else item[name] = value;
  }
  return { live: form.get('live'), items: [{ ...item, amount, additionalData }] };
}

/** A text of `additionalData`, whose names contain dots; undefined when absent or blank. */
export function additional(item: Item, name: string): string | undefined {
  const value = Object.hasOwn(item.additionalData, name) ? item.additionalData[name] : undefined;
  return typeof value === 'string' ? value.trim() || undefined : undefined;
}
