/** Records an applied payment in the accounting system that holds the invoices it pays. */
import { ownPaymentIds } from '../apply/find-twin.ts';
import type { PaymentRow } from '../apply/rows.ts';
import { type Queryable, sql } from '../db/database.ts';
import { OWN_CONNECTION } from '../intake/own-document.ts';
import { ownDocumentKey } from '../intake/store.ts';
import { businessDay } from '../money/business-day.ts';
import { baseStatus } from '../payments/fold.ts';
import type { PaymentToRecord, Portal, PortalApi, RecordingNotes } from '../portals/contract.ts';
import type { Reference } from '../portals/events.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../portals/kit/errors.ts';
import { ownMark } from '../portals/kit/own-mark.ts';
import type { DeliveryState } from './delivery-state.ts';
import type { SendResult } from './send-result.ts';

/** The books' side of a batch, read at the moment of sending. */
export type BooksFacts = {
  readonly timeZone: string;
  readonly installation: string;
  /** Payments these books hold already, by our id. */
  readonly held: ReadonlyMap<bigint, string>;
  /** Payments whose recording there has been confirmed. */
  readonly recorded: ReadonlySet<bigint>;
  /** Payments of which these books told a record with our mark, and its id: recorded by us, be it confirmed or not. */
  readonly marked: ReadonlyMap<bigint, string>;
  /** Payments of which we took a record back there. */
  readonly takenBack: ReadonlySet<bigint>;
  /** Until when all that these books tell is known and applied, as far as the pull can say. */
  readonly heardUntil: Date | null;
  /** When each delivery was last tried, by its id. */
  readonly triedAt: ReadonlyMap<bigint, Date>;
  /** What these books call our customers. */
  readonly customers: ReadonlyMap<bigint, string>;
  /** Further connections that are books: what pays their invoices is recorded there. */
  readonly otherBooks: ReadonlySet<string>;
};

export async function readBooksFacts(
  tx: Queryable,
  input: {
    readonly organizationId: number;
    readonly systemId: string;
    readonly connectionId: string;
    readonly states: readonly DeliveryState[];
  },
): Promise<BooksFacts> {
  const { organizationId, systemId, connectionId, states } = input;
  const paymentIds = states.map(({ payment }) => payment.id);
  const customerIds = states.flatMap(({ payment, allocations }) =>
    [payment.customerId, ...allocations.map(({ invoice }) => invoice?.customerId)].filter(
      (id) => id !== null && id !== undefined,
    ),
  );
  const [firm] = await tx.query<{ timeZone: string; installation: string }>(
    sql`select time_zone as "timeZone", installation from organizations
        where organization_id = ${organizationId}`,
  );
  if (!firm) throw new Error(`organization ${organizationId} does not exist`);
  const held = await tx.query<{ id: bigint; name: string }>(
    sql`select entity_id as id, external_id as name from identities
        where organization_id = ${organizationId} and kind = 'payment'
          and connection_id = ${connectionId} and entity_id = any(${paymentIds}::bigint[])`,
  );
  const done = await tx.query<{ id: bigint; topic: string }>(
    sql`select distinct payment_id as id, topic from deliveries
        where organization_id = ${organizationId} and system_id = ${systemId} and state = 'done'
          and payment_id = any(${paymentIds}::bigint[])`,
  );
  const doneOn = (topics: readonly string[]) =>
    done.filter(({ topic }) => topics.includes(topic)).map(({ id }) => id);
  // A server may die between the confirmation and the end of its delivery.
  const byKey = new Map(
    paymentIds.map((id) => [ownDocumentKey(confirmationKey(connectionId, id)), id]),
  );
  const confirmed = await tx.query<{ key: string }>(
    sql`select dedupe_key as key from documents
        where organization_id = ${organizationId} and connection_id = ${OWN_CONNECTION}
          and dedupe_key = any(${[...byKey.keys()]}::text[])`,
  );
  const customers = await tx.query<{ id: bigint; name: string }>(
    sql`select entity_id as id, external_id as name from identities
        where organization_id = ${organizationId} and kind = 'customer'
          and connection_id = ${connectionId} and entity_id = any(${customerIds}::bigint[])
        union all
        select id, external_id from customers
        where organization_id = ${organizationId} and connection_id = ${connectionId}
          and id = any(${customerIds}::bigint[])`,
  );
  const others = await tx.query<{ id: string }>(
    sql`select id from connections
        where organization_id = ${organizationId} and role = 'books' and id <> ${connectionId}`,
  );
  return {
    ...firm,
    held: new Map(held.map(({ id, name }) => [id, name])),
    marked: await readMarked(tx, { organizationId, connectionId, paymentIds }, firm.installation),
    recorded: new Set([
      ...doneOn(RECORDED_ON),
      ...confirmed.flatMap(({ key }) => byKey.get(key) ?? []),
    ]),
    takenBack: new Set(doneOn(REVERSED_ON)),
    ...(await readNews(tx, { organizationId, connectionId, states })),
    customers: new Map(customers.map(({ id, name }) => [id, name])),
    otherBooks: new Set(others.map(({ id }) => id)),
  };
}

