/** The bridge of our own contract beside a simulated Sage 50: its pages, its pushes, and what it records. */
import { createHmac } from 'node:crypto';
import { fromDecimalText } from '../src/money/money.ts';
import type { SimulatedNotice } from './contract.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import {
  type Ledger,
  outstandingOf,
  payBack,
  receive,
  type Transaction,
  tranNumber,
  twoDecimals,
} from './sage-50-ledger.ts';

/** Fewer than the contract allows, so that there are pages. */
const MOST_ROWS = 5;

export type BridgeState = {
  readonly ledger: Ledger;
  readonly apiKey: string;
  /** A client's key by the transaction it became. */
  readonly keys: Map<string, number>;
};

export const BRIDGE_BUSY: SimulatedAnswer = {
  status: 503,
  headers: { 'retry-after': '60' },
  body: { error: 'Accounts application is busy' },
};

export function answerBridge(state: BridgeState, request: SimulatedRequest): SimulatedAnswer {
  const { method, url, headers } = request;
  if (headers['x-api-key'] !== state.apiKey) return { status: 401, body: { error: 'no such key' } };
  if (url.pathname !== '/v1/receipts') return { status: 404, body: { error: 'not found' } };
  return method === 'POST' ? record(state, request) : list(state, url.searchParams);
}

/** Everything changed after the cursor, the oldest change first. */
function list({ ledger }: BridgeState, query: URLSearchParams): SimulatedAnswer {
  const [, instant, number] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\|(\d+)$/.exec(query.get('since') ?? '') ?? [];
  if (instant === undefined) return { status: 400, body: { error: 'since: not a cursor' } };
  const place = (one: Transaction) => `${seconds(one)}|${String(one.number).padStart(10, '0')}`;
  const since = `${instant}|${String(number).padStart(10, '0')}`;
  const rows = [...ledger.transactions.values()]
    .filter((one) => place(one) > since)
    .sort((left, right) => (place(left) < place(right) ? -1 : 1));
  const shown = rows.slice(0, Math.min(MOST_ROWS, Number(query.get('limit') ?? '200')));
  const last = shown.at(-1);
  return {
    status: 200,
    body: {
      dataset: ledger.dataset,
      receipts: shown.map((one) => receiptOf(ledger, one)),
      nextCursor: last ? `${seconds(last)}|${last.number}` : query.get('since'),
      hasMore: rows.length > shown.length,
    },
  };
}

/** A transaction by the contract. */
export function receiptOf(ledger: Ledger, one: Transaction): Readonly<Record<string, unknown>> {
  const { number, kind, accountRef, currency, grossMinor, deleted, allocations } = one;
  const customer = ledger.customers.get(accountRef);
  return {
    tranNumber: ledger.edition === 'uk' ? number : tranNumber(ledger, one),
    type: kind,
    accountRef,
    accountName: customer?.name ?? null,
    email: customer?.email || null,
    bankCode: one.bankCode,
    date: one.day,
    reference: one.reference,
    details: one.details,
    extraReference: one.extraRef,
    currency,
    grossAmount: twoDecimals(grossMinor, currency),
    outstanding: twoDecimals(outstandingOf(ledger, one), currency),
    paymentReceived: kind === 'SR' || kind === 'SA',
    deleted,
    modifiedAt: seconds(one),
    allocations: allocations.map(({ invoice, amountMinor }) => ({
      invoiceTran: invoice,
      invoiceRef: ledger.transactions.get(invoice)?.reference,
      amount: twoDecimals(amountMinor, currency),
    })),
  };
}

type Wanted = Readonly<Partial<Record<string, string>>> & {
  readonly allocations?: readonly { readonly invoiceTran?: string; readonly amount?: string }[];
};

