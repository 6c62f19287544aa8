/**
 * Reading a company: customers and invoices by the day of their change; payments, which say nothing of theirs, by
 * their ascending number, with a look back for those that were cancelled since and those that awaited approval.
 */
import type { Portal, PortalApi } from '../contract.ts';
import { readWire } from '../kit/wire.ts';
import { dayAt } from './days.ts';
import {
  listPath,
  paymentRecords,
  quoted,
  readByKeys,
  readPage,
  readPaidInvoices,
} from './listing.ts';
import type { BusinessOneSettings } from './settings.ts';
import { goneRecord, recordsBody, recordsIn } from './split.ts';
import {
  type Entity,
  type InvoiceEntity,
  type ListedPayment,
  listedPayment,
  type PaymentEntity,
} from './wire.ts';

/** How far back each round looks for cancelled payments, and how far once a day. */
const SHORT_LOOK_DAYS = 45;
const LONG_LOOK_DAYS = 400;
const LONG_LOOK_EVERY_MS = 20 * 3_600_000;
/** Changes are dated by the day where the company is: yesterday is read again. */
const OVERLAP_DAYS = 1;
const OVERLAP_SECONDS = OVERLAP_DAYS * 86_400;
/** A number is given before its document is committed, so that the next one may be seen first. */
const OVERLAP_DOCUMENTS = 20;
const PAYMENTS = ['IncomingPayments', 'VendorPayments'] as const;

/** One request still to make; `next` is the page that follows the first of a list. */
type Step =
  | {
      readonly kind: 'changed';
      readonly entity: Exclude<Entity, PaymentEntity>;
      readonly next: string | null;
    }
  | { readonly kind: 'begin'; readonly entity: PaymentEntity }
  | {
      readonly kind: 'before' | 'new';
      readonly entity: PaymentEntity;
      readonly next: string | null;
    }
  | {
      readonly kind: 'cancelled';
      readonly entity: PaymentEntity;
      readonly since: string;
      readonly next: string | null;
    }
  | { readonly kind: 'pending'; readonly entity: PaymentEntity; readonly keys: readonly number[] };

type PerPayment<T> = Readonly<Record<PaymentEntity, T>>;

/** A round is a list of steps; when it is empty, the next one begins. */
export type Cursor = {
  /** Of payments that existed when we began, none dated before this day is read. */
  readonly from: string;
  readonly steps: readonly Step[];
  readonly roundBeganAt: string | null;
  /** Changes up to this instant have been read; null before the first round, which reads all that is open. */
  readonly readUntil: string | null;
  readonly longLookAt: string | null;
  /** The last number when we began, and the last that was read; null before that was asked. */
  readonly began: PerPayment<number | null>;
  readonly last: PerPayment<number | null>;
  /** Payments that awaited approval when they were read. */
  readonly pending: PerPayment<readonly number[]>;
};

type Taken = {
  readonly bodies: readonly Buffer[];
  readonly following: readonly Step[];
  readonly cursor: Cursor;
};
type Asking = { readonly api: PortalApi; readonly settings: BusinessOneSettings };

export const pull: NonNullable<Portal<BusinessOneSettings, Cursor>['pull']> = {
  everySeconds: 300,
  overlapSeconds: OVERLAP_SECONDS,
  start: (from) => ({
    // A day earlier: the company may lie on the other side of the date line.
    from: dayAt(from, 'UTC', -1),
    steps: [],
    roundBeganAt: null,
    readUntil: null,
    longLookAt: null,
    began: { IncomingPayments: null, VendorPayments: null },
    last: { IncomingPayments: null, VendorPayments: null },
    pending: { IncomingPayments: [], VendorPayments: [] },
  }),
  async page(api, given, { settings, now }) {
    const begun = given.steps.length > 0 ? given : beginRound(given, settings, now);
    const [step, ...rest] = begun.steps;
    if (!step) throw new RangeError('a round of no steps');
    const { bodies, following, cursor } = await take({ api, settings }, step, begun);
    const steps = [...following, ...rest];
    if (steps.length > 0) return { bodies, next: { ...cursor, steps }, more: true };
    const readUntil = begun.roundBeganAt ?? now.toISOString();
    return {
      bodies,
      next: { ...cursor, steps, roundBeganAt: null, readUntil },
      more: false,
      reached: new Date(readUntil),
    };
  },
};