/** The key of the own document that says under which id these books hold our record. */
export function confirmationKey(connectionId: string, paymentId: bigint): string {
  return `copy:${connectionId}:pay_${paymentId}`;
}

/** How far these books have been heard, and when they were last spoken to. */
async function readNews(
  tx: Queryable,
  about: {
    readonly organizationId: number;
    readonly connectionId: string;
    readonly states: readonly DeliveryState[];
  },
): Promise<Pick<BooksFacts, 'heardUntil' | 'triedAt'>> {
  const { organizationId, connectionId, states } = about;
  const [pull] = await tx.query<{ at: string | null }>(
    sql`select reached_at as at from pull_cursors
        where organization_id = ${organizationId} and connection_id = ${connectionId}
          and not exists (
            select from inbox i
            join documents d on d.organization_id = i.organization_id and d.id = i.document_id
            where i.organization_id = ${organizationId} and d.connection_id = ${connectionId})`,
  );
  const tried = await tx.query<{ id: bigint; at: string }>(
    sql`select delivery_id as id, max(at) as at from delivery_attempts
        where organization_id = ${organizationId}
          and delivery_id = any(${states.map(({ delivery }) => delivery.id)}::bigint[])
        group by delivery_id`,
  );
  return {
    heardUntil: pull?.at ? new Date(pull.at) : null,
    triedAt: new Map(tried.map(({ id, at }) => [id, new Date(at)])),
  };
}

async function readMarked(
  tx: Queryable,
  about: {
    readonly organizationId: number;
    readonly connectionId: string;
    readonly paymentIds: readonly bigint[];
  },
  installation: string,
): Promise<ReadonlyMap<bigint, string>> {
  const { organizationId, connectionId, paymentIds } = about;
  const told = await tx.query<{ id: bigint; name: string; references: readonly Reference[] }>(
    sql`select i.entity_id as id, i.external_id as name, e.body -> 'references' as "references"
        from identities i
        join events e on e.organization_id = i.organization_id
          and e.connection_id = i.connection_id and e.external_payment_id = i.external_id
        where i.organization_id = ${organizationId} and i.kind = 'payment'
          and i.connection_id = ${connectionId} and i.entity_id = any(${paymentIds}::bigint[])
          and e.type = 'payment.succeeded'
        order by e.sequence, e.ordinal`,
  );
  const ours = told.filter(({ id, references }) =>
    ownPaymentIds(installation, references).includes(id),
  );
  // Of several rows of one recording the first stands for all.
  return new Map(ours.reverse().map(({ id, name }) => [id, name]));
}

export const RECORDED_ON = ['payment.applied', 'payment.succeeded'];
export const REVERSED_ON = ['payment.failed', 'payment.voided', 'refund.succeeded', 'dispute.lost'];

type NotSent = Exclude<SendResult, { outcome: 'done' }>;

/**
 * The record of ours that must be taken back because none of the payment's money is left, or why nothing is.
 * What went back in part stays a decision of the bookkeeper's. Pure.
 */
