/** Recording our payments in Intacct: once, exactly, and read back. */
import { createHash } from 'node:crypto';
import { businessDay } from '../../money/business-day.ts';
import { fromDecimalText, toDecimalText } from '../../money/money.ts';
import type { PaymentToRecord, Portal, RecordingNotes } from '../contract.ts';
import { Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { differenceOfShares, sumShares } from '../kit/shares.ts';
import { type Found, type Ledger, openLedger } from './ledger.ts';
import type { SageIntacctSettings } from './settings.ts';
import { shareSums, stateOfPayment } from './states.ts';
import { type PaymentFacts, REST_OBJECTS, readPayment } from './wire.ts';
import type { PaymentToWrite } from './xml-functions.ts';

/** Intacct rounds what has more, in every currency. */
const MOST_DECIMALS = 2;
const MEMO_MAX_LENGTH = 255;
const CONTROL_ID_MAX_LENGTH = 100;
const REPEATED = /control\s?id|unique|duplicate|already (been )?(processed|submitted|used)/i;

export const books: NonNullable<Portal<SageIntacctSettings>['books']> = {
  /**
   * Three nets against a second payment: the reference number is looked for first, Intacct remembers the control id
   * of the call and refuses to run it twice, and what it holds in the end is compared with what we meant.
   */
  async recordPayment(api, payment, { settings, idempotencyKey, notes }) {
    const meant = paymentToWrite(payment, settings);
    const ledger = openLedger(api, settings);
    const known = await findOurs(ledger, payment.mark);
    const attempts = attemptsOf({ idempotencyKey, notes }, 'refusals');
    const made = known ? undefined : await create(ledger, meant, attempts);
    const kept = known ?? (await readBack(ledger, payment.mark, made));
    const different = difference(kept, payment, settings);
    if (different !== undefined) {
      throw new WireMismatch(`payment ${kept.key} in Intacct (${payment.mark}): ${different}`);
    }
    return { externalId: kept.key };
  },

  /** Reversed as of today by Intacct's own clock, so that no closed period is touched; a draft is deleted. */
  async reversePayment(api, { externalId, mark }, { settings, idempotencyKey, notes }) {
    const attempts = attemptsOf({ idempotencyKey, notes }, 'refused reversals');
    const ledger = openLedger(api, settings);
    const found = await ledger.find('payment', [externalId]);
    const [payment] = factsOf(found);
    if (!payment || isGone(payment)) return;
    const controlId = await attempts.controlId();
    try {
      if (stateOf(payment) === 'draft') await ledger.deleteDraft(externalId, controlId);
      else {
        const day = reversalDay(payment, found.answeredAt, settings);
        const memo = `taken back: ${mark}`;
        await ledger.reverse({ key: externalId, day, memo }, controlId);
      }
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      const [now] = factsOf(await ledger.find('payment', [externalId]));
      if (!now || isGone(now)) return;
      await attempts.refused();
      throw error;
    }
  },
};

/** @throws Rejected for what Intacct cannot hold */
function paymentToWrite(payment: PaymentToRecord, settings: SageIntacctSettings): PaymentToWrite {
  const { currency, amountMinor, mark, memo } = payment;
  const { financialEntity, undepositedAccountNo } = settings;
  const shares = sumShares(payment.invoices);
  const beyond = amountMinor - [...shares.values()].reduce((sum, minor) => sum + minor, 0n);
  if (beyond < 0n) throw refusal('its invoices take more than the payment is of');
  if (financialEntity === undefined && undepositedAccountNo === undefined) {
    throw refusal('say in financialEntity or undepositedAccountNo where the money lies');
  }
  return {
    customerId: payment.customerExternalId,
    amount: decimal(amountMinor, currency),
    account:
      financialEntity === undefined
        ? { undeposited: undepositedAccountNo ?? '' }
        : { bank: financialEntity },
    paymentMethod: settings.paymentMethod ?? methodFor(payment.method),
    docNumber: mark,
    description: memo.slice(0, MEMO_MAX_LENGTH),
    receivedOn: payment.receivedOn,
    currency,
    details: [...shares].map(([invoiceKey, minor]) => ({
      invoiceKey,
      amount: decimal(minor, currency),
    })),
    beyond: beyond === 0n ? null : decimal(beyond, currency),
  };
}

/** Never one of the "Online" methods: these would charge the customer once more. */
function methodFor(method: string | null): string {
  switch (method) {
    case 'card':
    case 'phone':
      return 'Credit Card';
    case 'check':
      return 'Printed Check';
    case 'cash':
      return 'Cash';
    default:
      return 'EFT';
  }
}

type Attempts = {
  /** What makes the next attempt unique. */
  controlId(): Promise<string>;
  refused(): Promise<void>;
};

/**
 * Intacct remembers the control id of a call, whatever came of it. An attempt that was refused in so many words
 * changed nothing, so the next one, by a person's wish, has another; one whose answer was lost has not.
 */
function attemptsOf(
  { idempotencyKey, notes }: { readonly idempotencyKey: string; readonly notes: RecordingNotes },
  about: string,
): Attempts {
  const key = boundedKey(idempotencyKey);
  const count = async (): Promise<number> => {
    const kept = (await notes.kept()).find((note) => note.about === about);
    return Number(kept?.text ?? '0');
  };
  return {
    controlId: async () => {
      const refusals = await count();
      return refusals === 0 ? key : `${key}-${refusals + 1}`;
    },
    refused: async () => notes.keep(about, String((await count()) + 1)),
  };
}

/** Creates it, or finds what an earlier attempt made whose answer was lost. */
async function create(
  ledger: Ledger,
  meant: PaymentToWrite,
  attempts: Attempts,
): Promise<string | undefined> {
  try {
    return await ledger.create(meant, await attempts.controlId());
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    const made = await findOurs(ledger, meant.docNumber);
    if (made) return made.key;
    if (error.status === 409 || REPEATED.test(error.message)) {
      const help = `if this stays so, enter it there by hand with the reference number ${meant.docNumber}`;
      throw new RetryLater(`${error.message}; no such payment is found there yet; ${help}`);
    }
    await attempts.refused();
    throw error;
  }
}

/** Our living payment; undefined when there is none. @throws Rejected when somebody reversed it, WireMismatch */
async function findOurs(ledger: Ledger, mark: string): Promise<PaymentFacts | undefined> {
  const ours = factsOf(await ledger.findByDocNumber(mark)).filter(
    (facts) =>
      facts.docNumber === mark && facts.recordType !== 'ro' && stateOf(facts) !== 'reversal',
  );
  const [living, ...others] = ours.filter((facts) => !isGone(facts));
  if (living && others.length === 0) return living;
  const numbers = ours.map(({ key }) => key).join(', ');
  if (living) throw new WireMismatch(`payments ${numbers} in Intacct all carry ${mark}`);
  if (ours.length === 0) return undefined;
  throw refusal(`payment ${numbers} was recorded in Intacct as ${mark} and reversed there`);
}

/** By its number, which is known at once; the list of reference numbers may lag behind. */
async function readBack(
  ledger: Ledger,
  mark: string,
  key: string | undefined,
): Promise<PaymentFacts> {
  const found = key === undefined ? undefined : factsOf(await ledger.find('payment', [key]))[0];
  const kept = found ?? (await findOurs(ledger, mark));
  if (!kept) throw new RetryLater(`payment ${key ?? mark} was recorded and cannot be read yet`);
  return kept;
}

/** Names the first field in which Intacct holds something else than we meant. */
function difference(
  kept: PaymentFacts,
  meant: PaymentToRecord,
  settings: SageIntacctSettings,
): string | undefined {
  if (stateOf(kept) !== 'complete') return `it is in the state ${kept.state}: submit it there`;
  if (kept.docNumber !== meant.mark) return `its reference number is ${kept.docNumber}`;
  const currency = kept.currency ?? settings.baseCurrency;
  if (currency !== meant.currency) return `the currency is ${currency}, not ${meant.currency}`;
  if (fromDecimalText(kept.total, currency).minor !== meant.amountMinor) {
    const wanted = toDecimalText({ minor: meant.amountMinor, currency });
    return `the amount is ${kept.total}, not ${wanted}`;
  }
  if (kept.customerId !== meant.customerExternalId) {
    return `the customer is ${kept.customerId ?? 'absent'}, not ${meant.customerExternalId}`;
  }
  return differenceOfShares(shareSums(kept, currency), sumShares(meant.invoices));
}

function factsOf({ records }: Pick<Found, 'records'>): readonly PaymentFacts[] {
  return records.map((one) =>
    readPayment(one, one.object === REST_OBJECTS.advance ? 'advance' : 'payment'),
  );
}

function stateOf({ recordType, state }: PaymentFacts) {
  return stateOfPayment(recordType, state);
}

function isGone(facts: PaymentFacts): boolean {
  return ['reversed', 'reversal'].includes(stateOf(facts) ?? '');
}

/** Never before the payment itself; without a clock of Intacct's the day of the payment is all that is known. */
function reversalDay(
  { receivedOn, createdAt }: PaymentFacts,
  answeredAt: string | undefined,
  { timeZone }: SageIntacctSettings,
): string {
  const received = receivedOn ?? createdAt.slice(0, 10);
  const today = answeredAt === undefined ? received : businessDay(answeredAt, timeZone);
  return today > received ? today : received;
}

/** @throws Rejected for a third decimal, which Intacct would round */
function decimal(minor: bigint, currency: string): string {
  const [whole = '', fraction = ''] = toDecimalText({ minor, currency }).split('.');
  if (/[1-9]/.test(fraction.slice(MOST_DECIMALS))) {
    throw refusal(`${whole}.${fraction} ${currency}: Intacct keeps ${MOST_DECIMALS} decimals only`);
  }
  const kept = fraction.slice(0, MOST_DECIMALS);
  return kept === '' ? whole : `${whole}.${kept}`;
}

function boundedKey(key: string): string {
  const plain = /^[\x21-\x7e]+$/.test(key) && key.length <= CONTROL_ID_MAX_LENGTH;
  return plain ? key : createHash('sha256').update(key).digest('hex');
}

function refusal(message: string): Rejected {
  return new Rejected(message, { status: 400, body: '' });
}
