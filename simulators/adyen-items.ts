/** The notification items of a simulated Adyen: their fields, their signatures and how they are sent. */
import { createHmac } from 'node:crypto';
import type { SimulatedDelivery, SimulatedNotice, SimulatedOrder } from './contract.ts';
import type { Random } from './random.ts';

export const ACCOUNT = 'AirworksRepairUS';

/** Adyen's currency-codes page where it differs from ISO 4217, as a power of ten from our minor units to theirs. */
const SCALES: Readonly<Record<string, readonly [times: bigint, by: bigint]>> = {
  CLP: [100n, 1n],
  ISK: [100n, 1n],
  CVE: [1n, 100n],
  IDR: [1n, 100n],
};

export type SimulatedItem = {
  readonly eventCode: string;
  readonly pspReference: string;
  readonly originalReference?: string;
  readonly merchantReference: string | null;
  readonly amount: { readonly value: number; readonly currency: string };
  readonly eventDate: string;
  readonly paymentMethod: string;
  readonly reason: string;
  readonly success: 'true' | 'false';
  readonly additionalData: Readonly<Record<string, string>>;
};

/** How the firm has set up its webhook. */
export type Webhook = {
  readonly hmacKey: string;
  readonly form: boolean;
  readonly basic: { readonly user: string; readonly password: string } | undefined;
};

/** @throws RangeError when the amount cannot be said in Adyen's units. */
export function amountOf(minor: bigint, currency: string): SimulatedItem['amount'] {
  const [times, by] = SCALES[currency] ?? [1n, 1n];
  if ((minor * times) % by !== 0n) throw new RangeError(`Adyen cannot say ${minor} ${currency}`);
  return { value: Number((minor * times) / by), currency };
}

/** Adyen writes whole seconds in Amsterdam's winter time. */
export function stamp(at: Date): string {
  return `${new Date(at.getTime() + 3_600_000).toISOString().slice(0, 19)}+01:00`;
}

/** What the webhook's additional settings add to a payment's own item. */
export function orderDetails(order: SimulatedOrder): Record<string, string> {
  return {
    shopperReference: order.customer.externalId,
    shopperEmail: order.customer.email,
    cardHolderName: order.customer.name,
    ...(order.workOrder ? { 'metadata.work_order': order.workOrder } : {}),
    ...(order.memo ? { 'metadata.memo': order.memo } : {}),
  };
}

/** One delivery of one or several items; a form holds one. */
export function noticeOf(items: readonly SimulatedItem[], webhook: Webhook): SimulatedNotice {
  const signed = items.map((item) => sign(item, webhook.hmacKey));
  return {
    label: items.map((item) => `${item.eventCode} ${item.pspReference}`).join(' + '),
    sign: () => deliver(signed, webhook),
    // Somebody who saw a delivery changes what it is worth.
    forge: () =>
      deliver(
        signed.map((item) => ({
          ...item,
          amount: { ...item.amount, value: item.amount.value + 100 },
        })),
        webhook,
      ),
  };
}

function sign(item: SimulatedItem, hmacKey: string): SimulatedItem {
  const text = [
    item.pspReference,
    item.originalReference ?? '',
    ACCOUNT,
    item.merchantReference ?? '',
    String(item.amount.value),
    item.amount.currency,
    item.eventCode,
    item.success,
  ].join(':');
  const key = Buffer.from(hmacKey, 'hex');
  const hmacSignature = createHmac('sha256', key).update(text).digest('base64');
  return { ...item, additionalData: { ...item.additionalData, hmacSignature } };
}

function deliver(items: readonly SimulatedItem[], { form, basic }: Webhook): SimulatedDelivery {
  const isForm = form && items.length === 1;
  const pair = basic && Buffer.from(`${basic.user}:${basic.password}`).toString('base64');
  return {
    headers: {
      'user-agent': 'Adyen HttpClient 1.0',
      'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
      ...(pair === undefined ? {} : { authorization: `Basic ${pair}` }),
    },
    body: Buffer.from(isForm ? formOf(items[0] as SimulatedItem) : jsonOf(items)),
  };
}

function jsonOf(items: readonly SimulatedItem[]): string {
  return JSON.stringify({
    live: 'true',
    notificationItems: items.map((item) => ({
      NotificationRequestItem: { ...item, merchantAccountCode: ACCOUNT },
    })),
  });
}

function formOf({ amount, additionalData, ...item }: SimulatedItem): string {
  const fields: Record<string, string> = {
    live: 'true',
    currency: amount.currency,
    value: String(amount.value),
    merchantAccountCode: ACCOUNT,
    originalReference: '',
  };
  for (const [name, value] of Object.entries(item)) fields[name] = value ?? '';
  for (const [name, value] of Object.entries(additionalData)) {
    fields[`additionalData.${name}`] = value;
  }
  return new URLSearchParams(fields).toString();
}

/** Sixteen capitals and digits, as all of Adyen's references. */
export function newReference(random: Random): string {
  return random.token(16).toUpperCase();
}
