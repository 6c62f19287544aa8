import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Normalized, Notice, PortalDocument } from '../contract.ts';
import { toJsonEvent } from '../events.ts';
import { Secret } from '../kit/secret.ts';
import { servicemobility } from './index.ts';
import { issueToken } from './token.ts';

const FIXTURES = new URL('./fixtures/', import.meta.url);
const MERCHANT = '8f946192-3c9c-11ea-b77f-2e728ce88125';
const SECRET = 'servicemobility-EXAMPLE-secret-0001';
const NOW = new Date('2026-11-03T15:03:24.000Z');
const REQUIRED = { merchantId: MERCHANT, jwtSecret: SECRET };

const sale = JSON.parse(readFixture('payment-succeeded.in.json').toString('utf8'));
const token = issueToken({ name: 'sync' }, { secret: new Secret(SECRET), now: NOW });
const webhook = servicemobility.webhook as NonNullable<typeof servicemobility.webhook>;

function readFixture(name: string): Buffer {
  return readFileSync(new URL(name, FIXTURES));
}

function connect(more: Record<string, string> = {}): unknown {
  return servicemobility.settings.parse({ ...REQUIRED, ...more });
}

function documentOf(body: Buffer | string): PortalDocument {
  return { body: Buffer.from(body), headers: {}, receivedAt: NOW };
}

function noticeOf(body: unknown, more: Partial<Notice> = {}): Notice {
  return {
    headers: { 'x-access-token': token },
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    url: '/webhooks/servicemobility/con_1',
    receivedAt: NOW,
    ...more,
  };
}

function toJson(normalized: Normalized): unknown {
  return 'events' in normalized ? { events: normalized.events.map(toJsonEvent) } : normalized;
}

function normalizeChange(change: Record<string, unknown>, more: Record<string, string> = {}) {
  const body = JSON.stringify({ ...sale, ...change });
  return servicemobility.normalize(documentOf(body), connect(more));
}

function amountOf(text: string, more: Record<string, string> = {}): bigint | string {
  const body = JSON.stringify({ ...sale, Amount: 0 }).replace('"Amount":0', `"Amount":${text}`);
  const normalized = servicemobility.normalize(documentOf(body), connect(more));
  if ('quarantined' in normalized) return normalized.quarantined;
  return 'events' in normalized ? (normalized.events[0]?.amountMinor ?? '') : '';
}

describe('fixtures', () => {
  const cases = readdirSync(FIXTURES).filter((name) => name.endsWith('.in.json'));
  for (const name of cases) {
    test(name.replace('.in.json', ''), () => {
      const golden = JSON.parse(readFixture(name.replace('.in.', '.out.')).toString('utf8'));
      const normalized = servicemobility.normalize(documentOf(readFixture(name)), connect());
      assert.deepEqual(toJson(normalized), golden);
    });
  }
});

describe('what is refused', () => {
  const wrong: readonly (readonly [string, Record<string, unknown>])[] = [
    ['an unknown status', { TransactionStatus: 'Pending' }],
    ['an empty status', { TransactionStatus: '' }],
    ['an unknown type', { TransactionType: 'Capture' }],
    ['an unknown kind of payment', { Type: 'Wallet' }],
    ['a literal bar', { TransactionStatus: 'Approved|Declined' }],
    ['no merchant', { MerchantID: undefined }],
    ['a blank work order', { RefNum: ' ' }],
    ['a number as transaction id', { TransactionID: 17 }],
    ['NUL in a text', { RefNum: 'ORD\u0000' }],
    ['half a surrogate pair', { RefNum: 'ORD-\ud800' }],
    ['a very long id', { TransactionID: 'x'.repeat(256) }],
    ['a time without zone', { PaymentUTC: '2026-11-03T15:02:24.907' }],
    ['a time with an offset', { PaymentUTC: '2026-11-03T15:02:24.907+00:00' }],
    ['a time without milliseconds', { PaymentUTC: '2026-11-03T15:02:24Z' }],
    ['30 February', { PaymentUTC: '2026-02-30T15:02:24.907Z' }],
    ['zero', { Amount: 0 }],
    ['a negative sale', { Amount: -5 }],
    ['a third of a cent', { Amount: 10.333 }],
    ['an amount in words', { Amount: 'ten' }],
    ['no amount', { Amount: null }],
    ['an amount in an object', { Amount: { value: 1 } }],
  ];
  for (const [name, change] of wrong) {
    test(name, () => assert.ok('quarantined' in normalizeChange(change)));
  }

  test('bodies that are not one object', () => {
    for (const body of ['', 'null', '[]', '"x"', '{', '1', '<xml/>', JSON.stringify([sale])]) {
      assert.ok('quarantined' in servicemobility.normalize(documentOf(body), connect()), body);
    }
  });

  test('every reason is named', () => {
    const normalized = normalizeChange({ Amount: -1, RefNum: '', TransactionStatus: 'Maybe' });
    assert.deepEqual(normalized, {
      quarantined: 'RefNum must not be blank; TransactionStatus must be one of Approved, Declined',
    });
  });
});