export function recordToReverse(
  state: DeliveryState,
  facts: BooksFacts,
): { readonly externalId: string; readonly mark: string } | NotSent {
  const { payment } = state;
  const skip = (because: string) => ({ outcome: 'skip', because }) as const;
  const marked = facts.marked.get(payment.id);
  if (marked === undefined && !facts.recorded.has(payment.id)) {
    return skip('we did not record it in these books');
  }
  if (!isGone(payment)) return skip('some of its money is still here');
  const externalId = marked ?? facts.held.get(payment.id);
  if (externalId === undefined) {
    return {
      outcome: 'retry',
      because: 'what we recorded is not in our own books yet',
      ourSide: true,
    };
  }
  const { installation } = facts;
  return { externalId, mark: ownMark({ installation, paymentId: `pay_${payment.id}` }) };
}

/** Nothing is left of its money: it failed, was voided, refunded in full or lost. */
function isGone(payment: PaymentRow): boolean {
  const { receivedMinor, refundedMinor, lostMinor } = payment;
  return baseStatus(payment) !== 'succeeded' || refundedMinor + lostMinor >= receivedMinor;
}

/** True for what may record a payment. */
export function mayRecord({ delivery }: DeliveryState): boolean {
  return RECORDED_ON.includes(delivery.topic);
}

/** True for what may take a recorded payment back. */
export function mayReverse({ delivery }: DeliveryState): boolean {
  return REVERSED_ON.includes(delivery.topic);
}

/** The payment as these books shall hold it, or why they shall not. Pure. */
export function paymentToRecord(
  state: DeliveryState,
  connectionId: string,
  facts: BooksFacts,
): { readonly record: PaymentToRecord } | NotSent {
  const { payment, allocations, delivery, portal } = state;
  const skip = (because: string) => ({ outcome: 'skip', because }) as const;
  if (!mayRecord(state)) return skip(`books do not record ${delivery.topic}`);
  if (payment.connectionId === connectionId) return skip('it came from these books');
  const heldAs = facts.held.get(payment.id);
  // A record of ours that was never confirmed may be there in part: the recording finds it and comes to its end.
  const isConfirmed = facts.recorded.has(payment.id) || !facts.marked.has(payment.id);
  if (facts.takenBack.has(payment.id) && !isGone(payment)) {
    const because = `${heldAs ?? 'its record'} was taken back there, and its money is here again: enter it there`;
    return { outcome: 'park', because };
  }
  if (heldAs !== undefined && isConfirmed) return skip(`these books hold it as ${heldAs}`);
  if (payment.mirrors !== null) return skip('it is a copy of another payment');
  if (isGone(payment) || !payment.succeededAt) {
    return perhapsRecorded(state, facts) ?? skip('its money was taken back');
  }
  const paid = allocations.flatMap(({ row, invoice }) =>
    invoice && row.amountMinor > 0n ? [{ invoice, amountMinor: row.amountMinor }] : [],
  );
  const ours = paid.filter(({ invoice }) => invoice.connectionId === connectionId);
  if (ours.length === 0) return skip('it pays no invoice of these books');
  const customerExternalId = [payment.customerId, ...ours.map(({ invoice }) => invoice.customerId)]
    .map((id) => (id === null ? undefined : facts.customers.get(id)))
    .find((name) => name !== undefined);
  if (customerExternalId === undefined) {
    return { outcome: 'park', because: 'these books do not know the customer' };
  }
  const elsewhere = paid
    .filter(({ invoice }) => facts.otherBooks.has(invoice.connectionId))
    .reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
  const paymentId = `pay_${payment.id}`;
  return {
    record: {
      paymentId,
      mark: ownMark({ installation: facts.installation, paymentId }),
      customerExternalId,
      from: { portal, externalId: payment.externalId },
      amountMinor: payment.amountMinor - elsewhere,
      currency: payment.currency,
      receivedOn: businessDay(payment.succeededAt, facts.timeZone),
      method: payment.method,
      memo: `${portal} ${payment.externalId}`,
      invoices: sharesOf(ours),
    },
  };
}

/**
 * Money that is gone need not be recorded; but an earlier attempt that nobody answered may have recorded it, and then
 * it must be taken back. What these books tell since will show.
 */
function perhapsRecorded(
  { payment, delivery }: DeliveryState,
  facts: BooksFacts,
): NotSent | undefined {
  if (!delivery.mayHaveArrived || facts.held.has(payment.id)) return undefined;
  const { heardUntil } = facts;
  const triedAt = facts.triedAt.get(delivery.id);
  if (heardUntil && triedAt && heardUntil > triedAt) return undefined;
  const mark = ownMark({ installation: facts.installation, paymentId: `pay_${payment.id}` });
  const because = `its money is gone, but an attempt may have recorded it there as ${mark}; the next pull will tell`;
  return { outcome: 'retry', because, ourSide: true };
}

