import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { split } from './split.ts';

const fixture = (name: string) =>
  readFileSync(new URL(`./fixtures/${name}.in.json`, import.meta.url));
const keysOf = (body: Buffer | string) => split(Buffer.from(body)).map(({ key }) => key);
const print = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('split', () => {
  test('a delivery is one document under its event id, however often it is sent', () => {
    const key = 'event:6a8f5f28-54a1-4eb0-a98a-3111513fd4fc';
    assert.deepEqual(keysOf(fixture('webhook-payment-succeeded')), [key]);
  });

  test('replayed events are the documents that were delivered', () => {
    assert.deepEqual(keysOf(fixture('api-search-events')), [
      ...keysOf(fixture('webhook-payment-succeeded')),
      ...keysOf(fixture('webhook-refund')),
    ]);
  });

  test('each record of a page keeps the name of its kind', () => {
    const documents = split(fixture('api-list-payments'));
    assert.equal(documents.length, 3);
    for (const { body, key } of documents) {
      const { payment } = JSON.parse(body.toString());
      assert.ok(key.startsWith(`payment:${payment.id}:`));
    }
  });

  test('a record of a page and an answer of its own are the same document', () => {
    const [listed] = split(print({ payouts: [{ id: 'po_1', status: 'SENT' }] }));
    const pretty = JSON.stringify({ payout: { id: 'po_1', status: 'SENT' } }, null, 2);
    assert.deepEqual(keysOf(pretty), [listed?.key]);
    const [changed] = split(print({ payouts: [{ id: 'po_1', status: 'PAID' }] }));
    assert.notEqual(changed?.key, listed?.key);
  });

  test('numbers keep their digits', () => {
    const [one] = split(Buffer.from('{"refunds":[{"id":"r","amount":12345678901234567890.10}]}'));
    assert.equal(one?.body.toString(), '{"refund":{"id":"r","amount":12345678901234567890.10}}');
  });

  test('the same record twice is one document, and keys never repeat', () => {
    const record = fc.record({
      id: fc.constantFrom('a', 'b', '', 'x'.repeat(500)),
      version: fc.integer({ min: 1, max: 3 }),
    });
    const list = fc.constantFrom('payments', 'refunds', 'disputes', 'payouts', 'invoices');
    fc.assert(
      fc.property(list, fc.array(fc.option(record)), (name, records) => {
        const documents = split(print({ [name]: records, cursor: 'c' }));
        const keys = documents.map(({ key }) => key);
        assert.equal(new Set(keys).size, keys.length);
        assert.ok(documents.length >= 1);
        for (const { key, body } of documents) {
          assert.ok(Buffer.byteLength(key) <= 200);
          assert.deepEqual(keysOf(body), [key]);
        }
      }),
    );
  });

  test('what is not understood is one document', () => {
    for (const body of ['', '{', '5', 'null', '[]', '{}', '{"payments":[]}', '{"payments":{}}']) {
      assert.equal(split(Buffer.from(body)).length, 1, body);
    }
    assert.equal(keysOf('{"type":"x","event_id":7}')[0]?.split(':')[0], 'unreadable');
  });
});
