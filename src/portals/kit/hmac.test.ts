import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hmac, sameBytes } from './hmac.ts';
import { Secret } from './secret.ts';

describe('hmac', () => {
  // RFC 2202 and RFC 4231, test case 2: their key is text, as ours are.
  const VECTORS = [
    ['sha1', 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79'],
    ['sha256', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    [
      'sha512',
      '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554' +
        '9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
    ],
  ] as const;
  for (const [hash, expected] of VECTORS) {
    test(`${hash} of the RFC's vector`, () => {
      const digest = hmac(hash, new Secret('Jefe'), 'what do ya want for nothing?');
      assert.equal(digest.toString('hex'), expected);
    });
  }

  test('parts are signed as one text, bytes and text alike', () => {
    const key = new Secret('ключ');
    fc.assert(
      fc.property(fc.string(), fc.uint8Array(), (text, bytes) => {
        const whole = hmac('sha256', key, Buffer.concat([Buffer.from(text), bytes]));
        assert.deepEqual(hmac('sha256', key, text, Buffer.from(bytes)), whole);
      }),
    );
  });
});

test('bytes are the same only when all are', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      const [left, right] = [Buffer.from(a), Buffer.from(b)];
      assert.equal(sameBytes(left, right), left.equals(right));
      assert.ok(sameBytes(left, Buffer.from(left)));
    }),
  );
  assert.ok(!sameBytes(Buffer.from('abc'), Buffer.from('ab')));
  assert.ok(!sameBytes(Buffer.from('abc'), Buffer.alloc(0)));
});
