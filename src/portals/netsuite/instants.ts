/** Times as queries show them, on the clock of the account and without a zone, and instants of records, in UTC. */
import { WireMismatch } from '../kit/errors.ts';

const DAY_MS = 86_400_000;
/** Revisions are counted in seconds from here, so that they stay small. */
const REVISIONS_FROM_MS = Date.UTC(2020, 0, 1);

/**
 * `2026-11-03 08:12:01` on the account's clock, or an instant with its own zone, in UTC with milliseconds. Of the hour
 * that comes twice in autumn the first is meant. @throws WireMismatch
 */
export function instantOf(text: string, path: string, timeZone: string): string {
  const [, day, time, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? [];
  const wall = Date.parse(`${day}T${time}.${fraction.padEnd(3, '0').slice(0, 3)}${zone ?? 'Z'}`);
  if (day === undefined || Number.isNaN(wall)) {
    throw new WireMismatch(`${path}: "${text.slice(0, 40)}" is not a day with its time`);
  }
  if (zone !== undefined) return new Date(wall).toISOString();
  // The offsets of the day before and the day after: only where the clock is changed do they differ.
  const [before, after] = [wall - DAY_MS, wall + DAY_MS].map((at) => offsetMs(at, timeZone));
  const instants = [wall - (before ?? 0), wall - (after ?? 0)];
  const shown = instants.find((at) => at + offsetMs(at, timeZone) === wall);
  // The hour left out in spring is nobody's: it is read as the one after.
  return new Date(shown ?? instants[0] ?? wall).toISOString();
}

/** What the account's clock shows at an instant, `2026-11-03 08:12:01`. */
export function wallTimeOf(at: Date, timeZone: string): string {
  const shown = new Date(at.getTime() + offsetMs(at.getTime(), timeZone)).toISOString();
  return shown.slice(0, 19).replace('T', ' ');
}

/** `2026-11-03`; days in a person's own format are not guessed at. @throws WireMismatch */
export function dayOf(text: string, path: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`))) return text;
  throw new WireMismatch(`${path}: "${text.slice(0, 40)}" is not a day like 2026-11-03`);
}

/** Of two versions of a record the one with the higher number is the later. */
export function revisionOf(modifiedAt: string): number {
  return Math.floor((Date.parse(modifiedAt) - REVISIONS_FROM_MS) / 1000);
}

const clocks = new Map<string, Intl.DateTimeFormat>();

/** How far ahead of UTC the clocks of an IANA zone are. */
function offsetMs(at: number, timeZone: string): number {
  let clock = clocks.get(timeZone);
  if (!clock) {
    clock = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    clocks.set(timeZone, clock);
  }
  const name = clock.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours = '0', minutes = '0'] = /^GMT(?:([+-])(\d\d):(\d\d))?/.exec(name) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
