/** Intacct's ways of writing time: the XML gateway the American one, which is UTC, and REST ISO 8601. */
import { WireMismatch } from '../kit/errors.ts';

const AMERICAN = /^(\d\d)\/(\d\d)\/(\d{4})(?: (\d\d:\d\d:\d\d))?$/;
const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?)?$/;

/** `11/20/2026 08:01:12` or `2026-11-20T08:01:12Z`, as UTC with milliseconds. @throws WireMismatch */
export function readInstant(text: string, path: string): string {
  const iso = text.replace(AMERICAN, (_whole, month, day, year, time = '00:00:00') => {
    return `${year}-${month}-${day}T${time}Z`;
  });
  const [, day, time = '00:00:00', fraction = '', zone = 'Z'] = ISO.exec(iso) ?? [];
  const milliseconds = fraction.padEnd(3, '0').slice(0, 3);
  const offset = zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2');
  const at = Date.parse(`${day}T${time}.${milliseconds}${offset}`);
  // The engine of dates takes a 31st of June for the 1st of July.
  const real = day !== undefined && new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day);
  if (!real || Number.isNaN(at)) {
    throw new WireMismatch(`${path}: "${text.slice(0, 40)}" is not an instant`);
  }
  return new Date(at).toISOString();
}

/** `11/19/2026` or `2026-11-19` as `2026-11-19`: a day of the company's, without a zone. @throws WireMismatch */
export function readDay(text: string, path: string): string {
  return readInstant(text.slice(0, 10), path).slice(0, 10);
}

/** The clock of the server that answered, ISO UTC; undefined when its `Date` header does not tell. */
export function answeredAt(headers: Readonly<Record<string, string>>): string | undefined {
  const at = Date.parse(headers.date ?? '');
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

/** An instant as the gateway's queries compare it, rounded down to the second. */
export function writeInstant(instant: string): string {
  const [, year, month, day, time] = /^(\d+)-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)/.exec(instant) ?? [];
  return `${month}/${day}/${year} ${time}`;
}
