/** Payouts as `decide` works on them, and their table. Names equal the columns. */
import type { Table } from '../db/table.ts';

export type PayoutRow = {
  id: bigint;
  connectionId: string;
  externalId: string;
  amountMinor: bigint;
  currency: string;
  paidAt: string | null;
  failedAt: string | null;
  costMinor: bigint | null;
  posted: boolean;
  entry: bigint | null;
  /** The payout that this is the bank's or the books' view of. */
  mirrors: bigint | null;
  /** When the bank shows it, and how. */
  bankedAt: string | null;
  bankText: string | null;
  updatedSequence: bigint;
};

export const payoutsTable: Table<PayoutRow> = {
  name: 'payouts',
  key: ['id'],
  columns: {
    id: 'bigint',
    connectionId: 'text',
    externalId: 'text',
    amountMinor: 'bigint',
    currency: 'text',
    paidAt: 'instant',
    failedAt: 'instant',
    costMinor: 'bigint',
    posted: 'boolean',
    entry: 'bigint',
    mirrors: 'bigint',
    bankedAt: 'instant',
    bankText: 'text',
    updatedSequence: 'bigint',
  },
};
