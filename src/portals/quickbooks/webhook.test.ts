import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Notice, Verdict } from '../contract.ts';
import { quickbooks } from './index.ts';
import { split } from './split.ts';

const fixtures = new URL('./fixtures/', import.meta.url);
const read = (name: string): Buffer => readFileSync(new URL(name, fixtures));
const plain = JSON.parse(read('settings.json').toString()) as Record<string, string>;
const webhook = quickbooks.webhook ?? assert.fail('no webhook');

type Vector = { name: string; key: string; body: string; expected: string };
const vectors = JSON.parse(read('signature-vectors.json').toString()) as Vector[];

function notice(body: Buffer | string, headers: Record<string, string>): Notice {
  return { headers, body: Buffer.from(body), url: '/', receivedAt: new Date(0) };
}

function verdict(body: string, signature: string | undefined, verifierToken?: string): Verdict {
  const { verifierToken: _, ...without } = plain;
  const settings = quickbooks.settings.parse({
    ...without,
    ...(verifierToken === undefined ? {} : { verifierToken }),
  });
  const headers = signature === undefined ? {} : { 'intuit-signature': signature };
  return webhook.authenticate(notice(body, headers), settings);
}

const code = (result: Verdict) => (result.verdict === 'refused' ? result.code : result.verdict);

describe('signatures', () => {
  for (const { name, key, body, expected } of vectors) {
    test(name, () => {
      assert.equal(code(verdict(body, expected, key)), 'authentic');
      assert.equal(code(verdict(body, expected, `old-token, ${key}`)), 'authentic', 'rotation');
      assert.equal(code(verdict(body, expected, 'another')), 'signature-wrong');
      assert.equal(code(verdict(`${body} `, expected, key)), 'signature-wrong');
      assert.equal(code(verdict(body, undefined, key)), 'signature-missing');
      assert.equal(code(verdict(body, '', key)), 'signature-missing');
      assert.equal(code(verdict(body, expected.slice(0, -1), key)), 'signature-malformed');
      assert.equal(code(verdict(body, expected.toLowerCase(), key)), 'signature-wrong');
      const hex = Buffer.from(expected, 'base64').toString('hex');
      assert.equal(code(verdict(body, hex, key)), 'signature-malformed');
    });
  }

  test('nothing is believed without a verifier token', () => {
    const [vector] = vectors;
    assert.equal(code(verdict(vector?.body ?? '', vector?.expected)), 'signature-wrong');
  });

  test('the same bytes are proven for any body', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const body = Buffer.from(bytes);
        const signature = createHmac('sha256', 'token').update(body).digest('base64');
        const settings = quickbooks.settings.parse({ ...plain, verifierToken: 'token' });
        const result = webhook.authenticate(
          notice(body, { 'intuit-signature': signature }),
          settings,
        );
        assert.equal(result.verdict, 'authentic');
      }),
    );
  });
});

describe('recognition', () => {
  const signed = { 'intuit-signature': 'x' };
  test('both forms, by header and shape together', () => {
    for (const { body } of vectors) {
      assert.ok(webhook.recognizes(notice(body, signed)));
      assert.ok(webhook.recognizes(notice(JSON.stringify(JSON.parse(body), null, 2), signed)));
      assert.ok(!webhook.recognizes(notice(body, {})));
      assert.ok(!webhook.recognizes(notice(body, { 'stripe-signature': 'x' })));
    }
  });
  test('not what Intuit Payments or anybody else sends', () => {
    for (const body of ['{"eventName":"PaymentCreated","id":"1"}', '[]', '', '\u0000', 'id=tr_1']) {
      assert.ok(!webhook.recognizes(notice(body, signed)), body);
    }
  });
});

