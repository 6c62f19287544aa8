/** Xero's three ways of writing time: milliseconds in `/Date(…)/`, ISO text without a zone, and days. */
import { WireMismatch } from '../kit/errors.ts';

/** The year 9999: beyond it an ISO text has another form. */
const LATEST_MS = 253_402_300_799_999;

type Changed = {
  readonly UpdatedDateUTC?: string | null | undefined;
  readonly UpdatedDateUTCString?: string | null | undefined;
};

/**
 * When a row was last changed, as UTC with milliseconds. The milliseconds of `UpdatedDateUTC` go first, because
 * the text beside it is cut to seconds and would make another instant of the same change. @throws WireMismatch
 */
export function changedAt({ UpdatedDateUTC, UpdatedDateUTCString }: Changed): string {
  const said = UpdatedDateUTC ?? UpdatedDateUTCString;
  if (said === null || said === undefined) throw new WireMismatch('UpdatedDateUTC: missing');
  return readInstant(said, 'UpdatedDateUTC');
}

/**
 * `/Date(ms+0000)/` (the offset is decoration) or ISO text, which is UTC where it names no zone.
 * @throws WireMismatch
 */
export function readInstant(text: string, path: string): string {
  const ms = millisecondsOf(text) ?? millisecondsOfIso(text);
  if (ms === undefined || Number.isNaN(ms) || ms < 0 || ms > LATEST_MS) {
    throw new WireMismatch(`${path}: "${text}" is not an instant`);
  }
  return new Date(ms).toISOString();
}

/** A calendar day (`YYYY-MM-DD`), never an instant: midnight UTC in `/Date(…)/`. @throws WireMismatch */
export function readDay(
  date: string | null | undefined,
  dateString: string | null | undefined,
): string | null {
  const said = dateString || date;
  return said ? readInstant(said, 'Date').slice(0, 10) : null;
}

function millisecondsOf(text: string): number | undefined {
  const [, ms] = /^\/Date\((-?\d{1,15})(?:[+-]\d{4})?\)\/$/.exec(text) ?? [];
  return ms === undefined ? undefined : Number(ms);
}

/** Any number of fractional digits; JavaScript promises three. */
function millisecondsOfIso(text: string): number | undefined {
  const [, day, time = '00:00:00', fraction = '', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?)?$/.exec(text) ?? [];
  if (day === undefined) return undefined;
  const offset = zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2');
  return Date.parse(`${day}T${time}.${fraction.padEnd(3, '0').slice(0, 3)}${offset}`);
}
