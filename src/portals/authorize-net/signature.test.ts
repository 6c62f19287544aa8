import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Notice, Verdict } from '../contract.ts';
import { settings } from './settings.ts';
import { authenticate, recognizes } from './signature.ts';

type Vector = {
  readonly name: string;
  readonly key: string;
  readonly body?: string;
  readonly bodyFile?: string;
  readonly expected: string;
};

const FIXTURES = new URL('./fixtures/', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, FIXTURES));
const VECTORS = JSON.parse(read('signature-vectors.json').toString()) as Vector[];
const KEY = VECTORS[1]?.key as string;

const bodyOf = ({ body, bodyFile }: Vector): Buffer =>
  body === undefined ? read(bodyFile as string) : Buffer.from(body);

function noticeOf(body: Buffer, signature?: string): Notice {
  const headers = signature === undefined ? {} : { 'x-anet-signature': signature };
  return { headers, body, url: '/', receivedAt: new Date('2026-11-21T08:00:00Z') };
}

function judge(body: Buffer, signature: string | undefined, signatureKey?: string): Verdict {
  return authenticate(noticeOf(body, signature), settings.parse({ currency: 'USD', signatureKey }));
}

function because(verdict: Verdict): string {
  return verdict.verdict === 'refused' ? `${verdict.code}: ${verdict.because}` : verdict.verdict;
}

const sign = (key: string | Buffer, body: Buffer) =>
  `sha512=${createHmac('sha512', key).update(body).digest('hex').toUpperCase()}`;

describe('signatures', () => {
  for (const vector of VECTORS) {
    test(vector.name, () => {
      const { key, expected } = vector;
      const body = bodyOf(vector);
      assert.equal(judge(body, expected, key).verdict, 'authentic');
      assert.equal(judge(body, expected, `${KEY.slice(0, -1)}0,${key}`).verdict, 'authentic');
      assert.equal(
        judge(Buffer.concat([body, Buffer.from('\n')]), expected, key).verdict,
        'refused',
      );
      assert.match(
        because(judge(body, expected, 'another key')),
        /signature-wrong: .*signatureKey/,
      );
    });
  }

  const [, vector] = VECTORS;
  const body = bodyOf(vector as Vector);

  test('case and blanks change on the way', () => {
    const { expected } = vector as Vector;
    for (const form of [expected.toLowerCase(), expected.toUpperCase(), `  ${expected} `]) {
      assert.equal(judge(body, form, KEY).verdict, 'authentic', form);
    }
  });

  test('the key decoded as hexadecimal is refused, and the mistake is named', () => {
    const verdict = judge(body, sign(Buffer.from(KEY, 'hex'), body), KEY);
    assert.match(because(verdict), /hexadecimal bytes, this portal takes its text/);
  });

  test('a body written anew is refused, and the mistake is named', () => {
    // JSON printed anew has `0` where Authorize.Net wrote and signed `0.0`.
    const [captured] = VECTORS as [Vector];
    const rewritten = Buffer.from(JSON.stringify(JSON.parse(bodyOf(captured).toString())));
    assert.equal(judge(rewritten, captured.expected, captured.key).verdict, 'refused');
    const spaced = Buffer.from(JSON.stringify(JSON.parse(rewritten.toString()), null, 2));
    const told = because(judge(spaced, sign(KEY, rewritten), KEY));
    assert.match(told, /written anew on its way/);
  });

  test('without a key, header or form of one nothing passes', () => {
    const { expected } = vector as Vector;
    assert.match(because(judge(body, expected)), /no signatureKey to check with/);
    assert.match(because(judge(body, undefined, KEY)), /signature-missing: .*X-ANET-Signature/);
    assert.match(because(judge(body, '', KEY)), /signature-missing/);
    for (const form of ['sha512=', expected.slice(7), `${expected}0`, expected.slice(0, -1), 'x']) {
      assert.match(because(judge(body, form, KEY)), /signature-malformed/, form);
    }
  });

  test('is recognised by its header', () => {
    assert.ok(recognizes(noticeOf(body, 'anything')));
    assert.ok(!recognizes(noticeOf(body)));
  });
});
