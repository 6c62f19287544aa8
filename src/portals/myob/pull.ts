/**
 * Reading a company file: windows of dated records compared with what they held before, because MYOB says of
 * receipts neither when they changed nor that they were deleted; and customers and invoices by what changed.
 */
import type { ApiAnswer, Portal, PortalApi } from '../contract.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { dayOf } from './instants.ts';
import { filePath, type MyobSettings } from './settings.ts';
import { goneBody, pageBody } from './split.ts';
import { listed, PATHS } from './wire.ts';

/** MYOB gives 1000 at most; slow files time out on full pages. */
const PAGE_ROWS = 400;
const DAY_MS = 86_400_000;
/** Receipts may be dated back: so far each round looks, and so far once a day. */
const SHORT_WINDOW_DAYS = 60;
const LONG_WINDOW_DAYS = 540;
const LONG_WINDOW_EVERY_MS = 20 * 3_600_000;
const OVERLAP_SECONDS = 600;

/** Records with a date of their own, whose disappearance means something. */
type Dated = 'CustomerPayment' | 'CreditRefund' | 'Invoice';
const DATED = ['CustomerPayment', 'CreditRefund', 'Invoice'] as const satisfies readonly Dated[];

/** Day by UID; a minus before it marks a receipt of a negative amount, which is a refund. */
type Known = Readonly<Record<string, string>>;

/** One request still to make; `next` is the link MYOB gave to the page that follows. */
type Step =
  | {
      readonly kind: 'changes';
      readonly entity: 'Invoice' | 'Customer';
      readonly next: string | null;
    }
  | {
      readonly kind: 'window';
      readonly entity: Dated;
      readonly since: string;
      readonly next: string | null;
      readonly seen: Known;
    }
  | { readonly kind: 'missing'; readonly entity: Dated; readonly uid: string };

/** A round is a list of steps; when it is empty, the next one begins. */
export type Cursor = {
  /** No record dated before this day is read. */
  readonly from: string;
  readonly steps: readonly Step[];
  readonly roundBeganAt: string | null;
  /** Changes before this instant have been read. */
  readonly readUntil: string;
  readonly longWindowAt: string | null;
  readonly known: Readonly<Record<Dated, Known>>;
};

type Place = {
  readonly cursor: Cursor;
  readonly settings: MyobSettings;
  readonly readAt: string;
};
type Page = {
  readonly bodies: readonly Buffer[];
  readonly following: readonly Step[];
  readonly known?: { readonly entity: Dated; readonly rows: Known };
};

export const pull: NonNullable<Portal<MyobSettings, Cursor>['pull']> = {
  everySeconds: 300,
  overlapSeconds: OVERLAP_SECONDS,
  start: (from) => ({
    // A day earlier: the company may lie on the other side of the date line.
    from: dayBefore(from, 1),
    steps: [],
    roundBeganAt: null,
    readUntil: from.toISOString(),
    longWindowAt: null,
    known: { CustomerPayment: {}, CreditRefund: {}, Invoice: {} },
  }),
  async page(api, given, { settings, now }) {
    const readAt = now.toISOString();
    const cursor = given.steps.length > 0 ? given : beginRound(given, now);
    const [step, ...rest] = cursor.steps;
    if (!step) throw new RangeError('a round of no steps');
    const { bodies, following, known } = await take(api, step, { cursor, settings, readAt });
    const steps = [...following, ...rest];
    const next = {
      ...cursor,
      steps,
      ...(known ? { known: { ...cursor.known, [known.entity]: known.rows } } : {}),
    };
    if (steps.length > 0) return { bodies, next, more: true };
    const readUntil = cursor.roundBeganAt ?? readAt;
    return {
      bodies,
      next: { ...next, roundBeganAt: null, readUntil },
      more: false,
      reached: new Date(readUntil),
    };
  },
};

/** The first rows of a list that fit an OData filter, blanks and quotes encoded as MYOB asks. */
export function listPath(
  settings: MyobSettings,
  path: string,
  options: { readonly filter: string; readonly orderBy?: string; readonly top?: number },
): string {
  const { filter, orderBy, top = PAGE_ROWS } = options;
  const order = orderBy === undefined ? '' : `&$orderby=${orderBy}`;
  const page = `$filter=${encodeURIComponent(filter)}${order}&$top=${top}`;
  return filePath(settings, `${path}?${page.replaceAll("'", '%27')}`);
}

/** Reads one record; 404 is an answer. */
export function readRecord(
  api: PortalApi,
  entity: Dated,
  uid: string,
  settings: MyobSettings,
): Promise<ApiAnswer> {
  const path = filePath(settings, `${PATHS[entity]}/${encodeURIComponent(uid)}`);
  return api.request({ path, accept: [404] });
}

