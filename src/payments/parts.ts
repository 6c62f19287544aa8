/**
 * Payments that are taken in several parts (captures), each told by itself: what is received is their sum. Like the
 * marks, parts only ever move forward, so that neither order nor repetition of the events matters.
 */

/** Amounts are texts, exact in JSON as well. */
type Part = {
  /** Null until its success is told. */
  readonly amountMinor: string | null;
  /** A part that failed is not taken, whatever was told before or after. */
  readonly failed: boolean;
  readonly feeMinor: string | null;
};

/** By the portal's names of the parts. */
export type PaymentParts = Readonly<Record<string, Part>>;

const NEW_PART: Part = { amountMinor: null, failed: false, feeMinor: null };

/** The parts after one more event that names one. */
export function foldPart(
  parts: PaymentParts | null,
  event: {
    readonly type: string;
    readonly part: string;
    readonly amountMinor: bigint;
    readonly feeMinor: bigint | null;
  },
): PaymentParts {
  const before = (parts && Object.hasOwn(parts, event.part) && parts[event.part]) || NEW_PART;
  const isTaken = event.type === 'payment.succeeded' && before.amountMinor === null;
  const part: Part = {
    amountMinor: isTaken ? event.amountMinor.toString() : before.amountMinor,
    failed: before.failed || event.type === 'payment.failed',
    feeMinor: event.feeMinor === null ? before.feeMinor : event.feeMinor.toString(),
  };
  return { ...parts, [event.part]: part };
}

/** What is received of the parts whose success was told; null when no success of a part was. */
export function takenOf(parts: PaymentParts | null | undefined): bigint | null {
  const told = Object.values(parts ?? {}).filter(({ amountMinor }) => amountMinor !== null);
  if (told.length === 0) return null;
  return sum(told.filter(({ failed }) => !failed).map(({ amountMinor }) => amountMinor));
}

/** The fees of all parts together; null when none was told. */
export function feeOfParts(parts: PaymentParts | null): bigint | null {
  const fees = Object.values(parts ?? {}).flatMap(({ feeMinor }) => feeMinor ?? []);
  return fees.length === 0 ? null : sum(fees);
}

/** The amount of a part as it was told; null when it was not. */
export function amountOfPart(parts: PaymentParts | null, name: string): bigint | null {
  const told = parts && Object.hasOwn(parts, name) ? parts[name]?.amountMinor : null;
  return told === null || told === undefined ? null : BigInt(told);
}

function sum(amounts: readonly (string | null)[]): bigint {
  return amounts.reduce((total, amount) => total + BigInt(amount ?? 0), 0n);
}
