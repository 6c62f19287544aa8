import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { exponentOf, toDecimalText } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { normalize } from './normalize.ts';
import { settings as schema } from './settings.ts';
import { split } from './split.ts';

const settings = schema.parse({});

/** What the engine makes of a file: document by document. */
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

function problem(text: string): string {
  return read(text)
    .flatMap((one) => ('quarantined' in one ? one.quarantined : []))
    .join('\n');
}

const statement = (inside: string) =>
  `<Document><BkToCstmrStmt><Stmt><Id>S1</Id><Acct><Id><IBAN>DE02</IBAN></Id></Acct>${inside}</Stmt></BkToCstmrStmt></Document>`;

type Entry = {
  readonly amount?: string;
  readonly currency?: string;
  readonly direction?: string;
  readonly status?: string;
  readonly reference?: string;
  readonly more?: string;
  readonly details?: string;
};

function entry(given: Entry = {}): string {
  const {
    amount = '10.00',
    currency = 'EUR',
    direction = 'CRDT',
    status = '<Cd>BOOK</Cd>',
  } = given;
  const { reference = 'R1', more = '', details = '' } = given;
  return (
    `<Ntry><Amt Ccy="${currency}">${amount}</Amt><CdtDbtInd>${direction}</CdtDbtInd>${more}` +
    `<Sts>${status}</Sts><BookgDt><Dt>2026-11-13</Dt></BookgDt>` +
    `${reference && `<AcctSvcrRef>${reference}</AcctSvcrRef>`}${details}</Ntry>`
  );
}

const details = (...inside: readonly string[]) =>
  `<NtryDtls>${inside.map((one) => `<TxDtls>${one}</TxDtls>`).join('')}</NtryDtls>`;
const amountOf = (amount: string) => `<Amt Ccy="EUR">${amount}</Amt>`;
const ids = (text: string) => events(text).map((event) => event.externalPaymentId);

describe('states', () => {
  test('are told as text, as a code, or by the bank in its own words', () => {
    for (const status of ['BOOK', '<Cd>BOOK</Cd>', '<Prtry>BOOK</Prtry>']) {
      assert.equal(events(statement(entry({ status })))[0]?.type, 'payment.succeeded');
    }
    assert.equal(events(statement(entry({ status: 'PDNG' })))[0]?.type, 'payment.pending');
    for (const status of ['INFO', 'FUTR'])
      assert.deepEqual(events(statement(entry({ status }))), []);
    assert.match(problem(statement(entry({ status: 'DONE' }))), /"DONE" is neither BOOK nor PDNG/);
    assert.match(problem(statement(entry({ status: '' }))), /neither BOOK nor PDNG/);
  });

  test('debits, reversals of debits and unfinished returns are no payments', () => {
    const reversal = '<RvslInd>true</RvslInd>';
    const nothing = [
      entry({ direction: 'DBIT' }),
      entry({ more: reversal }),
      entry({ direction: 'DBIT', more: reversal, status: 'PDNG' }),
      entry({ direction: 'DBIT', status: 'PDNG', details: details('<RtrInf/>') }),
    ];
    for (const one of nothing) assert.deepEqual(events(statement(one)), [], one);
    assert.match(problem(statement(entry({ direction: 'IN' }))), /neither CRDT nor DBIT/);
  });

  test('a returned transfer of ours is a failed refund', () => {
    const returned = details(
      '<Refs><EndToEndId>gr_1</EndToEndId></Refs><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>',
    );
    const [event] = events(statement(entry({ details: returned })));
    assert.equal(event?.type, 'refund.failed');
    assert.equal(event?.refundId, 'gr_1');
    assert.equal(event?.reason, 'AC04');
  });
});