function beginRound(cursor: Cursor, now: Date): Cursor {
  const { longWindowAt, known, from } = cursor;
  const long =
    longWindowAt === null || now.getTime() - Date.parse(longWindowAt) > LONG_WINDOW_EVERY_MS;
  const since = latest(from, dayBefore(now, long ? LONG_WINDOW_DAYS : SHORT_WINDOW_DAYS));
  // Invoices tell of their changes by themselves, so that only their deletion needs the window.
  const windows = long ? DATED : DATED.filter((entity) => entity !== 'Invoice');
  const steps: readonly Step[] = [
    { kind: 'changes', entity: 'Customer', next: null },
    { kind: 'changes', entity: 'Invoice', next: null },
    ...windows.map((entity) => ({ kind: 'window', entity, since, next: null, seen: {} }) as const),
  ];
  const kept = long ? forgetBefore(known, since) : known;
  const begun = { ...cursor, steps, roundBeganAt: now.toISOString(), known: kept };
  return long ? { ...begun, longWindowAt: now.toISOString() } : begun;
}

function take(api: PortalApi, step: Step, place: Place): Promise<Page> {
  switch (step.kind) {
    case 'changes':
      return takeChanges(api, step, place);
    case 'window':
      return takeWindow(api, step, place);
    case 'missing':
      return takeMissing(api, step, place);
  }
}

async function takeChanges(
  api: PortalApi,
  step: Step & { readonly kind: 'changes' },
  { cursor, settings, readAt }: Place,
): Promise<Page> {
  const since = new Date(Date.parse(cursor.readUntil) - OVERLAP_SECONDS * 1000).toISOString();
  const filter = `LastModified gt datetime'${since.slice(0, 19)}'`;
  const path = step.next ?? listPath(settings, PATHS[step.entity], { filter });
  const { body } = await api.request({ path });
  const { NextPageLink } = readWire(listed, parseExactJson(body));
  const following = NextPageLink ? [{ ...step, next: NextPageLink }] : [];
  return { bodies: [pageBody(body, readAt)], following };
}

/** Only a window read to its end says what is missing, and even then each record is asked for by itself. */
async function takeWindow(
  api: PortalApi,
  step: Step & { readonly kind: 'window' },
  { cursor, settings, readAt }: Place,
): Promise<Page> {
  const { entity, since, next } = step;
  const filter = `Date ge datetime'${since}T00:00:00'`;
  const path = next ?? listPath(settings, PATHS[entity], { filter, orderBy: 'Date' });
  const { body } = await api.request({ path });
  const { Items, NextPageLink } = readWire(listed, parseExactJson(body));
  const rows = Items.map((row): [string, string] => {
    const day = row.Date ? dayOf(row.Date, 'Date') : since;
    return [row.UID, row.AmountReceived?.startsWith('-') ? `-${day}` : day];
  });
  const seen = { ...step.seen, ...Object.fromEntries(rows) };
  const bodies = [pageBody(body, readAt)];
  if (NextPageLink) return { bodies, following: [{ ...step, next: NextPageLink, seen }] };
  const before = cursor.known[entity];
  const missing = Object.entries(before).filter(
    ([uid, day]) => !(uid in seen) && plainDay(day) >= since,
  );
  return {
    bodies,
    following: missing.map(([uid]) => ({ kind: 'missing', entity, uid })),
    known: { entity, rows: { ...before, ...seen } },
  };
}

/** Deleted, or dated so that it fell out of the window; or a row passed us by while others were deleted. */
async function takeMissing(
  api: PortalApi,
  { entity, uid }: Step & { readonly kind: 'missing' },
  { cursor, settings, readAt }: Place,
): Promise<Page> {
  const { status, body } = await readRecord(api, entity, uid, settings);
  const { [uid]: day = '', ...others } = cursor.known[entity];
  if (status !== 404) {
    const row = readWire(listed.shape.Items.element, parseExactJson(body));
    const rows = { ...others, [uid]: row.Date ? dayOf(row.Date, 'Date') : plainDay(day) };
    const page = Buffer.concat([Buffer.from('{"Items":['), body, Buffer.from(']}')]);
    return { bodies: [pageBody(page, readAt)], following: [], known: { entity, rows } };
  }
  const gone = { Entity: entity, UID: uid, Negative: day.startsWith('-') };
  return { bodies: [goneBody(gone, readAt)], following: [], known: { entity, rows: others } };
}

function forgetBefore(known: Cursor['known'], since: string): Cursor['known'] {
  const kept = (rows: Known) =>
    Object.fromEntries(Object.entries(rows).filter(([, day]) => plainDay(day) >= since));
  return {
    CustomerPayment: kept(known.CustomerPayment),
    CreditRefund: kept(known.CreditRefund),
    Invoice: kept(known.Invoice),
  };
}

function plainDay(day: string): string {
  return day.replace(/^-/, '');
}

function dayBefore(instant: Date, days: number): string {
  return new Date(instant.getTime() - days * DAY_MS).toISOString().slice(0, 10);
}

function latest(left: string, right: string): string {
  return left > right ? left : right;
}
