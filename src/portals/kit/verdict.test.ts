import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { Secret } from './secret.ts';
import { likelyMistake } from './verdict.ts';

const BODY = Buffer.from('{"id": 1,  "amount": 10.0}');

/** What is said when the connection holds `held` and the sender signed `signed` with `used`. */
function said(held: string, used: string | Buffer, signed = BODY): string {
  const given = createHmac('sha256', used).update(signed).digest();
  return likelyMistake({
    keys: [new Secret(held)],
    body: BODY,
    setting: 'signingKey',
    fits: (key, body) => createHmac('sha256', key).update(body).digest().equals(given),
  });
}

describe('the likely mistake', () => {
  const key = 'c2lnbmluZy1rZXktMTIzNA==';
  test('a key used as base64', () => assert.match(said(key, Buffer.from(key, 'base64')), /base64/));
  test('a key used as hexadecimal', () =>
    assert.match(
      said('00112233445566778899aabb', Buffer.from('00112233445566778899aabb', 'hex')),
      /hexadecimal/,
    ));
  test('quotes pasted with the key', () => assert.match(said('"abc"', 'abc'), /quotes/));
  test('a body written anew', () =>
    assert.match(said(key, key, Buffer.from('{"id":1,"amount":10}')), /written anew/));
  test('anything else is another endpoint', () =>
    assert.match(said(key, 'another'), /another endpoint, app or mode/));
  test('no key at all', () =>
    assert.match(
      likelyMistake({ keys: [], body: BODY, setting: 'signingKey', fits: () => true }),
      /has no signingKey/,
    ));
  test('a check that throws fits nothing', () =>
    assert.match(
      likelyMistake({
        keys: [new Secret('abc')],
        body: BODY,
        setting: 'signingKey',
        fits: () => {
          throw new Error('no such key');
        },
      }),
      /another endpoint/,
    ));
});
