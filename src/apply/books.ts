/** The part of an organization's books that one batch touches, in memory: loaded before, written after. */

import type { Account } from '../ledger/chart.ts';
import type { Entry } from '../ledger/entry.ts';
import type { CanonicalEvent, Payer } from '../portals/events.ts';
import type { ElsewhereRow, IdentityRow } from './identity-rows.ts';
import { type Names, names } from './names.ts';
import type { PayoutRow } from './payout-rows.ts';
import {
  type ActionRow,
  type AllocationRow,
  type CustomerRow,
  type DisputeRow,
  type EntitlementRow,
  type InvoiceRow,
  type PaymentRow,
  type RefundRow,
  type ReviewItemRow,
  unappliedOf,
  type WorkOrderRow,
} from './rows.ts';

/** Rows of one table by id and by further keys; remembers which were changed. */
export type Shelf<Row> = {
  get(id: bigint): Row | undefined;
  /** Adds what the database holds; a row already here is newer and stays. */
  load(rows: readonly Row[]): void;
  /** Adds a new row, or notes that a row was changed. */
  put(row: Row): void;
  /** Rows under `key` of that index, by id. */
  find(index: string, key: string): readonly Row[];
  all(): Iterable<Row>;
  changed(): readonly Row[];
};

type Indexes<Row> = Readonly<Record<string, (row: Row) => string | null>>;

function shelf<Row extends { readonly id: bigint }>(indexes: Indexes<Row>): Shelf<Row> {
  const rows = new Map<bigint, Row>();
  const changed = new Set<Row>();
  const places = new Map<string, Map<string, Set<Row>>>();
  const keysOf = new Map<Row, Map<string, string>>();
  for (const name of Object.keys(indexes)) places.set(name, new Map());

  const index = (row: Row): void => {
    const known = keysOf.get(row) ?? new Map<string, string>();
    keysOf.set(row, known);
    for (const [name, keyOf] of Object.entries(indexes)) {
      const key = keyOf(row);
      const before = known.get(name);
      if (before === (key ?? undefined)) continue;
      const place = places.get(name) as Map<string, Set<Row>>;
      if (before !== undefined) place.get(before)?.delete(row);
      if (key === null) {
        known.delete(name);
        continue;
      }
      known.set(name, key);
      const set = place.get(key);
      if (set) set.add(row);
      else place.set(key, new Set([row]));
    }
  };

  return {
    get: (id) => rows.get(id),
    load: (loaded) => {
      for (const row of loaded) {
        if (rows.has(row.id)) continue;
        rows.set(row.id, row);
        index(row);
      }
    },
    put: (row) => {
      rows.set(row.id, row);
      index(row);
      changed.add(row);
    },
    find: (name, key) =>
      [...(places.get(name)?.get(key) ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1)),
    all: () => rows.values(),
    changed: () => [...changed],
  };
}

/** Joins the parts of a composite key; the separator cannot occur in ids or codes. */
export function keyOf(...parts: readonly (string | bigint | number)[]): string {
  return parts.join('\u0000');
}

function identityKey({ kind, connectionId, externalId }: IdentityRow): string {
  return keyOf(kind, connectionId, externalId);
}

export type ConnectionFacts = {
  readonly id: string;
  readonly portal: string;
  readonly role: 'source' | 'books';
  /** The setting to look at when amounts are off by a hundred; null where the portal leaves no doubt. */
  readonly unitSetting: string | null;
  /** Its payments may be money that another portal holds. */
  readonly relays: boolean;
  /** It tells of refunds by itself. */
  readonly tellsRefunds: boolean;
  /** How banks name it when it pays out. */
  readonly payoutNames: readonly string[];
};

export type SystemFacts = {
  readonly id: string;
  readonly kind: 'webhook' | 'servicemobility' | 'books';
  readonly connectionId: string | null;
  /** Topics wanted; null means all. */
  readonly topics: readonly string[] | null;
};

export type Organization = {
  readonly id: number;
  readonly timeZone: string;
  readonly installation: string;
  readonly connections: ReadonlyMap<string, ConnectionFacts>;
  readonly systems: readonly SystemFacts[];
};

