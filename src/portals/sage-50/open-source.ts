/** The open-source bridge Sage50Accounts: transactions by date; its errors come with many statuses. */
import type { ApiCall, PortalApi } from '../contract.ts';
import { digestOf } from '../kit/documents.ts';
import { Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { decimalText, hundredths } from './amounts.ts';
import { dayOf, shiftDay } from './dates.ts';
import { present } from './facts.ts';
import type { Place } from './own-bridge.ts';
import { typeOf } from './types.ts';
import type { Found, Lister } from './window.ts';
import { customerDocument, envelope, type LedgerRow, ledgerRow } from './wire.ts';

/** It gives a hundred rows, the oldest, and no more by another page: only a limit that is not reached is the end. */
const MOST_ROWS = 5000;
/** Somebody runs a backup, or works at what only one may do. */
const BUSY_MS = 60_000;
const ACCEPTED = [400, 404, 500, 503];

/** Its documents and its code differ in where these are. */
const LEDGER = ['api/sales/ledger', 'api/search/salesledger'] as const;
export const ALLOCATE = ['api/payments/allocate', 'api/allocate'] as const;

export const openSource: Lister = {
  windowDays: 45,
  byChange: false,
  async list(place, days) {
    const rows = await listDays(place.api, LEDGER, { account: '' }, { ...days, place });
    return rows.map((row) => foundOf(row, place));
  },
  async complete(place, rows) {
    const banks = await readBanks(place, rows);
    return rows.map((row) => ({
      ...row,
      document: (allocations) => {
        const { receipt, ...rest } = row.document(allocations) as { receipt: object };
        const bankCode = banks.get(row.number);
        return { ...rest, receipt: bankCode === undefined ? receipt : { ...receipt, bankCode } };
      },
    }));
  },
  async account(place, account) {
    // Without one the bridge would answer with all accounts.
    if (account === '') return [];
    return (await readAccount(place.api, account)).map((row) => foundOf(row, place));
  },
  async customers({ api }) {
    const query = { search: '', limit: String(MOST_ROWS) };
    const data = await ask(api, { path: 'api/customers', query }, { absent: [] });
    return readWire(customerDocument.shape.customer.array(), data);
  },
};

/** Transactions of all accounts dated on a day or after it, the oldest of them. */
export async function readSince(api: PortalApi, day: string): Promise<readonly LedgerRow[]> {
  const query = { account: '', from: day, limit: String(MOST_ROWS) };
  return readWire(ledgerRow.array(), await askAny(api, LEDGER, { query }));
}

/** Payments on account dated on a day or after it, by the bridge's other list. */
export async function readReceiptsSince(
  api: PortalApi,
  day: string,
): Promise<readonly { readonly reference?: string | null | undefined }[]> {
  const query = { type: 'SA', from: day, limit: String(MOST_ROWS) };
  const data = await ask(api, { path: 'api/transactions', query }, { absent: [] });
  return readWire(ledgerRow.pick({ reference: true }).array(), data);
}

/** Every transaction of a customer's account with what is outstanding of it, whatever its date. */
export async function readAccount(api: PortalApi, account: string): Promise<readonly LedgerRow[]> {
  const query = { account, limit: String(MOST_ROWS) };
  const rows = readWire(ledgerRow.array(), await askAny(api, LEDGER, { query }));
  if (rows.length >= MOST_ROWS) {
    throw new WireMismatch(`account ${account} has ${MOST_ROWS} transactions or more`);
  }
  return rows;
}

/** Sends to the first of the addresses that the bridge knows. */
export async function askAny(
  api: PortalApi,
  paths: readonly string[],
  call: Omit<ApiCall, 'path'>,
): Promise<unknown> {
  for (const path of paths) {
    const data = await ask(api, { ...call, path }, { absent: undefined });
    if (data !== undefined) return data;
  }
  throw new WireMismatch(`the bridge knows none of ${paths.join(', ')}`);
}

/**
 * What an answer holds; `absent` where the bridge knows no such address.
 * @throws RetryLater while Sage 50 is busy, Rejected with the bridge's own words
 */
export async function ask<T>(
  api: PortalApi,
  call: ApiCall,
  otherwise: { readonly absent: T },
): Promise<unknown> {
  const { status, body } = await api.request({ ...call, accept: ACCEPTED });
  const told = envelope.safeParse(parsed(body));
  const what = `${call.method ?? 'GET'} ${call.path} answered ${status}`;
  if (!told.success) {
    if (status >= 500) throw new RetryLater(what);
    if (status === 404) return otherwise.absent;
    throw new WireMismatch(`${what}: it is not the open-source bridge`);
  }
  const { success, data, error } = told.data;
  if (success) return data;
  const said = error ?? 'no reason';
  if (/endpoint not found/i.test(said)) return otherwise.absent;
  refuse(`the bridge says: ${said}`, { status, said });
}

/** @throws RetryLater for what passes, Rejected for what does not */
export function refuse(
  message: string,
  { status, said }: { readonly status: number; readonly said: string },
): never {
  if (/busy|already in use|logged (in|on)|licen[cs]e|lock/i.test(said)) {
    throw new RetryLater(message, { afterMs: BUSY_MS });
  }
  const lasting = status < 500 || /mismatch|not found|required|invalid|must be/i.test(said);
  if (lasting) throw new Rejected(message, { status: status < 300 ? 400 : status, body: said });
  throw new RetryLater(message);
}

function parsed(body: Buffer): unknown {
  try {
    return parseExactJson(body);
  } catch {
    return undefined;
  }
}

/** Rows of all days asked for; where the limit cuts them off, of half the days at a time. */
async function listDays(
  api: PortalApi,
  paths: readonly string[],
  query: Readonly<Record<string, string>>,
  days: { readonly since: string; readonly until?: string; readonly place: Place },
): Promise<readonly LedgerRow[]> {
  const { since, until, place } = days;
  const dates = { from: since, ...(until === undefined ? {} : { to: until }) };
  const asked = { ...query, ...dates, limit: String(MOST_ROWS) };
  const rows = readWire(ledgerRow.array(), await askAny(api, paths, { query: asked }));
  if (rows.length < MOST_ROWS) return rows;
  const today = place.now.toISOString().slice(0, 10);
  const end = until ?? (today > since ? today : shiftDay(since, 1));
  const length = Math.round((Date.parse(end) - Date.parse(since)) / 86_400_000);
  if (length < 1) throw new WireMismatch(`${MOST_ROWS} transactions or more are dated ${since}`);
  const middle = shiftDay(since, Math.floor(length / 2));
  const left = await listDays(api, paths, query, { ...days, until: middle });
  const right = await listDays(api, paths, query, { ...days, since: shiftDay(middle, 1) });
  return [...left, ...right];
}

/** The nominal of the bank is told by another list only, which is asked for nothing but new receipts. */
async function readBanks(
  place: Place,
  rows: readonly Found[],
): Promise<ReadonlyMap<number, string>> {
  const banks = new Map<number, string>();
  const receipts = rows.filter(({ type }) => ['SR', 'SA', 'SP'].includes(type));
  for (const type of new Set(receipts.map((row) => row.type))) {
    const days = receipts.filter((row) => row.type === type).map(({ day }) => day);
    const [since = '', until = since] = [days.sort()[0], days.at(-1)];
    const query = { type };
    const given = { since, until, place };
    for (const row of await listDays(place.api, ['api/transactions'], query, given)) {
      const bank = present(row.nominalCode);
      if (bank !== null) banks.set(row.transactionNumber, bank);
    }
  }
  return banks;
}

function foundOf(row: LedgerRow, place: Place): Found {
  const { transactionNumber: number, grossAmount, details } = row;
  const type = typeOf(row.type);
  const day = dayOf(row.date ?? '', 'ymd');
  const signed = hundredths(grossAmount);
  const gross = signed < 0n ? -signed : signed;
  const left = row.outstanding ? hundredths(row.outstanding) : gross;
  const outstanding = signed < 0n ? -left : left;
  const account = present(row.accountRef) ?? '';
  const reference = present(row.reference);
  const receipt = {
    tranNumber: number,
    type,
    accountRef: account,
    date: day,
    reference,
    details: present(details),
    grossAmount: decimalText(gross),
    outstanding: decimalText(outstanding),
  };
  const digest = digestOf(Buffer.from(JSON.stringify(receipt))).slice(0, 8);
  const facts = { number, type, account, day, reference, gross, outstanding, digest };
  return {
    ...facts,
    deleted: false,
    document: (allocations) => ({
      dataset: place.settings.dataset,
      receipt: allocations === undefined ? receipt : { ...receipt, allocations },
      readAt: place.now.toISOString(),
    }),
  };
}
