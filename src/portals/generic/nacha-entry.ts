/** What one NACHA entry means for payments. Amounts are cents of US dollars. */
import { z } from 'zod';
import type { Normalized } from '../contract.ts';
import type { Reference } from '../events.ts';
import { creditMeaning, type Movement, memo, refundReturned, takenBack } from './movement.ts';
import type { GenericSettings } from './settings.ts';
import { readRemittance } from './x12-820.ts';

const addendum = z.object({
  type: z.string(),
  /** Columns 4 to 94 as they stand. */
  content: z.string(),
});

export const nachaEntry = z.object({
  format: z.literal('nacha'),
  secCode: z.string(),
  companyName: z.string(),
  companyId: z.string(),
  settledOn: z.string(),
  transactionCode: z.string().regex(/^\d\d$/),
  amount: z.string().regex(/^\d{1,12}$/),
  individualId: z.string(),
  name: z.string(),
  traceId: z.string(),
  addenda: z.array(addendum),
});

export type NachaEntry = z.output<typeof nachaEntry>;

const CURRENCY = 'USD';

/** @throws WireMismatch */
export function nachaMeaning(entry: NachaEntry, settings: GenericSettings): Normalized {
  const { addenda, amount, transactionCode: code, secCode } = entry;
  const change = addenda.some(({ type }) => type === '98');
  if (change || secCode === 'COR') return { ignored: 'a notification of change moves no money' };
  if (/^[2-5][389]$/.test(code) || BigInt(amount) === 0n) {
    return { ignored: `transaction code ${code}: a prenote or an amount of zero moves no money` };
  }
  const returned = addenda.find(({ type }) => type === '99');
  if (returned) return returnOf(entry, returned.content);
  if (/^[2-5][16]$/.test(code)) {
    return { quarantined: `a return (code ${code}) without the addendum (99) that says of what` };
  }
  if (secCode === 'ADV') return { ignored: 'an advice of our own bank moves no money' };
  if (code !== '22' && code !== '32') {
    return { ignored: `transaction code ${code}: no credit to an account of ours` };
  }
  return creditMeaning(settings.processorNames, {
    type: 'payment.succeeded',
    movement: movementOf(entry),
    status: 'settled',
    payer: entry.companyName,
    text: '',
  });
}

/** Reason in 4-6, trace of the original in 7-21: columns of the record, of which three are cut off. */
function returnOf(entry: NachaEntry, addendumContent: string): Normalized {
  const reason = addendumContent.slice(0, 3);
  const originalId = addendumContent.slice(3, 18).trim();
  if (!/^R\d\d$/.test(reason)) return { quarantined: `"${reason}" is no return reason` };
  if (Number(reason.slice(1)) >= 61 && Number(reason.slice(1)) <= 77) {
    return { quarantined: `${reason}: a return is disputed between banks; book it by hand` };
  }
  const movement = movementOf(entry);
  const wasDebit = Number(entry.transactionCode[1]) >= 5;
  const returned = { status: reason, reason, originalId: originalId || undefined };
  return {
    events: [
      wasDebit
        ? takenBack(movement, { ...returned, undoes: 'debit' })
        : refundReturned(movement, returned),
    ],
  };
}

/** Traces begin anew some day, so the settlement date belongs to the id. */
function movementOf(entry: NachaEntry): Movement {
  const incoming = !entry.addenda.some(({ type }) => type === '99');
  const { traceId, settledOn, companyName, name: receiver } = entry;
  // Of a credit to us the company of the batch is the payer; of our own entry that came back, its receiver is.
  const payer = incoming ? companyName : receiver;
  return {
    id: `${traceId}:${settledOn}`,
    bookedOn: settledOn,
    amountMinor: BigInt(entry.amount),
    currency: CURRENCY,
    method: 'ach',
    references: referencesOf(entry),
    payer: payer === '' ? null : { externalId: null, name: payer, email: null },
  };
}

/** Addenda of type 05 hold one text cut every 80 characters: a blank at a cut is data. */
function referencesOf({ addenda, individualId }: NachaEntry): readonly Reference[] {
  const text = addenda
    .filter(({ type }) => type === '05')
    .map(({ content }) => content.padEnd(91))
    .sort((a, b) => Number(a.slice(80, 84)) - Number(b.slice(80, 84)))
    .map((content) => content.slice(0, 80))
    .join('')
    .trimEnd();
  const remittance = readRemittance(text, CURRENCY);
  // An envelope of X12 says nothing more to people than what was read of it.
  const words = remittance.length > 0 ? undefined : text;
  return [...remittance, ...memo(individualId), ...memo(words)];
}
