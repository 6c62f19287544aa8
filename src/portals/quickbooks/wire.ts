/** What QuickBooks sends: strict on the fields we use, indifferent to all others. */
import { z } from 'zod';
import { record, wireAddress, wireId, wireText } from '../kit/intuit-transactions.ts';

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

/** A row of a change data capture page that is gone: only its id is left. */
export const deletedRow = z.object({
  Id: wireId,
  status: z.literal('Deleted'),
  MetaData: z.object({ LastUpdatedTime: z.string() }),
});

export const customer = record.extend({
  DisplayName: wireText,
  FullyQualifiedName: wireText,
  CompanyName: wireText,
  PrimaryEmailAddr: wireAddress,
});

/** Rows by entity beside paging numbers; `{}` for a kind of which nothing changed. */
const rows = z.record(z.string(), z.unknown());
export const changePage = z.object({
  CDCResponse: z.array(z.object({ QueryResponse: z.array(rows).default([]) })),
});
