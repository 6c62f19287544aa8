/** JSON as the database keeps it, apart from the way there, so that pure code can write it. */
import { rawNumber } from '../money/raw-number.ts';

/** JSON text in which a bigint is an exact integer literal. */
export function encodeJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    typeof inner === 'bigint' ? rawNumber(inner.toString()) : inner,
  );
}