export type Head = {
  documentSequence: bigint;
  entrySequence: bigint;
  entryHash: Buffer;
  lastId: bigint;
};

export type SealedEntry = Entry & { readonly previousHash: Buffer; readonly hash: Buffer };

export type DeliveryDraft = {
  readonly systemId: string;
  readonly topic: string;
  readonly paymentId: bigint;
  readonly subject: string | null;
  readonly documentId: bigint;
  readonly createdAt: string;
};

export type EventRecord = {
  readonly documentId: bigint;
  readonly ordinal: number;
  readonly sequence: bigint;
  readonly connectionId: string;
  readonly event: CanonicalEvent;
};

export type Books = {
  readonly organization: Organization;
  readonly head: Head;
  readonly payments: Shelf<PaymentRow>;
  readonly refunds: Shelf<RefundRow>;
  readonly disputes: Shelf<DisputeRow>;
  readonly payouts: Shelf<PayoutRow>;
  readonly customers: Shelf<CustomerRow>;
  readonly invoices: Shelf<InvoiceRow>;
  readonly workOrders: Shelf<WorkOrderRow>;
  readonly entitlements: Shelf<EntitlementRow>;
  readonly allocations: Shelf<AllocationRow>;
  readonly actions: Shelf<ActionRow>;
  readonly reviewItems: Shelf<ReviewItemRow>;
  /** By `keyOf(kind, connectionId, externalId)`; things by `keyOf(kind, entityId)`. */
  readonly identities: Names<IdentityRow>;
  /** By the id, whichever portal it is of; things by the payment's id. */
  readonly elsewhere: Names<ElsewhereRow>;
  /** Payments waiting under a key. May name payments that wait no longer: check what is unapplied. */
  readonly waiting: Map<string, Set<bigint>>;
  /** Payments whose waiting keys are replaced by these. */
  readonly newWaiting: Map<bigint, readonly string[]>;
  readonly entries: SealedEntry[];
  readonly accounts: Map<string, Account>;
  /** Sums of this batch by `keyOf(account, currency)`. */
  readonly balances: Map<string, { debitMinor: bigint; creditMinor: bigint }>;
  readonly deliveries: DeliveryDraft[];
  readonly events: EventRecord[];
};

export function openBooks(organization: Organization, head: Head): Books {
  return {
    organization,
    head,
    ...moneyShelves(),
    customers: shelf<CustomerRow>({
      external: (row) => keyOf(row.connectionId, row.externalId),
      email: (row) => row.emailKey,
    }),
    invoices: shelf<InvoiceRow>({
      external: (row) => keyOf(row.connectionId, row.externalId),
      externalId: (row) => row.externalId,
      number: (row) => row.numberKey,
      workOrder: (row) => row.workOrderKey,
      purchaseOrder: (row) => row.purchaseOrderKey,
      customer: (row) => (row.customerId === null ? null : String(row.customerId)),
    }),
    workOrders: shelf<WorkOrderRow>({
      external: (row) => keyOf(row.connectionId, row.externalId),
      externalId: (row) => row.externalId,
      number: (row) => row.numberKey,
    }),
    entitlements: shelf<EntitlementRow>({
      external: (row) => keyOf(row.kind, row.connectionId, row.externalId),
      workOrder: (row) => row.workOrderKey,
      invoice: (row) => row.invoiceKey,
    }),
    allocations: shelf<AllocationRow>({
      payment: (row) => String(row.paymentId),
      invoice: (row) => (row.invoiceId === null ? null : String(row.invoiceId)),
      workOrder: (row) => (row.workOrderId === null ? null : String(row.workOrderId)),
    }),
    actions: shelf<ActionRow>({
      standing: (row) => (row.takenBackAt === null ? keyOf(row.targetKind, row.targetId) : null),
    }),
    reviewItems: shelf<ReviewItemRow>({
      open: (row) => (row.resolvedAt === null ? row.subject : null),
    }),
    identities: names<IdentityRow>({
      unique: identityKey,
      id: identityKey,
      thing: ({ kind, entityId }) => keyOf(kind, entityId),
    }),
    elsewhere: names<ElsewhereRow>({
      unique: ({ externalId, portal, paymentId }) => keyOf(externalId, portal, paymentId),
      id: ({ externalId }) => externalId,
      thing: ({ paymentId }) => String(paymentId),
    }),
    waiting: new Map(),
    newWaiting: new Map(),
    entries: [],
    accounts: new Map(),
    balances: new Map(),
    deliveries: [],
    events: [],
  };
}