describe('money', () => {
  test('decimals are exact', () => {
    assert.equal(amountOf('55.0'), 5500n);
    assert.equal(amountOf('1210.45'), 121045n);
    assert.equal(amountOf('0.29'), 29n);
    assert.equal(amountOf('90071992547409.93'), 9007199254740993n);
    assert.equal(amountOf('"1075.00"'), 107500n);
    assert.match(String(amountOf('1e3')), /plain decimal/);
  });

  test('JPY has no decimals, KWD three', () => {
    assert.equal(amountOf('1075', { currency: 'JPY' }), 1075n);
    assert.match(String(amountOf('1075.5', { currency: 'JPY' })), /more than 0 digits/);
    assert.equal(amountOf('1.005', { currency: 'KWD' }), 1005n);
  });

  test('currency and unit are settings', () => {
    const byMerchant = { currencyByMerchant: `other=GBP, ${MERCHANT}=JPY` };
    assert.equal(amountOf('1075', byMerchant), 1075n);
    assert.equal(amountOf('107550', { amountUnit: 'minor' }), 107550n);
    assert.match(String(amountOf('1075.5', { amountUnit: 'minor' })), /more than 0 digits/);
    for (const bad of [{ currency: 'usd' }, { currency: 'XAU' }, { currencyByMerchant: 'a=ZZZ' }]) {
      assert.throws(() => connect(bad));
    }
  });

  test('reads without any settings, as US dollars', () => {
    const normalized = servicemobility.normalize(documentOf(JSON.stringify(sale)), {});
    assert.ok('events' in normalized && normalized.events[0]?.currency === 'USD');
  });
});

describe('split', () => {
  const keyOf = (change: Record<string, unknown>) =>
    servicemobility.split(Buffer.from(JSON.stringify({ ...sale, ...change })), {})[0]?.key;

  test('a repeat has the same key, whatever its spelling', () => {
    const { TransactionID: id } = sale;
    assert.equal(keyOf({}), `event:${MERCHANT}|${id}|Sales|Approved|1075`);
    assert.equal(keyOf({ TransactionStatus: 'APPROVED', TransactionType: 'Sale' }), keyOf({}));
    assert.equal(keyOf({ Amount: '1075.00' }), keyOf({}));
    assert.notEqual(keyOf({ Amount: '1070' }), keyOf({ Amount: '107' }));
  });

  test('type, status and amount tell documents apart', () => {
    const changes = [
      {},
      { TransactionType: 'Void' },
      { TransactionStatus: 'Declined' },
      { Amount: 1 },
    ];
    assert.equal(new Set(changes.map(keyOf)).size, changes.length);
  });

  test('a long key is hashed', () => {
    const key = keyOf({ TransactionID: 'ü'.repeat(200) });
    assert.match(key ?? '', /^event:[0-9a-f]{64}$/);
  });

  test('keeps the bytes', () => {
    const body = readFixture('payment-phone.in.json');
    assert.deepEqual(servicemobility.split(body, {})[0]?.body, body);
  });
});

