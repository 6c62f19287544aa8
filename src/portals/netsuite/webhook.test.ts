/** Nudges: proven by their vectors, of this account alone, and never more than a pointer. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Notice, Verdict } from '../contract.ts';
import { netsuite } from './index.ts';

const read = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const webhook = netsuite.webhook ?? assert.fail('no webhook');
const LEAST = { accountId: '1234567', clientId: 'c', clientSecret: 's' };

type Vector = {
  readonly name: string;
  readonly kind: string;
  readonly secret: string;
  readonly timestamp: string;
  readonly bodyFile: string;
  readonly expected: string;
};
const vectors = (JSON.parse(read('signature-vectors.json').toString()) as Vector[]).filter(
  ({ kind }) => kind.startsWith('user-event'),
);

function notice(body: Buffer, headers: Record<string, string>, seconds: number): Notice {
  return { body, headers, url: '/', receivedAt: new Date(seconds * 1000) };
}

function judge(
  { secret, timestamp, bodyFile, expected }: Vector,
  change: {
    readonly body?: Buffer;
    readonly signature?: string;
    readonly late?: number;
    readonly settings?: object;
  } = {},
): Verdict {
  const { body = read(bodyFile.replace('.json', '.in.json')), signature = expected } = change;
  const given = { ...LEAST, nudgeSecret: secret, ...change.settings };
  const headers = { 'x-sync-timestamp': timestamp, 'x-sync-signature': signature };
  return webhook.authenticate(
    notice(body, headers, Number(timestamp) + (change.late ?? 0)),
    netsuite.settings.parse(given),
  );
}

const code = (verdict: Verdict) => (verdict.verdict === 'refused' ? verdict.code : verdict.verdict);

describe('signatures', () => {
  assert.equal(vectors.length, 4);
  for (const vector of vectors) {
    test(vector.name, () => {
      const { secret, expected } = vector;
      assert.equal(code(judge(vector)), 'authentic');
      const capitals = expected.toUpperCase().replace('V1', 'v1');
      assert.equal(code(judge(vector, { signature: capitals })), 'authentic');
      const rotating = { settings: { nudgeSecret: `old, ${secret}` } };
      assert.equal(code(judge(vector, rotating)), 'authentic');
      const changed = Buffer.from(
        read(vector.bodyFile.replace('.json', '.in.json'))
          .toString()
          .replace(/"58|"59/, '"99'),
      );
      assert.equal(code(judge(vector, { body: changed })), 'signature-wrong');
      assert.equal(code(judge(vector, { settings: { nudgeSecret: 'x' } })), 'signature-wrong');
      assert.equal(code(judge(vector, { late: 300 })), 'authentic');
      assert.equal(code(judge(vector, { late: 301 })), 'timestamp-stale');
      assert.equal(code(judge(vector, { late: -301 })), 'timestamp-stale');
    });
  }

  test('without a secret nothing is believed', () => {
    const [vector] = vectors;
    assert.ok(vector);
    assert.equal(code(judge(vector, { settings: { nudgeSecret: undefined } })), 'signature-wrong');
  });

  test('a sandbox is a copy that has our secret, too: its nudges are of another account', () => {
    const [vector] = vectors;
    assert.ok(vector);
    const verdict = judge(vector, { settings: { accountId: '1234567_SB1' } });
    assert.equal(code(verdict), 'wrong-account');
    assert.match(JSON.stringify(verdict), /of account 1234567, this connection is to 1234567_SB1/);
    const text = '{"accountId":"1234567-sb1","recordType":"invoice"}';
    const { secret, timestamp } = vector;
    const digits = createHmac('sha256', secret).update(`${timestamp}.${text}`).digest('hex');
    const own = {
      body: Buffer.from(text),
      signature: `v1=${digits}`,
      settings: { accountId: '1234567_SB1' },
    };
    assert.equal(code(judge(vector, own)), 'authentic', 'spelled as in host names');
  });
});

test('nudges are known by what they say; others sign with the same headers', () => {
  const signed = { 'x-sync-timestamp': '1', 'x-sync-signature': 'v1=00' };
  const knows = (body: string, headers: Record<string, string> = signed) =>
    webhook.recognizes(notice(Buffer.from(body), headers, 0));
  const nudge = read('webhook-payment-succeeded.in.json').toString();
  assert.equal(knows(nudge), true);
  assert.equal(knows(JSON.stringify(JSON.parse(nudge), null, 2)), true);
  assert.equal(knows(nudge, {}), false);
  for (const other of [
    '{"eventId":"s50-000001","dataset":"AIRCOMP-2026","event":"ping"}',
    '{"companyId":"x","recordType":"ARPYMT"}',
    '{"accountId":1,"recordType":"x"}',
    '["accountId","recordType"]',
    '{"accountId":"1","recordType"',
    'null',
    '',
  ]) {
    assert.equal(knows(other), false, other);
  }
});

describe('what a nudge leads to', () => {
  const settings = netsuite.settings.parse({ ...LEAST, nudgeSecret: 'x' });
  const become = (change: object) => {
    const nudge = JSON.parse(read('webhook-payment-succeeded.in.json').toString());
    const [document] = netsuite.split(Buffer.from(JSON.stringify({ ...nudge, ...change })), {});
    assert.ok(document);
    const { body } = document;
    return netsuite.normalize({ body, headers: {}, receivedAt: new Date(0) }, settings);
  };

  test('the record is fetched, whatever was done to it and whatever it is called', () => {
    for (const action of ['create', 'edit', 'xedit', 'approve', 'cancel', 'copy', 'nobody-knows']) {
      assert.deepEqual(become({ action }), { fetch: [{ entity: 'transaction', id: '5821' }] });
    }
    for (const recordType of [
      'customerdeposit',
      'customerrefund',
      'invoice',
      'deposit',
      'CustomerPayment',
    ]) {
      assert.deepEqual(become({ recordType }), { fetch: [{ entity: 'transaction', id: '5821' }] });
    }
    assert.deepEqual(become({ recordType: 'customer' }), {
      fetch: [{ entity: 'customer', id: '5821' }],
    });
  });

  test('deleted: what is stored is taken back, as what it was', () => {
    const told = (recordType: string) => {
      const outcome = become({ recordType, action: 'delete' });
      const [event] = 'events' in outcome ? outcome.events : [];
      return [
        event?.type,
        event?.externalPaymentId ?? event?.refundId ?? event?.invoice?.externalId,
      ];
    };
    assert.deepEqual(told('customerpayment'), ['payment.voided', '5821']);
    assert.deepEqual(told('customerdeposit'), ['payment.voided', '5821']);
    assert.deepEqual(told('customerrefund'), ['refund.failed', '5821']);
    assert.deepEqual(told('invoice'), ['invoice.voided', '5821']);
  });

  test('what is not money, and what is not ours, is ignored by name', () => {
    for (const [change, words] of [
      [{ recordType: 'salesorder' }, /salesorder 5821 create: this kind of record tells of no/],
      [{ recordType: 'depositapplication' }, /depositapplication/],
      [{ recordType: 'constructor' }, /constructor/],
      [{ recordType: 'customer', action: 'delete' }, /keep their names/],
      [{ accountId: '7654321' }, /account 7654321 is not this connection's 1234567/],
    ] as const) {
      const outcome = become(change);
      assert.ok('ignored' in outcome && words.test(outcome.ignored), JSON.stringify(outcome));
    }
  });

  test('an id that is no number, or a time of no zone, is set aside', () => {
    assert.throws(() => become({ recordId: '5821 OR 1=1' }), /recordId/);
    assert.throws(() => become({ action: 'delete', occurredAt: '2026-11-03 16:12:04' }), /UTC/);
  });

  test('the same nudge sent twice is one document', () => {
    const body = read('webhook-payment-succeeded.in.json');
    const [first] = netsuite.split(body, {});
    assert.equal(first?.key, 'event:b6f8b3f2-1d53-4f39-9d0c-6a4f2f6c7001');
  });
});
