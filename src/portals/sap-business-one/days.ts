/** The Service Layer's days, which have no time and are the company's own. */
import { WireMismatch } from '../kit/errors.ts';

const DAY_MS = 86_400_000;

/** The calendar day of `2026-11-03` or `2026-11-03T00:00:00Z`. @throws WireMismatch */
export function dayOf(text: string, path: string): string {
  const [, day] = /^(\d{4}-\d\d-\d\d)(?:[T ]00:00:00(?:\.0+)?Z?)?$/.exec(text) ?? [];
  if (day === undefined || !isDay(day)) {
    throw new WireMismatch(`${path}: "${text.slice(0, 40)}" is not a day`);
  }
  return day;
}

/** Midnight of that day where the company is, UTC with milliseconds. @throws WireMismatch */
export function midnightOf(text: string, path: string, timeZone: string): string {
  const wall = Date.parse(`${dayOf(text, path)}T00:00:00Z`);
  // The offset before the clock is changed may differ from the one after: the second look settles it.
  const guess = wall - offsetMs(wall, timeZone);
  return new Date(wall - offsetMs(guess, timeZone)).toISOString();
}

/** The day that an instant falls on where the company is, some days before or after. */
export function dayAt(instant: Date, timeZone: string, days = 0): string {
  const wall = instant.getTime() + offsetMs(instant.getTime(), timeZone);
  return new Date(wall + days * DAY_MS).toISOString().slice(0, 10);
}

/** Days since 1970: what was changed on a later day is the later version. @throws WireMismatch */
export function dayNumber(text: string, path: string): number {
  return Date.parse(`${dayOf(text, path)}T00:00:00Z`) / DAY_MS;
}

function isDay(day: string): boolean {
  const at = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
}

/** How far ahead of UTC the clocks of an IANA zone are at an instant. */
function offsetMs(at: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    .formatToParts(new Date(at))
    .find(({ type }) => type === 'timeZoneName');
  const [, sign, hours = '0', minutes = '0'] =
    /^GMT(?:([+-])(\d\d):(\d\d))?/.exec(parts?.value ?? '') ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
