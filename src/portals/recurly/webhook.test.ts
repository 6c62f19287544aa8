import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Notice } from '../contract.ts';
import { settings as schema } from './settings.ts';
import { authenticate, recognizes } from './webhook.ts';

const FIXTURES = new URL('fixtures/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FIXTURES));

type Vector = {
  readonly name: string;
  readonly key: string;
  readonly body: string;
  readonly signature: string;
  readonly receivedAtMs: number;
  readonly accepted: boolean;
};
const vectors = JSON.parse(read('signature-vectors.json').toString()) as readonly Vector[];
const [vector] = vectors as [Vector];

function noticeOf(given: Partial<Vector>, headers: Readonly<Record<string, string>> = {}): Notice {
  const { body, signature, receivedAtMs } = { ...vector, ...given };
  return {
    headers: { 'recurly-signature': signature, ...headers },
    body: Buffer.from(body),
    url: '/',
    receivedAt: new Date(receivedAtMs),
  };
}

const codeOf = (notice: Notice, given: Readonly<Record<string, string>>) => {
  const verdict = authenticate(notice, schema.parse(given));
  return verdict.verdict === 'refused' ? verdict.code : verdict.verdict;
};

for (const one of vectors) {
  test(`${one.name}: ${one.accepted ? 'authentic' : 'refused, in words'}`, () => {
    const verdict = authenticate(noticeOf(one), schema.parse({ webhookSecret: one.key }));
    assert.equal(verdict.verdict, one.accepted ? 'authentic' : 'refused');
    if (verdict.verdict === 'refused') assert.ok(verdict.because.length > 10);
  });
}

test('the reason names what is wrong', () => {
  const late = noticeOf({ receivedAtMs: vector.receivedAtMs + 3_600_000 });
  assert.equal(codeOf(late, { webhookSecret: vector.key }), 'timestamp-stale');
  assert.equal(codeOf(late, { webhookSecret: vector.key, toleranceMinutes: '60' }), 'authentic');
  assert.equal(codeOf(noticeOf({ signature: 'x' }), { webhookSecret: 'k' }), 'signature-malformed');
  const decoded = createHmac('sha256', Buffer.from(vector.key, 'hex'))
    .update(`${vector.receivedAtMs}.${vector.body}`)
    .digest('hex');
  const verdict = authenticate(
    noticeOf({ signature: `${vector.receivedAtMs},${decoded}` }),
    schema.parse({ webhookSecret: vector.key }),
  );
  assert.match(verdict.verdict === 'refused' ? verdict.because : '', /hexadecimal bytes/);
});

test('each of our secrets may fit while it is being changed', () => {
  assert.equal(codeOf(noticeOf({}), { webhookSecret: `another,${vector.key}` }), 'authentic');
});

test('another site is refused where the site is known', () => {
  const given = { webhookSecret: vector.key };
  assert.equal(codeOf(noticeOf({}), { ...given, siteId: 'qc326l1hl8k9' }), 'authentic');
  assert.equal(codeOf(noticeOf({}), { ...given, siteId: 'qother' }), 'wrong-account');
});

describe('HTTP Basic', () => {
  const basic = { webhookUser: 'recurly', webhookPassword: 's:3cret-é' };
  const pair = (text: string) => ({
    authorization: `Basic ${Buffer.from(text).toString('base64')}`,
  });
  const right = pair('recurly:s:3cret-é');
  const unsigned = (name: string, headers: Readonly<Record<string, string>> = {}): Notice => ({
    headers,
    body: read(name),
    url: '/',
    receivedAt: new Date(vector.receivedAtMs),
  });
  const XML = 'webhook-xml-successful-payment.in.xml';
  const JSON_NOTICE = 'webhook-json-payment-succeeded.in.json';

  test('is all the proof that XML has, and fails closed', () => {
    assert.equal(codeOf(unsigned(XML, right), basic), 'authentic');
    assert.equal(codeOf(unsigned(XML), basic), 'signature-missing');
    assert.equal(codeOf(unsigned(XML, pair('recurly:wrong')), basic), 'signature-wrong');
    assert.equal(codeOf(unsigned(XML, right), {}), 'signature-wrong');
    assert.equal(codeOf(unsigned(XML, right), { webhookUser: 'recurly' }), 'signature-wrong');
    assert.equal(codeOf(unsigned(XML), { webhookSecret: vector.key }), 'signature-wrong');
  });

  test('counts for JSON only while there is no secret', () => {
    assert.equal(codeOf(unsigned(JSON_NOTICE, right), basic), 'authentic');
    const both = { ...basic, webhookSecret: vector.key };
    assert.equal(codeOf(unsigned(JSON_NOTICE, right), both), 'signature-missing');
    assert.equal(codeOf(noticeOf({ body: '{}' }, right), both), 'signature-wrong');
    assert.equal(codeOf(unsigned(XML, right), both), 'authentic');
  });

  test('a signature that nothing can check needs the password', () => {
    assert.equal(codeOf(noticeOf({}), {}), 'signature-wrong');
    assert.equal(codeOf(noticeOf({}), basic), 'signature-missing');
    assert.equal(codeOf(noticeOf({}, right), basic), 'authentic');
  });
});

test('a delivery is recognised by its header, members or root', () => {
  const of = (body: string, headers = {}) =>
    recognizes({ headers, body: Buffer.from(body), url: '/', receivedAt: new Date() });
  assert.ok(of('x', { 'recurly-signature': '1,ab' }));
  assert.ok(of(vector.body));
  assert.ok(of(read('webhook-xml-void-payment.in.xml').toString()));
  assert.ok(of('\ufeff<new_account_notification>'));
  assert.ok(!of('<notification><kind>x</kind></notification>'));
  assert.ok(!of('{"event_type":"x","object":"event"}'));
});
