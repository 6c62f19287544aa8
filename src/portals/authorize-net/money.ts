/** Amounts as Authorize.Net writes them: JSON numbers of major units, in the account's one currency. */
import { fromDecimalText, MalformedAmount } from '../../money/money.ts';

/**
 * Minor units of an amount, null where it is absent. @throws MalformedAmount for negative ones and digits that the
 * currency does not have.
 */
export function readAmount(written: string | null | undefined, currency: string): bigint | null {
  if (written === null || written === undefined) return null;
  const { minor } = fromDecimalText(written, currency);
  if (minor < 0n) throw new MalformedAmount(`"${written}" is negative; Authorize.Net never is`);
  return minor;
}
