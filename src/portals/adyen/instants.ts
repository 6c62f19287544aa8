/** Adyen's times: ISO 8601 with an offset in webhooks, local time beside the zone's name in reports. */
import { WireMismatch } from '../kit/errors.ts';
import { wallTime } from '../kit/wall-time.ts';

const WITH_OFFSET = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$/;
const LOCAL = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)$/;

/** Hours east of UTC of the abbreviations that account settings offer and that are no IANA names. */
const OFFSETS: ReadonlyMap<string, number> = new Map([
  ['UTC', 0],
  ['GMT', 0],
  ['WET', 0],
  ['WEST', 1],
  ['BST', 1],
  ['CET', 1],
  ['CEST', 2],
  ['EET', 2],
  ['EEST', 3],
  ['EST', -5],
  ['EDT', -4],
  ['CST', -6],
  ['CDT', -5],
  ['MST', -7],
  ['MDT', -6],
  ['PST', -8],
  ['PDT', -7],
  ['AKST', -9],
  ['AKDT', -8],
  ['HST', -10],
  ['BRT', -3],
  ['SGT', 8],
  ['HKT', 8],
  ['AWST', 8],
  ['JST', 9],
  ['AEST', 10],
  ['AEDT', 11],
  ['NZST', 12],
  ['NZDT', 13],
]);

/** The instant of an `eventDate`, UTC with milliseconds. @throws WireMismatch */
export function instantOf(eventDate: string): string {
  const [, local, fraction = '', offset] = WITH_OFFSET.exec(eventDate) ?? [];
  const at = Date.parse(`${local}${fraction.slice(0, 4)}${offset}`);
  if (local === undefined || Number.isNaN(at)) {
    throw new WireMismatch(`eventDate: "${eventDate}" is not a time with an offset`);
  }
  return new Date(at).toISOString();
}

/** The instant of a report's `Creation Date` in its `TimeZone` (`CET`, or an IANA name). @throws WireMismatch */
export function reportInstant(date: string, zone: string): string {
  const [, day, time] = LOCAL.exec(date) ?? [];
  const wall = Date.parse(`${day}T${time}Z`);
  if (day === undefined || Number.isNaN(wall)) {
    throw new WireMismatch(`Creation Date: "${date}" is not a time`);
  }
  const hours = OFFSETS.get(zone);
  if (hours !== undefined) return new Date(wall - hours * 3_600_000).toISOString();
  try {
    return wallTime(`${day}T${time}`, zone);
  } catch (cause) {
    throw new WireMismatch(`TimeZone: "${zone}" is not a time zone that is known here`, { cause });
  }
}
