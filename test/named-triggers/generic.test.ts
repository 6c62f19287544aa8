/** generic: the signed webhook alone, and one payment told twice by files that overlap: one payment. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { SimulatedPortal } from '../../simulators/contract.ts';
import { simulateGeneric } from '../../simulators/generic.ts';
import { NOW, nextSeed, onePayment, orderOf, serverForTests } from './firm.ts';

const { booked, connect, send, upload } = serverForTests();

describe('generic: the signed webhook', () => {
  for (const headers of ['webhook', 'svix'] as const) {
    for (const version of ['v1', 'v1a'] as const) {
      it(`alone, with ${headers} headers and a ${version} signature, however often: one payment`, async () => {
        const seed = nextSeed();
        const simulated = await simulateGeneric({ seed, headers, version });
        const connectionId = await connect(simulated);
        const paymentId = simulated.pay(orderOf(seed), NOW());
        const notices = simulated.takeNotices();
        await send(`/webhooks/generic/${connectionId}`, [...notices, ...notices]);
        await send('/webhooks/payment-event', notices);
        assert.deepEqual(await booked(connectionId, 1), [onePayment(paymentId)]);
      });
    }
  }
});

/** A source that only ever hands over files. */
async function connectFiles(settings: Readonly<Record<string, string>> = {}): Promise<string> {
  const simulated: SimulatedPortal = await simulateGeneric({ seed: nextSeed() });
  return connect({ ...simulated, settings });
}

const CSV = {
  csvColumns: '{"date":"Date","amount":"Amount","description":"Text","balance":"Balance"}',
  csvCurrency: 'USD',
};
const csv = (...rows: readonly string[]) => ['Date,Text,Amount,Balance', ...rows].join('\n');

describe('generic: files', () => {
  it('CSV exports that overlap: each movement once, two equal ones of a day twice', async () => {
    const connectionId = await connectFiles(CSV);
    const [first, second, third] = [
      '2026-11-12,INV-1 Northgate,1250.50,2250.50',
      '2026-11-13,INV-2 Northgate,1250.50,3501.00',
      '2026-11-13,INV-2 Northgate,1250.50,4751.50',
    ];
    const whole = csv(String(first), String(second), String(third));
    assert.deepEqual(await upload(connectionId, csv(String(first))), { new: 1, known: 0 });
    assert.equal((await booked(connectionId, 1)).length, 1);
    assert.deepEqual(await upload(connectionId, whole), { new: 1, known: 0 });
    assert.deepEqual(await upload(connectionId, whole), { new: 0, known: 1 });
    // Another period, in which the balance runs on from elsewhere.
    const again = csv('2026-11-13,INV-2 Northgate,1250.50,1250.50');
    assert.deepEqual(await upload(connectionId, again), { new: 1, known: 0 });
    const payments = await booked(connectionId, 3);
    assert.deepEqual(
      payments.map(({ status, amount }) => `${status} ${amount}`),
      ['succeeded 125050', 'succeeded 125050', 'succeeded 125050'],
    );
  });

  it('the same movement in an intraday report, a notification and a statement: one payment', async () => {
    const connectionId = await connectFiles();
    const wholes = ['Rpt', 'Ntfctn', 'Stmt'].map((group) => camt(group));
    for (const whole of [...wholes, ...wholes]) await upload(connectionId, whole);
    assert.deepEqual(await booked(connectionId, 1), [onePayment('REF-1')]);
  });

  it('a bank file uploaded twice: its documents are known, its payments booked once', async () => {
    const connectionId = await connectFiles();
    const fixture = new URL(
      '../../src/portals/generic/fixtures/file-bank-bai2.in.txt',
      import.meta.url,
    );
    const text = readFileSync(fixture, 'utf8');
    assert.deepEqual(await upload(connectionId, text), { new: 7, known: 0 });
    const once = await booked(connectionId, 6);
    assert.deepEqual(await upload(connectionId, text), { new: 0, known: 7 });
    assert.deepEqual(await booked(connectionId, 6), once);
  });

  it('a direct debit that came back takes its payment back, whichever file is uploaded first', async () => {
    for (const order of [
      ['paid', 'returned'],
      ['returned', 'paid'],
    ]) {
      const connectionId = await connectFiles();
      const files: Readonly<Record<string, string>> = {
        paid: camt('Stmt'),
        returned: camtReturn(),
      };
      for (const name of order) await upload(connectionId, files[name] as string);
      const payments = await booked(connectionId, 1);
      assert.deepEqual(
        payments.map(({ status, amount }) => `${status} ${amount}`),
        ['failed 0'],
        order.join(', '),
      );
    }
  });
});

const MESSAGES: Readonly<Record<string, string>> = {
  Rpt: 'BkToCstmrAcctRpt',
  Ntfctn: 'BkToCstmrDbtCdtNtfctn',
  Stmt: 'BkToCstmrStmt',
};

function camt(group: string, entry = credit(group === 'Rpt' ? 'PDNG' : 'BOOK')): string {
  const message = MESSAGES[group];
  return (
    `<Document><${message}><${group}><Id>${group}-1</Id>` +
    `<Acct><Id><IBAN>DE02120300000000202051</IBAN></Id></Acct>${entry}</${group}></${message}></Document>`
  );
}

function credit(status: string): string {
  return (
    `<Ntry><Amt Ccy="USD">1250.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>${status}</Cd></Sts>` +
    '<BookgDt><Dt>2026-11-12</Dt></BookgDt><AcctSvcrRef>REF-1</AcctSvcrRef>' +
    '<NtryDtls><TxDtls><Refs><EndToEndId>DD-1</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>'
  );
}

function camtReturn(): string {
  return camt(
    'Stmt',
    '<Ntry><Amt Ccy="USD">1253.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>' +
      '<BookgDt><Dt>2026-11-12</Dt></BookgDt><AcctSvcrRef>REF-2</AcctSvcrRef><NtryDtls><TxDtls>' +
      '<Refs><EndToEndId>DD-1</EndToEndId></Refs><AmtDtls><InstdAmt><Amt Ccy="USD">1250.50</Amt>' +
      '</InstdAmt></AmtDtls><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls></NtryDtls></Ntry>',
  );
}