/** Posted once for a key; the key is kept as the extra reference. */
function record(state: BridgeState, { body }: SimulatedRequest): SimulatedAnswer {
  const { ledger, keys } = state;
  const wanted = JSON.parse(body.toString()) as Wanted;
  const { idempotencyKey = '', type, accountRef = '', reverses, reference = '' } = wanted;
  const known = ledger.transactions.get(keys.get(idempotencyKey) ?? 0);
  if (known) return { status: 200, body: receiptOf(ledger, known) };
  const reversed = reverses === undefined ? undefined : ledger.transactions.get(Number(reverses));
  if (reversed?.deleted) return { status: 200, body: receiptOf(ledger, reversed) };
  const objection = objectionTo(ledger, wanted);
  if (objection !== undefined) return { status: 422, body: { error: objection } };
  const currency = wanted.currency ?? '';
  const minorOf = (amount: string) => fromDecimalText(amount, currency).minor;
  const amountMinor = minorOf(wanted.grossAmount ?? '');
  const texts = {
    bankCode: wanted.bankCode ?? null,
    reference,
    details: wanted.details ?? '',
    extraRef: idempotencyKey,
  };
  const given = {
    ...texts,
    kind: type as 'SR' | 'SA',
    accountRef,
    currency,
    grossMinor: amountMinor,
    allocations: (wanted.allocations ?? []).map(({ invoiceTran, amount }) => ({
      invoice: Number(invoiceTran),
      amountMinor: minorOf(amount ?? ''),
    })),
    ...(wanted.date === undefined ? {} : { day: wanted.date }),
  };
  try {
    const posted =
      type === 'SP'
        ? payBack(ledger, { ...texts, receipt: Number(reverses), amountMinor }, ledger.latest)
        : receive(ledger, given, ledger.latest, true);
    keys.set(idempotencyKey, posted.number);
    return { status: 201, body: receiptOf(ledger, posted) };
  } catch (error) {
    return { status: 422, body: { error: (error as Error).message } };
  }
}

function objectionTo(ledger: Ledger, wanted: Wanted): string | undefined {
  const { idempotencyKey = '', type = '', accountRef = '', grossAmount = '', date } = wanted;
  if (idempotencyKey === '' || idempotencyKey.length > 60) return 'idempotencyKey: 1 to 60 signs';
  if (!['SR', 'SA', 'SP'].includes(type)) return `type ${type} cannot be posted`;
  if (!ledger.customers.has(accountRef)) return `there is no account ${accountRef}`;
  if ((wanted.reference ?? '').length > 30) return 'reference: 30 signs at most';
  if ((wanted.details ?? '').length > 60) return 'details: 60 signs at most';
  if (!/^\d+\.\d\d$/.test(grossAmount)) return 'grossAmount: two decimals';
  if (date !== undefined && !/^\d{4}-\d\d-\d\d$/.test(date)) return 'date: not YYYY-MM-DD';
  if (type !== 'SP' && date === undefined) return 'date: missing';
  if (type === 'SP' && wanted.reverses === undefined) return 'reverses: missing';
  return undefined;
}

/** A push of the state in which the transaction is now. */
export function noticeOf(
  ledger: Ledger,
  transaction: Transaction,
  given: { readonly secret: string; readonly eventId: string },
): SimulatedNotice {
  const { dataset } = ledger;
  const receipt = receiptOf(ledger, transaction);
  const message = { eventId: given.eventId, dataset, event: 'receipt.changed', receipt };
  return signed(message, given.secret, `receipt.changed ${transaction.number}`);
}

/** What a bridge sends to see whether it is heard. */
export function pingOf({ dataset }: Ledger, secret: string): SimulatedNotice {
  return signed({ eventId: 's50-ping', dataset, event: 'ping' }, secret, 'ping');
}

function signed(message: object, secret: string, label: string): SimulatedNotice {
  const body = Buffer.from(JSON.stringify(message));
  return {
    label,
    sign(now) {
      const timestamp = String(Math.floor(now.getTime() / 1000));
      const mac = createHmac('sha256', secret).update(`${timestamp}.`).update(body);
      return {
        headers: {
          'content-type': 'application/json',
          'x-sync-timestamp': timestamp,
          'x-sync-signature': `v1=${mac.digest('hex')}`,
        },
        body,
      };
    },
  };
}

function seconds({ modifiedAt }: Transaction): string {
  return `${modifiedAt.toISOString().slice(0, 19)}Z`;
}
