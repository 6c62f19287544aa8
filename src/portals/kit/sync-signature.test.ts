import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Notice } from '../contract.ts';
import { Secret } from './secret.ts';
import { hasSyncSignature, judgeSyncSignature } from './sync-signature.ts';

/** Computed with two other tools over these very bytes. */
const SECRET = 'sage50-bridge-EXAMPLE-secret-0001';
const BODY = '{"eventId":"s50-000001","dataset":"AIRCOMP-2026","event":"ping"}';
const HEADERS = {
  'x-sync-timestamp': '1793722324',
  'x-sync-signature': 'v1=15c33e6082f85d68478008c46c2a7c11bb01b610605fb6af9aae2b551ec60d90',
};
const SIGNED_AT_MS = 1793722324_000;

function judge(change: Partial<Notice> = {}, secrets: readonly string[] = [SECRET]) {
  const notice: Notice = {
    headers: HEADERS,
    body: Buffer.from(BODY),
    url: '/',
    receivedAt: new Date(SIGNED_AT_MS),
    ...change,
  };
  const expected = { secrets: secrets.map((text) => new Secret(text)), setting: 'nudgeSecret' };
  const verdict = judgeSyncSignature(notice, expected);
  return verdict.verdict === 'refused' ? verdict.code : verdict.verdict;
}

test('the very bytes are authentic, also in capitals and while the secret is being changed', () => {
  assert.equal(judge(), 'authentic');
  assert.equal(judge({}, ['another', SECRET]), 'authentic');
  const signature = HEADERS['x-sync-signature'].toUpperCase().replace('V1', 'v1');
  assert.equal(judge({ headers: { ...HEADERS, 'x-sync-signature': signature } }), 'authentic');
});

test('whatever else is refused, with what it lacks', () => {
  assert.equal(judge({ body: Buffer.from(`${BODY} `) }), 'signature-wrong');
  assert.equal(judge({}, ['another']), 'signature-wrong');
  assert.equal(judge({}, []), 'signature-wrong');
  const other = { ...HEADERS, 'x-sync-timestamp': '1793722325' };
  assert.equal(judge({ headers: other }), 'signature-wrong');
  assert.equal(judge({ headers: {} }), 'signature-missing');
  const unsigned = { 'x-sync-timestamp': HEADERS['x-sync-timestamp'] };
  assert.equal(judge({ headers: unsigned }), 'signature-missing');
  const short = { ...HEADERS, 'x-sync-signature': 'v1=15c3' };
  assert.equal(judge({ headers: short }), 'signature-malformed');
  assert.equal(
    judge({ headers: { ...HEADERS, 'x-sync-timestamp': 'now' } }),
    'signature-malformed',
  );
});

test('five minutes either way are allowed', () => {
  const received = (seconds: number) =>
    judge({ receivedAt: new Date(SIGNED_AT_MS + seconds * 1000) });
  assert.equal(received(300), 'authentic');
  assert.equal(received(-300), 'authentic');
  assert.equal(received(301), 'timestamp-stale');
  assert.equal(received(-301), 'timestamp-stale');
});

test('the scheme is known by its signature', () => {
  assert.equal(hasSyncSignature({ headers: HEADERS }), true);
  assert.equal(hasSyncSignature({ headers: {} }), false);
});
