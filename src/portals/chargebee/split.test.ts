import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { split } from './split.ts';

const keysOf = (value: unknown) =>
  split(Buffer.from(JSON.stringify(value))).map(({ key }) => key.replace(/[0-9a-f]{16}$/, '#'));

test('an event is one document wherever it comes from', () => {
  const event = { id: 'ev_1', object: 'event', content: { transaction: { id: 't' } } };
  assert.deepEqual(keysOf(event), ['event:ev_1']);
  assert.deepEqual(keysOf({ event }), ['event:ev_1']);
  assert.deepEqual(keysOf({ list: [{ event }, { event }] }), ['event:ev_1']);
});

test('a resource is another document once it has changed', () => {
  const page = (resource_version: number) =>
    Buffer.from(
      JSON.stringify({
        list: [{ transaction: { id: 't', object: 'transaction', resource_version } }],
      }),
    );
  const [first] = split(page(1));
  const [second] = split(page(2));
  assert.match(first?.key ?? '', /^transaction:t:[0-9a-f]{16}$/);
  assert.notEqual(first?.key, second?.key);
  assert.deepEqual(split(page(1)), [first]);
});

test('wrappers go, what we put together stays together', () => {
  const customer = { id: 'c', object: 'customer' };
  assert.deepEqual(keysOf({ customer, card: { object: 'card' } }), ['customer:c:#']);
  const transaction = { id: 't', object: 'transaction' };
  const [whole] = split(Buffer.from(JSON.stringify({ transaction, invoices: [{ id: 'i' }] })));
  assert.match(whole?.key ?? '', /^transaction:t:/);
  assert.deepEqual(JSON.parse(String(whole?.body)), { transaction, invoices: [{ id: 'i' }] });
});

test('numbers keep their digits', () => {
  const body =
    '{"list":[{"transaction":{"object":"transaction","id":"t","exchange_rate":1.00000}}]}';
  assert.ok(String(split(Buffer.from(body))[0]?.body).includes('1.00000'));
});

test('an empty page is no document, and no body is an error', () => {
  assert.deepEqual(split(Buffer.from('{"list":[]}')), []);
  assert.deepEqual(keysOf({ message: 'x', http_status_code: 429 }), ['body:#']);
  for (const body of ['', 'null', '[]', '{"list":[null,1]}', 'x']) split(Buffer.from(body));
  fc.assert(fc.property(fc.json(), (text) => void split(Buffer.from(text))));
});
