/** Asking the processor for transactions by their ids, and accounting for the records that name them. */
import { z } from 'zod';
import type { FetchRequest, PortalApi } from '../contract.ts';
import { parseVerbatim } from '../kit/documents.ts';
import { Reauthorize, Rejected, RetryLater } from '../kit/errors.ts';
import { IDS_PER_QUERY, readObjects } from '../kit/intuit-queries.ts';
import { wireText } from '../kit/intuit-transactions.ts';
import { parseExactJson } from '../kit/wire.ts';
import { TRANSACTION } from './notice.ts';
import { companyOf, type IntuitPaymentsSettings } from './settings.ts';
import { toldBody } from './split.ts';
import { describeError } from './transactions.ts';
import {
  errors,
  invoicesToName,
  KINDS,
  type Kind,
  RECORDS,
  type RecordKind,
  transactionNamed,
} from './wire.ts';

const PAYMENTS = '/quickbooks/v4/payments';
const EXCERPT_LENGTH = 2000;

/** A transaction as the processor tells it; `value` keeps its digits. */
export type Taken = {
  readonly kind: Kind;
  readonly id: string;
  readonly status: string;
  readonly value: unknown;
};

/** A refund as the processor tells it, with what it refunds. */
export type Refunded = {
  readonly taken: Taken;
  readonly refund: { readonly id: string; readonly status: string; readonly value: unknown };
};

/** A record and what the processor tells of the transaction that it names. */
export type ToldRecord = {
  readonly id: string;
  readonly body: Buffer;
  readonly taken: Taken | undefined;
  readonly refund?: Refunded['refund'];
  /** False when it names a transaction that the processor does not know (yet). */
  readonly complete: boolean;
};

/** Fetches what notices named. What cannot be found yet yields no document, and is asked for again. */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
  settings: IntuitPaymentsSettings,
): Promise<{ request: FetchRequest; body: Buffer }[]> {
  const found: { request: FetchRequest; body: Buffer }[] = [];
  for (const request of requests.filter(({ entity }) => entity === TRANSACTION)) {
    const body = await readCreated(api, request.id, settings);
    if (body) found.push({ request, body });
  }
  for (const entity of RECORDS) {
    const wanted = new Map(
      requests.filter((one) => one.entity === entity).map((one) => [one.id, one]),
    );
    const ids = [...wanted.keys()];
    for (let at = 0; at < ids.length; at += IDS_PER_QUERY) {
      const some = ids.slice(at, at + IDS_PER_QUERY);
      for await (const { id, body, complete } of readRecords(api, entity, some, settings)) {
        const request = wanted.get(id);
        if (request && complete) found.push({ request, body });
      }
    }
  }
  return found;
}

/** The transaction of that id, of either kind unless it is known; undefined when there is none. */
export async function readTaken(
  api: PortalApi,
  id: string,
  kinds: readonly Kind[] = KINDS,
): Promise<Taken | undefined> {
  for (const kind of kinds) {
    const body = await readOne(api, `${kind}s/${encodeURIComponent(id)}`);
    if (!body) continue;
    return { kind, id, ...stateOf(body) };
  }
  return undefined;
}

/** The refund below its transaction; undefined when either is not known. */
export async function readRefund(
  api: PortalApi,
  { of, kinds, id }: { readonly of: string; readonly kinds?: readonly Kind[]; readonly id: string },
): Promise<Refunded | undefined> {
  const taken = await readTaken(api, of, kinds);
  if (!taken) return undefined;
  const body = await readOne(
    api,
    `${taken.kind}s/${encodeURIComponent(of)}/refunds/${encodeURIComponent(id)}`,
  );
  return body && { taken, refund: { id, ...stateOf(body) } };
}

/** Without a status it is set aside by name when it is read; it must not stop the reading of others. */
function stateOf(body: Buffer): { readonly status: string; readonly value: unknown } {
  const status = stated.safeParse(parseExactJson(body)).data?.status ?? '';
  return { status, value: parseVerbatim(body) };
}

/** Records of one kind by their ids, one after the other, each with its transaction. */
export async function* readRecords(
  api: PortalApi,
  entity: RecordKind,
  ids: readonly string[],
  settings: IntuitPaymentsSettings,
): AsyncGenerator<ToldRecord> {
  for (const { id, body } of await readObjects(api, entity, ids, companyOf(settings))) {
    const row: unknown = Reflect.get(Object(parseVerbatim(body)), entity);
    yield { id, ...(await withTransaction(api, { entity, row }, settings)) };
  }
}

