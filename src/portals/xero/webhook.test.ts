import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { simulateXero } from '../../../simulators/xero.ts';
import type { Notice, Verdict } from '../contract.ts';
import { xero } from './index.ts';

const fixtures = new URL('./fixtures/', import.meta.url);
const fileOf = (name: string): Buffer => readFileSync(new URL(name, fixtures));
const webhook = xero.webhook ?? assert.fail('no webhook');
const least = { clientId: 'client', clientSecret: 'secret' };

type Vector = {
  name: string;
  key: string;
  body: string;
  expected: string;
  sent?: string;
  status: number;
};
const vectors = JSON.parse(fileOf('signature-vectors.json').toString()) as Vector[];

function notice(body: Buffer | string, headers: Record<string, string>): Notice {
  return { headers, body: Buffer.from(body), url: '/', receivedAt: new Date(0) };
}

function verdict(body: string, signature: string | undefined, webhookKey?: string): Verdict {
  const settings = xero.settings.parse({ ...least, ...(webhookKey ? { webhookKey } : {}) });
  const headers = signature === undefined ? {} : { 'x-xero-signature': signature };
  return webhook.authenticate(notice(body, headers), settings);
}

const code = (result: Verdict) => (result.verdict === 'refused' ? result.code : result.verdict);

describe('signatures', () => {
  for (const { name, key, body, expected, sent, status } of vectors) {
    test(name, () => {
      const wanted = status === 200 ? 'authentic' : 'signature-wrong';
      assert.equal(code(verdict(body, sent ?? expected, key)), wanted);
      assert.equal(code(verdict(body, expected, key)), 'authentic');
      assert.equal(code(verdict(body, expected, `old+key==, ${key}`)), 'authentic', 'rotation');
      assert.equal(code(verdict(body, expected, 'another')), 'signature-wrong');
      assert.equal(code(verdict(body, expected)), 'signature-wrong', 'nothing to check with');
      assert.equal(code(verdict(`${body} `, expected, key)), 'signature-wrong');
      assert.equal(code(verdict(body, undefined, key)), 'signature-missing');
      assert.equal(code(verdict(body, '', key)), 'signature-missing');
      assert.equal(code(verdict(body, expected.slice(0, -1), key)), 'signature-malformed');
      const hex = Buffer.from(expected, 'base64').toString('hex');
      assert.equal(code(verdict(body, hex, key)), 'signature-malformed');
    });
  }

  test('the samples are the bytes that the vectors sign', () => {
    const bodies = vectors.map(({ body }) => body);
    for (const name of ['intent-to-receive', 'invoice-update', 'batch']) {
      assert.ok(bodies.includes(fileOf(`webhook-${name}.in.json`).toString()), name);
    }
  });

  test('a refusal names the decoded key and a rewritten body', () => {
    const because = (result: Verdict) => (result.verdict === 'refused' ? result.because : '');
    const decoded = vectors.find(({ sent }) => sent !== undefined) ?? assert.fail('no such vector');
    assert.match(because(verdict(decoded.body, decoded.sent, decoded.key)), /base64/);
    const { body, key } = vectors[0] ?? assert.fail('no vector');
    const compact = JSON.stringify(JSON.parse(body));
    const signed = createHmac('sha256', key).update(compact).digest('base64');
    assert.match(because(verdict(body, signed, key)), /written anew/);
  });

  test('the same bytes are proven for any body', () => {
    const settings = xero.settings.parse({ ...least, webhookKey: 'a+key/==' });
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const body = Buffer.from(bytes);
        const signature = createHmac('sha256', 'a+key/==').update(body).digest('base64');
        const sent = notice(body, { 'x-xero-signature': signature });
        assert.equal(webhook.authenticate(sent, settings).verdict, 'authentic');
      }),
    );
  });
});

describe('intent to receive', () => {
  const reply = (body: string, signature: string, webhookKey?: string) =>
    webhook.handshake?.(
      notice(body, { 'x-xero-signature': signature }),
      xero.settings.parse({ ...least, ...(webhookKey ? { webhookKey } : {}) }),
    );

  test('200 or exactly 401, both without a body; ordinary deliveries go the ordinary way', () => {
    for (const { body, key, expected, sent, status } of vectors) {
      const empty = JSON.parse(body).events.length === 0;
      const wanted = empty ? { status } : undefined;
      assert.deepEqual(reply(body, sent ?? expected, key), wanted);
      if (empty) assert.deepEqual(reply(body, 'nonsense', key), { status: 401 });
      if (empty) assert.deepEqual(reply(body, expected), { status: 401 }, 'no key yet');
    }
    for (const body of ['', 'null', '[]', '{"events":{}}', '{"events":[', 'x'.repeat(5000)]) {
      assert.equal(reply(body, 'nonsense', 'key'), undefined);
    }
  });

  test('what a simulated app sends when its address is entered', async () => {
    const organisation = await simulateXero({ seed: 5 });
    await organisation.close();
    const settings = xero.settings.parse(organisation.settings);
    const intents = organisation.intentToReceive();
    assert.deepEqual(intents.map(({ status }) => status).sort(), [200, 200, 401, 401]);
    for (const { delivery, status } of intents) {
      const sent = notice(delivery.body, { ...delivery.headers });
      assert.deepEqual(webhook.handshake?.(sent, settings), { status });
    }
  });
});

test('recognition goes by the header', () => {
  assert.ok(webhook.recognizes(notice('', { 'x-xero-signature': '' })));
  assert.ok(!webhook.recognizes(notice('{"events":[]}', { 'intuit-signature': 'x' })));
});