describe('amounts', () => {
  test('of any currency and size are exact, and the totals hold them together', () => {
    const entries = fc.array(
      fc.record({ minor: fc.bigInt({ min: 1n, max: 10n ** 12n }), credit: fc.boolean() }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(entries, fc.constantFrom('EUR', 'JPY', 'KWD'), (drafts, currency) => {
        const text = (minor: bigint) => toDecimalText({ minor, currency });
        const sum = (way: boolean) =>
          drafts.filter(({ credit }) => credit === way).reduce((all, { minor }) => all + minor, 0n);
        const balance = (code: string, minor: bigint) =>
          `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="${currency}">` +
          `${text(minor < 0n ? -minor : minor)}</Amt><CdtDbtInd>${minor < 0n ? 'DBIT' : 'CRDT'}</CdtDbtInd></Bal>`;
        const file = (off: bigint) =>
          statement(
            `<TxsSummry><TtlCdtNtries><NbOfNtries>${drafts.filter(({ credit }) => credit).length}</NbOfNtries>` +
              `<Sum>${text(sum(true))}</Sum></TtlCdtNtries></TxsSummry>` +
              balance('OPBD', 500n) +
              balance('CLBD', 500n + sum(true) - sum(false) + off) +
              drafts
                .map(({ minor, credit }, at) =>
                  entry({
                    amount: text(minor),
                    currency,
                    direction: credit ? 'CRDT' : 'DBIT',
                    reference: `R${at}`,
                  }),
                )
                .join(''),
          );
        assert.deepEqual(
          events(file(0n)).map(({ amountMinor }) => amountMinor),
          drafts.filter(({ credit }) => credit).map(({ minor }) => minor),
        );
        const broken = read(file(1n));
        assert.equal(broken.length, 1);
        assert.match(problem(file(1n)), /closing balance/);
      }),
      { numRuns: 60 },
    );
  });

  test('with more digits than the currency has are not rounded', () => {
    assert.equal(events(statement(entry({ amount: '10.50000' })))[0]?.amountMinor, 1050n);
    assert.match(problem(statement(entry({ amount: '10.505' }))), /digits/);
    assert.match(problem(statement(entry({ amount: '1', currency: 'XXX' }))), /ISO 4217/);
    assert.equal(exponentOf('KWD'), 3);
  });

  test('a summary that counts booked or all entries fits, any other does not', () => {
    const summary = (count: number, sum: string) =>
      `<TxsSummry><TtlNtries><NbOfNtries>${count}</NbOfNtries><Sum>${sum}</Sum></TtlNtries></TxsSummry>`;
    const two = entry() + entry({ status: 'PDNG', reference: 'R2', amount: '5.00' });
    assert.equal(events(statement(summary(1, '10.00') + two)).length, 2);
    assert.equal(events(statement(summary(2, '15') + two)).length, 2);
    assert.match(problem(statement(summary(2, '10.00') + two)), /do not add up to its TtlNtries/);
    assert.match(problem(statement(summary(3, '15.00') + two)), /TtlNtries \(3 entries/);
  });

  test('pages of one statement are not held against balances of the whole', () => {
    const balance = (code: string) =>
      `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>`;
    const page = '<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>';
    const balances = balance('OPBD') + balance('CLBD');
    assert.equal(events(statement(page + balances + entry())).length, 1);
    assert.match(problem(statement(balances + entry())), /closing balance/);
  });
});

describe('details', () => {
  const amounts = (text: string) => events(text).map(({ amountMinor }) => amountMinor);

  test('each is a payment where they add up, in either version', () => {
    const later = details(amountOf('6.00'), amountOf('4.00'));
    const early = later.replaceAll(
      /<Amt Ccy="EUR">[\d.]+<\/Amt>/g,
      '<AmtDtls><TxAmt>$&</TxAmt></AmtDtls>',
    );
    for (const inside of [later, early]) {
      assert.deepEqual(amounts(statement(entry({ details: inside }))), [600n, 400n]);
    }
  });

  test('that do not add up, or are not all told, leave one payment with a note', () => {
    const batch = '<Btch><NbOfTxs>3</NbOfTxs></Btch>';
    const inside = [
      details(amountOf('6.00'), amountOf('3.00')),
      details(amountOf('6.00'), ''),
      details(amountOf('6.00'), amountOf('4.00')).replace('<NtryDtls>', `<NtryDtls>${batch}`),
      details(amountOf('9.00')),
    ];
    for (const one of inside) {
      const [event, ...others] = events(statement(entry({ details: one })));
      assert.equal(event?.amountMinor, 1000n);
      assert.equal(others.length, 0);
      assert.match(String(event?.references.at(-1)?.text), /do not add up/);
    }
  });

  test('what the payer ordered in another currency is never booked', () => {
    const inside = details('<AmtDtls><InstdAmt><Amt Ccy="USD">12.00</Amt></InstdAmt></AmtDtls>');
    assert.deepEqual(amounts(statement(entry({ details: inside }))), [1000n]);
  });

  test('charges kept from a credit are its fee, others are not', () => {
    const charges =
      '<Chrgs><Rcrd><Amt Ccy="EUR">2.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></Rcrd></Chrgs>';
    const [netted] = events(statement(entry({ details: details(amountOf('12.00') + charges) })));
    assert.deepEqual([netted?.amountMinor, netted?.feeMinor], [1200n, 200n]);
    const [told] = events(statement(entry({ details: details(amountOf('10.00') + charges) })));
    assert.deepEqual([told?.amountMinor, told?.feeMinor], [1000n, null]);
  });

  test('several returned debits with charges are each taken back with their fee', () => {
    const one = (id: string) =>
      `<Refs><EndToEndId>${id}</EndToEndId></Refs>${amountOf('5.00')}` +
      '<Chrgs><Amt Ccy="EUR">1.50</Amt></Chrgs><RtrInf><Rsn><Cd>MD06</Cd></Rsn></RtrInf>';
    const file = entry({
      amount: '13.00',
      direction: 'DBIT',
      details: details(one('A'), one('B')),
    });
    assert.deepEqual(
      events(statement(file)).map((event) => [
        event.externalPaymentId,
        event.amountMinor,
        event.feeMinor,
      ]),
      [
        ['e2e:A', 500n, 150n],
        ['e2e:B', 500n, 150n],
      ],
    );
  });
});

describe('identity', () => {
  const two = (refs: string) =>
    details(`<Refs>${refs}</Refs>${amountOf('6.00')}`, `<Refs>${refs}</Refs>${amountOf('4.00')}`);

  test('is the transaction, its UETR, the entry with a place, or a digest', () => {
    assert.deepEqual(ids(statement(entry({ details: two('') }))), ['R1/1', 'R1/2']);
    const shared = two('<AcctSvcrRef>R1</AcctSvcrRef>');
    assert.deepEqual(ids(statement(entry({ details: shared }))), ['R1/1', 'R1/2']);
    const uetr = details('<Refs><UETR>u-1</UETR><EndToEndId>NOTPROVIDED</EndToEndId></Refs>');
    assert.deepEqual(ids(statement(entry({ details: uetr }))), ['u-1']);
    const [derived] = ids(statement(entry({ reference: 'NONREF' })));
    assert.match(String(derived), /^sha256:/);
  });

  test('of equal entries without a reference is a number; with one they are the same', () => {
    const [one, other, ...more] = ids(statement(entry({ reference: '' }).repeat(2)));
    assert.notEqual(one, other);
    assert.equal(more.length, 0);
    assert.deepEqual(ids(statement(entry().repeat(2))), ['R1']);
    assert.deepEqual(ids(statement(entry({ reference: '' }))), [one]);
  });
});

describe('a file', () => {
  test('of another kind, or broken, is set aside as a whole', () => {
    for (const [text, reason] of [
      ['<html><body>Login</body></html>', /no Document/],
      ['<Document><CstmrCdtTrfInitn/></Document>', /no camt/],
      [statement(entry()).slice(0, -20), /not XML/],
      [`<!DOCTYPE x [<!ENTITY a "b">]>${statement(entry())}`, /document type/],
      [statement('<Ntry><CdtDbtInd>CRDT</CdtDbtInd></Ntry>'), /no amount/],
      [statement(entry().replace('<Dt>2026-11-13</Dt>', '<Dt>2026-13-11</Dt>')), /no day/],
    ] as const) {
      assert.match(problem(text), reason, text);
    }
  });

  test('without movements is one document that tells nothing', () => {
    assert.deepEqual(read(statement('')), [{ ignored: 'the file tells of no payment' }]);
  });

  test('in an envelope, with prefixes and the bank’s instants', () => {
    const wrapped = statement(
      entry().replace('<Dt>2026-11-13</Dt>', '<DtTm>2026-11-13T10:00:00+01:00</DtTm>'),
    )
      .replaceAll(/<(\/?)(\w)/g, '<$1x:$2')
      .replace(/^/, '<Envelope>')
      .concat('</Envelope>');
    assert.equal(events(wrapped)[0]?.occurredAt, '2026-11-13T09:00:00.000Z');
  });

  test('payouts of processors are not payments of customers', () => {
    const payer = (name: string) =>
      details(
        `<RltdPties><Dbtr><Nm>${name}</Nm></Dbtr></RltdPties><RmtInf><Ustrd>paid by PayPal</Ustrd></RmtInf>`,
      );
    const payout = entry({ details: payer('Stripe Payments Europe, Ltd') });
    const typeOf = (credit: string) => events(statement(credit)).map(({ type }) => type);
    assert.deepEqual(typeOf(payout), ['payout.banked']);
    assert.deepEqual(typeOf(entry({ details: payer('Stripeless Ltd') })), ['payment.succeeded']);
  });

  test('creditor references count where their check digits do', () => {
    const references = (text: string) => {
      const ref = `<RmtInf><Strd><CdtrRefInf><Ref>${text}</Ref></CdtrRefInf></Strd></RmtInf>`;
      return events(statement(entry({ details: details(ref) })))[0]?.references;
    };
    const order = (number: string) => [{ kind: 'order', number }];
    assert.deepEqual(references('RF18 5390 0754 7034'), order('RF18539007547034'));
    assert.deepEqual(
      references('210000000003139471430009017'),
      order('210000000003139471430009017'),
    );
    for (const wrong of ['RF19539007547034', '210000000003139471430009018']) {
      assert.deepEqual(references(wrong), [{ kind: 'memo', text: wrong }]);
    }
  });
});
