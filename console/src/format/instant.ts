/** Instants as people read them: in the reader's zone, and in UTC for the record. */

const TIME = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;
const DATE = { month: 'short', day: 'numeric' } as const;

type Reader = { readonly locale?: string; readonly timeZone?: string };

/**
 * The time for an instant of the reader's day, with the date before that, with the year before this
 * year.
 */
export function formatInstant(instant: string, day: string, reader: Reader = {}): string {
  const at = new Date(instant);
  const itsDay = dayOf(at, reader.timeZone);
  const parts = {
    ...TIME,
    ...(itsDay === day ? {} : DATE),
    ...(itsDay.slice(0, 4) === day.slice(0, 4) ? {} : { year: 'numeric' as const }),
    ...(reader.timeZone === undefined ? {} : { timeZone: reader.timeZone }),
  };
  return new Intl.DateTimeFormat(reader.locale, parts).format(at);
}

/** `2026-11-21 07:44:17 UTC`. */
export function formatUtc(instant: string): string {
  return `${new Date(instant).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** The calendar day of an instant, `YYYY-MM-DD`, in the reader's zone. */
export function dayOf(at: Date, timeZone?: string): string {
  const parts = new Intl.DateTimeFormat('en', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    calendar: 'gregory',
    numberingSystem: 'latn',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).formatToParts(at);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}`;
}

/** The first instant of a calendar day in the reader's zone. */
export function startOfDay(day: string): Date {
  return new Date(`${day}T00:00:00`);
}
