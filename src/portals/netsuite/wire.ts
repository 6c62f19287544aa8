/** What NetSuite sends: strict on the fields we use, indifferent to all others. */
import { z } from 'zod';
import { wireDecimal } from '../kit/wire.ts';

/** The transactions we read, as the column `type` spells them. */
export const TYPES = ['CustPymt', 'CustDep', 'CustRfnd', 'CustInvc', 'Deposit'] as const;
export type Type = (typeof TYPES)[number];

const text = z.string().nullish();
const id = z.union([z.string().regex(/^\d{1,20}$/), z.int().min(0)]).transform(String);
/** Columns that are null are left out of a row. */
const maybeId = id.nullish();
const amount = wireDecimal.nullish();

/** A row of `NextTransactionLineLink`: one document paid, in part or whole, by another. */
export const application = z.object({
  payment: id,
  invoice: id,
  invoicetype: text,
  invoicenumber: text,
  ponumber: text,
  linktype: z.string(),
  foreignamount: amount,
});
export type Application = z.output<typeof application>;

export const transaction = z.object({
  id,
  type: z.string(),
  tranid: text,
  externalid: text,
  trandate: text,
  duedate: text,
  created: z.string(),
  modified: z.string(),
  entity: maybeId,
  customernumber: text,
  companyname: text,
  firstname: text,
  lastname: text,
  email: text,
  currencycode: text,
  foreigntotal: amount,
  status: text,
  /** `T` or `F`: a voided payment may keep its total. */
  voided: z.enum(['T', 'F']),
  memo: text,
  otherrefnum: text,
  method: text,
  /** Added by us from a second query. */
  applications: z.array(application).nullish(),
});
export type Transaction = z.output<typeof transaction>;

export const customer = z.object({
  id,
  entityid: text,
  companyname: text,
  firstname: text,
  lastname: text,
  email: text,
  modified: z.string(),
});

/** A row of `deletedrecord`, of whatever kind the record was. */
export const deletedRecord = z.object({
  recordid: id,
  type: z.string(),
  name: text,
  deleted: z.string(),
});

/** What our script sends; see docs/setup/netsuite.md. */
export const nudge = z.object({
  eventId: z.string().min(1).max(200),
  accountId: z.string().min(1),
  action: z.string().min(1),
  recordType: z.string().min(1),
  recordId: id,
  occurredAt: z.string(),
});

/** An answer to a query; `items` hold what was asked for. */
export const queryPage = z.object({
  items: z.array(z.record(z.string(), z.unknown())),
  count: z.int().min(0),
  hasMore: z.boolean(),
  totalResults: z.int().min(0),
});

const reference = z.object({ id });

/** A payment read by itself, with its sublists. */
export const customerPayment = z.object({
  id,
  externalId: text,
  customer: reference.nullish(),
  currency: reference.nullish(),
  payment: wireDecimal,
  apply: z
    .object({
      hasMore: z.boolean(),
      items: z.array(z.object({ apply: z.boolean(), amount, doc: reference.nullish() })),
    })
    .nullish(),
});
export type CustomerPayment = z.output<typeof customerPayment>;

/** The one instant of a record that the check compares with what a query shows. */
export const modifiedRecord = z.object({ lastModifiedDate: z.string() });

export const errorAnswer = z.object({
  title: text,
  'o:errorDetails': z.array(z.object({ detail: text, 'o:errorCode': text })),
});
