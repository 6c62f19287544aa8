/** What one statement line of MT940 or MT942 means for payments. */
import { z } from 'zod';
import type { Normalized } from '../contract.ts';
import {
  creditMeaning,
  derivedId,
  fileAmount,
  type Movement,
  memo,
  referenceOrNone,
  refundReturned,
  takenBack,
} from './movement.ts';
import { type Mt940Details, readDetails } from './mt940-details.ts';
import type { GenericSettings } from './settings.ts';

export const mt940Line = z.object({
  format: z.literal('mt940'),
  account: z.string(),
  currency: z.string(),
  /** Of an MT942: nothing in it is final. */
  interim: z.boolean(),
  valueOn: z.string(),
  bookedOn: z.string(),
  mark: z.enum(['C', 'D', 'RC', 'RD', 'EC', 'ED']),
  /** Major units with a dot. */
  amount: z.string(),
  type: z.string(),
  customerReference: z.string(),
  bankReference: z.string(),
  supplement: z.string(),
  details: z.string(),
  occurrence: z.number().int().optional(),
});

export type Mt940Line = z.output<typeof mt940Line>;

/** German business transaction codes of returned direct debits, and of a returned transfer of ours. */
const RETURNED_DEBIT_CODES = ['108', '109'];
const RETURNED_TRANSFER_CODES = ['159'];
const RETURN_TYPE = 'NRTI';

/** @throws WireMismatch, MalformedAmount, UnknownCurrency */
export function mt940Meaning(line: Mt940Line, settings: GenericSettings): Normalized {
  const { mark, interim, type } = line;
  if (mark === 'EC' || mark === 'ED') return { ignored: 'an expected movement: nothing is booked' };
  if (mark === 'RD') return { ignored: 'the reversal of a debit of ours' };
  const details = readDetails(line.details);
  const { code = '', returnCode } = details;
  const movement = movementOf(line, details);
  if (mark === 'RC') {
    return interim ? NOT_FINAL : { events: [takenBack(movement, REVERSAL)] };
  }
  const isReturn = type === RETURN_TYPE || details.isReturn;
  if (mark === 'D') {
    if (!isReturn && !RETURNED_DEBIT_CODES.includes(code)) {
      return { ignored: 'a debit that returns no payment of ours' };
    }
    if (interim) return NOT_FINAL;
    const reason = returnCode ?? 'returned';
    const { minor, fee } = originalOf(line, details);
    return {
      events: [
        takenBack(
          { ...movement, amountMinor: minor, feeMinor: fee },
          { status: 'returned', reason, undoes: 'debit' },
        ),
      ],
    };
  }
  if (isReturn || RETURNED_TRANSFER_CODES.includes(code)) {
    const returned = { status: 'returned', reason: returnCode ?? 'returned' };
    return interim ? NOT_FINAL : { events: [refundReturned(movement, returned)] };
  }
  return creditMeaning(settings.processorNames, {
    type: interim ? 'payment.pending' : 'payment.succeeded',
    movement,
    status: interim ? 'interim' : mark,
    payer: details.payer,
    text: `${details.text} ${line.supplement}`,
  });
}

const NOT_FINAL = { ignored: 'a return that is not final yet' } as const;
const REVERSAL = { status: 'RC', reason: 'reversal', undoes: 'credit' } as const;

/** `OAMT` is the amount of the debit that came back, `COAM` what banks charge for it. */
function originalOf(
  { amount, currency }: Mt940Line,
  { originalAmount, charges }: Mt940Details,
): { readonly minor: bigint; readonly fee: bigint | null } {
  const total = fileAmount(amount, currency);
  const original =
    originalAmount !== undefined
      ? fileAmount(originalAmount, currency)
      : total - (charges === undefined ? 0n : fileAmount(charges, currency));
  const fee = total - original;
  return original > 0n && fee > 0n ? { minor: original, fee } : { minor: total, fee: null };
}

function movementOf(line: Mt940Line, details: Mt940Details): Movement {
  const { currency, bookedOn } = line;
  const { payer, payerAccount } = details;
  const endToEndId = referenceOrNone(details.endToEndId) ?? referenceOrNone(line.customerReference);
  return {
    id: idOf(line),
    bookedOn,
    amountMinor: fileAmount(line.amount, currency),
    currency,
    method: 'bank',
    references: [...memo(`${details.text} ${line.supplement}`), ...memo(endToEndId)],
    payer:
      payer || payerAccount
        ? { externalId: payerAccount ?? null, name: payer ?? null, email: null }
        : null,
    endToEndId,
  };
}

/** Banks may use a reference again, so day and amount belong to the id. */
function idOf(line: Mt940Line): string {
  const { currency, valueOn, amount, bankReference } = line;
  const reference = referenceOrNone(bankReference);
  if (reference !== undefined) return `${reference}:${valueOn}:${fileAmount(amount, currency)}`;
  return derivedId(
    ...['mt940', line.account, valueOn, amount, line.mark, line.customerReference, line.details],
    line.occurrence,
  );
}
