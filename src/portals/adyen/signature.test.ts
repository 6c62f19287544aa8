import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import sdk from '@adyen/api-library';
import fc from 'fast-check';
import type { Notice, Verdict } from '../contract.ts';
import { settings as settingsSchema } from './settings.ts';
import { authenticate, recognizes } from './signature.ts';

type Item = Record<string, unknown> & {
  additionalData: Record<string, string>;
  amount: { value: number; currency: string };
};
type Vector = {
  readonly name: string;
  readonly keyHex: string;
  readonly item?: Item;
  readonly bodyFile?: string;
  readonly expected?: string;
  readonly valid?: boolean;
};

const KEY = '44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056';
const OTHER_KEY = 'DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00';
const validator = new sdk.hmacValidator();
const folder = new URL('./fixtures/', import.meta.url);
const read = (name: string): Buffer => readFileSync(new URL(name, folder));
const fixture = (name: string): Buffer => read(`${name}.in.json`);

function envelope(...items: readonly unknown[]): Buffer {
  const notificationItems = items.map((item) => ({ NotificationRequestItem: item }));
  return Buffer.from(JSON.stringify({ live: 'false', notificationItems }));
}

function judge(
  body: Buffer,
  given: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): Verdict {
  const settings = settingsSchema.parse({ environment: 'sandbox', hmacKey: KEY, ...given });
  const notice: Notice = { headers, body, url: '/', receivedAt: new Date(0) };
  return authenticate(notice, settings);
}

function assertRefused(verdict: Verdict, code: string, because: RegExp): void {
  assert.ok(verdict.verdict === 'refused');
  assert.equal(verdict.code, code);
  assert.match(verdict.because, because);
}

/** An item as the official library signs it. */
function signed(fields: Partial<Item>, key = KEY): Item {
  const item: Item = {
    pspReference: 'QFQTPCQ8HXSKGK82',
    merchantAccountCode: 'AirworksRepairUS',
    merchantReference: 'INV-1',
    amount: { value: 1000, currency: 'EUR' },
    eventCode: 'AUTHORISATION',
    success: 'true',
    additionalData: {},
    ...fields,
  };
  const hmacSignature = validator.calculateHmac(item as never, key);
  return { ...item, additionalData: { ...item.additionalData, hmacSignature } };
}

describe('the signature vectors', () => {
  const vectors = JSON.parse(read('signature-vectors.json').toString()) as readonly Vector[];
  for (const { name, keyHex, item, bodyFile, expected, valid = true } of vectors) {
    test(name, () => {
      const body = bodyFile ? fixture(bodyFile.replace(/\.json$/, '')) : envelope(item);
      const { verdict } = judge(body, { hmacKey: keyHex });
      assert.equal(verdict, valid ? 'authentic' : 'refused');
      const carried = JSON.parse(body.toString()).notificationItems[0].NotificationRequestItem;
      assert.equal(validator.validateHMAC(carried, keyHex), valid);
      if (expected) assert.equal(carried.additionalData.hmacSignature, expected);
    });
  }
});

test('the form is signed like JSON', () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' };
  const body = read('webhook-form-variant.in.txt');
  assert.deepEqual(judge(body, {}, headers), { verdict: 'authentic' });
  const changed = Buffer.from(body.toString().replace('value=125050', 'value=125051'));
  assert.equal(judge(changed, {}, headers).verdict, 'refused');
  const notice: Notice = { headers, body, url: '/', receivedAt: new Date(0) };
  assert.equal(recognizes(notice), true);
  assert.equal(recognizes({ ...notice, headers: {} }), false);
  assert.equal(recognizes({ ...notice, body: fixture('webhook-refund'), headers: {} }), true);
});

