/** Records an applied payment in the accounting system that holds the invoices it pays. */
import { type Queryable, sql } from '../db/database.ts';
import { businessDay } from '../money/business-day.ts';
import { baseStatus } from '../payments/fold.ts';
import type { PaymentToRecord, Portal, PortalApi, RecordingNotes } from '../portals/contract.ts';
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
  /** Payments that we recorded there ourselves. */
  readonly recorded: ReadonlySet<bigint>;
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
  const recorded = await tx.query<{ id: bigint }>(
    sql`select distinct payment_id as id from deliveries
        where organization_id = ${organizationId} and system_id = ${systemId} and state = 'done'
          and payment_id = any(${paymentIds}::bigint[]) and topic = any(${RECORDED_ON}::text[])`,
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
    recorded: new Set(recorded.map(({ id }) => id)),
    customers: new Map(customers.map(({ id, name }) => [id, name])),
    otherBooks: new Set(others.map(({ id }) => id)),
  };
}

const RECORDED_ON = ['payment.applied', 'payment.succeeded'];
const REVERSED_ON = ['payment.failed', 'payment.voided', 'refund.succeeded', 'dispute.lost'];

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
  if (!facts.recorded.has(payment.id)) return skip('we did not record it in these books');
  const { receivedMinor, refundedMinor, lostMinor } = payment;
  const gone = baseStatus(payment) !== 'succeeded' || refundedMinor + lostMinor >= receivedMinor;
  if (!gone) return skip('some of its money is still here');
  const externalId = facts.held.get(payment.id);
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

/** True for what may take a recorded payment back. */
export function mayReverse({ delivery }: DeliveryState): boolean {
  return REVERSED_ON.includes(delivery.topic);
}

/** The payment as these books shall hold it, or why they shall not. Pure. */
export function paymentToRecord(
  state: DeliveryState,
  connectionId: string,
  facts: BooksFacts,
): { readonly record: PaymentToRecord } | Extract<SendResult, { outcome: 'skip' | 'park' }> {
  const { payment, allocations, delivery, portal } = state;
  const skip = (because: string) => ({ outcome: 'skip', because }) as const;
  if (!RECORDED_ON.includes(delivery.topic)) return skip(`books do not record ${delivery.topic}`);
  if (payment.connectionId === connectionId) return skip('it came from these books');
  const heldAs = facts.held.get(payment.id);
  if (heldAs !== undefined) return skip(`these books hold it as ${heldAs}`);
  if (payment.mirrors !== null) return skip('it is a copy of another payment');
  if (baseStatus(payment) !== 'succeeded' || payment.receivedMinor === 0n || !payment.succeededAt) {
    return skip('its money was taken back');
  }
  if (payment.refundedMinor >= payment.amountMinor) return skip('it was refunded in full');
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

/** One share for each invoice, however many allocations made it. */
function sharesOf(
  paid: readonly { readonly invoice: { externalId: string }; readonly amountMinor: bigint }[],
): PaymentToRecord['invoices'] {
  const shares = new Map<string, bigint>();
  for (const { invoice, amountMinor } of paid) {
    shares.set(invoice.externalId, (shares.get(invoice.externalId) ?? 0n) + amountMinor);
  }
  return [...shares].map(([externalId, amountMinor]) => ({ externalId, amountMinor }));
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
      return { outcome: 'retry', because: error.message, afterMs: error.afterMs };
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
