/** What we ask of a company's receivables, whichever API answers. */
import type { PortalApi } from '../contract.ts';
import { restLedger } from './rest-ledger.ts';
import type { SageIntacctSettings } from './settings.ts';
import type { Kind, LedgerRecord } from './wire.ts';
import type { PaymentToWrite } from './xml-functions.ts';
import { xmlLedger } from './xml-ledger.ts';

/**
 * Where a list goes on: in the rows that Intacct keeps for us, of which so many were read, behind a record, or at a
 * place counted from 1.
 */
export type Place =
  | { readonly resultId: string; readonly read: number }
  | { readonly behind: string }
  | { readonly start: number };

export type Asked = {
  /** Changed since then, ISO UTC. */
  readonly since: string;
  /** Invoices that are still owed are listed whenever they were changed. */
  readonly open: boolean;
  /** Null at the beginning. */
  readonly place: Place | null;
  /** How often the list was begun anew, because its place was lost. */
  readonly restarts: number;
};

export type Listed = {
  readonly records: readonly LedgerRecord[];
  /** Null on the last page. */
  readonly following: Place | null;
  /** The place is lost: the list begins anew. */
  readonly lost?: true;
};

export type Found = {
  readonly records: readonly LedgerRecord[];
  /** Intacct's clock as it answered, ISO UTC; undefined when it does not tell. */
  readonly answeredAt: string | undefined;
};

export type Ledger = {
  /** In the order in which they are read: payers and what is owed before what was paid. */
  readonly kinds: readonly Kind[];
  /** One page; payments come with what they pay. */
  list(kind: Kind, asked: Asked): Promise<Listed>;
  /** The records of these numbers, as far as they exist; an advance is found among the payments. */
  find(kind: Exclude<Kind, 'advance'>, keys: readonly string[]): Promise<Found>;
  /** Payments with exactly this reference number. */
  findByDocNumber(docNumber: string): Promise<Found>;
  /** Resolves to its number where the answer tells. `controlId` makes the call unique. @throws Rejected */
  create(payment: PaymentToWrite, controlId: string): Promise<string | undefined>;
  reverse(
    payment: { readonly key: string; readonly day: string; readonly memo: string },
    controlId: string,
  ): Promise<void>;
  deleteDraft(key: string, controlId: string): Promise<void>;
};

export function openLedger(api: PortalApi, settings: SageIntacctSettings): Ledger {
  return settings.api === 'xml' ? xmlLedger(api, settings) : restLedger(api);
}
