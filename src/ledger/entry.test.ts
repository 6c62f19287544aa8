import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { canonicalBytes, type Entry, GENESIS_HASH, hashEntry, type Posting } from './entry.ts';

const PREVIOUS = Buffer.alloc(32, 0x11);

const ENTRY: Entry = {
  sequence: 42n,
  kind: 'payment.received',
  memo: 'Zoë paid INV-1 — thanks',
  postedAt: '2026-11-21T08:00:00.000Z',
  effectiveOn: '2026-11-21',
  documentId: 17n,
  documentSha256: Buffer.alloc(32, 0xab),
  reverses: 41n,
  postings: [
    {
      debitAccount: 'clearing:con_a1',
      creditAccount: 'unapplied-cash:cus_5',
      amountMinor: 107500n,
      currency: 'USD',
      paymentId: 9n,
      invoiceId: null,
    },
    {
      debitAccount: 'unapplied-cash:cus_5',
      creditAccount: 'receivable:cus_5',
      amountMinor: 107500n,
      currency: 'USD',
      paymentId: 9n,
      invoiceId: 4n,
    },
  ],
};

const LEAST: Entry = {
  sequence: 1n,
  kind: 'k',
  memo: '',
  postedAt: '2026-01-01T00:00:00.000Z',
  effectiveOn: '2026-01-01',
  documentId: 1n,
  documentSha256: Buffer.alloc(32),
  reverses: null,
  postings: [],
};

describe('the canonical bytes, written down by hand', () => {
  test('of an entry with two postings; lengths count bytes, not letters', () => {
    const expected = [
      '18:checkvalve-entry-1',
      '64:1111111111111111111111111111111111111111111111111111111111111111',
      '1:3',
      '2:42',
      '16:payment.received',
      '26:Zo\u00c3\u00ab paid INV-1 \u00e2\u0080\u0094 thanks',
      '24:2026-11-21T08:00:00.000Z',
      '10:2026-11-21',
      '2:17',
      '64:abababababababababababababababababababababababababababababababab',
      '2:41',
      '1:2',
      '15:clearing:con_a1',
      '20:unapplied-cash:cus_5',
      '6:107500',
      '3:USD',
      '1:9',
      '0:',
      '20:unapplied-cash:cus_5',
      '16:receivable:cus_5',
      '6:107500',
      '3:USD',
      '1:9',
      '1:4',
    ].join('');
    assert.equal(canonicalBytes(3, ENTRY, PREVIOUS).toString('latin1'), expected);
  });

  test('of the least entry', () => {
    const expected =
      '31383a636865636b76616c76652d656e7472792d31' +
      `36343a${'30'.repeat(64)}` +
      '313a31313a31313a6b303a' +
      '32343a323032362d30312d30315430303a30303a30302e3030305a' +
      '31303a323032362d30312d3031313a31' +
      `36343a${'30'.repeat(64)}` +
      '303a313a30';
    assert.equal(canonicalBytes(1, LEAST, GENESIS_HASH).toString('hex'), expected);
  });
});

describe('the hash', () => {
  // Computed from the same fields by Python's hashlib.
  test('is SHA-256 of those bytes', () => {
    assert.equal(
      hashEntry(3, ENTRY, PREVIOUS).toString('hex'),
      'e0aee19cb3cdd8afa7b0cb8482e5ef16e4e2d0fdb0302f6e45686cfa8a8bf6e1',
    );
    assert.equal(
      hashEntry(1, LEAST, GENESIS_HASH).toString('hex'),
      'eb60c9e16a3f82ec4d0c00835f6a41a055e36d694f496cf01c8bfc98916d2b1c',
    );
  });

  const [first, second] = ENTRY.postings as [Posting, Posting];
  const CHANGES: Readonly<Record<string, Partial<Entry>>> = {
    sequence: { sequence: 43n },
    kind: { kind: 'payment.refunded' },
    memo: { memo: 'Zoe paid INV-1 — thanks' },
    postedAt: { postedAt: '2026-11-21T08:00:00.001Z' },
    effectiveOn: { effectiveOn: '2026-11-22' },
    documentId: { documentId: 18n },
    documentSha256: { documentSha256: Buffer.alloc(32, 0xac) },
    reverses: { reverses: null },
    'a posting less': { postings: [first] },
    'postings in another order': { postings: [second, first] },
    debitAccount: { postings: [{ ...first, debitAccount: 'clearing:con_a2' }, second] },
    creditAccount: { postings: [{ ...first, creditAccount: 'unapplied-cash:cus_6' }, second] },
    amountMinor: { postings: [{ ...first, amountMinor: 107501n }, second] },
    currency: { postings: [{ ...first, currency: 'CAD' }, second] },
    paymentId: { postings: [{ ...first, paymentId: null }, second] },
    invoiceId: { postings: [{ ...first, invoiceId: 4n }, second] },
    'debit and credit exchanged': {
      postings: [
        { ...first, debitAccount: first.creditAccount, creditAccount: first.debitAccount },
        second,
      ],
    },
  };
  for (const [what, change] of Object.entries(CHANGES)) {
    test(`changes with ${what}`, () => {
      const changed = hashEntry(3, { ...ENTRY, ...change }, PREVIOUS);
      assert.notDeepEqual(changed, hashEntry(3, ENTRY, PREVIOUS));
    });
  }

  test('changes with the organization and with the predecessor', () => {
    const original = hashEntry(3, ENTRY, PREVIOUS);
    assert.notDeepEqual(hashEntry(4, ENTRY, PREVIOUS), original);
    assert.notDeepEqual(hashEntry(3, ENTRY, GENESIS_HASH), original);
  });
});

test('no two entries have the same bytes, wherever text is moved between fields', () => {
  const text = fc.string({ unit: fc.constantFrom('1', ':', '0', 'a', 'ë'), maxLength: 4 });
  const optional = fc.option(fc.bigInt({ min: 0n, max: 12n }));
  const posting: fc.Arbitrary<Posting> = fc.record({
    debitAccount: text,
    creditAccount: text,
    amountMinor: fc.bigInt({ min: 1n, max: 111n }),
    currency: text,
    paymentId: optional,
    invoiceId: optional,
  });
  const entry: fc.Arbitrary<Entry> = fc.record({
    sequence: fc.bigInt({ min: 1n, max: 12n }),
    kind: text,
    memo: text,
    postedAt: text,
    effectiveOn: text,
    documentId: fc.bigInt({ min: 1n, max: 12n }),
    documentSha256: fc.constant(Buffer.alloc(32)),
    reverses: optional,
    postings: fc.array(posting, { maxLength: 2 }),
  });
  fc.assert(
    fc.property(entry, entry, (left, right) => {
      const same = canonicalBytes(1, left, PREVIOUS).equals(canonicalBytes(1, right, PREVIOUS));
      assert.equal(same, asText(left) === asText(right));
    }),
    { numRuns: 2000 },
  );
});

function asText(entry: Entry): string {
  return JSON.stringify(entry, (_key, value) =>
    typeof value === 'bigint' ? `${value} as bigint` : value,
  );
}
