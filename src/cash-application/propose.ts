/** Cash application, pure: which invoices or work orders a payment pays, and why. It never guesses. */
import { toDecimalText } from '../money/money.ts';
import type { Reference } from '../portals/events.ts';

/** Something that can be paid. `openMinor` is what it still lacks; null when it has no known total. */
export type Target = {
  readonly kind: 'invoice' | 'work-order';
  readonly id: bigint;
  readonly number: string;
  readonly customerId: bigint | null;
  readonly currency: string | null;
  readonly openMinor: bigint | null;
  readonly dueOn: string | null;
};

/** A reference of the payment with everything it names: `targets` are open, `settled` need no more money. */
export type ResolvedReference = {
  readonly reference: Reference;
  readonly targets: readonly Target[];
  readonly settled: readonly Target[];
};

export type PaymentToApply = {
  /** What is to be applied now. */
  readonly unappliedMinor: bigint;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly customerId: bigint | null;
  readonly references: readonly ResolvedReference[];
  /** The number of an invoice that the payment names and nobody knows yet; null when there is none. */
  readonly unknownInvoice: string | null;
  /** Open invoices of the payment's customer whose balance is exactly the payment's amount. */
  readonly sameAmount: readonly Target[];
};

export type Explanation = {
  readonly rule: 'reference' | 'memo' | 'customer-and-amount' | 'deposit-to-invoice' | 'person';
  readonly because: string;
  /** Open targets that were considered beside the chosen one. */
  readonly alternatives: readonly string[];
};

export type Proposal = {
  readonly allocations: readonly {
    readonly target: Target;
    readonly amountMinor: bigint;
    readonly explanation: Explanation;
  }[];
  /** Why something stays unapplied; null when nothing does. */
  readonly remainder: string | null;
};

/** Stronger kinds are tried first; a weaker one only where no stronger one names anything. */
const STRENGTH: readonly Reference['kind'][] = [
  'invoice',
  'workOrder',
  'order',
  'purchaseOrder',
  'memo',
];

const WORDS: Record<Reference['kind'], string> = {
  invoice: 'invoice',
  workOrder: 'work order',
  order: 'order',
  purchaseOrder: 'purchase order',
  subscription: 'subscription',
  memo: 'memo',
};

/**
 * Decides by exact references, then by customer and exact amount where only one invoice fits. Whatever is not
 * certain stays unapplied, with the reason a person reads in the review queue.
 */
export function proposeAllocations(payment: PaymentToApply): Proposal {
  const problems: string[] = [];
  for (const kind of STRENGTH) {
    const named = payment.references.filter(
      ({ reference, targets, settled }) =>
        reference.kind === kind && targets.length + settled.length > 0,
    );
    if (named.length === 0) continue;
    // The payer named an invoice we do not know yet; a weaker word must not send the money elsewhere.
    if (payment.unknownInvoice !== null && kind !== 'invoice' && !fitsExactly(payment, named))
      break;
    const proposal = byReferences(payment, named, problems);
    if (proposal) return proposal;
    break;
  }
  if (problems.length === 0 && payment.unknownInvoice !== null) {
    problems.push(`It names invoice ${payment.unknownInvoice}, which is not known yet.`);
  }
  if (problems.length === 0) {
    const proposal = byCustomerAndAmount(payment, problems);
    if (proposal) return proposal;
  }
  return { allocations: [], remainder: problems.join(' ') || noReference(payment) };
}

function fitsExactly(payment: PaymentToApply, named: readonly ResolvedReference[]): boolean {
  const targets = distinct(named.flatMap(({ targets }) => targets));
  return targets.length === 1 && targets[0]?.openMinor === payment.unappliedMinor;
}

function byReferences(
  payment: PaymentToApply,
  named: readonly ResolvedReference[],
  problems: string[],
): Proposal | undefined {
  const allocations: Proposal['allocations'][number][] = [];
  const taken = new Map<string, bigint>();
  const settledNumbers = new Set<string>();
  let left = payment.unappliedMinor;
  for (const resolved of named) {
    for (const target of resolved.settled) settledNumbers.add(target.number);
    const chosen = choose(payment, resolved, problems);
    let share = resolved.reference.amountMinor ?? left;
    for (const target of chosen) {
      const key = `${target.kind}:${target.id}`;
      const used = taken.get(key) ?? 0n;
      const open = target.openMinor === null ? left : target.openMinor - used;
      const amountMinor = min(left, min(open, share));
      if (amountMinor <= 0n) continue;
      taken.set(key, used + amountMinor);
      allocations.push({
        target,
        amountMinor,
        explanation: {
          rule: resolved.reference.kind === 'memo' ? 'memo' : 'reference',
          because: `The payment names ${WORDS[resolved.reference.kind]} ${nameOf(resolved.reference)}.`,
          alternatives: resolved.targets
            .filter((other) => !chosen.includes(other))
            .map((other) => other.number),
        },
      });
      left -= amountMinor;
      share -= amountMinor;
    }
  }
  if (allocations.length === 0) {
    if (problems.length === 0 && settledNumbers.size > 0) {
      problems.push(`${[...settledNumbers].join(', ')} is already settled.`);
    }
    return undefined;
  }
  return {
    allocations,
    remainder: left === 0n ? null : overpaid(payment, left, allocations, problems),
  };
}

