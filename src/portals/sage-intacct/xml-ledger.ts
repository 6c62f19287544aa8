/** The receivables by the XML gateway. */
import type { PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import type { XmlMarkup } from '../kit/xml-writer.ts';
import { callGateway, type GatewayResult } from './gateway.ts';
import { writeInstant } from './instants.ts';
import type { Asked, Found, Ledger, Listed } from './ledger.ts';
import type { SageIntacctSettings } from './settings.ts';
import {
  type Kind,
  type LedgerRecord,
  lineKeys,
  named,
  paidBy,
  type Row,
  XML_OBJECTS,
} from './wire.ts';
import {
  allOf,
  anyOf,
  compare,
  createArpayment,
  createArpymt,
  deleteArpymt,
  type Query,
  query,
  quoted,
  readByQuery,
  readMore,
  reverseArpayment,
} from './xml-functions.ts';

type XmlKind = Exclude<Kind, 'advance'>;

/** Named one by one: only these are promised, and all of them cost time. */
const FIELDS: Readonly<Record<XmlKind, readonly string[]>> = {
  payment:
    named(`RECORDNO RECORDTYPE STATE PAYMENTMETHOD CUSTOMERID CUSTOMERNAME PAYERNAME DOCNUMBER
    DESCRIPTION RECEIPTDATE CURRENCY TRX_TOTALENTERED AUWHENCREATED WHENMODIFIED`),
  invoice: named(`RECORDNO RECORDID STATE CUSTOMERID CUSTOMERNAME DOCNUMBER DESCRIPTION WHENCREATED
    WHENDUE CURRENCY TRX_TOTALENTERED WHENMODIFIED`),
  customer: named('RECORDNO CUSTOMERID NAME DISPLAYCONTACT.EMAIL1 WHENMODIFIED'),
};
const LINES = {
  object: 'ARPYMTDETAIL',
  select: named('PAYMENTKEY RECORDKEY TRX_PAYMENTAMOUNT'),
} as const;
const NUMBERS = { object: XML_OBJECTS.invoice, select: named('RECORDNO RECORDID') } as const;

/** A page of payments and what they pay fit two further calls. */
const PAGE_ROWS = { payment: 200, invoice: 1000, customer: 1000 } as const;
const MOST_ROWS = 2000;
const KEYS_PER_CALL = 200;
const READ = 'read';

export function xmlLedger(
  api: PortalApi,
  { showPrivate, baseCurrency }: SageIntacctSettings,
): Ledger {
  const call = (function_: XmlMarkup): Promise<GatewayResult> => callGateway(api, READ, function_);

  const find = async (kind: XmlKind, field: string, values: readonly string[]): Promise<Found> => {
    const rows: Row[] = [];
    let answeredAt: string | undefined;
    for (const some of portions(values)) {
      const answer = await allRows(
        call,
        showPrivate ? lookingUp(kind, field, some) : reading(kind, field, some),
      );
      rows.push(...answer.rows);
      answeredAt = answer.answeredAt;
    }
    return { records: await completed(call, kind, rows), answeredAt };
  };

  return {
    kinds: ['customer', 'invoice', 'payment'],
    async list(kind, asked) {
      if (kind === 'advance') throw new RangeError('advances are listed among the payments');
      if (showPrivate) return listByQuery(call, kind, asked);
      // What one way lost is tried the other way.
      return asked.restarts % 2 === 0
        ? listByReading(call, kind, asked)
        : ((await unlessRefused(() => listByQuery(call, kind, asked))) ?? LOST);
    },
    find: (kind, keys) => find(kind, 'RECORDNO', keys),
    findByDocNumber: (docNumber) => find('payment', 'DOCNUMBER', [docNumber]),
    async create(payment, controlId) {
      const function_ =
        payment.beyond === null
          ? createArpymt(payment)
          : createArpayment({ ...payment, baseCurrency });
      const { key, rows } = await callGateway(api, controlId, function_);
      return key ?? rows[0]?.RECORDNO;
    },
    async reverse({ key, day, memo }, controlId) {
      await callGateway(api, controlId, reverseArpayment(key, day, memo));
    },
    async deleteDraft(key, controlId) {
      await callGateway(api, controlId, deleteArpymt(key));
    },
  };
}

type Call = (function_: XmlMarkup) => Promise<GatewayResult>;

const LOST: Listed = { records: [], following: null, lost: true };

/**
 * By `readByQuery`, whose rows Intacct keeps for a while. It remembers how many of them it gave: an answer that never
 * reached us, or was never stored, would be passed over, so the place is compared with what it says.
 */
async function listByReading(call: Call, kind: XmlKind, asked: Asked): Promise<Listed> {
  const { place } = asked;
  const changed = `WHENMODIFIED >= ${quoted(writeInstant(asked.since))}`;
  const open = kind === 'invoice' && asked.open ? ' OR TRX_TOTALDUE > 0' : '';
  const kept = place && 'resultId' in place ? place : undefined;
  const begin = readByQuery({
    object: XML_OBJECTS[kind],
    query: `${changed}${open}`,
    fields: FIELDS[kind],
    pageSize: PAGE_ROWS[kind],
  });
  const answer = kept
    ? await unlessRefused(() => call(readMore(kept.resultId)))
    : await call(begin);
  const read = kept?.read ?? 0;
  if (!answer) return LOST;
  const { rows, remaining, total, resultId = kept?.resultId } = answer;
  if (total !== undefined && total - remaining - rows.length !== read) return LOST;
  const more = remaining > 0;
  if (more && (resultId === undefined || rows.length === 0)) {
    throw new WireMismatch(`resultId: ${remaining} rows remain, and nothing leads to them`);
  }
  const following = more && resultId ? { resultId, read: read + rows.length } : null;
  return { records: await completed(call, kind, rows), following };
}

/** Undefined for a refusal, where it can only mean the way that was taken. */
async function unlessRefused<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Rejected) return undefined;
    throw error;
  }
}

