/** What Authorize.Net sends: strict on what the books need, open to every field we do not know. */
import { z } from 'zod';
import { WireMismatch } from '../kit/errors.ts';
import { wireDecimal } from '../kit/wire.ts';

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** Answers of the API begin with a byte order mark, which is no JSON. */
export function withoutBom(body: Buffer): Buffer {
  return body.subarray(0, 3).equals(BOM) ? body.subarray(3) : body;
}

/** Informs people and matching: whatever its shape, it must not keep money from the books. */
const text = z
  .unknown()
  .optional()
  .transform((value) => {
    if (typeof value === 'number') return String(value);
    return typeof value === 'string' ? value.trim() || undefined : undefined;
  });

function informing<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object(shape).nullish().catch(undefined);
}

/** Ids are digits, sent as text; too many of them for a number. */
const transactionId = z
  .union([z.string(), z.int()])
  .transform(String)
  .pipe(z.string().regex(/^\d{1,30}$/, 'is not the id of a transaction'));

const responseCode = z.union([z.int(), z.string().regex(/^\d+$/)]).transform(Number);

/** Every notification; its payload is read once its type says that it concerns a transaction. */
export const notificationWire = z.object({
  notificationId: z.string().min(1),
  eventType: z.string().min(1),
  eventDate: z.string(),
  payload: z.unknown(),
});
export type WireNotification = z.infer<typeof notificationWire>;

export const payloadWire = z.object({
  id: transactionId,
  responseCode: responseCode.nullish(),
  authAmount: wireDecimal.nullish(),
  merchantReferenceId: text,
  invoiceNumber: text,
  fraudList: z
    .array(informing({ fraudFilter: text }))
    .nullish()
    .catch(undefined),
});
export type WirePayload = z.infer<typeof payloadWire>;

/** A row of a list: enough to see that a transaction has changed, too little to book it. */
export const summaryWire = z.object({ transId: transactionId, transactionStatus: z.string() });

export const transactionWire = z.object({
  transId: transactionId,
  refTransId: transactionId.nullish(),
  submitTimeUTC: z.string(),
  transactionType: z.string(),
  transactionStatus: z.string(),
  responseReasonCode: text,
  responseReasonDescription: text,
  requestedAmount: wireDecimal.nullish(),
  authAmount: wireDecimal.nullish(),
  settleAmount: wireDecimal.nullish(),
  /** Present when the fraud filters had something to say, whatever was decided. */
  FDSFilterAction: text,
  FDSFilters: z.unknown().optional(),
  order: informing({ invoiceNumber: text, purchaseOrderNumber: text, description: text }),
  subscription: informing({ id: text }),
  customer: informing({ id: text, email: text }),
  billTo: informing({ firstName: text, lastName: text, company: text }),
  payment: z.record(z.string(), z.unknown()).nullish().catch(undefined),
  marketType: text,
  batch: z.object({ settlementTimeUTC: z.string().nullish() }).nullish(),
  returnedItems: z
    .array(z.object({ dateUTC: z.string().nullish(), code: text, description: text }))
    .nullish(),
});
export type WireTransaction = z.infer<typeof transactionWire>;

const statistic = z.object({
  accountType: text,
  chargeAmount: wireDecimal.nullish(),
  refundAmount: wireDecimal.nullish(),
  returnedItemAmount: wireDecimal.nullish(),
  chargebackAmount: wireDecimal.nullish(),
  returnedItemCount: z.int().nullish().catch(undefined),
  chargebackCount: z.int().nullish().catch(undefined),
});

export const batchWire = z.object({
  batchId: transactionId,
  settlementTimeUTC: z.string().nullish(),
  settlementState: z.string(),
  paymentMethod: text,
  statistics: z.array(statistic).nullish(),
});
export type WireBatch = z.infer<typeof batchWire>;

export const messagesWire = z.object({
  resultCode: z.string(),
  message: z.array(z.object({ code: z.string(), text: z.string() })).min(1),
});

/** The member of a JSON object, or undefined where there is no such object or member. */
export function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

/**
 * An instant as `YYYY-MM-DDTHH:mm:ss.sssZ`. Authorize.Net writes none to seven digits of a second, and in its
 * delivery history leaves out the `Z` of what is UTC all the same. @throws WireMismatch
 */
export function utc(written: string, field: string): string {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/.exec(
    written,
  );
  const [, seconds, fraction = '', zone = 'Z'] = match ?? [];
  // What does not match must not reach `Date`, which makes an instant of almost anything.
  const at = new Date(
    match ? `${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}${zone}` : Number.NaN,
  );
  if (Number.isNaN(at.getTime())) throw new WireMismatch(`${field}: "${written}" is no instant`);
  return at.toISOString();
}
