import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { split } from './split.ts';

const file = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
const keys = (body: Buffer, headers = {}) => split(body, headers).map(({ key }) => key);
const SALE = file('webhook-order-transaction-sale.in.json');
const HEADERS = JSON.parse(file('webhook-order-transaction-sale.headers.json').toString());

describe('deliveries', () => {
  test('a retry keeps its key; another subscription, or another body under the same id, does not', () => {
    const [key] = keys(SALE, HEADERS);
    assert.match(String(key), /^webhook:6d1c3a5e-7b7a-4f5f-9c0d-2f1f8f6f0e11:[0-9a-f]{16}$/);
    assert.deepEqual(keys(SALE, { ...HEADERS, 'x-shopify-triggered-at': 'later' }), [key]);
    assert.notDeepEqual(keys(SALE, { ...HEADERS, 'x-shopify-webhook-id': 'other' }), [key]);
    assert.notDeepEqual(keys(Buffer.from('{}'), HEADERS), [key]);
  });

  test('two tenders of one checkout share an event id and stay two', () => {
    const other = { ...HEADERS, 'x-shopify-webhook-id': '7aa0f7a4-0b12-4c2d-9d4f-0a6f3f7a3c55' };
    assert.notDeepEqual(keys(SALE, HEADERS), keys(SALE, other));
  });

  test('the bytes stay as they came', () => {
    const odd = Buffer.from('{ "id" : 1.50, "a":"\\/" }\n');
    assert.deepEqual(split(odd, HEADERS)[0]?.body, odd);
  });

  test('without a webhook id the topic and the bytes are the key, however long', () => {
    const long = { 'x-shopify-topic': 't'.repeat(500) };
    const [key] = keys(SALE, long);
    assert.ok(String(key).length < 200);
  });
});

describe('answers of the Admin API', () => {
  test('each transaction of an order is a document of its own, with the order', () => {
    const documents = split(file('api-graphql-orders-page.in.json'), {});
    assert.equal(documents.length, 3);
    for (const { key, body } of documents) {
      assert.match(key, /^Order:6102938475521:72051\d+:[0-9a-f]{16}$/);
      assert.deepEqual(keys(body), [key]);
      const record = JSON.parse(body.toString());
      assert.equal(record.name, '#1482');
      assert.equal(record.transactions.length, 1);
    }
  });

  test('numbers keep their digits', () => {
    const page = '{"data":{"order":{"id":"gid://shopify/Order/1","transactions":[],"n":1.10}}}';
    assert.match(String(split(Buffer.from(page), {})[0]?.body), /"n":1\.10/);
  });

  test('a changed record has another key', () => {
    const text = file('api-graphql-payouts-page.in.json').toString();
    const changed = text.replace('"PAID"', '"FAILED"');
    assert.notDeepEqual(keys(Buffer.from(text)), keys(Buffer.from(changed)));
  });

  test('an empty list has no documents; what is no answer is one', () => {
    const empty = '{"data":{"orders":{"nodes":[],"pageInfo":{"hasNextPage":false}}}}';
    assert.deepEqual(keys(Buffer.from(empty)), []);
    for (const body of [
      '',
      'x',
      '[]',
      'null',
      '{"data":null}',
      '{"errors":[]}',
      '{"data":{"orders":null}}',
    ]) {
      assert.match(String(keys(Buffer.from(body))[0]), /^unreadable:/, body);
    }
  });
});
