/**
 * What recording our payments leaves about an invoice. Wave has no idempotency key and may list no payments, so these
 * notes say whose turn it is, whether something was sent, and how much of what is paid is ours.
 */
import { z } from 'zod';
import { toDecimalText } from '../../money/money.ts';
import type { RecordingNote } from '../contract.ts';
import type { RecordedShare } from './wire.ts';

const minor = z
  .string()
  .regex(/^\d{1,30}$/)
  .transform(BigInt);
/** `before`: what the invoice's `amountPaid` was when we sent ours. */
const share = { minor, currency: z.string(), before: minor };

const step = z.discriminatedUnion('step', [
  /** It is our turn; nothing was sent. */
  z.object({ step: z.literal('turn') }),
  /** It may have arrived. */
  z.object({ step: z.literal('sent'), ...share }),
  /** Nobody but a person can tell whether it arrived; whoever lets us try again has seen to it that it is there. */
  z.object({ step: z.literal('asked'), ...share }),
  z.object({ step: z.literal('recorded'), ...share }),
  /** Nothing of it is in Wave. */
  z.object({ step: z.literal('nothing') }),
]);
export type Step = z.output<typeof step>;
export type SentShare = Omit<Extract<Step, { step: 'sent' }>, 'step'>;

export function readStep({ text }: Pick<RecordingNote, 'text'>): Step {
  return step.parse(JSON.parse(text));
}

export function writeStep(written: Step): string {
  return JSON.stringify(written, (_key, value) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

/** True while what is paid of the invoice may or may not hold a payment of ours. */
export function isUnderWay(note: Pick<RecordingNote, 'text'>): boolean {
  return ['turn', 'sent', 'asked'].includes(readStep(note).step);
}

/** Nodes' clocks differ a little, and so may what Wave's list and its invoices say at the same moment. */
const SETTLING_MS = 120_000;

/** True when a row read at `now` may be older than what these notes say, or the other way round. */
export function isUnsettled(notes: readonly RecordingNote[], now: Date): boolean {
  const settledUntil = now.getTime() - SETTLING_MS;
  return notes.some((note) => isUnderWay(note) || note.keptAt.getTime() > settledUntil);
}

/**
 * Our payments that stand on an invoice. Where nothing was paid of it, be it at `emptiedAt` or before one of ours was
 * sent, those recorded until then had been removed.
 */
export function recordedShares(
  notes: readonly RecordingNote[],
  emptiedAt: Date | undefined,
): readonly RecordedShare[] {
  const inOrder = notes.toSorted((left, right) => left.keptAt.getTime() - right.keptAt.getTime());
  let standing: RecordedShare[] = [];
  for (const note of inOrder) {
    const read = readStep(note);
    if (read.step !== 'recorded' || (emptiedAt && note.keptAt <= emptiedAt)) continue;
    const { minor: amount, currency, before } = read;
    const value = toDecimalText({ minor: amount, currency });
    standing = [...(before === 0n ? [] : standing), { value, currency }];
  }
  return standing;
}
