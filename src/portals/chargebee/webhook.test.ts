import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { settings as schema } from './settings.ts';
import { authenticate, recognizes } from './webhook.ts';

const FIXTURES = new URL('fixtures/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FIXTURES));
const { user, password, accepted, refused } = JSON.parse(
  read('signature-vectors.json').toString('utf8'),
) as {
  user: string;
  password: string;
  accepted: { name: string; authorization: string }[];
  refused: { name: string; authorization: string | null }[];
};

const body = read('webhook-payment-succeeded.in.json');
const noticeOf = (authorization: string | null, bytes = body) => ({
  headers: authorization === null ? {} : { authorization },
  body: bytes,
  url: '/',
  receivedAt: new Date('2026-11-21T08:00:00.000Z'),
});

const settings = schema.parse({ webhookUser: user, webhookPassword: password });

for (const { name, authorization } of accepted) {
  test(`${name}: authentic`, () => {
    assert.deepEqual(authenticate(noticeOf(authorization), settings), { verdict: 'authentic' });
  });
}

for (const { name, authorization } of refused) {
  test(`${name}: refused, in words`, () => {
    const verdict = authenticate(noticeOf(authorization), settings);
    assert.ok(verdict.verdict === 'refused' && verdict.because.length > 10);
  });
}

test('while a password is being changed both are good', () => {
  const rotating = schema.parse({ webhookUser: user, webhookPassword: `new-one, ${password}` });
  const [{ authorization } = { authorization: '' }] = accepted;
  const fresh = `Basic ${Buffer.from(`${user}:new-one`).toString('base64')}`;
  for (const header of [authorization, fresh]) {
    assert.equal(authenticate(noticeOf(header), rotating).verdict, 'authentic');
  }
});

test('without user or password nothing is believed', () => {
  const [{ authorization } = { authorization: '' }] = accepted;
  for (const given of [{}, { webhookUser: user }, { webhookPassword: password }]) {
    const verdict = authenticate(noticeOf(authorization), schema.parse(given));
    assert.equal(verdict.verdict, 'refused');
  }
});

test('an event is recognised by its envelope', () => {
  assert.ok(recognizes(noticeOf(null)));
  assert.ok(recognizes(noticeOf(null, read('webhook-api-version-v1.in.json'))));
  assert.ok(!recognizes(noticeOf(null, read('api-list-transactions.in.json'))));
  const stripe = Buffer.from('{"object":"event","type":"x","data":{},"api_version":"2026"}');
  assert.ok(!recognizes(noticeOf(null, stripe)));
});