function beginRound(cursor: Cursor, { timeZone }: BusinessOneSettings, now: Date): Cursor {
  const { longLookAt, last, pending } = cursor;
  const long = longLookAt === null || now.getTime() - Date.parse(longLookAt) > LONG_LOOK_EVERY_MS;
  const since = dayAt(now, timeZone, -(long ? LONG_LOOK_DAYS : SHORT_LOOK_DAYS));
  const changed = ['BusinessPartners', 'Invoices', 'DownPayments'] as const;
  const steps: readonly Step[] = [
    ...changed.map((entity) => ({ kind: 'changed', entity, next: null }) as const),
    ...PAYMENTS.map(
      (entity): Step =>
        last[entity] === null ? { kind: 'begin', entity } : { kind: 'new', entity, next: null },
    ),
    ...PAYMENTS.map((entity): Step => ({ kind: 'cancelled', entity, since, next: null })),
    ...PAYMENTS.filter((entity) => pending[entity].length > 0).map(
      (entity): Step => ({ kind: 'pending', entity, keys: pending[entity] }),
    ),
  ];
  const begun = { ...cursor, steps, roundBeganAt: now.toISOString() };
  return long ? { ...begun, longLookAt: begun.roundBeganAt } : begun;
}

function take(asking: Asking, step: Step, cursor: Cursor): Promise<Taken> {
  switch (step.kind) {
    case 'changed':
      return takeChanged(asking, step, cursor);
    case 'begin':
      return takeBeginning(asking, step, cursor);
    case 'before':
    case 'new':
      return takeNumbered(asking, step, cursor);
    case 'cancelled':
      return takeCancelled(asking, step, cursor);
    case 'pending':
      return takePending(asking, step, cursor);
  }
}

/** What was made on a day and not changed since may lack a day of change, so both are asked for. */
const MADE_ON = {
  Invoices: 'CreationDate',
  DownPayments: 'CreationDate',
  BusinessPartners: 'CreateDate',
} as const satisfies Record<InvoiceEntity | 'BusinessPartners', string>;

async function takeChanged(
  { api, settings }: Asking,
  step: Step & { readonly kind: 'changed' },
  cursor: Cursor,
): Promise<Taken> {
  const { entity, next } = step;
  const { readUntil, from } = cursor;
  const since =
    readUntil === null ? from : dayAt(new Date(readUntil), settings.timeZone, -OVERLAP_DAYS);
  const changed = `UpdateDate ge ${quoted(since)}`;
  const dated = `${changed} or ${MADE_ON[entity]} ge ${quoted(since)}`;
  const isFirst = readUntil === null;
  const path = (days: string) => listPath({ entity, ...listOf(entity, days, isFirst) }, settings);
  let page = await readPage(api, next ?? path(dated), next === null ? [400] : []);
  // Older versions do not tell of every entity when it was made.
  if (page.status === 400) page = await readPage(api, path(changed));
  const following = page.next === null ? [] : [{ ...step, next: page.next }];
  return { bodies: [recordsBody(recordsIn(page.body, entity))], following, cursor };
}

/** At first every customer and whatever is still open, however old it is; later what changed. */
function listOf(entity: InvoiceEntity | 'BusinessPartners', days: string, isFirst: boolean) {
  if (entity !== 'BusinessPartners') {
    const filter = isFirst ? `${days} or DocumentStatus eq 'bost_Open'` : days;
    return { filter, orderBy: 'DocEntry' };
  }
  const customers = "CardType eq 'cCustomer'";
  return { filter: isFirst ? customers : `${customers} and (${days})`, orderBy: 'CardCode' };
}

/** Where the numbers stand: what has a higher one later is new, whatever day it is dated. */
async function takeBeginning(
  { api, settings }: Asking,
  { entity }: Step & { readonly kind: 'begin' },
  cursor: Cursor,
): Promise<Taken> {
  const query = { entity, select: ['DocEntry'], orderBy: 'DocEntry desc', top: 1 };
  const { rows } = await readPage(api, listPath(query, settings));
  const [newest] = rows.map((row) => readWire(listedPayment, row).DocEntry);
  const began = { ...cursor.began, [entity]: newest ?? 0 };
  return {
    bodies: [],
    following: [{ kind: 'before', entity, next: null }],
    cursor: { ...cursor, began, last: { ...cursor.last, [entity]: newest ?? 0 } },
  };
}

