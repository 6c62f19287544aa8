import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { split } from './split.ts';

const read = (name: string): Buffer => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
const keysOf = (body: Buffer): readonly string[] => split(body).map(({ key }) => key);

test('one item is one document, byte for byte', () => {
  const body = read('webhook-payment-succeeded.in.json');
  assert.deepEqual(split(body), [
    { key: 'item:AirworksRepairUS:QFQTPCQ8HXSKGK82:AUTHORISATION:true', body },
  ]);
  const form = read('webhook-form-variant.in.txt');
  assert.deepEqual(split(form), [
    { key: 'item:AirworksRepairUS:QFQTPCQ8HXSKGK82:AUTHORISATION:true', body: form },
  ]);
});

test('a batch is split into items, each in an envelope, and a repeat counts once', () => {
  const documents = split(read('webhook-capture-partial.in.json'));
  assert.deepEqual(
    documents.map(({ key }) => key),
    [
      'item:AirworksRepairUS:CP16LKT8MBLZNN84:CAPTURE:true',
      'item:AirworksRepairUS:CP26LKT8MBLZNN84:CAPTURE:true',
    ],
  );
  for (const { body } of documents) {
    const { live, notificationItems } = JSON.parse(body.toString());
    assert.equal(live, 'false');
    assert.equal(notificationItems.length, 1);
  }
});

test('a repeat with another date and reason is the same document, another outcome is not', () => {
  const body = read('webhook-refund.in.json').toString();
  const [key] = keysOf(Buffer.from(body));
  const repeated = body.replace('2026-11-06', '2026-11-08').replace('"reason":""', '"reason":"x"');
  assert.deepEqual(keysOf(Buffer.from(repeated)), [key]);
  const failed = body.replace('"success":"true"', '"success":"false"');
  assert.notDeepEqual(keysOf(Buffer.from(failed)), [key]);
});

test('numbers keep their digits', () => {
  const item = (value: string) =>
    `{"NotificationRequestItem":{"pspReference":"P${value.length}","amount":{"value":${value}}}}`;
  const body = `{"notificationItems":[${item('12345678901234567890')},${item('1.50')}]}`;
  const [first, second] = split(Buffer.from(body)).map((document) => document.body.toString());
  assert.match(String(first), /"value":12345678901234567890[,}]/);
  assert.match(String(second), /"value":1\.50[,}]/);
});

test('a report is split line by line; costs of no payment go with their payout', () => {
  const documents = split(read('file-report-new-platform.in.csv'));
  assert.deepEqual(
    documents.map(({ key }) => key.replace(/:[0-9a-f]{16}$/, '')),
    [
      'report:7:Settled:SE2PCQ8HXSKGK824',
      'report:7:Settled:SE4PCQ8HXSKGK824',
      'report:7:Refunded:SE5PCQ8HXSKGK824',
      'report:7:Refunded:SE6PCQ8HXSKGK824',
      'report:7:Chargeback:SE7PCQ8HXSKGK824',
      'report:7:PaymentCost:SE8PCQ8HXSKGK824',
      'report:7:Balancetransfer:from batch 6',
      'report:7:MerchantPayout:TX 7 "first", batch 7',
      'report:8:Fee:Transaction Fees July',
      'report:9:MerchantPayout:TX 9',
    ],
  );
  const [header] = read('file-report-new-platform.in.csv').toString().slice(1).split('\r\n');
  for (const { body } of documents) assert.ok(body.toString().startsWith(`${header}\n`));
  assert.equal(documents[7]?.body.toString().trimEnd().split('\n').length, 5);
});

test('a report without lines, and one that breaks off, are one document', () => {
  const [header] = read('file-report-settlement-details.in.csv').toString().split('\n');
  assert.equal(split(Buffer.from(`${header}\n`)).length, 1);
  assert.match(keysOf(Buffer.from(`${header}\n"a,b`))[0] ?? '', /^unreadable:/);
});

test('never throws, and what was split off is itself when split again', () => {
  const name = fc.string({ unit: 'binary-ascii', maxLength: 8 });
  const items = fc.array(fc.dictionary(name, fc.jsonValue()), { maxLength: 3 });
  fc.assert(
    fc.property(items, (list) => {
      const notificationItems = list.map((item) => ({ NotificationRequestItem: item }));
      for (const { key, body } of split(Buffer.from(JSON.stringify({ notificationItems })))) {
        assert.deepEqual(keysOf(body), [key]);
      }
    }),
  );
});
