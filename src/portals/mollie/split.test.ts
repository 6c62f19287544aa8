import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { normalize } from './normalize.ts';
import { settings } from './settings.ts';
import { split } from './split.ts';

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`./fixtures/${name}.in.json`, import.meta.url));
const keys = (body: string | Buffer): readonly string[] =>
  split(Buffer.from(body)).map((one) => one.key);

describe('split', () => {
  test('a classic notice may come again with the same bytes', () => {
    const body = Buffer.from('id=tr_5B8cwPMGnU6qLbRvo7qEZo');
    const key = 'classic:tr_5B8cwPMGnU6qLbRvo7qEZo';
    assert.deepEqual(split(body), [{ key, body, repeatable: true }]);
    assert.deepEqual(keys('testByMollie=1&id=tr_1\n'), ['classic:tr_1']);
  });

  test('a signed event is known by its id, an object by its content', () => {
    assert.deepEqual(keys(fixture('webhook-nextgen-payment-paid')), [
      'event:event_GvJ8WHrp5isUdRub9CJyH',
    ]);
    const [before] = keys('{"resource":"payment","id":"tr_1","status":"open"}');
    const [after] = keys('{"resource":"payment","id":"tr_1","status":"paid"}');
    assert.match(before ?? '', /^object:payment:tr_1:[0-9a-f]{16}$/);
    assert.notEqual(before, after);
  });

  test('an object is one document, bytes unchanged, whatever it embeds', () => {
    const body = fixture('api-get-payment-charged-back');
    assert.deepEqual(
      split(body).map((one) => one.body),
      [body],
    );
  });

  test('each record of a page is a document; an empty page has none', () => {
    const list = split(fixture('api-list-payments'));
    assert.deepEqual(
      list.map((one) => JSON.parse(one.body.toString()).id),
      [
        'tr_JpY1ab2cd3ef4gh5ij6kl7',
        'tr_5B8cwPMGnU6qLbRvo7qEZo',
        'tr_8bVBhk2qs4RtY6uIo9pAsD',
        'tr_WDqYK6vllg8AsbK2jTmQp1',
      ],
    );
    assert.equal(new Set(list.map((one) => one.key)).size, 4);
    assert.deepEqual(split(Buffer.from('{"count":0,"_embedded":{"payments":[]}}')), []);
  });

  test('the numbers of a record keep their digits', () => {
    const record =
      '{"resource":"x","id":"1","a":55.0,"b":1210.45,"c":12345678901234567890,"d":1e2}';
    const [document] = split(Buffer.from(`{"_embedded":{"xs":[${record}]}}`));
    assert.equal(document?.body.toString(), record);
  });

  test('never throws and always says something of bytes that are not an empty page', () => {
    const texts = fc.oneof(fc.json(), fc.string(), fc.constant('['.repeat(100_000)));
    const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
    const bodies = fc.oneof(
      bytes,
      texts.map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bodies, (body) => {
        for (const document of split(body)) {
          assert.ok(document.key.length > 0);
          try {
            const { key: _, ...stored } = document;
            const of = { ...stored, headers: {}, receivedAt: new Date(0) };
            normalize(of, settings.parse({}));
          } catch (error) {
            assert.ok(error instanceof Error);
          }
        }
      }),
    );
  });
});