test('every item of a batch must be signed', () => {
  assert.equal(judge(envelope(signed({}), signed({ success: 'false' }))).verdict, 'authentic');
  const [first, second] = [signed({}), signed({ eventCode: 'CAPTURE' })];
  assertRefused(
    judge(envelope(first, { ...second, success: 'false' })),
    'signature-wrong',
    /fits no/,
  );
  const { additionalData: _, ...unsigned } = second;
  assertRefused(judge(envelope(first, unsigned)), 'signature-missing', /generate an HMAC key/);
  assertRefused(judge(envelope(first, null)), 'signature-missing', /hmacSignature/);
  assertRefused(judge(envelope()), 'signature-malformed', /no notification item/);
  assertRefused(judge(Buffer.from('{}')), 'signature-malformed', /no notification item/);
  assertRefused(judge(Buffer.from('hello')), 'signature-malformed', /no notification item/);
});

test('old and new key are both good while one replaces the other', () => {
  const given = { hmacKey: `${OTHER_KEY}, ${KEY}` };
  assert.equal(judge(envelope(signed({})), given).verdict, 'authentic');
  assert.equal(judge(envelope(signed({}, OTHER_KEY)), given).verdict, 'authentic');
  assert.equal(judge(envelope(signed({})), { hmacKey: KEY.toLowerCase() }).verdict, 'authentic');
});

test('a refusal says what is wrong with the key', () => {
  const body = envelope(signed({}));
  assertRefused(judge(body, { hmacKey: OTHER_KEY }), 'signature-wrong', /another endpoint/);
  assertRefused(judge(body, { hmacKey: 'letmein' }), 'signature-wrong', /not the hexadecimal text/);
  const fields = 'QFQTPCQ8HXSKGK82::AirworksRepairUS:INV-1:1000:EUR:AUTHORISATION:true';
  const hmacSignature = createHmac('sha256', KEY).update(fields).digest('base64');
  const byText = envelope({ ...signed({}), additionalData: { hmacSignature } });
  assertRefused(judge(byText), 'signature-wrong', /uses the text of the secret/);
  const settings = settingsSchema.parse({});
  const notice: Notice = { headers: {}, body, url: '/', receivedAt: new Date(0) };
  assertRefused(authenticate(notice, settings), 'signature-wrong', /has no `hmacKey`/);
});

test('with Basic authentication both proofs are needed', () => {
  const headers = JSON.parse(read('webhook-headers.json').toString()) as Record<string, string>;
  const lower = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const given = { webhookUser: 'airworks', webhookPassword: 's3cret-é' };
  const body = fixture('webhook-refund');
  assert.deepEqual(judge(body, given, lower), { verdict: 'authentic' });
  assertRefused(judge(body, given), 'signature-missing', /user and password/);
  const wrong = { ...given, webhookPassword: 's3cret' };
  assertRefused(judge(body, wrong, lower), 'signature-wrong', /password/);
  assert.equal(judge(body, { webhookPassword: 's3cret-é' }, lower).verdict, 'refused');
  const unsigned = Buffer.from(body.toString().replace('yDuucI', 'xDuucI'));
  assert.equal(judge(unsigned, given, lower).verdict, 'refused');
});

test('test and live are kept apart', () => {
  const body = fixture('webhook-refund');
  assertRefused(judge(body, { environment: 'production' }), 'wrong-account', /test area/);
  const live = Buffer.from(body.toString().replace('"live":"false"', '"live":"true"'));
  assertRefused(judge(live), 'wrong-account', /live area/);
  assert.equal(judge(live, { environment: 'production' }).verdict, 'authentic');
});

test('whatever the official library signs is accepted, and nothing else', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 30 });
  const fields = fc.record({
    pspReference: text,
    originalReference: fc.option(text, { nil: undefined }),
    merchantReference: fc.option(text, { nil: null }),
    amount: fc.record({
      value: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      currency: fc.constantFrom('EUR', 'JPY', 'KWD'),
    }),
    success: fc.constantFrom('true', 'false'),
  });
  fc.assert(
    fc.property(fields, (given) => {
      const item = signed(given as Partial<Item>);
      assert.equal(judge(envelope(item)).verdict, 'authentic');
      const more = { ...item, amount: { ...item.amount, value: item.amount.value + 1 } };
      assert.equal(judge(envelope(more)).verdict, 'refused');
    }),
  );
});
