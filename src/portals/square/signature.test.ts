import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { WebhooksHelper } from 'square';
import type { Notice } from '../contract.ts';
import { hmac } from '../kit/hmac.ts';
import { settings } from './settings.ts';
import { authenticate, recognizes } from './signature.ts';

const fixtures = new URL('./fixtures/', import.meta.url);
const KEY = 'test-EXAMPLE-xC2dLmP0q9vT4sBn';
const URL_ = 'https://sync.airworks-repair.example/hooks/square';
const BODY = readFileSync(new URL('webhook-payment-succeeded.in.json', fixtures));
const SIGNATURE = 'sJl17+xrNbhR1rls8DAez486YJsrmce7aZ5OhdJR0+4=';

type Vector = {
  readonly name: string;
  readonly key: string;
  readonly notificationUrl: string;
  readonly body?: string;
  readonly bodyFile?: string;
  readonly expected?: string;
  readonly sent?: string;
};

function judge(
  signature: string | undefined,
  body: Buffer | string = BODY,
  given: Readonly<Record<string, string>> = {},
  more: Partial<Notice> = {},
) {
  const headers = signature === undefined ? {} : { 'x-square-hmacsha256-signature': signature };
  const notice = { headers, body: Buffer.from(body), url: '/hooks/square', ...more };
  const of = settings.parse({ signatureKey: KEY, notificationUrl: URL_, ...given });
  return authenticate({ ...notice, receivedAt: new Date(0) }, of);
}

function codeOf(...input: Parameters<typeof judge>): string {
  const verdict = judge(...input);
  return verdict.verdict === 'refused' ? verdict.code : verdict.verdict;
}

function because(...input: Parameters<typeof judge>): string {
  const verdict = judge(...input);
  return verdict.verdict === 'refused' ? verdict.because : '';
}

function sign(body: Buffer | string, { key = KEY, url = URL_ } = {}): string {
  return hmac('sha256', key, url, Buffer.from(body)).toString('base64');
}

describe('documented vectors', () => {
  const vectors: readonly Vector[] = JSON.parse(
    readFileSync(new URL('signature-vectors.json', fixtures), 'utf8'),
  );
  for (const vector of vectors) {
    test(`${vector.name} (${vector.notificationUrl})`, () => {
      const file = vector.bodyFile?.replace(/\.json$/, '.in.json');
      const body = file ? readFileSync(new URL(file, fixtures)) : Buffer.from(vector.body ?? '');
      const given = { signatureKey: vector.key, notificationUrl: vector.notificationUrl };
      const found = codeOf(vector.sent ?? vector.expected, body, given);
      if (vector.sent === undefined) assert.equal(found, 'authentic');
      else assert.match(found, /^signature-(wrong|malformed)$/);
    });
  }

  for (const file of ['webhook-headers.json', 'webhook-headers-retry.json']) {
    test(`${file} belong to webhook-payment-succeeded`, () => {
      const headers = JSON.parse(readFileSync(new URL(file, fixtures), 'utf8'));
      assert.equal(codeOf(undefined, BODY, {}, { headers }), 'authentic');
      const notice = { headers, body: BODY, url: '/', receivedAt: new Date(0) };
      assert.equal(recognizes(notice), true);
      assert.equal(recognizes({ ...notice, headers: { 'x-square-signature': 'a' } }), false);
    });
  }
});

test('what we accept is what the official SDK accepts', async () => {
  const text = fc.string({ minLength: 1, maxLength: 40 }).filter((one) => /^[!-~]+$/.test(one));
  await fc.assert(
    fc.asyncProperty(
      text.filter((key) => !key.includes(',')),
      fc.webUrl({ withQueryParameters: true }),
      fc.string({ unit: 'grapheme' }).filter((one) => one.isWellFormed()),
      fc.boolean(),
      async (key, url, body, honest) => {
        const signature = sign(body, { key: honest ? key : `${key}x`, url });
        const official = await WebhooksHelper.verifySignature({
          requestBody: body,
          signatureHeader: signature,
          signatureKey: key,
          notificationUrl: url,
        });
        const ours = codeOf(signature, body, { signatureKey: key, notificationUrl: url });
        assert.equal(ours === 'authentic', official);
        assert.equal(official, honest);
      },
    ),
  );
});

