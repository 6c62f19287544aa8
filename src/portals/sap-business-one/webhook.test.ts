/** Nudges: proven by their vectors, told apart from those of other systems, and always fetched. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Notice, Verdict } from '../contract.ts';
import { sapBusinessOne } from './index.ts';
import { connect, fill, NOW } from './simulated-connection.ts';

const webhook = sapBusinessOne.webhook ?? assert.fail('no webhook');
const read = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const json = (name: string) => JSON.parse(read(name).toString());
const least = json('contract.json').settings as Record<string, string>;

type Vector = {
  readonly name: string;
  readonly secret: string;
  readonly timestamp: string;
  readonly bodyFile: string;
  readonly expected: string;
};
const FILES: Readonly<Record<string, string>> = {
  'webhook-payment-succeeded.json': 'nudge-payment-added.in.json',
  'webhook-payment-cancelled.json': 'nudge-payment-cancelled.in.json',
};

function noticeOf(body: Buffer, headers: Record<string, string>, receivedAt = NOW): Notice {
  return { headers, body, url: '/', receivedAt };
}
const code = (verdict: Verdict) => (verdict.verdict === 'refused' ? verdict.code : verdict.verdict);

describe('signatures', () => {
  for (const vector of json('signature-vectors.json') as Vector[]) {
    const body = read(FILES[vector.bodyFile] ?? assert.fail(vector.bodyFile));
    const at = new Date(Number(vector.timestamp) * 1000);
    const judge = (
      given: { body?: Buffer; signature?: string; secret?: string; company?: string } = {},
    ) =>
      code(
        webhook.authenticate(
          noticeOf(
            given.body ?? body,
            {
              'x-sync-timestamp': vector.timestamp,
              'x-sync-signature': given.signature ?? vector.expected,
            },
            at,
          ),
          sapBusinessOne.settings.parse({
            ...least,
            companyDb: given.company ?? 'SBODEMOUS',
            nudgeSecret: given.secret ?? vector.secret,
          }),
        ),
      );

    test(vector.name, () => {
      assert.equal(judge(), 'authentic');
      assert.equal(judge({ secret: `old, ${vector.secret}` }), 'authentic', 'rotation');
      assert.equal(judge({ secret: 'another' }), 'signature-wrong');
      assert.equal(judge({ body: Buffer.concat([body, Buffer.from(' ')]) }), 'signature-wrong');
      const changed = Buffer.from(body.toString().replace('"key":"120', '"key":"121'));
      assert.equal(judge({ body: changed }), 'signature-wrong');
      assert.equal(judge({ signature: 'v1=0' }), 'signature-malformed');
      assert.equal(judge({ company: 'sbodemous' }), 'authentic');
      assert.equal(judge({ company: 'SBODEMODE' }), 'wrong-account');
    });
  }

  test('nothing is believed without a secret', () => {
    const headers = {
      'x-sync-timestamp': '1793722324',
      'x-sync-signature': `v1=${'0'.repeat(64)}`,
    };
    const notice = noticeOf(read('nudge-payment-added.in.json'), headers);
    const verdict = webhook.authenticate(notice, sapBusinessOne.settings.parse(least));
    assert.equal(code(verdict), 'signature-wrong');
  });
});

test('other systems sign alike: only a company database and an object type are ours', () => {
  const signed = { 'x-sync-signature': 'v1=x' };
  const ours = read('nudge-payment-added.in.json');
  assert.equal(webhook.recognizes(noticeOf(ours, signed)), true);
  assert.equal(webhook.recognizes(noticeOf(ours, {})), false);
  for (const other of [
    '{"recordType":"customerpayment","id":"7"}',
    '{"companyDb":"A"}',
    '{"objectType":"24"}',
    'null',
  ]) {
    assert.equal(webhook.recognizes(noticeOf(Buffer.from(other), signed)), false, other);
  }
});

describe('what a nudge leads to', () => {
  const settings = sapBusinessOne.settings.parse(least);
  const become = (change: object) => {
    const body = Buffer.from(JSON.stringify({ ...json('nudge-payment-added.in.json'), ...change }));
    const [document] = sapBusinessOne.split(body, {});
    assert.ok(document);
    const normalized = { body: document.body, headers: {}, receivedAt: NOW };
    return { key: document.key, outcome: sapBusinessOne.normalize(normalized, settings) };
  };
  const fetched = (change: object) => become(change).outcome;

  test('the object is fetched, whatever is said to have happened to it', () => {
    const wanted = { fetch: [{ entity: 'IncomingPayments', id: '1204' }] };
    for (const transactionType of ['A', 'U', 'C', 'D', 'L', 'X', undefined]) {
      assert.deepEqual(fetched({ transactionType }), wanted);
    }
    assert.deepEqual(fetched({ objectType: 46, key: 311 }), {
      fetch: [{ entity: 'VendorPayments', id: '311' }],
    });
    assert.deepEqual(fetched({ objectType: '13', key: '5790' }), {
      fetch: [{ entity: 'Invoices', id: '5790' }],
    });
    assert.deepEqual(fetched({ objectType: '203', key: '12' }), {
      fetch: [{ entity: 'DownPayments', id: '12' }],
    });
    assert.deepEqual(fetched({ objectType: '2', key: 'C-0042' }), {
      fetch: [{ entity: 'BusinessPartners', id: 'C-0042' }],
    });
  });

  test('other objects and companies are ignored by name, keys that are none set aside', () => {
    assert.ok('ignored' in fetched({ objectType: '17' }));
    assert.ok('ignored' in fetched({ objectType: 'constructor' }));
    assert.ok('ignored' in fetched({ companyDb: 'SBODEMODE' }));
    assert.ok('quarantined' in fetched({ key: '1204)/Cancel' }));
    assert.throws(() => fetched({ key: null }), /key/);
  });

  test('the same event is one document; one id on two events is two', () => {
    assert.equal(become({}).key, become({ occurredAt: 'later' }).key);
    assert.notEqual(become({}).key, become({ key: '1206', transactionType: 'C' }).key);
    assert.notEqual(become({ eventId: null }).key, become({ eventId: null, key: '1' }).key);
  });

  test('at a simulated company it brings the payment with the invoice it pays', async () => {
    await using connection = await connect({ nudges: true });
    const { company, api, settings: real, calls } = connection;
    const { customer, invoice } = fill(company);
    const shares = {
      customerExternalId: customer,
      currency: 'USD',
      reference: 'A',
      method: 'Check',
    };
    const pay = (amountMinor: bigint) =>
      company.enterPayment(
        { ...shares, amountMinor, invoices: [{ externalId: invoice, amountMinor }] },
        NOW,
      );
    const ids = Array.from({ length: 7 }, (_, index) => pay(100n + BigInt(index)));
    const notices = company.takeNotices().map((notice) => notice.sign(NOW));
    const requests = notices.flatMap((notice) => {
      const full = { ...notice, url: '/', receivedAt: NOW };
      assert.equal(webhook.authenticate(full, real).verdict, 'authentic');
      const outcome = sapBusinessOne.normalize(full, real);
      return 'fetch' in outcome ? (outcome.fetch ?? []) : [];
    });
    const before = calls.length;
    const none = { entity: 'IncomingPayments', id: '999999' };
    const found = await sapBusinessOne.fetch?.(api, [...requests, none], real);
    assert.equal(
      calls.length - before,
      6,
      'two pages of payments with their invoices, invoices, partners',
    );
    const told = (found ?? [])
      .flatMap(({ body }) => sapBusinessOne.split(body, {}))
      .flatMap((one) => {
        const outcome = sapBusinessOne.normalize(
          { body: one.body, headers: {}, receivedAt: NOW },
          real,
        );
        return 'events' in outcome ? outcome.events : [];
      });
    const payments = told.filter(({ type }) => type === 'payment.succeeded');
    assert.deepEqual(
      payments.map(({ externalPaymentId }) => externalPaymentId),
      ids,
    );
    assert.deepEqual(
      payments.map(({ references }) => references[0]?.number),
      ids.map(() => 'INV-1016'),
    );
    assert.ok(told.some(({ type }) => type === 'invoice.upserted'));
    assert.ok(told.some(({ type }) => type === 'customer.upserted'));
  });
});
