import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { normalize } from './normalize.ts';
import { settings as schema } from './settings.ts';
import { split } from './split.ts';

const settings = schema.parse({});

function read(text: string): readonly Normalized[] {
  return split(Buffer.from(text), {}).map(({ body }) => {
    try {
      return normalize({ body, headers: {}, receivedAt: new Date(0) }, settings);
    } catch (error) {
      return { quarantined: (error as Error).message };
    }
  });
}

function events(text: string): readonly CanonicalEvent[] {
  return read(text).flatMap((one) => {
    assert.ok(!('quarantined' in one), 'quarantined' in one ? one.quarantined : '');
    return 'events' in one ? one.events : [];
  });
}

const problem = (text: string) =>
  read(text)
    .flatMap((one) => ('quarantined' in one ? one.quarantined : []))
    .join('\n');

type Draft = {
  readonly transactions: readonly string[];
  readonly currency?: string;
  readonly status?: string;
  readonly modifier?: string;
  /** Added to the control total. */
  readonly off?: bigint;
  readonly glue?: string;
};

/** A file whose totals are right; each transaction may have continuations behind line breaks. */
function file({
  transactions,
  currency = 'USD',
  status = '1',
  modifier = '2',
  off = 0n,
  glue = '\n',
}: Draft) {
  const lines = transactions.flatMap((one) => one.split('\n'));
  const sum = transactions.reduce((all, one) => all + BigInt(one.split(',')[2] || '0'), 500n) + off;
  const account = lines.length + 2;
  return [
    '01,091000019,FIRM,261113,1800,1,,,2/',
    `02,FIRM,091000019,${status},261112,1745,,${modifier}/`,
    `03,44510,${currency},010,500,,/`,
    ...lines,
    `49,${sum},${account}/`,
    `98,${sum},1,${account + 2}/`,
    `99,${sum},1,${account + 4}/`,
  ].join(glue);
}

const paid = (amount: bigint | string, rest = 'Z,REF,CUST,TEXT/') => `16,142,${amount},${rest}`;

