import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { split } from './split.ts';

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`./fixtures/${name}.in.json`, import.meta.url));

test('an event is one document with its own bytes, keyed by its id', () => {
  const body = fixture('webhook-payment-succeeded');
  assert.deepEqual(split(body), [{ key: 'event:evt_3SQ7kLB7WZ01zgkW0hQzJw7M', body }]);
  const thin = fixture('webhook-thin-payment-succeeded');
  assert.equal(split(thin)[0]?.key, 'event:evt_test_65TzKqLw0aYcX2mP16B7WZ01zgkWSQ8n0JQBdk');
});

test('an event pulled has the key of the same event pushed', () => {
  const [pulled] = split(fixture('api-list-events'));
  const [pushed] = split(fixture('webhook-payment-succeeded'));
  assert.equal(pulled?.key, pushed?.key);
});

test('a list page is a document for each record, keyed by object, id and content', () => {
  const keys = split(fixture('api-list-invoice-payments')).map(({ key }) => key);
  assert.equal(keys.length, 2);
  assert.match(
    keys[0] ?? '',
    /^object:invoice_payment:inpay_1SR0aLB7WZ01zgkWh6GfDsAq:[0-9a-f]{16}$/,
  );
  const changed = fixture('api-list-invoice-payments').toString().replace('300000', '300001');
  assert.notEqual(split(Buffer.from(changed))[0]?.key, keys[0]);
  assert.equal(split(Buffer.from(changed))[1]?.key, keys[1]);
});

test('a v2 list, a batch and an empty page', () => {
  assert.equal(
    split(Buffer.from('{"data":[{"object":"v2.core.event","id":"evt_1"}]}'))[0]?.key,
    'event:evt_1',
  );
  assert.equal(split(fixture('webhook-batch')).length, 2);
  assert.deepEqual(split(Buffer.from('{"object":"list","data":[],"has_more":false}')), []);
});

test('the digits of a record survive being taken out of its page', () => {
  const record =
    '{"object":"charge","id":"ch_1","a":55.0,"b":1210.45,"c":12345678901234567890,"d":1E2}';
  const [document] = split(Buffer.from(`{"object":"list","data":[ ${record} ]}`));
  assert.equal(document?.body.toString(), record);
});

test('whatever the bytes, there is no exception and the same bytes have the same keys', () => {
  const check = (body: Buffer) =>
    assert.deepEqual(
      split(body).map(({ key }) => key),
      split(Buffer.from(body)).map(({ key }) => key),
    );
  fc.assert(fc.property(fc.uint8Array(), (bytes) => check(Buffer.from(bytes))));
  fc.assert(fc.property(fc.json(), (text) => check(Buffer.from(text))));
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (data) =>
      check(Buffer.from(JSON.stringify({ object: 'list', data }))),
    ),
  );
  check(Buffer.from('['.repeat(200_000)));
  check(Buffer.from(`${'['.repeat(50_000)}${']'.repeat(50_000)}`));
});