/** A notice may mean the payment in QuickBooks, whose ids are digits. */
async function readCreated(
  api: PortalApi,
  id: string,
  settings: IntuitPaymentsSettings,
): Promise<Buffer | undefined> {
  const taken = await readTaken(api, id);
  if (taken) return toldBody({ taken });
  if (!/^\d+$/.test(id)) return undefined;
  for await (const { body, complete } of readRecords(api, 'Payment', [id], settings)) {
    if (complete) return body;
  }
  return undefined;
}

async function withTransaction(
  api: PortalApi,
  recorded: { readonly entity: RecordKind; readonly row: unknown },
  settings: IntuitPaymentsSettings,
): Promise<Omit<ToldRecord, 'id'>> {
  const { entity, row } = recorded;
  const named = transactionNamed(row);
  if (named === undefined)
    return { body: toldBody({ recorded }), taken: undefined, complete: true };
  const taken = await readTaken(api, named);
  if (taken) {
    const numbers = await readInvoiceNumbers(api, row, settings);
    return { body: toldBody({ taken, recorded, ...numbers }), taken, complete: true };
  }
  if (entity !== 'RefundReceipt') {
    return { body: toldBody({ recorded }), taken: undefined, complete: false };
  }
  // The receipt may name the refund's own transaction: then its reference is the charge.
  const of = receipt.safeParse(row).data?.PaymentRefNum?.trim() ?? '';
  const isAsked = TRANSACTION_ID.test(of) && of !== named;
  const refunded = isAsked ? await readRefund(api, { of, id: named }) : undefined;
  if (!refunded) return { body: toldBody({ recorded }), taken: undefined, complete: true };
  const { refund } = refunded;
  const body = toldBody({ taken: refunded.taken, refund: refund.value, recorded });
  return { ...refunded, body, complete: true };
}

/** Ids of invoices are those of one company; their numbers are what everybody calls them. */
async function readInvoiceNumbers(
  api: PortalApi,
  row: unknown,
  settings: IntuitPaymentsSettings,
): Promise<{ readonly invoiceNumbers?: Readonly<Record<string, string>> }> {
  const ids = invoicesToName(row);
  if (ids.length === 0) return {};
  const invoiceNumbers: Record<string, string> = {};
  for (const { id, body } of await readObjects(api, 'Invoice', ids, companyOf(settings))) {
    const number = invoice.safeParse(parseExactJson(body)).data?.Invoice.DocNumber?.trim();
    if (number) invoiceNumbers[id] = number;
  }
  return { invoiceNumbers };
}

const invoice = z.object({ Invoice: z.object({ DocNumber: wireText }) });
const stated = z.object({ status: z.string() });
const receipt = z.object({ PaymentRefNum: wireText });
/** A reference that people write (`CHK-104`, a name) need not be asked for. */
const TRANSACTION_ID = /^[A-Za-z0-9]{6,20}$/;

/** What the processor answers under a path; undefined when it knows nothing there. */
async function readOne(api: PortalApi, path: string): Promise<Buffer | undefined> {
  const { status, body } = await api.request({ path: `${PAYMENTS}/${path}`, accept: [400, 404] });
  if (status < 300) return body;
  refuse(path, status, body);
  return undefined;
}

/**
 * Returns for what means that there is nothing to be read there: 404, or an error that the processor names, for
 * nothing but the id was ours.
 * @throws RetryLater for trouble of theirs, Reauthorize for a merchant that is not set up, Rejected for the rest
 */
function refuse(path: string, status: number, body: Buffer): void {
  const [first] = errorsIn(body);
  const code = first?.code ?? '';
  const what = `GET ${path} answered ${status}${first ? `: ${describeError(first)}` : ''}`;
  if (/^PMT-6/.test(code)) throw new RetryLater(what);
  if (/^PMT-3/.test(code)) {
    throw new Reauthorize(`${what}. The merchant account must be looked at in QuickBooks`);
  }
  if (status === 404 || /^PMT-/.test(code)) return;
  throw new Rejected(what, { status, body: body.subarray(0, EXCERPT_LENGTH).toString('utf8') });
}

/** The errors in an answer; none when it is of another shape. */
export function errorsIn(body: Buffer) {
  try {
    return errors.safeParse(JSON.parse(body.toString('utf8'))).data?.errors ?? [];
  } catch {
    return [];
  }
}
