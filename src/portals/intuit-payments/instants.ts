/** Instants as the processor writes them. */
import { WireMismatch } from '../kit/errors.ts';
import { readInstant } from '../kit/intuit.ts';

const PARTS =
  /^(\d{4})-(\d{1,2})-(\d{1,2})T(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$/;

/**
 * An instant in UTC. Voids were seen with months of one digit (`2026-5-30T10:59:23Z`), which `Date` reads in the
 * machine's own zone or not at all.
 * @throws WireMismatch for a day that is in no calendar, and without an offset
 */
export function processorInstant(text: string, path: string): string {
  const parts = PARTS.exec(text);
  if (!parts) throw new WireMismatch(`${path}: "${text}" is not an instant with its offset`);
  const [, year, month, day, hour, minute, second, fraction = '', offset] = parts;
  const two = (part = '') => part.padStart(2, '0');
  const date = `${year}-${two(month)}-${two(day)}`;
  // A day too many rolls over into the next month.
  if (Number.isNaN(Date.parse(date)) || new Date(date).toISOString().slice(0, 10) !== date) {
    throw new WireMismatch(`${path}: ${date} is in no calendar`);
  }
  return readInstant(
    `${date}T${two(hour)}:${two(minute)}:${two(second)}${fraction}${offset}`,
    path,
  );
}
