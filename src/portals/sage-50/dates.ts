/** Sage 50 writes days without a zone, in an order that the edition or the PC decides, and changes in local time. */
import { WireMismatch } from '../kit/errors.ts';

export const DATE_ORDERS = ['dmy', 'mdy', 'ymd'] as const;
export type DateOrder = (typeof DATE_ORDERS)[number];

const TIME = '(?:[T ](\\d{1,2}:\\d\\d(?::\\d\\d)?)(?:\\.\\d{1,9})?)?';
const ISO = new RegExp(`^(\\d{4})-(\\d\\d)-(\\d\\d)${TIME}$`);
const LOCAL = new RegExp(`^(\\d{1,2})([/.-])(\\d{1,2})\\2(\\d{4}|\\d\\d)${TIME}$`);

type Written = { readonly day: string; readonly time: string };

/** The calendar day `YYYY-MM-DD`; nothing is guessed: the order says which number is the month. @throws WireMismatch */
export function dayOf(text: string, order: DateOrder): string {
  return read(text, order).day;
}

/** The instant, UTC with milliseconds, of a local time; of a day alone its midnight. @throws WireMismatch */
export function instantOf(text: string, order: DateOrder, timeZone: string): string {
  const { day, time } = read(text, order);
  return wallTime(`${day}T${time}Z`, timeZone);
}

/** Midnight of a day `YYYY-MM-DD` where the company is, UTC with milliseconds. */
export function midnightOf(day: string, timeZone: string): string {
  return wallTime(`${day}T00:00:00Z`, timeZone);
}

/** `2026-11-03T16:12:04Z`, as the bridge says it. @throws WireMismatch */
export function utcOf(text: string, path: string): string {
  const [, local, fraction = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text) ?? [];
  const at = Date.parse(`${local}.${fraction.padEnd(3, '0').slice(0, 3)}Z`);
  if (local === undefined || Number.isNaN(at)) {
    throw new WireMismatch(`${path}: "${text.slice(0, 40)}" is not an instant`);
  }
  return new Date(at).toISOString();
}

/** A day as the PC writes it. */
export function writeDay(day: string, order: DateOrder): string {
  const [year, month, date] = day.split('-');
  if (order === 'ymd') return day;
  return order === 'dmy' ? `${date}/${month}/${year}` : `${month}/${date}/${year}`;
}

/** The day before or after by so many days. */
export function shiftDay(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** An ISO date cannot be misread, so the UK edition's queries may write it; the US export never does. */
function read(text: string, order: DateOrder): Written {
  const iso = order === 'mdy' ? null : ISO.exec(text);
  const local = order === 'ymd' ? null : LOCAL.exec(text);
  const [year, month, day, time] = iso
    ? iso.slice(1)
    : local
      ? [
          local[4],
          order === 'dmy' ? local[3] : local[1],
          order === 'dmy' ? local[1] : local[3],
          local[5],
        ]
      : [];
  const century = year?.length === 2 ? `20${year}` : year;
  const written = `${century}-${month?.padStart(2, '0')}-${day?.padStart(2, '0')}`;
  const [hours = '', ...rest] = (time ?? '0:00:00').split(':');
  const clock = [hours.padStart(2, '0'), ...rest, ...(rest.length === 1 ? ['00'] : [])].join(':');
  const at = Date.parse(`${written}T${clock}Z`);
  // JavaScript moves the 31st of a short month on to the next one.
  const exists = !Number.isNaN(at) && new Date(at).toISOString().slice(0, 10) === written;
  if (!exists || Number(century) < 1900) {
    throw new WireMismatch(`"${text.slice(0, 40)}" is not a date in the order ${NAMES[order]}`);
  }
  return { day: written, time: clock };
}

const NAMES = { dmy: 'day/month/year', mdy: 'month/day/year', ymd: 'year-month-day' } as const;

function wallTime(asUtc: string, timeZone: string): string {
  const wall = Date.parse(asUtc);
  // The offset before the clock is changed may differ from the one after: the second look settles it.
  const guess = wall - offsetMs(wall, timeZone);
  return new Date(wall - offsetMs(guess, timeZone)).toISOString();
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** How far ahead of UTC the clocks of an IANA zone are at an instant. */
function offsetMs(at: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    formats.set(timeZone, format);
  }
  const name = format.formatToParts(new Date(at)).find(({ type }) => type === 'timeZoneName');
  const [, sign, hours = '0', minutes = '0'] =
    /^GMT(?:([+-])(\d\d):(\d\d))?/.exec(name?.value ?? '') ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
