/** NACHA (ACH) files: records of 94 characters, with hashes, counts and totals checked. */
import { WireMismatch } from '../kit/errors.ts';
import { dayOf, fileText, numberEqual, shortDay } from './movement.ts';
import type { NachaEntry } from './nacha-entry.ts';

const RECORD_LENGTH = 94;
const FILLER = /^9{94}$/;

/**
 * The entries with their addenda and what their batch says of them.
 * @throws WireMismatch where structure or a control total is broken: then nothing of the file is believed.
 */
export function readNacha(body: Buffer): readonly NachaEntry[] {
  const records = recordsIn(fileText(body));
  const reading: Reading = { entries: [], file: none(), batches: 0 };
  for (const record of records) take(reading, record);
  if (!reading.ended)
    throw new WireMismatch('the file has no control record (9), so it is cut off');
  return numberEqual(reading.entries, () => true);
}

/** With line breaks, short lines had blanks at their end; without, every 94 characters are a record. */
function recordsIn(text: string): readonly string[] {
  const lines = text.split(/\r\n|\r|\n/).filter((line) => line.trim() !== '');
  const [first = ''] = lines;
  const records =
    lines.length === 1 && first.length > RECORD_LENGTH ? (first.match(/.{1,94}/gs) ?? []) : lines;
  return records
    .map((record) => record.padEnd(RECORD_LENGTH))
    .filter((record) => !FILLER.test(record))
    .map((record) => {
      if (record.length === RECORD_LENGTH) return record;
      throw new WireMismatch(`a record has ${record.length} characters, not ${RECORD_LENGTH}`);
    });
}

type Totals = { count: number; hash: bigint; debits: bigint; credits: bigint };
const none = (): Totals => ({ count: 0, hash: 0n, debits: 0n, credits: 0n });

type Batch = { readonly header: string; readonly totals: Totals; readonly settledOn: string };
type Reading = {
  readonly entries: NachaEntry[];
  readonly file: Totals;
  batches: number;
  batch?: Batch | undefined;
  started?: boolean;
  ended?: boolean;
};

/** Columns are counted from 1, as the rules print them. */
function columns(record: string, from: number, to: number): string {
  return record.slice(from - 1, to);
}

function number(record: string, from: number, to: number): bigint {
  const digits = columns(record, from, to).trim();
  if (!/^\d+$/.test(digits)) {
    throw new WireMismatch(`columns ${from}-${to} hold "${digits}" where a number belongs`);
  }
  return BigInt(digits);
}

function take(reading: Reading, record: string): void {
  const type = record[0];
  if (type === '1' && !reading.started) {
    reading.started = true;
    return;
  }
  if (!reading.started || reading.ended) {
    throw new WireMismatch('the file does not begin with record 1 and end with record 9');
  }
  switch (type) {
    case '5':
      return openBatch(reading, record);
    case '6':
      return addEntry(reading, record);
    case '7':
      return addAddendum(reading, record);
    case '8':
      return closeBatch(reading, record);
    case '9':
      return closeFile(reading, record);
    default:
      throw new WireMismatch(`a record begins with "${type}", which is no NACHA record`);
  }
}

function openBatch(reading: Reading, header: string): void {
  if (reading.batch) throw new WireMismatch('a batch (5) begins before the one before it ended');
  reading.batches += 1;
  reading.batch = { header, totals: none(), settledOn: settlementDay(header) };
}

/** The settlement date is the day of the year alone: it is the one nearest to the effective date. */
function settlementDay(header: string): string {
  const effective = shortDay(columns(header, 70, 75));
  const julian = columns(header, 76, 78).trim();
  if (julian === '' || /^0+$/.test(julian)) return effective;
  if (!/^\d{3}$/.test(julian) || Number(julian) > 366) {
    throw new WireMismatch(`"${julian}" is not a settlement date`);
  }
  const year = Number(effective.slice(0, 4));
  const distance = (day: string) => Math.abs(Date.parse(day) - Date.parse(effective));
  return [year - 1, year, year + 1]
    .map((one) => {
      const first = Date.parse(dayOf(one, 1, 1));
      return new Date(first + (Number(julian) - 1) * 86_400_000).toISOString().slice(0, 10);
    })
    .sort((a, b) => distance(a) - distance(b))[0] as string;
}

