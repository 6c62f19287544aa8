/** Instants belong to the world, days to the firm: the calendar day of an instant in a time zone. */

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * The day `YYYY-MM-DD` on which `instant` (ISO UTC) falls in the IANA `timeZone`.
 * @throws RangeError for unknown zones.
 */
export function businessDay(instant: string, timeZone: string): string {
  if (timeZone === 'UTC') return instant.slice(0, 10);
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
    formats.set(timeZone, format);
  }
  return format.format(new Date(instant));
}
