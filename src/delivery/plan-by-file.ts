/** Recording where no program may write: payments go into files, and are recorded when the books show them. */
import { businessDay } from '../money/business-day.ts';
import { type Money, toDecimalText } from '../money/money.ts';
import type { FileEntry, PaymentToRecord, Portal } from '../portals/contract.ts';
import { Rejected } from '../portals/kit/errors.ts';
import type { DeliveryState } from './delivery-state.ts';
import {
  type BooksFacts,
  mayRecord,
  mayReverse,
  paymentToRecord,
  recordToReverse,
} from './record-in-books.ts';
import type { SendResult } from './send-result.ts';

/** How long the oldest payment waits for others to share its file. */
export const GATHERING_MS = 15 * 60_000;
/** So long nobody is asked why the books do not show a file. */
const PATIENCE_MS = 3 * 86_400_000;
/** Exports that are applied hasten the look; this is for what comes by another way. */
const LOOK_AGAIN_MS = 3_600_000;

/** An entry of a file. */
export type Written = {
  readonly file: string;
  readonly at: Date;
  readonly record: PaymentToRecord;
};

/** What was written for the payments of a batch, and what the books show of it. */
export type FilingFacts = {
  readonly payments: ReadonlyMap<bigint, Written>;
  readonly reversals: ReadonlyMap<bigint, Written>;
  /** What the records of ours that stand in these books come to, by our payment. */
  readonly shown: ReadonlyMap<bigint, Money>;
  /** Payments of ours that these books show as taken back. */
  readonly takenBack: ReadonlySet<bigint>;
};

export type PlannedByFile =
  /** To be written, and to be waited for. */
  | { readonly entry: FileEntry }
  /** These books hold the payment under this id. */
  | { readonly imported: string }
  | SendResult;

export type PlanContext = {
  readonly portal: Portal;
  readonly settings: unknown;
  readonly connectionId: string;
  readonly facts: BooksFacts;
  readonly filing: FilingFacts;
  readonly now: Date;
};

const EXAMPLE: PaymentToRecord = {
  paymentId: 'pay_1',
  mark: 'CV-000000-pay_1',
  customerExternalId: '1',
  from: { portal: 'own', externalId: '1' },
  amountMinor: 1n,
  currency: 'USD',
  receivedOn: '2026-01-01',
  method: null,
  memo: '',
  invoices: [],
};

/** True where payments are recorded by files that people import: what such a file cannot say shows it as well. */
export function goesByFile({ books }: Portal, settings: unknown): boolean {
  try {
    const file = books?.importFile?.([{ entry: 'payment', payment: EXAMPLE }], settings);
    return file !== undefined;
  } catch (error) {
    if (error instanceof Rejected) return true;
    throw error;
  }
}

/** What is to be done about a delivery. Pure. */
export function planByFile(state: DeliveryState, context: PlanContext): PlannedByFile {
  const planned = mayReverse(state) ? planReversal(state, context) : planPayment(state, context);
  return 'entry' in planned ? (refusal(planned.entry, context) ?? planned) : planned;
}

function planPayment(state: DeliveryState, context: PlanContext): PlannedByFile {
  const { connectionId, facts, filing, now } = context;
  const { id } = state.payment;
  if (mayRecord(state) && !facts.recorded.has(id)) {
    const written = filing.payments.get(id);
    const imported = facts.marked.get(id);
    if (imported !== undefined) {
      return difference(imported, written, filing.shown.get(id)) ?? { imported };
    }
    const held = facts.held.get(id);
    if (written && held === undefined) return awaited(written, now);
  }
  // No program records here, so no attempt can have arrived.
  const delivery = { ...state.delivery, mayHaveArrived: false };
  const planned = paymentToRecord({ ...state, delivery }, connectionId, facts);
  return 'outcome' in planned ? planned : { entry: { entry: 'payment', payment: planned.record } };
}

/** What was written but not imported yet is not taken back: its own delivery comes first and waits for it. */
function planReversal(state: DeliveryState, context: PlanContext): PlannedByFile {
  const { facts, filing, now } = context;
  const { id } = state.payment;
  const planned = recordToReverse(state, facts);
  if ('outcome' in planned) return planned;
  const { externalId } = planned;
  if (filing.takenBack.has(id)) {
    return { outcome: 'done', excerpt: `these books show that ${externalId} is taken back` };
  }
  const back = filing.reversals.get(id);
  if (back) return awaited(back, now);
  const paid = filing.payments.get(id);
  if (!paid) {
    const because = `no import file entered ${externalId}, so none can take it back: do it there by hand`;
    return { outcome: 'park', because };
  }
  const on = businessDay(wentAt(state), facts.timeZone);
  return { entry: { entry: 'reversal', payment: paid.record, on } };
}

/** What was imported otherwise than it was written, a person must correct where it stands now. */
function difference(
  imported: string,
  written: Written | undefined,
  shown: Money | undefined,
): Extract<SendResult, { outcome: 'park' }> | undefined {
  if (!written || !shown) return undefined;
  const { amountMinor: minor, currency } = written.record;
  if (shown.minor === minor && shown.currency === currency) return undefined;
  const [there, said] = [shown, { minor, currency }].map(
    (money) => `${toDecimalText(money)} ${money.currency}`,
  );
  const because = `these books hold ${imported} as ${there}, and ${written.file} says ${said}: correct it there`;
  return { outcome: 'park', because };
}

function wentAt({ payment, refund, dispute, delivery }: DeliveryState): string {
  const went = refund?.succeededAt ?? dispute?.lostAt ?? payment.voidedAt ?? payment.failedAt;
  return went ?? delivery.createdAt;
}

/** Until the books show it; after some days a person is asked. */
function awaited({ file, at }: Written, now: Date): SendResult {
  const askAt = at.getTime() + PATIENCE_MS;
  if (now.getTime() >= askAt) {
    const because = `import ${file} into these books: three days after it was written they do not show it`;
    return { outcome: 'park', because };
  }
  const until = new Date(Math.min(now.getTime() + LOOK_AGAIN_MS, askAt));
  return { outcome: 'wait', because: notImported(file), until };
}

export function notImported(file: string): string {
  return `written into ${file}, which nobody has imported yet`;
}

/** Why no file can say it. */
function refusal(
  entry: FileEntry,
  { portal, settings }: PlanContext,
): Extract<SendResult, { outcome: 'park' }> | undefined {
  try {
    portal.books?.importFile?.([entry], settings);
    return undefined;
  } catch (error) {
    if (error instanceof Rejected) return { outcome: 'park', because: error.message };
    throw error;
  }
}
