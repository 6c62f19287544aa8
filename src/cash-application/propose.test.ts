import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Reference } from '../portals/events.ts';
import {
  type PaymentToApply,
  type Proposal,
  proposeAllocations,
  type ResolvedReference,
  type Target,
} from './propose.ts';

const CUSTOMER = 7n;

function invoice(number: string, openMinor: bigint, more: Partial<Target> = {}): Target {
  return {
    kind: 'invoice',
    id: BigInt(number.replace(/\D/g, '')),
    number,
    customerId: CUSTOMER,
    currency: 'USD',
    openMinor,
    dueOn: null,
    ...more,
  };
}

function workOrder(number: string, openMinor: bigint | null): Target {
  const currency = openMinor === null ? null : 'USD';
  return invoice(number, 0n, { kind: 'work-order', openMinor, currency });
}

function names(
  kind: Reference['kind'],
  name: string,
  targets: readonly Target[],
  more: { readonly share?: bigint; readonly settled?: readonly Target[] } = {},
): ResolvedReference {
  const said = kind === 'memo' ? { text: name } : { number: name };
  const share = more.share === undefined ? {} : { amountMinor: more.share };
  return { reference: { kind, ...said, ...share }, targets, settled: more.settled ?? [] };
}

function payment(amountMinor: bigint, more: Partial<PaymentToApply> = {}): PaymentToApply {
  return {
    unappliedMinor: amountMinor,
    amountMinor,
    currency: 'USD',
    customerId: CUSTOMER,
    references: [],
    unknownInvoice: null,
    sameAmount: [],
    ...more,
  };
}

function inShort(proposal: Proposal): readonly string[] {
  return proposal.allocations.map(
    ({ target, amountMinor, explanation }) =>
      `${target.number} ${amountMinor} by ${explanation.rule}`,
  );
}

const A = invoice('INV-1', 1000n, { dueOn: '2026-12-01' });
const B = invoice('INV-2', 500n, { dueOn: '2026-11-01' });
const EUR = invoice('INV-3', 1000n, { currency: 'EUR' });
const FOREIGN = invoice('INV-1', 700n, { id: 99n, customerId: 8n });

type Row = {
  readonly title: string;
  readonly payment: PaymentToApply;
  readonly allocations: readonly string[];
  readonly remainder: string | null;
};

const RULES: readonly Row[] = [
  {
    title: 'the invoice named, in full',
    payment: payment(1000n, { references: [names('invoice', 'INV-1', [A])] }),
    allocations: ['INV-1 1000 by reference'],
    remainder: null,
  },
  {
    title: 'a part of it',
    payment: payment(400n, { references: [names('invoice', 'INV-1', [A])] }),
    allocations: ['INV-1 400 by reference'],
    remainder: null,
  },
  {
    title: 'more than it needs',
    payment: payment(1250n, { references: [names('invoice', 'INV-1', [A])] }),
    allocations: ['INV-1 1000 by reference'],
    remainder: "2.50 USD more than INV-1 needed stays the customer's credit.",
  },
  {
    title: 'shares are kept to',
    payment: payment(1500n, {
      references: [
        names('invoice', 'INV-1', [A], { share: 900n }),
        names('invoice', 'INV-2', [B], { share: 300n }),
      ],
    }),
    allocations: ['INV-1 900 by reference', 'INV-2 300 by reference'],
    remainder: "3.00 USD more than INV-1, INV-2 needed stays the customer's credit.",
  },
  {
    title: 'one invoice named twice is paid once',
    payment: payment(1500n, {
      references: [names('invoice', 'INV-1', [A]), names('invoice', 'INV-1', [A])],
    }),
    allocations: ['INV-1 1000 by reference'],
    remainder: "5.00 USD more than INV-1 needed stays the customer's credit.",
  },
  {
    title: 'a stronger word outranks a weaker one',
    payment: payment(500n, {
      references: [names('memo', 'INV-2', [B]), names('invoice', 'INV-1', [A])],
    }),
    allocations: ['INV-1 500 by reference'],
    remainder: null,
  },
  {
    title: 'an invoice number of two customers means the payer’s',
    payment: payment(1000n, { references: [names('invoice', 'INV-1', [FOREIGN, A])] }),
    allocations: ['INV-1 1000 by reference'],
    remainder: null,
  },
  {
    title: 'of two the one that fits exactly',
    payment: payment(500n, { references: [names('purchaseOrder', 'PO-1', [A, B])] }),
    allocations: ['INV-2 500 by reference'],
    remainder: null,
  },
  {
    title: 'both where their sum fits exactly',
    payment: payment(1500n, { references: [names('purchaseOrder', 'PO-1', [A, B])] }),
    allocations: ['INV-1 1000 by reference', 'INV-2 500 by reference'],
    remainder: null,
  },
  {
    title: 'the invoices of a work order, the one due first',
    payment: payment(800n, { references: [names('workOrder', 'WO-1', [A, B])] }),
    allocations: ['INV-2 500 by reference', 'INV-1 300 by reference'],
    remainder: null,
  },
  {
    title: 'a work order without a total takes everything',
    payment: payment(800n, { references: [names('workOrder', 'WO-5', [workOrder('WO-5', null)])] }),
    allocations: ['WO-5 800 by reference'],
    remainder: null,
  },
  {
    title: 'a memo that names two',
    payment: payment(1200n, { references: [names('memo', 'INV-1 INV-2', [A, B])] }),
    allocations: ['INV-2 500 by memo', 'INV-1 700 by memo'],
    remainder: null,
  },
  {
    title: 'an unknown invoice, but another word fits to the cent',
    payment: payment(500n, {
      references: [names('invoice', 'INV-9', []), names('memo', 'INV-2', [B])],
      unknownInvoice: 'INV-9',
    }),
    allocations: ['INV-2 500 by memo'],
    remainder: null,
  },
  {
    title: 'the only open invoice of exactly this amount',
    payment: payment(500n, { sameAmount: [B] }),
    allocations: ['INV-2 500 by customer-and-amount'],
    remainder: null,
  },
  {
    title: 'the same where the payment names only what nobody knows',
    payment: payment(500n, { references: [names('order', 'O-1', [])], sameAmount: [B] }),
    allocations: ['INV-2 500 by customer-and-amount'],
    remainder: null,
  },
];

