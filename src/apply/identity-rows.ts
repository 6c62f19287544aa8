/** Further ids of what is in the books. Names equal the columns. */
import type { Table } from '../db/table.ts';

export type IdentityRow = {
  kind: 'payment' | 'customer' | 'invoice' | 'work-order';
  connectionId: string;
  externalId: string;
  entityId: bigint;
  documentId: bigint;
};

export const identitiesTable: Table<IdentityRow> = {
  name: 'identities',
  key: ['kind', 'connectionId', 'externalId'],
  columns: {
    kind: 'text',
    connectionId: 'text',
    externalId: 'text',
    entityId: 'bigint',
    documentId: 'bigint',
  },
};

/**
 * An id under which another portal knows the money of a payment; `portal` is empty where nobody says which, and `memo`
 * where it is a word that people wrote beside it.
 */
export type ElsewhereRow = {
  externalId: string;
  portal: string;
  paymentId: bigint;
};

export const elsewhereTable: Table<ElsewhereRow> = {
  name: 'elsewhere_ids',
  key: ['externalId', 'portal', 'paymentId'],
  columns: { externalId: 'text', portal: 'text', paymentId: 'bigint' },
};
