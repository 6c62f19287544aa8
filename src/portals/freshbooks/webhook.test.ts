/** FreshBooks' signature: over the form's fields as Python prints them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Notice } from '../contract.ts';
import { hmac } from '../kit/hmac.ts';
import { signedText } from './form.ts';
import { type FreshBooksSettings, settings as settingsOf } from './settings.ts';
import { authenticate, conceal, recognizes } from './webhook.ts';

type Vector = { name: string; key: string; body: string; signed_string: string; expected: string };
const VECTORS: readonly Vector[] = JSON.parse(
  readFileSync(new URL('fixtures/signature-vectors.json', import.meta.url), 'utf8'),
);
const KEY = 'fbvt_EXAMPLE_verifier_0123456789';
const FORM = 'name=payment.create&object_id=10865326&account_id=zDmNq';

const connection = (verifiers?: string): FreshBooksSettings =>
  settingsOf.parse({ clientId: 'c', clientSecret: 's', ...(verifiers ? { verifiers } : {}) });

const notice = (body: string, signature?: string): Notice => ({
  headers: signature === undefined ? {} : { 'x-freshbooks-hmac-sha256': signature },
  body: Buffer.from(body),
  url: '/webhooks/freshbooks/con_1',
  receivedAt: new Date('2026-11-21T08:00:00.000Z'),
});
const signed = (body: string, key = KEY): string =>
  hmac('sha256', key, signedText(Buffer.from(body))).toString('base64');

describe('the signature', () => {
  for (const { name, key, body, signed_string, expected } of VECTORS) {
    test(name, () => {
      assert.equal(signedText(Buffer.from(body)), signed_string);
      const verdict = authenticate(notice(body, expected), connection(`another,${key}`));
      assert.deepEqual(verdict, { verdict: 'authentic' });
      const wrong = authenticate(notice(`${body}&more=1`, expected), connection(key));
      assert.equal(wrong.verdict, 'refused');
    });
  }

  test('escapes as Python does, and keeps the order and a name sent twice as one', () => {
    const text = 'a\u007f\u00e9\ud83d\ude00"\\/\n\t\b\f\u0001';
    const body = `b=${encodeURIComponent(text)}&10=x&2=y&b=z%3A+1%2C2`;
    assert.equal(signedText(Buffer.from(body)), '{"b": "z: 1,2", "10": "x", "2": "y"}');
    assert.equal(
      signedText(Buffer.from(`b=${encodeURIComponent(text)}`)),
      '{"b": "a\\u007f\\u00e9\\ud83d\\ude00\\"\\\\/\\n\\t\\b\\f\\u0001"}',
    );
  });

  test('any fields are signed as JSON of printable ASCII that says the same', () => {
    const fields = fc.uniqueArray(
      fc.tuple(fc.stringMatching(/^[a-z_]{1,8}$/), fc.string({ unit: 'grapheme' })),
      {
        selector: ([name]) => name,
      },
    );
    fc.assert(
      fc.property(fields, (pairs) => {
        const text = signedText(Buffer.from(new URLSearchParams(pairs).toString()));
        assert.match(text, /^[\x20-\x7e]*$/);
        assert.deepEqual(Object.entries(JSON.parse(text)), pairs);
      }),
    );
  });

  test('without verifiers nothing signed is believed, and the refusal says what is missing', () => {
    const verdict = authenticate(notice(FORM, signed(FORM)), connection());
    assert.ok(verdict.verdict === 'refused' && /no verifiers/.test(verdict.because));
    assert.equal(authenticate(notice(FORM), connection(KEY)).verdict, 'refused');
  });
});

describe('the introduction of a callback', () => {
  const introduction = `name=callback.verify&object_id=2001&verifier=${KEY}`;

  test('is a hint, signed or not, and refused when signed by something else', () => {
    for (const signature of [undefined, signed(introduction)]) {
      assert.deepEqual(authenticate(notice(introduction, signature), connection()), {
        verdict: 'hint',
      });
    }
    const other = authenticate(notice(introduction, signed(introduction, 'x')), connection());
    assert.equal(other.verdict, 'refused');
  });

  test('is stored with its verifier sealed, however its name is written, and says the same else', () => {
    const sealed = (body: string) => conceal(Buffer.from(body), () => 'sealed.x-Y_z').toString();
    assert.equal(sealed(introduction), 'name=callback.verify&object_id=2001&verifier=sealed.x-Y_z');
    assert.equal(
      sealed(`verifi%65r=${KEY}&object_id=2001`),
      'verifier=sealed.x-Y_z&object_id=2001',
    );
    assert.ok(!sealed(`verifier=&verifier=${KEY}&object_id=2001`).includes(KEY));
    assert.equal(sealed(FORM), FORM);
    let told = '';
    conceal(Buffer.from('verifier=a%2Bb+c'), (secret) => {
      told = secret;
      return 'x';
    });
    assert.equal(told, 'a+b c', 'what it means, not how it is written');
  });

  test('is recognised by its verifier alone', () => {
    assert.ok(recognizes(notice(introduction)));
    assert.ok(recognizes(notice(`object_id=2001&verifier=${KEY}`)));
    assert.ok(!recognizes(notice(FORM)));
    assert.ok(recognizes(notice(FORM, 'x')));
  });
});
