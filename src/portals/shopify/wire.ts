/** What Shopify sends: webhook bodies in the shape of its REST API, and answers of its GraphQL API. */
import { z } from 'zod';
import { fromDecimalText, MalformedAmount, type Money } from '../../money/money.ts';
import { WireMismatch } from '../kit/errors.ts';
import { wireDecimal } from '../kit/wire.ts';

/** A field of something that may be no object. */
export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

/** `gid://shopify/Order/6102938475521` taken apart; undefined for anything else. */
export function gidOf(
  value: unknown,
): { readonly type: string; readonly number: string } | undefined {
  const match =
    typeof value === 'string'
      ? /^gid:\/\/shopify\/(\w{1,60})\/(\d{1,30})(?:\?|$)/.exec(value)
      : null;
  return match?.[1] && match[2] ? { type: match[1], number: match[2] } : undefined;
}

/** The id under which an order stands for payments that are not known yet; no transaction's id looks like it. */
export function orderGid(number: string): string {
  return `gid://shopify/Order/${number}`;
}

/** Ids of test notifications exceed what floating point holds: they arrive as text. */
const id = z
  .union([z.string(), z.int()])
  .transform(String)
  .refine((text) => /^\d{1,30}$/.test(text), 'is not a number of Shopify');
const text = z.string().nullish();

/** A GraphQL id, as the digits that webhooks call `id`. */
const gid = z.string().transform((value, context) => {
  const parsed = gidOf(value);
  if (parsed) return parsed.number;
  context.addIssue({ code: 'custom', message: `"${value.slice(0, 80)}" is no id of Shopify` });
  return z.NEVER;
});

const restMoney = z.object({ amount: wireDecimal, currency_code: z.string() });
const restMoneyBag = z.object({ presentment_money: restMoney, shop_money: restMoney });

export const restTransaction = z.object({
  id,
  order_id: id.nullish(),
  parent_id: id.nullish(),
  kind: z.string(),
  status: z.string(),
  gateway: text,
  /** The gateway's own id; some write another code here. */
  authorization: text,
  /** What the gateway answered, which only some shops pass on. */
  receipt: z.record(z.string(), z.unknown()).nullish().catch(null),
  message: text,
  error_code: text,
  test: z.boolean().nullish(),
  created_at: text,
  processed_at: text,
  amount: wireDecimal.nullish(),
  currency: text,
  manual_payment_gateway: z.boolean().nullish(),
  payment_details: z
    .object({
      credit_card_company: text,
      credit_card_number: text,
      credit_card_wallet: text,
      payment_method_name: text,
    })
    .nullish(),
});
export type RestTransaction = z.output<typeof restTransaction>;

export const restRefund = z.object({
  id,
  order_id: id.nullish(),
  transactions: z.array(restTransaction).nullish(),
});

export const restOrder = z.object({
  id,
  name: text,
  test: z.boolean().nullish(),
  financial_status: text,
  currency: text,
  total_price: wireDecimal.nullish(),
  total_price_set: restMoneyBag.nullish(),
  total_outstanding: wireDecimal.nullish(),
  total_cash_rounding_payment_adjustment_set: restMoneyBag.nullish(),
  payment_gateway_names: z.array(z.string()).nullish(),
  po_number: text,
  note: text,
  note_attributes: z.array(z.object({ name: text, value: z.unknown() })).nullish(),
  processed_at: text,
  created_at: text,
  updated_at: text,
  email: text,
  contact_email: text,
  customer: z
    .object({ id: id.nullish(), email: text, first_name: text, last_name: text })
    .nullish(),
  billing_address: z.object({ company: text, name: text }).nullish(),
});
export type RestOrder = z.output<typeof restOrder>;

export const restDispute = z.object({
  id,
  order_id: id.nullish(),
  type: z.string(),
  status: z.string(),
  amount: wireDecimal,
  currency: z.string(),
  reason: text,
  network_reason_code: text,
  initiated_at: text,
  finalized_on: text,
});

const money = z.object({ amount: wireDecimal, currencyCode: z.string() });
export type WireMoney = z.output<typeof money>;
const named = z.object({ id: gid });

const graphTransaction = z.object({
  id: gid,
  kind: z.string(),
  status: z.string(),
  gateway: text,
  test: z.boolean().nullish(),
  createdAt: text,
  processedAt: text,
  errorCode: text,
  parentTransaction: named.nullish(),
  amountSet: z.object({ presentmentMoney: money, shopMoney: money }),
  fees: z.array(z.object({ amount: money })).nullish(),
});
export type GraphTransaction = z.output<typeof graphTransaction>;

export const graphOrder = z.object({
  id: gid,
  name: text,
  poNumber: text,
  note: text,
  email: text,
  customAttributes: z.array(z.object({ key: text, value: z.unknown() })).nullish(),
  updatedAt: text,
  customer: z
    .object({
      id: gid,
      displayName: text,
      defaultEmailAddress: z.object({ emailAddress: text }).nullish(),
    })
    .nullish(),
  billingAddress: z.object({ company: text }).nullish(),
  transactions: z.array(graphTransaction),
});
export type GraphOrder = z.output<typeof graphOrder>;

export const graphDispute = z.object({
  id: gid,
  type: z.string(),
  status: z.string(),
  amount: money,
  initiatedAt: text,
  finalizedOn: text,
  reasonDetails: z.object({ reason: text, networkReasonCode: text }).nullish(),
  order: z
    .object({
      id: gid,
      transactions: z.array(
        z.object({ id: gid, kind: z.string(), status: z.string(), gateway: text }),
      ),
    })
    .nullish(),
});
export type GraphDispute = z.output<typeof graphDispute>;

export const graphPayout = z.object({
  id: gid,
  issuedAt: z.string(),
  status: z.string(),
  transactionType: z.string(),
  net: money,
});

export const graphBalanceTransaction = z.object({
  id: gid,
  type: z.string(),
  test: z.boolean().nullish(),
  transactionDate: z.string(),
  amount: money,
  fee: money,
  sourceType: text,
  sourceId: z.union([z.string(), z.int()]).transform(String).nullish(),
  sourceOrderTransactionId: z.union([z.string(), z.int()]).transform(String).nullish(),
  associatedOrder: named.nullish(),
});

/** Decimal text in major units, `1284.50` or `1284.5`; digits by ISO 4217. @throws MalformedAmount, UnknownCurrency */
export function shopMoney(
  amount: string | null | undefined,
  currency: string | null | undefined,
): Money {
  if (amount == null || !currency)
    throw new WireMismatch('amount: it has no amount or no currency');
  return fromDecimalText(amount, currency);
}

/** Like `shopMoney`, for amounts whose direction something else says. @throws MalformedAmount */
export function positiveMoney({ amount, currencyCode }: WireMoney): Money {
  const read = shopMoney(amount, currencyCode);
  if (read.minor <= 0n) throw new MalformedAmount(`"${amount}" is not a positive amount`);
  return read;
}

/** The UTC instant of a time with an offset, the first that is given. @throws WireMismatch */
export function instant(...times: readonly (string | null | undefined)[]): string {
  const time = times.find((one) => one != null && one !== '');
  const day = time !== undefined && time !== null && /^\d{4}-\d\d-\d\d$/.test(time);
  const zoned = day || /T.*(?:Z|[+-]\d\d:?\d\d)$/.test(time ?? '');
  const at = new Date(zoned ? (time as string) : Number.NaN);
  if (Number.isNaN(at.getTime())) {
    throw new WireMismatch(`"${String(time).slice(0, 60)}" is not an instant with its offset`);
  }
  return at.toISOString();
}
