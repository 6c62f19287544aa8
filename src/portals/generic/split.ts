/** The documents in what arrives: a delivery, a file of a bank taken apart into its movements, or a CSV as a whole. */
import type { ZodType } from 'zod';
import type { Normalized, SplitDocument } from '../contract.ts';
import { digestOf } from '../kit/documents.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import { readBai2 } from './bai2.ts';
import { bai2Meaning, bai2Transaction } from './bai2-transaction.ts';
import { readCamt } from './camt.ts';
import { camtEntry, camtMeaning } from './camt-entry.ts';
import { type BankRecord, fileText } from './movement.ts';
import { readMt940 } from './mt940.ts';
import { mt940Line, mt940Meaning } from './mt940-line.ts';
import { readNacha } from './nacha.ts';
import { nachaEntry, nachaMeaning } from './nacha-entry.ts';
import type { GenericSettings } from './settings.ts';
import { deliveryId } from './signature.ts';

type Format = {
  /** Cheap, by the first characters of the file. */
  recognizes(start: string): boolean;
  /** @throws WireMismatch when the file is broken or its totals are. */
  read(body: Buffer): readonly BankRecord[];
  /** What one record of it, stored as JSON, means. */
  meaning(record: unknown, settings: GenericSettings): Normalized;
};

function format<R extends BankRecord>(given: {
  readonly recognizes: Format['recognizes'];
  read(body: Buffer): readonly R[];
  readonly schema: ZodType<R>;
  meaning(record: R, settings: GenericSettings): Normalized;
}): Format {
  const { recognizes, read, schema, meaning } = given;
  return {
    recognizes,
    read,
    meaning: (record, settings) => meaning(readWire(schema, record), settings),
  };
}

const FORMATS: Readonly<Record<string, Format>> = {
  camt: format({
    recognizes: (start) => start.startsWith('<'),
    read: readCamt,
    schema: camtEntry,
    meaning: camtMeaning,
  }),
  nacha: format({
    recognizes: (start) => /^101[ \d]{10}[ \d]{10}/.test(start),
    read: readNacha,
    schema: nachaEntry,
    meaning: nachaMeaning,
  }),
  bai2: format({
    recognizes: (start) => /^01,[^,\n]*,[^,\n]*,\d{6},/.test(start),
    read: readBai2,
    schema: bai2Transaction,
    meaning: bai2Meaning,
  }),
  mt940: format({
    recognizes: (start) => /^:20:/m.test(start) || /^\{\d:.*:20:/s.test(start),
    read: readMt940,
    schema: mt940Line,
    meaning: mt940Meaning,
  }),
};

const START_LENGTH = 2000;

function formatOf(body: Buffer): Format | undefined {
  const start = fileText(body.subarray(0, START_LENGTH)).trimStart();
  return Object.values(FORMATS).find(({ recognizes }) => recognizes(start));
}

/** Never throws: a file that is broken stays one document, which `normalize` sets aside with the reason. */
export function split(
  body: Buffer,
  headers: Readonly<Record<string, string>>,
): readonly SplitDocument[] {
  const delivery = deliveryId(headers);
  if (delivery !== undefined) return [{ key: deliveryKey(delivery), body }];
  const record = recordIn(body);
  if (record) return [{ key: `${record.name}:${digestOf(body)}`, body }];
  const whole = { key: `file:${digestOf(body)}`, body };
  try {
    const found = formatOf(body)?.read(body) ?? [];
    if (found.length === 0) return [whole];
    return found.map((one) => {
      const bytes = Buffer.from(JSON.stringify(one));
      return { key: `${one.format}:${digestOf(bytes)}`, body: bytes };
    });
  } catch {
    return [whole];
  }
}

const MOST_KEY_BYTES = 190;

function deliveryKey(id: string): string {
  return Buffer.byteLength(id) <= MOST_KEY_BYTES
    ? `event:${id}`
    : `event:${digestOf(Buffer.from(id))}`;
}

/** A movement that was taken out of its file before. */
function recordIn(body: Buffer): { readonly name: string; readonly value: unknown } | undefined {
  if (body[0] !== '{'.charCodeAt(0) || !body.subarray(0, 20).includes('"format":"'))
    return undefined;
  try {
    const value = parseJson(body) as { readonly format?: unknown };
    const { format: name } = value;
    return typeof name === 'string' && Object.hasOwn(FORMATS, name) ? { name, value } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What a bank's file or one movement of it means; undefined for anything else.
 * @throws WireMismatch, MalformedAmount, UnknownCurrency
 */
export function bankMeaning(body: Buffer, settings: GenericSettings): Normalized | undefined {
  const record = recordIn(body);
  if (record) return FORMATS[record.name]?.meaning(record.value, settings);
  const found = formatOf(body);
  if (!found) return undefined;
  const outcomes = found.read(body).map((one) => found.meaning(one, settings));
  const unclear = outcomes.find((one) => 'quarantined' in one);
  if (unclear) return unclear;
  const events = outcomes.flatMap((one) => ('events' in one ? one.events : []));
  return events.length > 0 ? { events } : { ignored: 'the file tells of no payment' };
}