describe('split', () => {
  const keys = (name: string) => split(read(`${name}.in.json`)).map(({ key }) => key);

  test('names events by their ids and objects by id and content', () => {
    assert.deepEqual(keys('webhook-cloudevents-payment-created'), [
      'event:3f1c0d52-7a0e-4b9b-9a55-0c6f3f1f8a01',
    ]);
    assert.deepEqual(keys('webhook-legacy-payment-create'), [
      'event:9341453000000001|Payment|163|Create|2026-10-14T16:02:11.000Z',
      'event:9341453000000001|Invoice|70|Update|2026-10-14T16:02:11.000Z',
    ]);
    assert.equal(keys('webhook-cloudevents-batch').length, 5);
    assert.equal(keys('api-cdc').length, 4);
    assert.match(keys('api-cdc')[2] ?? '', /^object:Payment:164:[0-9a-f]{16}$/);
  });

  test('an object read alone, found by query or by change capture is one document', () => {
    assert.equal(keys('api-payment-read')[0], keys('api-query-payments')[0]);
    assert.equal(keys('api-query-payments')[1], keys('api-cdc')[0]);
    assert.equal(keys('api-payment-voided')[0], keys('api-cdc')[1]);
    assert.notEqual(keys('api-payment-read')[0], keys('api-payment-voided')[0]);
  });

  test('keeps every digit', () => {
    const row =
      '{"Payment":{"Id":"1","TotalAmt":55.0,"Rate":0.1000000000000000055,"Big":123456789012345678}}';
    const [document] = split(Buffer.from(row));
    assert.equal(document?.body.toString(), row);
  });

  test('an empty page holds nothing, what is not understood stays whole', () => {
    assert.deepEqual(split(Buffer.from('{"QueryResponse":{},"time":"x"}')), []);
    assert.deepEqual(split(Buffer.from('{"CDCResponse":[{"QueryResponse":[{},{}]}]}')), []);
    for (const odd of ['', '{', '[]', '{"eventNotifications":[]}', '{"Fault":{}}', '7']) {
      const documents = split(Buffer.from(odd));
      assert.equal(documents.length, 1, odd);
      assert.equal(documents[0]?.body.toString(), odd);
      assert.match(documents[0]?.key ?? '', /^bytes:/);
    }
  });

  test('a document is a body that splits into itself', () => {
    for (const file of readdirSync(fixtures).filter((name) => name.endsWith('.in.json'))) {
      for (const document of split(read(file))) {
        assert.deepEqual(split(document.body), [document], file);
      }
    }
  });

  test('never throws', () => {
    const page = fc.dictionary(
      fc.constantFrom('QueryResponse', 'CDCResponse', 'eventNotifications', 'Payment', 'time'),
      fc.jsonValue(),
    );
    const bodies = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
      page.map((value) => Buffer.from(JSON.stringify(value))),
    );
    fc.assert(
      fc.property(bodies, (body) => {
        for (const { key } of split(body)) assert.ok(key.length > 0);
      }),
    );
    const nested = Buffer.from(`${'['.repeat(200_000)}${']'.repeat(200_000)}`);
    assert.equal(split(nested).length, 1);
  });
});

describe('settings', () => {
  const { verifierToken: _, ...least } = plain;
  test('a pulled connection needs no verifier token; text switches are switches', () => {
    const parsed = quickbooks.settings.parse({
      ...least,
      depositsArePayouts: 'true',
      mirrorOnly: 'no',
    });
    assert.partialDeepStrictEqual(parsed, {
      depositsArePayouts: true,
      mirrorOnly: false,
      homeCurrency: 'USD',
      minorVersion: 75,
    });
    for (const name of ['clientId', 'clientSecret']) {
      const { [name]: __, ...lacking } = least;
      assert.ok(!quickbooks.settings.safeParse(lacking).success, name);
    }
  });

  test('the addresses follow the environment unless they are set', () => {
    const baseUrl = (more: Record<string, string>) =>
      quickbooks.api?.baseUrl(quickbooks.settings.parse({ ...least, ...more }));
    assert.equal(baseUrl({}), 'https://quickbooks.api.intuit.com');
    assert.equal(baseUrl({ environment: 'sandbox' }), 'https://sandbox-quickbooks.api.intuit.com');
    assert.equal(
      baseUrl({ environment: 'sandbox', apiBaseUrl: 'http://127.0.0.1:1' }),
      'http://127.0.0.1:1',
    );
  });
});