function batchOf(reading: Reading): Batch {
  if (!reading.batch) throw new WireMismatch('an entry stands outside a batch');
  return reading.batch;
}

function addEntry(reading: Reading, record: string): void {
  const { header, totals, settledOn } = batchOf(reading);
  const secCode = columns(header, 51, 53).trim();
  const code = columns(record, 2, 3);
  const amount = number(record, 30, 39);
  if (!/^\d\d$/.test(code)) throw new WireMismatch(`transaction code "${code}" is not NACHA`);
  totals.count += 1;
  totals.hash += number(record, 4, 11);
  // Second digits 1-4 are credits, 6-9 debits.
  if (Number(code[1]) <= 4) totals.credits += amount;
  else totals.debits += amount;
  reading.entries.push({
    format: 'nacha',
    secCode,
    companyName: columns(header, 5, 20).trim(),
    companyId: columns(header, 41, 50).trim(),
    settledOn,
    transactionCode: code,
    amount: String(amount),
    individualId: columns(record, 40, 54).trim(),
    name: nameIn(record, secCode),
    traceId: columns(record, 80, 94).trim(),
    addenda: [],
  });
}

/** CTX counts its addenda where others begin the name; IAT tells names in addenda alone. */
function nameIn(record: string, secCode: string): string {
  if (secCode === 'IAT') return '';
  return (secCode === 'CTX' ? columns(record, 59, 74) : columns(record, 55, 76)).trim();
}

function addAddendum(reading: Reading, record: string): void {
  const { totals } = batchOf(reading);
  const entry = reading.entries.at(-1);
  if (!entry || totals.count === 0) throw new WireMismatch('an addendum (7) belongs to no entry');
  totals.count += 1;
  entry.addenda.push({ type: columns(record, 2, 3), content: columns(record, 4, 94) });
}

function closeBatch(reading: Reading, record: string): void {
  const { totals } = batchOf(reading);
  check('a batch (8)', totals, {
    count: number(record, 5, 10),
    hash: number(record, 11, 20),
    debits: number(record, 21, 32),
    credits: number(record, 33, 44),
  });
  const { file } = reading;
  file.count += totals.count;
  file.hash += totals.hash;
  file.debits += totals.debits;
  file.credits += totals.credits;
  reading.batch = undefined;
}

function closeFile(reading: Reading, record: string): void {
  if (reading.batch) throw new WireMismatch('the last batch has no control record (8)');
  if (number(record, 2, 7) !== BigInt(reading.batches)) {
    throw new WireMismatch(`the file has ${reading.batches} batches, its control states otherwise`);
  }
  check('the file (9)', reading.file, {
    count: number(record, 14, 21),
    hash: number(record, 22, 31),
    debits: number(record, 32, 43),
    credits: number(record, 44, 55),
  });
  reading.ended = true;
}

type Stated = {
  readonly count: bigint;
  readonly hash: bigint;
  readonly debits: bigint;
  readonly credits: bigint;
};

function check(what: string, found: Totals, stated: Stated): void {
  const pairs = [
    ['entries and addenda', BigInt(found.count), stated.count],
    // The hash is the sum of routing numbers, of which ten digits are kept.
    ['entry hash', found.hash % 10_000_000_000n, stated.hash],
    ['debits in cents', found.debits, stated.debits],
    ['credits in cents', found.credits, stated.credits],
  ] as const;
  for (const [name, counted, given] of pairs) {
    if (counted === given) continue;
    throw new WireMismatch(`${what} states ${given} for its ${name}; there are ${counted}`);
  }
}
