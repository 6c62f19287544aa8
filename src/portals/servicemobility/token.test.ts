import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Secret } from '../kit/secret.ts';
import { servicemobility } from './index.ts';
import { answerCreateJwt, gatewayIdOf } from './replies.ts';
import type { Settings } from './settings.ts';
import { issueToken, verifyToken } from './token.ts';

type Vector = {
  readonly name: string;
  readonly secret: string;
  readonly now: number;
  readonly token: string;
  readonly valid: boolean;
};
const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('./fixtures/jwt-vectors.json', import.meta.url), 'utf8'),
);
const KEY = 'servicemobility-EXAMPLE-secret-0001';
const secret = new Secret(KEY);
const NOW = new Date('2026-11-03T15:22:24.000Z');

function sign(header: unknown, payload: unknown): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${createHmac('sha256', KEY).update(signed).digest('base64url')}`;
}

function codeOf(token: string): string {
  const verdict = verifyToken(token, { secrets: [secret], now: NOW });
  return verdict.valid ? 'valid' : verdict.code;
}

describe('verifyToken', () => {
  for (const vector of vectors) {
    test(vector.name, () => {
      const verdict = verifyToken(vector.token, {
        secrets: [new Secret(vector.secret)],
        now: new Date(vector.now * 1000),
      });
      assert.equal(verdict.valid, vector.valid);
    });
  }

  test('accepts HS256 only, even when the signature fits', () => {
    const claims = { iat: NOW.getTime() / 1000, exp: NOW.getTime() / 1000 + 60 };
    assert.equal(codeOf(sign({ alg: 'HS256', typ: 'JWT' }, claims)), 'valid');
    assert.equal(codeOf(sign({ alg: 'HS256' }, claims)), 'valid');
    for (const header of [
      { alg: 'none' },
      { alg: 'hs256' },
      { alg: 'HS512' },
      { alg: 'RS256' },
      { typ: 'JWT' },
      { alg: 'HS256', crit: ['exp'] },
      null,
    ]) {
      assert.equal(codeOf(sign(header, claims)), 'signature-malformed', JSON.stringify(header));
    }
  });

  test('needs iat and exp as numbers', () => {
    const header = { alg: 'HS256', typ: 'JWT' };
    for (const claims of [{ iat: 1 }, { exp: 9e9 }, { iat: 1, exp: '9000000000' }, [], 'x']) {
      assert.equal(codeOf(sign(header, claims)), 'signature-malformed');
    }
  });

  test('refuses what is no token', () => {
    for (const text of ['', 'a.b', 'a.b.c.d', '..', 'ä.b.c', 'a b.c.d']) {
      assert.equal(codeOf(text), 'signature-malformed', text);
    }
  });
});

test('issueToken makes the documented token', () => {
  const token = issueToken({ name: 'payments-sync' }, { secret, now: NOW });
  assert.equal(token, vectors[0]?.token);
});

describe('answerCreateJwt', () => {
  const settings = servicemobility.settings.parse({
    merchantId: 'm',
    jwtSecret: KEY,
    username: 'payments-sync',
    password: 'EXAMPLE-ONLY',
  }) as Settings;
  const logOn = (body: unknown, by: Settings = settings) =>
    answerCreateJwt(Buffer.from(JSON.stringify(body)), by, NOW);

  test('a known user gets a token that verifies', () => {
    const reply = logOn({ username: 'payments-sync', password: 'EXAMPLE-ONLY' });
    assert.equal(reply.status, 200);
    assert.equal(JSON.parse(reply.body ?? '').token, vectors[0]?.token);
  });

  test('anybody else gets 401', () => {
    const { username: _username, ...without } = settings;
    assert.equal(logOn({ username: 'payments-sync', password: 'wrong' }).status, 401);
    assert.equal(logOn({ username: 'other', password: 'EXAMPLE-ONLY' }).status, 401);
    assert.equal(logOn({ username: 'payments-sync' }).status, 401);
    assert.equal(logOn(null).status, 401);
    assert.equal(answerCreateJwt(Buffer.from('{'), settings, NOW).status, 401);
    const unset = logOn({ username: 'payments-sync', password: 'EXAMPLE-ONLY' }, without);
    assert.equal(unset.status, 401);
  });
});

test('gatewayIdOf reads the documented address only', () => {
  assert.equal(gatewayIdOf('/seiapi/v3/webhooks/Payments/gw%201/Charge'), 'gw 1');
  assert.equal(gatewayIdOf('/seiapi/v3/webhooks/Payments/gw/Charge?customerid=1'), 'gw');
  assert.equal(gatewayIdOf('/seiapi/v3/webhooks/Payments/%zz/Charge'), '%zz');
  assert.equal(gatewayIdOf('/webhooks/servicemobility/con_1'), undefined);
  assert.equal(gatewayIdOf('/seiapi/v3/webhooks/Payments/a/b/Charge'), undefined);
});
