/** What bridges and files tell, and the documents made of it. Strict on what is used, indifferent to the rest. */
import { z } from 'zod';
import { wireDecimal } from '../kit/wire.ts';
import { AUDIT_COLUMNS, RECEIPT_COLUMNS } from './columns.ts';

const text = z.string().nullish();
/** The number of a transaction; the US edition's are a period and a number within it. */
export const tranNumber = z
  .union([z.int().positive(), z.string().regex(/^\d{1,10}(-\d{1,10})?$/)])
  .transform(String);

const allocation = z.object({ invoiceTran: tranNumber, invoiceRef: text, amount: wireDecimal });

/** A transaction by the contract of the own bridge; what the other bridges tell is brought to it. */
export const receipt = z.object({
  tranNumber,
  type: z.string(),
  accountRef: text,
  accountName: text,
  email: text,
  bankCode: text,
  /** `YYYY-MM-DD`. */
  date: z.string(),
  dueDate: text,
  reference: text,
  details: text,
  extraReference: text,
  /** ISO 4217; absent where a bridge knows the base currency only. */
  currency: text,
  grossAmount: wireDecimal,
  outstanding: wireDecimal.nullish(),
  paymentReceived: z.boolean().nullish(),
  deleted: z.boolean().nullish(),
  modifiedAt: text,
  allocations: z.array(allocation).nullish(),
});
export type Receipt = z.output<typeof receipt>;

/** A page of the own bridge. */
export const page = z.object({
  dataset: z.string(),
  receipts: z.array(z.looseObject({ tranNumber, modifiedAt: z.string() })),
  nextCursor: text,
  hasMore: z.boolean(),
});

/** The document of a transaction; a push is one, too. */
export const receiptDocument = z.object({
  dataset: z.string(),
  receipt,
  /** When a bridge was asked that does not say when something changed. */
  readAt: text,
});

/** Cells by the names of their columns; blank ones are absent. */
function cells<C extends string>(columns: readonly C[]) {
  const shape = Object.fromEntries(columns.map((column) => [column, z.string().exactOptional()]));
  return z.object(shape as Record<C, z.ZodExactOptional<z.ZodString>>);
}

/** Lines of the UK edition, or a record of HyperAccounts; several are the splits of one transaction. */
export const auditDocument = z.object({
  rows: z.array(cells(AUDIT_COLUMNS)).min(1),
  from: z.literal('hyperaccounts').nullish(),
  allocations: z.array(allocation).nullish(),
});

/** The distributions of one receipt of the US edition. */
export const distributionsDocument = z.object({
  distributions: z.array(cells(RECEIPT_COLUMNS)).min(1),
});

export const customerDocument = z.object({
  customer: z.object({ accountRef: z.string().min(1), name: text, email: text }),
  readAt: text,
});

/** What a fully read window no longer held. */
export const goneDocument = z.object({
  dataset: z.string(),
  gone: z.object({ tranNumber, type: z.string() }),
  readAt: z.string(),
});

/** The open-source bridge answers within this, errors included. */
export const envelope = z.object({
  success: z.boolean(),
  data: z.unknown(),
  error: text,
});

/** A row of its sales ledger, or of its transactions. */
export const ledgerRow = z.object({
  transactionNumber: z.int().positive(),
  accountRef: text,
  type: text,
  date: text,
  reference: text,
  details: text,
  grossAmount: wireDecimal,
  outstanding: wireDecimal.nullish(),
  nominalCode: text,
});
export type LedgerRow = z.output<typeof ledgerRow>;
