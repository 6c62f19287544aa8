/** What FreshBooks sends: strict on the fields we use, indifferent to all others. */
import { z } from 'zod';
import { wireDecimal } from '../kit/wire.ts';

/** Numbers come as numbers or as text, by endpoint. */
const id = z.union([z.string().regex(/^[A-Za-z0-9_-]{1,60}$/), z.int().min(0)]).transform(String);
const optionalId = id.nullish().or(z.literal('').transform(() => null));
const text = z.string().nullish();
const state = z.union([z.int(), z.string().regex(/^\d$/)]).transform(Number);
const money = z.object({ amount: wireDecimal, code: z.string() });
const day = z.string().nullish();

const includedClient = z
  .object({ organization: text, fname: text, lname: text, email: text })
  .nullish();

/** A row of `payments`, alone or in a page. */
export const payment = z.object({
  id,
  amount: money,
  clientid: optionalId,
  invoiceid: optionalId,
  creditid: optionalId,
  overpaymentid: optionalId,
  orderid: optionalId,
  transactionid: optionalId,
  from_credit: z.boolean().nullish(),
  date: day,
  gateway: text,
  note: text,
  type: text,
  updated: z.string(),
  vis_state: state.nullish(),
  client: includedClient,
  invoice: z.object({ invoice_number: text, po_number: text }).nullish(),
});
export type WirePayment = z.output<typeof payment>;

export const invoice = z.object({
  id,
  invoice_number: text,
  po_number: text,
  amount: money,
  customerid: optionalId,
  create_date: day,
  due_date: day,
  v3_status: text,
  updated: z.string(),
  vis_state: state.nullish(),
});
export type WireInvoice = z.output<typeof invoice>;

export const client = z.object({
  id,
  organization: text,
  fname: text,
  lname: text,
  email: text,
  currency_code: text,
  updated: z.string(),
});
export type WireClient = z.output<typeof client>;

/** The two shapes in which the API says no. */
export const accountingErrors = z.object({
  response: z.object({
    errors: z.array(z.object({ errno: z.union([z.int(), z.string()]).nullish(), message: text })),
  }),
});
export const plainError = z.object({ message: z.string() });

/** What a payment deleted for good leaves: our own note of the answer "not found". */
export const gonePayment = z.object({ gonePayment: z.object({ id }) });

/** Pages are counted from 1; an empty list has none. */
const count = z.union([z.int().min(0), z.string().regex(/^\d{1,9}$/)]).transform(Number);
export const pageNumbers = z.object({
  response: z.object({ result: z.object({ page: count, pages: count }) }),
});

export const callback = z.object({
  callbackid: id,
  verified: z.boolean(),
  event: z.string(),
  uri: z.string(),
});

export const callbackAnswer = z.object({
  response: z.object({ result: z.object({ callback }) }),
});

/** The businesses a person belongs to; those without accounting have no account. */
export const me = z.object({
  response: z.object({
    business_memberships: z
      .array(
        z.object({
          business: z.object({ name: text, account_id: z.string().nullish() }),
        }),
      )
      .default([]),
  }),
});