describe('what is applied', () => {
  for (const { title, payment, allocations, remainder } of RULES) {
    test(title, () => {
      const proposal = proposeAllocations(payment);
      assert.deepEqual(inShort(proposal), allocations);
      assert.equal(proposal.remainder, remainder);
    });
  }
});

const REFUSALS: readonly (readonly [string, PaymentToApply, string])[] = [
  [
    'another currency',
    payment(1000n, { references: [names('invoice', 'INV-3', [EUR])], sameAmount: [A] }),
    'INV-3 is in EUR, the payment in USD.',
  ],
  [
    'already settled',
    payment(1000n, { references: [names('invoice', 'INV-1', [], { settled: [A] })] }),
    'INV-1 is already settled.',
  ],
  [
    'a purchase order of two that do not fit',
    payment(700n, { references: [names('purchaseOrder', 'PO-1', [A, B])] }),
    'Purchase order PO-1 fits 2 open invoices: INV-1, INV-2.',
  ],
  [
    'an invoice number of two strangers',
    payment(300n, { customerId: null, references: [names('invoice', 'INV-1', [A, FOREIGN])] }),
    'Invoice INV-1 fits 2 open invoices: INV-1, INV-1.',
  ],
  [
    'an unknown invoice beside a weaker word that does not fit',
    payment(400n, {
      references: [names('invoice', 'INV-9', []), names('memo', 'INV-2', [B])],
      unknownInvoice: 'INV-9',
    }),
    'It names invoice INV-9, which is not known yet.',
  ],
  [
    'an unknown invoice, though another has the amount',
    payment(500n, {
      references: [names('invoice', 'INV-9', [])],
      unknownInvoice: 'INV-9',
      sameAmount: [B],
    }),
    'It names invoice INV-9, which is not known yet.',
  ],
  [
    'two invoices of the amount',
    payment(500n, { sameAmount: [B, invoice('INV-4', 500n)] }),
    'The customer has 2 open invoices of exactly this amount: INV-2, INV-4.',
  ],
  [
    'a rest of a payment is not matched by amount',
    payment(500n, { amountMinor: 900n, sameAmount: [B] }),
    'The payment names no invoice, and no open invoice of the customer has exactly this amount.',
  ],
  [
    'nothing named and nobody known',
    payment(500n, { customerId: null }),
    'The payment names no invoice and its payer is not known.',
  ],
  [
    'nothing known of what is named',
    payment(500n, { references: [names('memo', 'thanks', [])] }),
    'Nothing the payment names is known yet.',
  ],
  [
    'a subscription says nothing of invoices',
    payment(500n, { references: [names('subscription', 'sub_1', [])] }),
    'Nothing the payment names is known yet.',
  ],
];

describe('what is left to a person, with the reason', () => {
  for (const [title, payment, reason] of REFUSALS) {
    test(title, () => {
      assert.deepEqual(proposeAllocations(payment), { allocations: [], remainder: reason });
    });
  }
});

test('an explanation names the word, and what else was considered', () => {
  const { allocations } = proposeAllocations(
    payment(500n, { references: [names('purchaseOrder', 'PO-1', [A, B])] }),
  );
  assert.deepEqual(allocations[0]?.explanation, {
    rule: 'reference',
    because: 'The payment names purchase order PO-1.',
    alternatives: ['INV-1'],
  });
});