/** Which of a reference's targets are meant; none when that is not certain. */
function choose(
  payment: PaymentToApply,
  { reference, targets }: ResolvedReference,
  problems: string[],
): readonly Target[] {
  const name = `${WORDS[reference.kind]} ${nameOf(reference)}`;
  const payable = targets.filter(
    (target) => target.currency === null || target.currency === payment.currency,
  );
  if (payable.length === 0) {
    const other = targets[0];
    if (other)
      problems.push(`${other.number} is in ${other.currency}, the payment in ${payment.currency}.`);
    return [];
  }
  if (payable.length === 1) return payable;
  const ofCustomer = payable.filter(
    (target) => payment.customerId !== null && target.customerId === payment.customerId,
  );
  if (reference.kind === 'invoice' && ofCustomer.length === 1) return ofCustomer;
  const total = payable.reduce((sum, target) => sum + (target.openMinor ?? 0n), 0n);
  if (reference.kind !== 'invoice' && total === payment.unappliedMinor) return payable;
  const exact = payable.filter((target) => target.openMinor === payment.unappliedMinor);
  if (exact.length === 1) return exact;
  if (reference.kind === 'workOrder' || (reference.kind === 'memo' && distinctNumbers(payable))) {
    return [...payable].sort(byDueDate);
  }
  problems.push(
    `${capital(name)} fits ${payable.length} open invoices: ${payable.map((t) => t.number).join(', ')}.`,
  );
  return [];
}

function byCustomerAndAmount(payment: PaymentToApply, problems: string[]): Proposal | undefined {
  const fitting = payment.sameAmount.filter((target) => target.currency === payment.currency);
  const [only] = fitting;
  if (payment.unappliedMinor !== payment.amountMinor || !only) return undefined;
  if (fitting.length > 1) {
    problems.push(
      `The customer has ${fitting.length} open invoices of exactly this amount: ${fitting
        .map((target) => target.number)
        .join(', ')}.`,
    );
    return undefined;
  }
  return {
    allocations: [
      {
        target: only,
        amountMinor: payment.unappliedMinor,
        explanation: {
          rule: 'customer-and-amount',
          because: `${only.number} is the customer's only open invoice of exactly this amount.`,
          alternatives: [],
        },
      },
    ],
    remainder: null,
  };
}

function overpaid(
  payment: PaymentToApply,
  left: bigint,
  allocations: Proposal['allocations'],
  problems: readonly string[],
): string {
  const numbers = [...new Set(allocations.map(({ target }) => target.number))].join(', ');
  const rest = `${toDecimalText({ minor: left, currency: payment.currency })} ${payment.currency}`;
  return [`${rest} more than ${numbers} needed stays the customer's credit.`, ...problems].join(
    ' ',
  );
}

function noReference(payment: PaymentToApply): string {
  if (payment.references.length > 0) return 'Nothing the payment names is known yet.';
  return payment.customerId === null
    ? 'The payment names no invoice and its payer is not known.'
    : 'The payment names no invoice, and no open invoice of the customer has exactly this amount.';
}

function nameOf(reference: Reference): string {
  return reference.number ?? reference.text ?? reference.externalId ?? '';
}

function distinct(targets: readonly Target[]): readonly Target[] {
  return [...new Map(targets.map((target) => [`${target.kind}:${target.id}`, target])).values()];
}

function distinctNumbers(targets: readonly Target[]): boolean {
  return new Set(targets.map((target) => target.number)).size === targets.length;
}

function byDueDate(left: Target, right: Target): number {
  const a = left.dueOn ?? '9999-12-31';
  const b = right.dueOn ?? '9999-12-31';
  if (a !== b) return a < b ? -1 : 1;
  return left.id < right.id ? -1 : 1;
}

function min(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
