import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { normalize } from './normalize.ts';
import { settings as schema } from './settings.ts';
import { split } from './split.ts';
import { readRemittance } from './x12-820.ts';

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

type Entry = {
  readonly cents: bigint;
  readonly code?: string;
  readonly name?: string;
  readonly id?: string;
  readonly addenda?: readonly string[];
};
type Batch = {
  readonly sec?: string;
  readonly company?: string;
  readonly effective?: string;
  readonly julian?: string;
  readonly off?: bigint;
};

const digits = (value: bigint | number, length: number) => String(value).padStart(length, '0');

/** A file of one batch whose hash, counts and totals are right, but for `off` cents. */
function records(entries: readonly Entry[], batch: Batch = {}): readonly string[] {
  const {
    sec = 'CCD',
    company = 'DELTA FOUNDRY',
    effective = '261113',
    julian = '317',
    off = 0n,
  } = batch;
  const lines = entries.flatMap(
    ({ cents, code = '22', name = 'FIRM', id = '', addenda = [] }, at) => {
      const trace = digits(10000000n + BigInt(at), 15);
      return [
        `6${code}091000019${'4451002290'.padEnd(17)}${digits(cents, 10)}${id.padEnd(15)}${name.padEnd(22)}  1${trace}`,
        ...addenda.map((content) => `7${content}`.padEnd(94)),
      ];
    },
  );
  const isCredit = ({ code = '22' }: Entry) => Number(code[1]) <= 4;
  const sum = (way: boolean) =>
    entries.filter((one) => isCredit(one) === way).reduce((all, { cents }) => all + cents, 0n);
  const hash = digits(9100001n * BigInt(entries.length), 10);
  const totals = `${hash}${digits(sum(false), 12)}${digits(sum(true) + off, 12)}`;
  return [
    '101 09100001912313801042611130915A094101FIRM                   BANK                           ',
    `5200${company.padEnd(16)}${' '.repeat(20)}1231380104${sec}INVOICE   261110${effective}${julian}1091000010000001`,
    ...lines,
    `8200${digits(lines.length, 6)}${totals}1231380104${' '.repeat(25)}091000010000001`,
    `9000001000001${digits(lines.length, 8)}${totals}`.padEnd(94),
  ];
}

const file = (entries: readonly Entry[], batch?: Batch) => records(entries, batch).join('\n');
/** Text of a remittance cut into addenda, wherever 80 characters end. */
const remit = (text: string) =>
  (text.match(/.{1,80}/gs) ?? []).map(
    (piece, at) => `05${piece.padEnd(80)}${digits(at + 1, 4)}0000001`,
  );
const back = (reason: string, trace = '123138010000104') => [`99${reason}${trace}      09100001`];