/** One share for each invoice, however many allocations made it. */
function sharesOf(
  paid: readonly {
    readonly invoice: { externalId: string; number: string | null };
    readonly amountMinor: bigint;
  }[],
): PaymentToRecord['invoices'] {
  const shares = new Map<string, PaymentToRecord['invoices'][number]>();
  for (const { invoice, amountMinor } of paid) {
    const { externalId, number } = invoice;
    const before = shares.get(externalId)?.amountMinor ?? 0n;
    const share = { externalId, amountMinor: before + amountMinor };
    shares.set(externalId, number === null ? share : { ...share, number });
  }
  return [...shares.values()];
}

/** The books' side of one payment. */
export type OpenBooks = {
  readonly portal: Portal;
  readonly api: PortalApi;
  readonly settings: unknown;
  readonly notes: RecordingNotes;
};

/** Records it; `recorded` is told the books' id of it, so that its echo is recognised. */
export async function recordInBooks(
  books: OpenBooks,
  record: PaymentToRecord,
  recorded: (externalId: string) => Promise<void>,
): Promise<SendResult> {
  const { books: way } = books.portal;
  if (!way) return { outcome: 'park', because: `${books.portal.name} cannot record payments` };
  return attempt(async () => {
    const { externalId } = await way.recordPayment(books.api, record, {
      settings: books.settings,
      // The payment is recorded once in its life, so its own id is the key of every attempt.
      idempotencyKey: record.mark,
      notes: books.notes,
    });
    await recorded(externalId);
    return { outcome: 'done', excerpt: `recorded as ${externalId}` };
  });
}

/**
 * What is no longer to be recorded may have been, by an attempt that broke off: where the books can tell, it is
 * known as recorded before it is skipped.
 */
export async function abandonInBooks(
  books: OpenBooks,
  record: Pick<PaymentToRecord, 'paymentId' | 'mark'>,
  given: {
    readonly skip: Extract<SendResult, { outcome: 'skip' }>;
    readonly mayHaveArrived: boolean;
    readonly recorded: (externalId: string) => Promise<void>;
  },
): Promise<SendResult> {
  const { settings, notes } = books;
  const abandon = books.portal.books?.abandonRecording;
  if (!abandon) return given.skip;
  return attempt(async () => {
    if (!given.mayHaveArrived && (await notes.kept()).length === 0) return given.skip;
    const context = { settings, idempotencyKey: record.mark, notes };
    const found = await abandon(books.api, record, context);
    if (!found) return given.skip;
    await given.recorded(found.externalId);
    return { outcome: 'done', excerpt: `had been recorded as ${found.externalId}` };
  });
}

/** Takes back what we recorded. */
export async function reverseInBooks(
  books: OpenBooks,
  record: { readonly externalId: string; readonly mark: string },
): Promise<SendResult> {
  const reverse = books.portal.books?.reversePayment;
  if (!reverse) {
    const because = `${books.portal.name} lets nobody take payment ${record.externalId} back: do it there`;
    return { outcome: 'park', because };
  }
  return attempt(async () => {
    const idempotencyKey = `${record.mark}-reversed`;
    const { settings, notes } = books;
    await reverse(books.api, record, { settings, idempotencyKey, notes });
    return { outcome: 'done', excerpt: `${record.externalId} was taken back` };
  });
}

async function attempt(work: () => Promise<SendResult>): Promise<SendResult> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RetryLater) {
      const { message: because, afterMs, ourSide } = error;
      return { outcome: 'retry', because, afterMs, ...(ourSide ? { ourSide } : {}) };
    }
    if (error instanceof Reauthorize || error instanceof WireMismatch) {
      return { outcome: 'retry', because: error.message };
    }
    if (error instanceof Rejected) {
      const { message: because, status, body: excerpt } = error;
      return { outcome: 'park', because, status, excerpt: excerpt.slice(0, 1000) };
    }
    throw error;
  }
}
