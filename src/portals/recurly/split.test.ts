import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { split } from './split.ts';

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const keysOf = (body: Buffer | object) =>
  split(Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))).map(({ key }) =>
    key.replace(/[0-9a-f]{16}$/, '#'),
  );

test('notifications are keyed by what they tell', () => {
  assert.deepEqual(keysOf(fixture('webhook-json-payment-succeeded.in.json')), [
    'payment.succeeded:rafhdbbf41mc:#',
  ]);
  assert.deepEqual(keysOf(fixture('webhook-xml-void-payment.in.xml')), [
    'void_payment_notification:#',
  ]);
});

test('a resource is another document once it has changed, and the same wherever it is read', () => {
  const one = { object: 'transaction', id: 'r1', status: 'pending' };
  const [alone] = split(Buffer.from(JSON.stringify(one)));
  const listed = split(
    Buffer.from(
      JSON.stringify({ object: 'list', data: [one, { ...one, status: 'success' }, one] }),
    ),
  );
  assert.deepEqual(keysOf(one), ['transaction:r1:#']);
  assert.equal(listed.length, 2);
  assert.equal(listed[0]?.key, alone?.key);
  assert.notEqual(listed[1]?.key, alone?.key);
});

test('numbers keep their digits', () => {
  const body = '{"object":"list","data":[{"object":"transaction","id":"r","amount":149.10}]}';
  assert.ok(String(split(Buffer.from(body))[0]?.body).includes('149.10'));
});

test('an empty page is no document, and no body is an error', () => {
  assert.deepEqual(split(Buffer.from('{"object":"list","data":[]}')), []);
  assert.deepEqual(keysOf({ error: { type: 'rate_limited' } }), ['body:#']);
  for (const body of ['', 'null', '[]', '{"object":"list","data":[null,1]}', '<x', 'x']) {
    split(Buffer.from(body));
  }
  fc.assert(fc.property(fc.json(), (text) => void split(Buffer.from(text))));
});