describe('webhook', () => {
  const verdict = (notice: Notice, more: Record<string, string> = {}) => {
    const answer = webhook.authenticate(notice, connect(more));
    return answer.verdict === 'refused' ? answer.code : answer.verdict;
  };
  const charge = (gateway: string) => `/seiapi/v3/webhooks/Payments/${gateway}/Charge`;

  test('a token of the secret proves the sender', () => {
    assert.equal(verdict(noticeOf(sale)), 'authentic');
    assert.equal(verdict(noticeOf(sale), { jwtSecret: `new-one, ${SECRET}` }), 'authentic');
    assert.equal(verdict(noticeOf(sale, { headers: {} })), 'signature-missing');
    assert.equal(verdict(noticeOf(sale), { jwtSecret: 'another' }), 'signature-wrong');
    const bearer = { 'x-access-token': `Bearer ${token}` };
    assert.equal(verdict(noticeOf(sale, { headers: bearer })), 'signature-malformed');
  });

  test('only until it expires, with a minute of leeway', () => {
    const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
    assert.equal(verdict(noticeOf(sale, { receivedAt: at(3659) })), 'authentic');
    assert.equal(verdict(noticeOf(sale, { receivedAt: at(3660) })), 'token-expired');
  });

  test('only for its merchant and gateway', () => {
    assert.equal(verdict(noticeOf({ ...sale, MerchantID: 'other' })), 'wrong-account');
    assert.equal(verdict(noticeOf({ MerchantID: 'other' })), 'wrong-account');
    const two = { merchantId: `${MERCHANT}, other` };
    assert.equal(verdict(noticeOf({ ...sale, MerchantID: 'other' }), two), 'authentic');
    const gateway = { paymentGatewayId: 'gw-1' };
    assert.equal(verdict(noticeOf(sale, { url: charge('gw-1') }), gateway), 'authentic');
    assert.equal(verdict(noticeOf(sale, { url: charge('gw-2') }), gateway), 'wrong-account');
    assert.equal(verdict(noticeOf(sale, { url: charge('gw-2') })), 'authentic');
  });

  test('an unreadable body of a proven sender is kept', () => {
    assert.equal(verdict(noticeOf('{')), 'authentic');
  });

  test('answers 200 with an empty object, or 400 naming what is invalid', () => {
    const reply = (body: unknown) => {
      const { acknowledge } = webhook;
      return typeof acknowledge === 'function'
        ? acknowledge(noticeOf(body), connect())
        : acknowledge;
    };
    assert.deepEqual([reply(sale).status, reply(sale).body], [200, '{}']);
    const bad = reply({ ...sale, TransactionStatus: 'Maybe', Amount: 1.005 });
    assert.equal(bad.status, 400);
    assert.deepEqual(JSON.parse(bad.body ?? ''), {
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'One or more properties are invalid',
      invalidParams: [
        {
          name: 'TransactionStatus',
          reason: 'must be one of Approved, Declined',
          path: '/TransactionStatus',
          value: 'Maybe',
        },
      ],
    });
    assert.match(reply({ ...sale, Amount: 1.005 }).body ?? '', /"path":"\/Amount"/);
    assert.equal(reply('not json').status, 400);
  });

  test('recognizes its own deliveries only', () => {
    const recognized = (notice: Notice) => webhook.recognizes(notice);
    assert.ok(recognized(noticeOf(sale)));
    assert.ok(recognized(noticeOf(sale, { headers: {} })));
    assert.ok(recognized(noticeOf({ RefNum: 'ORD-1' })));
    assert.ok(recognized(noticeOf('', { url: charge('gw-1'), headers: {} })));
    const stripe = { id: 'evt_1', object: 'event', data: { object: { MerchantID: 'x' } } };
    assert.ok(!recognized(noticeOf(stripe, { headers: { 'stripe-signature': 't=1,v1=0' } })));
    assert.ok(!recognized(noticeOf('id=tr_1', { headers: {} })));
  });
});

describe('properties', () => {
  const values = fc.oneof(fc.jsonValue(), fc.constantFrom(...Object.values(sale as object)));
  const nearly = fc
    .record(Object.fromEntries(Object.keys(sale).map((key) => [key, values])), { requiredKeys: [] })
    .map((object) => Buffer.from(JSON.stringify(object)));
  const bytes = fc.oneof(
    nearly,
    fc.uint8Array().map((array) => Buffer.from(array)),
    fc.json().map((text) => Buffer.from(text)),
  );

  test('nothing throws on any bytes, and nothing invalid becomes an event', () => {
    fc.assert(
      fc.property(bytes, (body) => {
        const [document] = servicemobility.split(body, {});
        assert.ok(Buffer.byteLength(document?.key ?? '') <= 200);
        assert.ok(document?.body.equals(body));
        webhook.recognizes(noticeOf(body.toString()));
        webhook.authenticate(noticeOf(body.toString()), connect());
        const normalized = servicemobility.normalize(documentOf(body), connect());
        for (const event of 'events' in normalized ? normalized.events : []) {
          assert.ok(event.amountMinor > 0n || event.type === 'payment.voided');
        }
      }),
    );
  });

  test('any amount of cents comes back exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 15n }), (minor) => {
        const digits = minor.toString().padStart(3, '0');
        assert.equal(amountOf(`${digits.slice(0, -2)}.${digits.slice(-2)}`), minor);
      }),
    );
  });
});
