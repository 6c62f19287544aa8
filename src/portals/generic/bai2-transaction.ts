/** What one BAI2 transaction (16) means for payments. */
import { z } from 'zod';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import {
  creditMeaning,
  derivedId,
  type Movement,
  memo,
  referenceOrNone,
  refundReturned,
  takenBack,
} from './movement.ts';
import type { GenericSettings } from './settings.ts';
import { readRemittance } from './x12-820.ts';

export const bai2Transaction = z.object({
  format: z.literal('bai2'),
  account: z.string(),
  currency: z.string(),
  groupStatus: z.string(),
  asOfOn: z.string(),
  asOfModifier: z.string(),
  type: z.string(),
  /** Minor units of the currency. */
  amount: z.string().regex(/^-?\d{1,18}$/),
  bankReference: z.string(),
  customerReference: z.string(),
  text: z.string(),
  occurrence: z.number().int().optional(),
});

export type Bai2Transaction = z.output<typeof bai2Transaction>;

/** What customers pay, with the method; all else on the account is no customer's payment. */
const RECEIPTS: Readonly<Record<string, CanonicalEvent['method']>> = {
  115: 'check',
  142: 'ach',
  165: 'ach',
  169: 'ach',
  171: 'other',
  172: 'other',
  173: 'other',
  174: 'other',
  175: 'check',
  176: 'other',
  177: 'other',
  178: 'other',
  179: 'other',
  195: 'bank',
  301: 'other',
};
const UNDONE: Readonly<Record<string, string>> = {
  555: 'deposited item returned',
  557: 'ACH receipt returned',
};
const OUTGOING_RETURNED = ['255', '257', '261', '266'];

const GROUP_DELETED = '2';
const GROUP_CORRECTED = '3';
const GROUP_TEST = '4';
const INTERIM = ['1', '3'];

/** @throws WireMismatch, UnknownCurrency */
export function bai2Meaning(transaction: Bai2Transaction, settings: GenericSettings): Normalized {
  const { type, groupStatus } = transaction;
  const kind = kindOf(type);
  if (kind === undefined) return { ignored: `BAI2 type ${type}: no payment of a customer` };
  if (groupStatus === GROUP_TEST) return { ignored: 'a test group: nothing in it happened' };
  if (groupStatus === GROUP_CORRECTED) {
    return {
      quarantined: 'the bank corrects what it reported before: compare, and book it by hand',
    };
  }
  const movement = movementOf(transaction);
  if (groupStatus === GROUP_DELETED) return deleted(kind, movement);
  const interim = INTERIM.includes(transaction.asOfModifier);
  if (kind === 'received') {
    return creditMeaning(settings.processorNames, {
      type: interim ? 'payment.pending' : 'payment.succeeded',
      movement,
      status: interim ? 'interim' : type,
      payer: movement.payer?.name,
      text: transaction.text,
    });
  }
  if (interim) return { ignored: 'a return that is not final yet' };
  if (kind === 'outgoing-returned') {
    return { events: [refundReturned(movement, { status: type, reason: 'returned' })] };
  }
  const reason = returnCode(transaction.text) ?? (UNDONE[type] as string);
  return { events: [takenBack(movement, { status: type, reason, undoes: 'credit' })] };
}

function kindOf(type: string): 'received' | 'undone' | 'outgoing-returned' | undefined {
  if (Object.hasOwn(RECEIPTS, type)) return 'received';
  if (Object.hasOwn(UNDONE, type)) return 'undone';
  return OUTGOING_RETURNED.includes(type) ? 'outgoing-returned' : undefined;
}

/** What the bank reported and takes out again never was money. */
function deleted(kind: ReturnType<typeof kindOf>, movement: Movement): Normalized {
  if (kind !== 'received') {
    return { quarantined: 'the bank deletes a return it reported: compare, and book it by hand' };
  }
  const { endToEndId: _, ...named } = movement;
  const event = takenBack(named, {
    status: 'deleted',
    reason: 'deleted by the bank',
    undoes: 'credit',
  });
  return { events: [event] };
}

function returnCode(text: string): string | undefined {
  return /\bR\d\d\b/.exec(text)?.[0];
}

function movementOf(transaction: Bai2Transaction): Movement {
  const { type, currency, asOfOn, text } = transaction;
  const remittance = readRemittance(text, currency);
  const name = payerName(text);
  return {
    id: idOf(transaction),
    bookedOn: asOfOn,
    amountMinor: BigInt(transaction.amount),
    currency,
    method: RECEIPTS[type] ?? null,
    references: [...remittance, ...memo(text)],
    payer: name === undefined ? null : { externalId: null, name, email: null },
    endToEndId: referenceOrNone(transaction.customerReference),
  };
}

/** References of banks repeat (a lockbox has the same every day), so day and amount belong to the id. */
function idOf(transaction: Bai2Transaction): string {
  const { account, asOfOn, type, amount, bankReference, customerReference, text } = transaction;
  const reference = referenceOrNone(bankReference);
  return reference !== undefined
    ? `${reference}:${asOfOn}:${amount}`
    : derivedId(
        ...['bai2', account, asOfOn, type, amount, customerReference, text],
        transaction.occurrence,
      );
}

/** `ORG: NAME / …`, `DBNM: NAME`, `ORIG CO NAME: NAME …`, `… FROM NAME INV-…`. */
function payerName(text: string): string | undefined {
  const labelled =
    /\b(?:ORG|DBNM|ORIG CO NAME|ORIG|ORIGINATOR):\s*([^/:]+?)\s*(?:\/|\s(?:ORIG )?\w+:|$)/i;
  const from = /\bFROM\s+([^/:\d]+?)\s*(?:\/|\b[A-Z]*-?\d|$)/i;
  return (labelled.exec(text) ?? from.exec(text))?.[1]?.trim() || undefined;
}