describe('a file', () => {
  test('cents are exact, and one cent off a total is noticed', () => {
    const amounts = fc.array(fc.bigInt({ min: 1n, max: 9_999_999_999n }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(amounts, fc.bigInt({ min: 1n, max: 99n }), (cents, off) => {
        const entries = cents.map((one) => ({ cents: one }));
        assert.deepEqual(
          events(file(entries)).map(({ amountMinor }) => amountMinor),
          cents,
        );
        const broken = file(entries, { off });
        assert.equal(read(broken).length, 1);
        assert.match(problem(broken), /credits in cents/);
      }),
      { numRuns: 60 },
    );
  });

  test('is read without line breaks, with blocks of nines, and with lines cut short', () => {
    const lines = records([{ cents: 100n }, { cents: 250n, code: '32' }]);
    const wanted = events(lines.join('\n'));
    assert.equal(wanted.length, 2);
    const filler = '9'.repeat(94);
    assert.deepEqual(events([...lines, filler, filler].join('')), wanted);
    assert.deepEqual(events(lines.map((line) => line.trimEnd()).join('\r\n')), wanted);
  });

  test('is set aside when a record is missing, too long or none', () => {
    const lines = records([{ cents: 100n, addenda: remit('INV-1') }]);
    for (let at = 1; at < lines.length; at += 1) {
      assert.notEqual(problem(lines.filter((_, index) => index !== at).join('\n')), '', lines[at]);
    }
    const change = (at: number, from: string, to: string) =>
      problem(
        lines.map((line, index) => (index === at ? line.replace(from, to) : line)).join('\n'),
      );

    assert.match(change(2, '091000019', '081000019'), /entry hash/);
    assert.match(change(2, '0000000100', '000000010X'), /where a number belongs/);
    assert.match(change(2, 'FIRM', 'FIRM AND MORE'), /characters, not 94/);
    assert.match(change(4, '8200', '4200'), /begins with "4"/);
    assert.match(change(1, '261113317', '261313317'), /no day/);
    assert.match(change(1, '261113317', '261113999'), /settlement date/);
  });

  test('the settlement date is the day of the year nearest to the effective date', () => {
    const day = (effective: string, julian: string) =>
      events(file([{ cents: 1n }], { effective, julian }))[0]?.occurredAt.slice(0, 10);
    assert.equal(day('261231', '002'), '2027-01-02');
    assert.equal(day('270101', '365'), '2026-12-31');
    assert.equal(day('261113', '   '), '2026-11-13');
  });
});

describe('an entry', () => {
  const type = (code: string, addenda: readonly string[] = []) =>
    events(file([{ cents: 100n, code, addenda }]))[0]?.type;

  test('means what its code and addenda say', () => {
    for (const code of ['22', '32']) assert.equal(type(code), 'payment.succeeded');
    for (const code of ['27', '37', '23', '28', '33', '38', '24', '42'])
      assert.equal(type(code), undefined);
    for (const code of ['26', '36', '27']) assert.equal(type(code, back('R01')), 'payment.failed');
    for (const code of ['21', '31']) assert.equal(type(code, back('R03')), 'refund.failed');
    assert.match(problem(file([{ cents: 1n, code: '26' }])), /without the addendum/);
    assert.match(problem(file([{ cents: 1n, code: '26', addenda: back('R68') }])), /by hand/);
    assert.match(
      problem(file([{ cents: 1n, code: '26', addenda: back('X01') }])),
      /no return reason/,
    );
    assert.equal(type('26', ['98C01123138010000104      09100001']), undefined);
    assert.equal(events(file([{ cents: 0n }])).length, 0);
    assert.equal(events(file([{ cents: 1n }], { sec: 'COR' })).length, 0);
    const payout = events(file([{ cents: 1n }], { company: 'STRIPE' }));
    assert.deepEqual(
      payout.map((event) => event.type),
      ['payout.banked'],
    );
  });

  test('that returns names the original by its trace, and keeps every reason', () => {
    for (const reason of ['R05', 'R07', 'R10', 'R11', 'R29', 'R51']) {
      const [event] = events(
        file([{ cents: 100n, code: '26', addenda: back(reason), name: 'ANN' }]),
      );
      assert.equal(event?.externalPaymentId, '123138010000104');
      assert.equal(event?.reason, reason);
      assert.equal(event?.customer?.name, 'ANN');
    }
    const [refund] = events(file([{ cents: 100n, code: '21', addenda: back('R03') }]));
    assert.equal(refund?.refundId, '123138010000104');
  });

  test('is the same in another file, and another when its trace begins anew', () => {
    const id = (julian: string) => events(file([{ cents: 1n }], { julian }))[0]?.externalPaymentId;
    assert.equal(id('317'), id('317'));
    assert.notEqual(id('317'), id('318'));
  });
});

describe('remittance', () => {
  test('is read however it is cut, also inside a segment, a number or at a blank', () => {
    const numbers = fc.array(
      fc.record({
        number: fc.stringMatching(/^[A-Z]{1,4}-[0-9 ]{0,6}[0-9]{1,12}$/),
        cents: fc.bigInt({ min: 1n, max: 10n ** 9n }),
      }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(numbers, fc.constantFrom('\\', '~'), (invoices, end) => {
        const text = invoices
          .map(
            ({ number, cents }) => `RMR*IV*${number}**${cents / 100n}.${digits(cents % 100n, 2)}`,
          )
          .join(end);
        const addenda = remit(`BPR*C*1*C*ACH*CTX${end}TRN*1*T1${end}${text}${end}SE*6*0001${end}`);
        const [event] = events(file([{ cents: 100n, addenda }], { sec: 'CTX' }));
        assert.deepEqual(
          event?.references,
          invoices.map(({ number, cents }) => ({ kind: 'invoice', number, amountMinor: cents })),
        );
      }),
      { numRuns: 100 },
    );
  });

  test('in other marks is read by its ISA, and words stay words', () => {
    const sent = '|00|          |00|          |ZZ|BANK           |ZZ|CHECKVALVE     ';
    const isa = `ISA${sent}|261112|1504|U|00401|000000001|0|P|>!`;
    assert.deepEqual(
      readRemittance(`${isa}RMR|IV|INV-1||12.5!RMR|PO|PO-1||0!RMR|CM|C-1||-1.00!`, 'USD'),
      [
        { kind: 'invoice', number: 'INV-1', amountMinor: 1250n },
        { kind: 'purchaseOrder', number: 'PO-1' },
      ],
    );
    const [event] = events(file([{ cents: 100n, id: 'INV-7', addenda: remit('Thanks, INV-8') }]));
    assert.deepEqual(event?.references, [
      { kind: 'memo', text: 'INV-7' },
      { kind: 'memo', text: 'Thanks, INV-8' },
    ]);
  });

  test('of an invoice that is called as the first segment of an envelope', () => {
    const rest = 'RMR*IV*AA-  0 0**1.00\\'.repeat(6);
    assert.deepEqual(readRemittance(`RMR*IV*ISA-000**0.01\\${rest}`, 'USD').slice(0, 2), [
      { kind: 'invoice', number: 'ISA-000', amountMinor: 1n },
      { kind: 'invoice', number: 'AA-  0 0', amountMinor: 100n },
    ]);
  });

  test('comes in the order of its sequence numbers', () => {
    const text = `RMR*IV*INV-1**10.00\\${'REF*ZZ*FILLER-FILLER-FILLER\\'.repeat(4)}RMR*IV*INV-2**5.00\\`;
    const addenda = [...remit(text)].reverse();
    const [event] = events(file([{ cents: 100n, addenda }]));
    assert.deepEqual(
      event?.references.map(({ number }) => number),
      ['INV-1', 'INV-2'],
    );
  });
});

test('the sample of a bank adds up', () => {
  const sample = readFileSync(
    new URL('fixtures/file-bank-nacha.in.ach', import.meta.url),
    'latin1',
  );
  assert.equal(split(Buffer.from(sample), {}).length, 3);
  assert.match(problem(sample.replace('0000086250', '0000086251')), /debits in cents/);
});