describe('a file', () => {
  test('amounts in the implied decimals of the currency are exact, and one cent off is noticed', () => {
    const amounts = fc.array(fc.bigInt({ min: 1n, max: 10n ** 15n }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(amounts, fc.constantFrom('USD', 'JPY', 'KWD', ''), (minors, currency) => {
        const transactions = minors.map((minor, at) => paid(minor, `Z,REF${at},C${at},TEXT/`));
        const found = events(file({ transactions, currency }));
        assert.deepEqual(
          found.map(({ amountMinor }) => amountMinor),
          minors,
        );
        assert.ok(found.every((event) => event.currency === (currency || 'USD')));
        const broken = file({ transactions, currency, off: 1n });
        assert.equal(read(broken).length, 1);
        assert.match(problem(broken), /control total/);
      }),
      { numRuns: 60 },
    );
  });

  test('is set aside as a whole when records are missing or out of place', () => {
    const good = file({ transactions: [paid(100n)] });
    const lines = good.split('\n');
    for (let at = 1; at < lines.length; at += 1) {
      const without = lines.filter((_, index) => index !== at).join('\n');
      assert.notEqual(problem(without), '', lines[at]);
      assert.deepEqual(read(without).length, 1);
    }
    assert.match(problem(good.replace('16,142', '17,142')), /not a BAI2 record/);
    assert.match(problem(good.replace('16,142', '16,14')), /transaction type/);
    assert.match(problem(good.replace('16,142,100', '16,142,1.00')), /not a BAI2 amount/);
    assert.match(problem(good.replace('261112', '261312')), /no day/);
    assert.match(problem(good.replace('USD', 'USX')), /ISO 4217/);
  });

  test('may have several records on a line, other line ends, or padding', () => {
    const transactions = [paid(100n, 'Z,A,B,12/31 INV, 7/8 INCH/'), paid(200n, 'Z,C,D,X/')];
    const found = events(file({ transactions }));
    for (const glue of ['', '\r\n', '   \n']) {
      assert.deepEqual(events(file({ transactions, glue })), found);
    }
    assert.equal(found[0]?.references[0]?.text, '12/31 INV, 7/8 INCH');
  });
});

describe('a transaction', () => {
  const first = (rest: string, type = '142') => {
    const [event] = events(file({ transactions: [`16,${type},100,${rest}`] }));
    return [event?.eventId, event?.references.at(-1)?.text, event?.links.insteadOf?.[0]];
  };

  test('is read behind every kind of funds type', () => {
    const wanted = ['REF:2026-11-12:100:142', 'TEXT', 'e2e:CUST'];
    for (const funds of [
      '',
      '0',
      '1',
      '2',
      'Z',
      'V,261113,0900',
      'V,,',
      'S,100,0,0',
      'D,0',
      'D,2,0,60,1,40',
    ]) {
      assert.deepEqual(first(`${funds},REF,CUST,TEXT/`), wanted, funds);
    }
    assert.match(problem(file({ transactions: [paid(1n, 'Q,REF,CUST,TEXT/')] })), /funds type "Q"/);
    assert.match(problem(file({ transactions: [paid(1n, 'D,x,REF,CUST,TEXT/')] })), /distribution/);
  });

  test('goes on in continuations, wherever it was cut', () => {
    const wanted = ['REF:2026-11-12:100:142', 'ONE TWO', 'e2e:CUST'];
    for (const rest of [
      'Z,REF,CUST,ONE\n88,TWO/',
      'Z,REF,CUST,ONE/\n88,TWO',
      'Z,REF,CUST,\n88,ONE TWO',
      'Z,REF,CUST/\n88,ONE TWO/',
      'Z,REF,CUST,/\n88,ONE TWO/',
      'Z/\n88,REF,CUST,ONE TWO/',
      'S/\n88,100,0,0/\n88,REF,CUST/\n88,ONE/\n88,TWO/',
    ]) {
      assert.deepEqual(first(rest), wanted, rest);
    }
  });

  test('means what its type says', () => {
    const type = (code: string, more: Partial<Draft> = {}) => {
      const [event] = events(file({ transactions: [`16,${code},100,Z,REF,CUST,TEXT/`], ...more }));
      return event?.type;
    };
    for (const code of ['115', '142', '165', '169', '171', '175', '179', '195', '301']) {
      assert.equal(type(code), 'payment.succeeded', code);
      assert.equal(type(code, { modifier: '1' }), 'payment.pending', code);
      assert.equal(type(code, { modifier: '' }), 'payment.succeeded', code);
    }
    for (const code of ['555', '557']) assert.equal(type(code), 'payment.failed', code);
    for (const code of ['255', '257', '261', '266'])
      assert.equal(type(code), 'refund.failed', code);
    for (const code of ['451', '447', '475', '495', '698', '354', '910', '100']) {
      assert.equal(type(code), undefined, code);
    }
    assert.equal(type('557', { modifier: '3' }), undefined);
    assert.equal(type('142', { status: '4' }), undefined);
  });

  test('in a group that deletes is taken back, and one that corrects is left to a person', () => {
    const transactions = [paid(100n)];
    const [paidEvent] = events(file({ transactions }));
    const [deleted] = events(file({ transactions, status: '2' }));
    assert.equal(deleted?.type, 'payment.failed');
    assert.equal(deleted?.externalPaymentId, paidEvent?.externalPaymentId);
    assert.match(problem(file({ transactions, status: '3' })), /by hand/);
  });

  test('of a processor is a payout', () => {
    const [event, ...others] = events(
      file({ transactions: [paid(100n, 'Z,,,STRIPE TRANSFER ST-1')] }),
    );
    assert.deepEqual([event?.type, event?.amountMinor, others], ['payout.banked', 100n, []]);
    assert.ok(event?.references.some(({ text }) => text?.includes('STRIPE TRANSFER ST-1')));
  });

  test('without a reference is told apart from its equals by a number', () => {
    const transactions = [paid(100n, 'Z,,,TEXT'), paid(100n, 'Z,,,TEXT'), paid(100n, 'Z,,,OTHER')];
    const found = events(file({ transactions })).map((event) => event.externalPaymentId);
    assert.equal(new Set(found).size, 3);
    const again = events(file({ transactions: transactions.slice(0, 1) }));
    assert.equal(again[0]?.externalPaymentId, found[0]);
    const withReference = [paid(100n), paid(100n)];
    assert.equal(events(file({ transactions: withReference })).length, 1);
  });
});
