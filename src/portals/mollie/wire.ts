/** What Mollie sends: strict on what the books need, open to every field we do not know. */
import { z } from 'zod';
import { parseExactJson, readWire } from '../kit/wire.ts';

const amount = z.object({ value: z.string(), currency: z.string() });
export type WireAmount = z.infer<typeof amount>;

const instant = z.iso.datetime({ offset: true });
/** Informs people and matching: whatever its shape, it must not keep money from the books. */
const free = z.unknown().optional();
const mode = z.enum(['live', 'test']).nullish();

export const PAYMENT_ID = /^tr_[A-Za-z0-9]+$/;
export const PAYOUT_ID = /^payout_[A-Za-z0-9]+$/;
const EVENT_ID = /^event_[A-Za-z0-9]+$/;

export const refundWire = z.object({
  resource: z.literal('refund'),
  id: z.string().min(1),
  mode,
  status: z.enum(['queued', 'pending', 'processing', 'refunded', 'failed', 'canceled']),
  amount,
  createdAt: instant,
  paymentId: z.string().min(1).nullish(),
  description: free,
  metadata: free,
  _embedded: z.object({ payment: z.object({ profileId: z.string().nullish() }) }).nullish(),
});
export type WireRefund = z.infer<typeof refundWire>;

export const chargebackWire = z.object({
  resource: z.literal('chargeback'),
  id: z.string().min(1),
  mode,
  amount,
  createdAt: instant,
  reversedAt: instant.nullish(),
  paymentId: z.string().min(1).nullish(),
  reason: free,
  _embedded: z.object({ payment: z.object({ profileId: z.string().nullish() }) }).nullish(),
});
export type WireChargeback = z.infer<typeof chargebackWire>;

export const paymentWire = z.object({
  resource: z.literal('payment'),
  id: z.string().regex(PAYMENT_ID),
  mode,
  status: z.enum(['open', 'pending', 'authorized', 'paid', 'failed', 'expired', 'canceled']),
  amount,
  amountCaptured: amount.nullish(),
  captureMode: free,
  createdAt: instant,
  authorizedAt: instant.nullish(),
  paidAt: instant.nullish(),
  failedAt: instant.nullish(),
  expiredAt: instant.nullish(),
  canceledAt: instant.nullish(),
  profileId: z.string().nullish(),
  method: free,
  description: free,
  metadata: free,
  orderId: free,
  subscriptionId: free,
  customerId: free,
  billingAddress: free,
  details: free,
  statusReason: free,
  _embedded: z
    .object({
      refunds: z.array(refundWire).nullish(),
      chargebacks: z.array(chargebackWire).nullish(),
    })
    .nullish(),
});
export type WirePayment = z.infer<typeof paymentWire>;

export const captureWire = z.object({
  resource: z.literal('capture'),
  id: z.string().min(1),
  paymentId: z.string().regex(PAYMENT_ID),
  status: z.enum(['pending', 'succeeded', 'failed']),
});

export const settlementWire = z.object({
  resource: z.literal('settlement'),
  id: z.string().min(1),
  status: z.enum(['open', 'pending', 'processing-at-bank', 'paidout', 'failed']),
  amount: amount.nullish(),
  createdAt: instant.nullish(),
  settledAt: instant.nullish(),
});

export const payoutWire = z.object({
  resource: z.literal('payout'),
  id: z.string().min(1),
  mode,
  status: z.enum([
    'requested',
    'initiated',
    'processing-at-bank',
    'completed',
    'failed',
    'canceled',
  ]),
  amount: amount.nullish(),
  createdAt: instant,
  completedAt: instant.nullish(),
  statusReason: free,
});

export const balanceTransactionWire = z.object({
  resource: z.literal('balance-transaction'),
  id: z.string().min(1),
  type: z.string(),
  createdAt: instant,
  initialAmount: amount,
  deductionDetails: z.object({ fees: amount.nullish() }).nullish(),
  context: z.object({ paymentId: z.string().regex(PAYMENT_ID).nullish() }).nullish(),
});
export type WireBalanceTransaction = z.infer<typeof balanceTransactionWire>;

export const eventWire = z.object({
  resource: z.literal('event'),
  id: z.string().regex(EVENT_ID),
  type: z.string().min(1),
  entityId: z.string().min(1),
  createdAt: instant,
  _embedded: z.object({ entity: free }).nullish(),
  _links: free,
});
export type WireEvent = z.infer<typeof eventWire>;

/** The member of a JSON object, or undefined where there is no such object or member. */
export function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

/** A text that says something, trimmed; null for anything else. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return null;
  return value.trim() || null;
}

/**
 * The id a classic notice names (`id=tr_…`, a form and nothing else), or undefined when the body is
 * something else.
 */
export function classicId(body: Buffer): string | undefined {
  if (body.length > 1024) return undefined;
  const text = body.toString('utf8').trim();
  if (!/^[A-Za-z]\w*=/.test(text)) return undefined;
  const id = new URLSearchParams(text).get('id') ?? '';
  return /^[a-z]+_[A-Za-z0-9]+$/.test(id) ? id : undefined;
}

/** A body's JSON and the resource it says it is. @throws WireMismatch */
export function readResource(body: Buffer): { readonly resource: string; readonly value: unknown } {
  const value = parseExactJson(body);
  const { resource } = readWire(z.object({ resource: z.string().min(1) }), value);
  return { resource, value };
}
