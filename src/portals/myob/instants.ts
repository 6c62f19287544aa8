/** MYOB's two ways of writing time: days without a zone, which are the company's own, and instants in UTC. */
import { WireMismatch } from '../kit/errors.ts';
import { wallTime } from '../kit/wall-time.ts';

/** The calendar day of `2026-10-14T00:00:00`. @throws WireMismatch */
export function dayOf(text: string, path: string): string {
  const [, day] = /^(\d{4}-\d\d-\d\d)(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?)?$/.exec(text) ?? [];
  if (day === undefined || Number.isNaN(Date.parse(`${day}T00:00:00Z`))) {
    throw new WireMismatch(`${path}: "${text.slice(0, 40)}" is not a day`);
  }
  return day;
}

/** Midnight of that day where the company is, UTC with milliseconds. @throws WireMismatch */
export function midnightOf(text: string, path: string, timeZone: string): string {
  return wallTime(`${dayOf(text, path)}T00:00:00`, timeZone);
}

/** `2026-10-14T05:02:11.123Z`; an instant without zone is UTC by MYOB's documentation. @throws WireMismatch */
export function instantOf(text: string, path: string): string {
  const [, local, fraction = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z?$/.exec(text) ?? [];
  const at = Date.parse(`${local}.${fraction.padEnd(3, '0').slice(0, 3)}Z`);
  if (local === undefined || Number.isNaN(at)) {
    throw new WireMismatch(`${path}: "${text.slice(0, 40)}" is not an instant`);
  }
  return new Date(at).toISOString();
}