const POOL: readonly Target[] = Array.from({ length: 8 }, (_, index) =>
  index < 6
    ? invoice(`INV-${index + 1}`, BigInt([100, 100, 250, 300, 75, 500][index] ?? 1), {
        customerId: index % 3 === 0 ? null : BigInt(6 + (index % 2)),
        currency: index === 5 ? 'EUR' : 'USD',
        dueOn: index % 2 === 0 ? `2026-1${index % 3}-01` : null,
      })
    : workOrder(`WO-${index + 1}`, index === 6 ? 400n : null),
);

const resolved: fc.Arbitrary<ResolvedReference> = fc
  .record({
    kind: fc.constantFrom<Reference['kind']>(
      'invoice',
      'workOrder',
      'order',
      'purchaseOrder',
      'subscription',
      'memo',
    ),
    open: fc.subarray([...POOL]),
    settled: fc.subarray([...POOL].slice(0, 2)),
    share: fc.option(fc.bigInt({ min: 1n, max: 400n }), { nil: undefined }),
  })
  .map(({ kind, open, settled, share }) =>
    names(
      kind,
      'X-1',
      open.filter((target) => !settled.includes(target)),
      { settled, ...(share === undefined ? {} : { share }) },
    ),
  );

const anyPayment: fc.Arbitrary<PaymentToApply> = fc
  .record({
    unappliedMinor: fc.bigInt({ min: 1n, max: 1200n }),
    applied: fc.constantFrom(0n, 0n, 50n),
    currency: fc.constantFrom('USD', 'EUR', 'JPY'),
    customerId: fc.constantFrom(null, 6n, 7n),
    references: fc.array(resolved, { maxLength: 4 }),
    unknownInvoice: fc.constantFrom(null, null, 'INV-77'),
    sameAmount: fc.subarray(POOL.slice(0, 6)),
  })
  .map(({ applied, sameAmount, ...rest }) => ({
    ...rest,
    amountMinor: rest.unappliedMinor + applied,
    // As the books find them: balances equal to the whole payment.
    sameAmount: sameAmount.map((target) => ({
      ...target,
      openMinor: rest.unappliedMinor + applied,
    })),
  }));

describe('whatever the payment', () => {
  test('never more than is unapplied, nor than a target lacks, nor into another currency', () => {
    fc.assert(
      fc.property(anyPayment, (given) => {
        const { allocations, remainder } = proposeAllocations(given);
        const byTarget = new Map<Target, bigint>();
        let total = 0n;
        for (const { target, amountMinor } of allocations) {
          assert.ok(amountMinor > 0n);
          assert.ok(target.currency === null || target.currency === given.currency);
          total += amountMinor;
          byTarget.set(target, (byTarget.get(target) ?? 0n) + amountMinor);
        }
        assert.ok(total <= given.unappliedMinor);
        for (const [target, sum] of byTarget) {
          if (target.openMinor !== null) assert.ok(sum <= target.openMinor, target.number);
        }
        assert.equal(remainder === null, total === given.unappliedMinor);
      }),
      { numRuns: 5000 },
    );
  });

  test('the same payment gives the same proposal and stays as it was', () => {
    fc.assert(
      fc.property(anyPayment, (given) => {
        const before = structuredClone(given);
        assert.deepEqual(proposeAllocations(given), proposeAllocations(structuredClone(given)));
        assert.deepEqual(given, before);
      }),
    );
  });

  test('the order of words of different strength does not matter', () => {
    fc.assert(
      fc.property(anyPayment, (given) => {
        const kinds = [...new Set(given.references.map(({ reference }) => reference.kind))];
        const regrouped = kinds
          .reverse()
          .flatMap((kind) => given.references.filter(({ reference }) => reference.kind === kind));
        assert.deepEqual(
          proposeAllocations({ ...given, references: regrouped }),
          proposeAllocations(given),
        );
      }),
    );
  });

  test('an order of equal words changes at most who gets how much, where money is scarce', () => {
    const plenty = fc.uniqueArray(fc.constantFrom(...POOL.slice(0, 5)), { minLength: 1 });
    fc.assert(
      fc.property(plenty, (targets) => {
        const references = targets.map((target) => names('invoice', target.number, [target]));
        const sum = targets.reduce((total, target) => total + (target.openMinor ?? 0n), 0n);
        const forwards = proposeAllocations(payment(sum, { references }));
        const backwards = proposeAllocations(payment(sum, { references: references.toReversed() }));
        assert.deepEqual(inShort(forwards).toSorted(), inShort(backwards).toSorted());
      }),
    );
  });

  test('what only the amount tells is applied to one invoice or to none', () => {
    fc.assert(
      fc.property(anyPayment, (given) => {
        const { allocations } = proposeAllocations(given);
        if (!allocations.some(({ explanation }) => explanation.rule === 'customer-and-amount'))
          return;
        assert.equal(allocations.length, 1);
        const fitting = given.sameAmount.filter((target) => target.currency === given.currency);
        assert.equal(fitting.length, 1);
        assert.equal(given.unknownInvoice, null);
      }),
    );
  });
});