/** Payments, what went back of them, and their payouts. */
function moneyShelves() {
  return {
    payments: shelf<PaymentRow>({
      external: (row) => keyOf(row.connectionId, row.externalId),
      payer: (row) =>
        row.payerKey === null ? null : keyOf(row.connectionId, row.payerKey, row.amountMinor),
      customer: (row) => (row.customerId === null ? null : String(row.customerId)),
      suspect: (row) => row.suspect,
      amount: (row) => String(row.amountMinor),
      // Cash for nothing yet: what another portal shows, or a payout, may lie among it.
      unapplied: (row) =>
        row.receivedMinor > 0n && unappliedOf(row) === row.receivedMinor
          ? String(row.receivedMinor)
          : null,
    }),
    refunds: shelf<RefundRow>({
      amount: (row) => String(row.amountMinor),
      payment: (row) => (row.paymentId === null ? null : String(row.paymentId)),
      external: (row) => keyOf(row.connectionId, row.externalId),
      waiting: (row) =>
        row.paymentId === null && row.paymentExternalId !== null
          ? keyOf(row.connectionId, row.paymentExternalId)
          : null,
    }),
    disputes: shelf<DisputeRow>({
      payment: (row) => (row.paymentId === null ? null : String(row.paymentId)),
      external: (row) => keyOf(row.connectionId, row.externalId),
      waiting: (row) =>
        row.paymentId === null && row.paymentExternalId !== null
          ? keyOf(row.connectionId, row.paymentExternalId)
          : null,
    }),
    payouts: shelf<PayoutRow>({
      external: (row) => keyOf(row.connectionId, row.externalId),
      amount: (row) => String(row.amountMinor),
      mirrors: (row) => (row.mirrors === null ? null : String(row.mirrors)),
    }),
  };
}

/** The payment a portal knows by `externalId`, also by a further id of it. */
export function findPayment(
  books: Books,
  connectionId: string,
  externalId: string,
): PaymentRow | undefined {
  const row = books.payments.find('external', keyOf(connectionId, externalId))[0];
  if (row) return row.mirrors === null ? row : books.payments.get(row.mirrors);
  const identity = books.identities.named(keyOf('payment', connectionId, externalId))[0];
  return identity && books.payments.get(identity.entityId);
}

/** The invoice a portal knows by `externalId`, also by a further id of it. */
export function findInvoice(
  books: Books,
  connectionId: string,
  externalId: string,
): InvoiceRow | undefined {
  const row = books.invoices.find('external', keyOf(connectionId, externalId))[0];
  if (row) return row;
  const identity = books.identities.named(keyOf('invoice', connectionId, externalId))[0];
  return identity && books.invoices.get(identity.entityId);
}

/** The customer a payer is: by the portal's id, else by an e-mail address that only one customer has. */
export function findCustomer(
  books: Books,
  connectionId: string,
  payer: Payer,
): CustomerRow | undefined {
  if (payer.externalId !== null) {
    const row = books.customers.find('external', keyOf(connectionId, payer.externalId))[0];
    if (row) return row;
    const identity = books.identities.named(keyOf('customer', connectionId, payer.externalId))[0];
    if (identity) return books.customers.get(identity.entityId);
  }
  const email = payer.email?.trim().toLowerCase();
  if (!email) return undefined;
  const matches = books.customers.find('email', email);
  return matches.length === 1 ? matches[0] : undefined;
}

/** Notes in memory that a payment waits under these keys. */
export function addToWaiting(books: Books, keys: readonly string[], paymentId: bigint): void {
  for (const key of keys) {
    const ids = books.waiting.get(key);
    if (ids) ids.add(paymentId);
    else books.waiting.set(key, new Set([paymentId]));
  }
}