/** By `query`, which alone shows private records: behind the last number, whatever changes meanwhile. */
async function listByQuery(call: Call, kind: XmlKind, asked: Asked): Promise<Listed> {
  const { since, place, open } = asked;
  const changed = compare('greaterthanorequalto', 'WHENMODIFIED', writeInstant(since));
  const wanted =
    kind === 'invoice' && open
      ? anyOf(changed, compare('greaterthan', 'TRX_TOTALDUE', '0'))
      : changed;
  const filter =
    place && 'behind' in place
      ? allOf(wanted, compare('greaterthan', 'RECORDNO', place.behind))
      : wanted;
  const { rows, remaining } = await call(
    query({
      object: XML_OBJECTS[kind],
      select: FIELDS[kind],
      filter,
      orderBy: 'RECORDNO',
      pageSize: PAGE_ROWS[kind],
      offset: 0,
    }),
  );
  const behind = rows.at(-1)?.RECORDNO;
  const records = await completed(call, kind, rows);
  return { records, following: remaining > 0 && behind !== undefined ? { behind } : null };
}

/** A first call, and what follows an answer that does not hold all rows. */
type Reading = {
  readonly first: XmlMarkup;
  after(answer: GatewayResult, rowsSoFar: number): XmlMarkup | undefined;
};

/** Every row, however few of them an answer holds. */
async function allRows(
  call: Call,
  { first, after }: Reading,
): Promise<Pick<GatewayResult, 'rows' | 'answeredAt'>> {
  const rows: GatewayResult['rows'][number][] = [];
  let next: XmlMarkup | undefined = first;
  let answeredAt: string | undefined;
  while (next) {
    const answer: GatewayResult = await call(next);
    rows.push(...answer.rows);
    answeredAt = answer.answeredAt;
    const goesOn = answer.remaining > 0 && answer.rows.length > 0;
    next = goesOn ? after(answer, rows.length) : undefined;
  }
  return { rows, answeredAt };
}

function reading(kind: XmlKind, field: string, values: readonly string[]): Reading {
  const texts = values.map(quoted).join(',');
  return {
    first: readByQuery({
      object: XML_OBJECTS[kind],
      query: values.length === 1 ? `${field} = ${texts}` : `${field} in (${texts})`,
      fields: FIELDS[kind],
      pageSize: 1000,
    }),
    after: ({ resultId }) => (resultId === undefined ? undefined : readMore(resultId)),
  };
}

function lookingUp(kind: XmlKind, field: string, values: readonly string[]): Reading {
  const filter = compare('in', field, ...values);
  return paged({ object: XML_OBJECTS[kind], select: FIELDS[kind], filter });
}

function paged(asked: Pick<Query, 'object' | 'select' | 'filter'>): Reading {
  const at = (offset: number) =>
    query({ ...asked, orderBy: 'RECORDNO', pageSize: MOST_ROWS, offset });
  return { first: at(0), after: (_answer, rowsSoFar) => at(rowsSoFar) };
}

/** Records of rows; payments with their lines and the numbers of the invoices these pay. */
async function completed(
  call: Call,
  kind: XmlKind,
  rows: readonly Row[],
): Promise<readonly LedgerRecord[]> {
  const object = XML_OBJECTS[kind];
  if (kind !== 'payment') return rows.map((record) => ({ object, record }));
  const keys = rows.flatMap(({ RECORDNO, RECORDTYPE }) =>
    typeof RECORDNO === 'string' && RECORDTYPE !== 'rr' && RECORDTYPE !== 'ro' ? [RECORDNO] : [],
  );
  const lines = await rowsWith(call, 'PAYMENTKEY', keys, LINES);
  const paid = [...new Set(lines.flatMap((line) => lineKeys(line).invoice ?? []))];
  const invoices = await rowsWith(call, 'RECORDNO', paid, NUMBERS);
  return rows.map((record) => ({ object, record, ...paidBy(record.RECORDNO, lines, invoices) }));
}

async function rowsWith(
  call: Call,
  field: string,
  keys: readonly string[],
  asked: Pick<Query, 'object' | 'select'>,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const some of portions(keys)) {
    const filter = compare('in', field, ...some);
    rows.push(...(await allRows(call, paged({ ...asked, filter }))).rows);
  }
  return rows;
}

function portions(keys: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(keys.length / KEYS_PER_CALL);
  return Array.from({ length: count }, (_, index) =>
    keys.slice(index * KEYS_PER_CALL, (index + 1) * KEYS_PER_CALL),
  );
}
