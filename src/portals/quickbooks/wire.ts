/** What QuickBooks sends: strict on the fields we use, indifferent to all others. */
import { z } from 'zod';
import { wireDecimal } from '../kit/wire.ts';

/** The objects we read, as QuickBooks spells them in queries and bodies. */
export const ENTITIES = [
  'Customer',
  'Invoice',
  'Payment',
  'RefundReceipt',
  'SalesReceipt',
  'Deposit',
] as const;
export type Entity = (typeof ENTITIES)[number];

const id = z.union([z.string().min(1), z.int()]).transform(String);
const text = z.string().nullish();
const day = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/)
  .nullish();
const named = z.object({ value: id, name: text });
const address = z.object({ Address: text }).nullish();

/** Notes in the margin: a shape we do not know costs us the invoice's number, not the payment. */
const lineEx = z
  .object({
    any: z.array(z.object({ value: z.object({ Name: text, Value: text }).nullish() })),
  })
  .nullish()
  .catch(null);

const line = z.object({
  Amount: wireDecimal.nullish(),
  LinkedTxn: z.array(z.object({ TxnId: id, TxnType: z.string() })).nullish(),
  LineEx: lineEx,
});
export type WireLine = z.output<typeof line>;

/** A row of a change data capture page that is gone: only its id is left. */
export const deletedRow = z.object({
  Id: id,
  status: z.literal('Deleted'),
  MetaData: z.object({ LastUpdatedTime: z.string() }),
});

const revision = z.union([z.string().regex(/^\d{1,15}$/), z.int().min(0)]).transform(Number);

const record = z.object({
  Id: id,
  SyncToken: revision,
  MetaData: z.object({ CreateTime: z.string(), LastUpdatedTime: z.string() }),
  CurrencyRef: named.nullish(),
});

/**
 * Payment, SalesReceipt, RefundReceipt, Invoice and Deposit: money with a date, notes and lines.
 */
export const transaction = record.extend({
  TotalAmt: wireDecimal,
  TxnDate: day,
  DueDate: day,
  DocNumber: text,
  CustomerRef: named.nullish(),
  BillEmail: address,
  PaymentMethodRef: named.nullish(),
  PaymentRefNum: text,
  PrivateNote: text,
  CustomerMemo: z.object({ value: text }).nullish(),
  CustomField: z.array(z.object({ Name: text, StringValue: text })).nullish(),
  TxnSource: text,
  CreditCardPayment: z
    .object({ CreditChargeResponse: z.object({ CCTransId: text }).nullish() })
    .nullish(),
  Line: z.array(line).nullish(),
});
export type Transaction = z.output<typeof transaction>;

export const customer = record.extend({
  DisplayName: text,
  FullyQualifiedName: text,
  CompanyName: text,
  PrimaryEmailAddr: address,
});

/** One CloudEvent of the array that Intuit has sent since 2026. */
export const cloudEvent = z.object({
  id: z.string().min(1),
  type: z.string(),
  time: z.string(),
  intuitentityid: id,
  intuitaccountid: id,
});

/** The form before CloudEvents, still understood because Intuit named two dates for its end. */
export const legacyNotice = z.object({
  eventNotifications: z.array(
    z.object({
      realmId: id,
      dataChangeEvent: z.object({
        entities: z.array(
          z.object({ name: z.string(), id, operation: z.string(), lastUpdated: z.string() }),
        ),
      }),
    }),
  ),
});

/** A page: rows by entity beside paging numbers; `{}` when nothing was found. */
const rows = z.record(z.string(), z.unknown());
export const queryPage = z.object({ QueryResponse: rows });
export const changePage = z.object({
  CDCResponse: z.array(z.object({ QueryResponse: z.array(rows).default([]) })),
});

/** What paging needs to know of a row. */
export const pagedRows = z.array(
  z.object({ Id: id, MetaData: z.object({ LastUpdatedTime: z.string() }) }),
);

export const fault = z.object({
  Fault: z.object({ Error: z.array(z.object({ code: text, Message: text, Detail: text })) }),
});