test('a byte changed in body, address, key or signature is refused', () => {
  assert.equal(codeOf(SIGNATURE), 'authentic');
  assert.equal(codeOf(SIGNATURE, `${BODY} `), 'signature-wrong');
  assert.equal(codeOf(SIGNATURE, BODY, { notificationUrl: `${URL_}?a=1` }), 'signature-wrong');
  assert.equal(codeOf(SIGNATURE, BODY, { signatureKey: 'another' }), 'signature-wrong');
  // Base64 knows several texts for the same bytes; only the one that Square writes is right.
  assert.equal(Buffer.from('4=', 'base64').equals(Buffer.from('5=', 'base64')), true);
  assert.equal(codeOf(SIGNATURE.replace('4=', '5=')), 'signature-wrong');
});

test('either of two keys is enough while they are rotated', () => {
  assert.equal(codeOf(SIGNATURE, BODY, { signatureKey: `new-key, ${KEY}\n` }), 'authentic');
});

test('the address is taken from the settings, never from the request', () => {
  const headers = {
    'x-square-hmacsha256-signature': SIGNATURE,
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
  };
  assert.equal(codeOf(undefined, BODY, {}, { headers, url: '/elsewhere' }), 'authentic');
});

test('without key or address nothing is authentic', () => {
  const bare = (given: Readonly<Record<string, string>>) =>
    authenticate(
      {
        headers: { 'x-square-hmacsha256-signature': SIGNATURE },
        body: BODY,
        url: '/',
        receivedAt: new Date(0),
      },
      settings.parse(given),
    );
  for (const given of [{}, { signatureKey: KEY }, { notificationUrl: URL_ }]) {
    assert.equal(bare(given).verdict, 'refused');
  }
});

test('a header that is absent or not in the documented form is named as such', () => {
  assert.equal(codeOf(undefined), 'signature-missing');
  assert.equal(codeOf(''), 'signature-missing');
  const legacy = { 'x-square-signature': 'mibORqF6hMCwLrFAArkWw2o+o7U=' };
  assert.match(because(undefined, BODY, {}, { headers: legacy }), /retired x-square-signature/);
  for (const wrong of ['mibORqF6hMCwLrFAArkWw2o+o7U=', 'gibberish', `${SIGNATURE}, ${SIGNATURE}`]) {
    assert.equal(codeOf(wrong), 'signature-malformed');
  }
});

describe('a refusal says what to look at', () => {
  const registered: readonly (readonly [what: string, signedFor: string, url?: string])[] = [
    ['a slash at its end', `${URL_}/`],
    ['another scheme', URL_.replace('https', 'http')],
    ['the path that was called', 'https://sync.airworks-repair.example/x/y?z=1', '/x/y?z=1'],
  ];
  for (const [what, signedFor, url = '/hooks/square'] of registered) {
    test(what, () => {
      const said = because(sign(BODY, { url: signedFor }), BODY, {}, { url });
      assert.ok(said.startsWith(`it is signed for ${signedFor}, but \`notificationUrl\``), said);
    });
  }

  test('a body that was written anew', () => {
    const pretty = JSON.stringify(JSON.parse(BODY.toString()), null, 2);
    assert.match(because(SIGNATURE, pretty), /written anew/);
  });

  test('a key in quotes', () => {
    assert.match(because(SIGNATURE, BODY, { signatureKey: `"${KEY}"` }), /quotes/);
  });

  test('none of these', () => {
    assert.match(because(sign('other')), /fits no `signatureKey`.*`notificationUrl`/);
  });
});

describe('an app of several sellers', () => {
  test('takes its own, whose name only counts once the signature is right', () => {
    assert.equal(codeOf(SIGNATURE, BODY, { merchantId: '6SSW7HV8K2ST5' }), 'authentic');
    assert.equal(codeOf(SIGNATURE, BODY, { merchantId: 'OTHER' }), 'wrong-account');
    assert.equal(codeOf(sign('x'), BODY, { merchantId: 'OTHER' }), 'signature-wrong');
  });

  test('stores what cannot be read', () => {
    for (const body of ['', '{', 'null', '[]', '{"merchant_id":7}']) {
      assert.equal(codeOf(sign(body), body, { merchantId: 'OTHER' }), 'authentic');
    }
  });
});
