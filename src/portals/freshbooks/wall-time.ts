/** FreshBooks writes instants as the wall time of New York, whatever the account's own zone. */
import { WireMismatch } from '../kit/errors.ts';

const HOUR_MS = 3_600_000;
/** Summer time first: of the hour that comes twice in autumn the first is taken. */
const OFFSET_HOURS = [4, 5] as const;

const newYork = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'America/New_York',
  dateStyle: 'short',
  timeStyle: 'medium',
});

/** `YYYY-MM-DD HH:MM:SS` in New York, or an instant with its offset, in UTC. @throws WireMismatch */
export function readWallTime(text: string, path: string): string {
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text)) {
    return checked(Date.parse(text), text, path);
  }
  if (!/^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,9})?$/.test(text)) {
    throw new WireMismatch(`${path}: "${text}" is not a date with a time`);
  }
  const wall = text.slice(0, 19).replace('T', ' ');
  const asUtc = Date.parse(`${wall.replace(' ', 'T')}Z`);
  checked(asUtc, text, path);
  const instants = OFFSET_HOURS.map((hours) => asUtc + hours * HOUR_MS);
  // The hour left out in spring is nobody's; the winter offset reads it as the hour after.
  const instant = instants.find((one) => wallTime(new Date(one)) === wall) ?? instants.at(-1);
  return checked(instant ?? Number.NaN, text, path);
}

/** The wall time of an instant in New York, `YYYY-MM-DD HH:MM:SS`. */
export function wallTime(at: Date): string {
  return newYork.format(at);
}

function checked(ms: number, text: string, path: string): string {
  const iso = Number.isNaN(ms) ? '' : new Date(ms).toISOString();
  if (!/^\d{4}-/.test(iso)) throw new WireMismatch(`${path}: "${text}" is no moment`);
  return iso;
}