async function takeNumbered(
  { api, settings }: Asking,
  step: Step & { readonly kind: 'before' | 'new' },
  cursor: Cursor,
): Promise<Taken> {
  const { kind, entity, next } = step;
  const last = cursor.last[entity] ?? 0;
  const filter =
    kind === 'before'
      ? `DocEntry le ${last} and DocDate ge ${quoted(cursor.from)}`
      : `DocEntry gt ${Math.max(0, last - OVERLAP_DOCUMENTS)} and ${isRead(cursor, entity)}`;
  const first = { entity, filter: ofCustomers(entity, filter), orderBy: 'DocEntry' };
  const page = await readPage(api, next ?? listPath(first, settings));
  const listed = page.rows.map((row) => readWire(listedPayment, row));
  const fresh = kind === 'new' ? listed.filter(({ DocEntry }) => DocEntry > last) : listed;
  const incoming = entity === 'IncomingPayments' ? fresh : [];
  const paid = await readPaidInvoices(api, incoming, settings);
  const highest = Math.max(last, ...listed.map(({ DocEntry }) => DocEntry));
  return {
    bodies: [
      recordsBody([...paid.records, ...paymentRecords(page.body, { entity, listed, paid })]),
    ],
    following: page.next === null ? [] : [{ ...step, next: page.next }],
    cursor: {
      ...cursor,
      last: { ...cursor.last, [entity]: highest },
      pending: { ...cursor.pending, [entity]: pendingAfter(cursor.pending[entity], listed) },
    },
  };
}

/** Cancelling changes neither number nor date of a payment, and nothing else of it tells when that was. */
async function takeCancelled(
  { api, settings }: Asking,
  step: Step & { readonly kind: 'cancelled' },
  cursor: Cursor,
): Promise<Taken> {
  const { entity, since, next } = step;
  const cancelled = `Cancelled eq 'tYES' and DocDate ge ${quoted(since)}`;
  const filter = ofCustomers(entity, `${cancelled} and ${isRead(cursor, entity)}`);
  const page = await readPage(
    api,
    next ?? listPath({ entity, filter, orderBy: 'DocEntry' }, settings),
  );
  const following = page.next === null ? [] : [{ ...step, next: page.next }];
  return { bodies: [recordsBody(recordsIn(page.body, entity))], following, cursor };
}

/** What awaited approval is asked for by its number until it is approved, refused or gone. */
async function takePending(
  { api, settings }: Asking,
  { entity, keys }: Step & { readonly kind: 'pending' },
  cursor: Cursor,
): Promise<Taken> {
  const records: unknown[] = [];
  const listed: ListedPayment[] = [];
  for (const { body, rows } of await readByKeys(api, { entity, keys }, settings)) {
    records.push(...recordsIn(body, entity));
    listed.push(...rows.map((row) => readWire(listedPayment, row)));
  }
  const found = new Set(listed.map(({ DocEntry }) => DocEntry));
  const gone = keys.filter((key) => !found.has(key));
  const waiting = pendingAfter(cursor.pending[entity], listed).filter((key) => !gone.includes(key));
  return {
    bodies: [recordsBody([...records, ...gone.map((key) => goneRecord(entity, key))])],
    following: [],
    cursor: { ...cursor, pending: { ...cursor.pending, [entity]: waiting } },
  };
}

function pendingAfter(
  before: readonly number[],
  listed: readonly ListedPayment[],
): readonly number[] {
  const waiting = new Set(before);
  for (const { DocEntry, AuthorizationStatus, Cancelled } of listed) {
    if (AuthorizationStatus === 'pasPending' && Cancelled !== 'tYES') waiting.add(DocEntry);
    else waiting.delete(DocEntry);
  }
  return [...waiting];
}

/** What stood there when we began is read from that day on, whatever came later is read. */
function isRead({ from, began }: Cursor, entity: PaymentEntity): string {
  return `(DocDate ge ${quoted(from)} or DocEntry gt ${began[entity] ?? 0})`;
}

/** Most outgoing payments go to suppliers, which are not ours to read. */
function ofCustomers(entity: PaymentEntity, filter: string): string {
  return entity === 'VendorPayments' ? `${filter} and DocType eq 'rCustomer'` : filter;
}
