import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { servicemobility } from '../portals/servicemobility/index.ts';
import { exampleRefund, exampleState } from './example-state.ts';
import { serviceMobilityObject } from './servicemobility-object.ts';

const settings = { merchantId: 'm-1', currency: 'USD', unsupportedMethods: 'skip' } as const;
type Change = NonNullable<Parameters<typeof exampleState>[1]>;

function textOf(topic: string, change: Change = {}, more: Partial<typeof settings> | object = {}) {
  const mapped = serviceMobilityObject(exampleState(topic, change), { ...settings, ...more });
  return 'body' in mapped ? mapped.body.toString() : `skip: ${mapped.skip}`;
}

function objectOf(topic: string, change: Change = {}): Record<string, unknown> {
  return JSON.parse(textOf(topic, change));
}

/** Status, type, id and amount: what tells the messages of a payment apart. */
function gist(topic: string, change: Change = {}) {
  const { TransactionStatus, TransactionType, TransactionID, Amount } = objectOf(topic, change);
  return [TransactionStatus, TransactionType, TransactionID, Amount];
}

const LATER = '2026-11-04T08:00:00.000Z';
const neverSucceeded = { succeededAt: null, succeededLastAt: null, receivedMinor: 0n };

test('a sale, with all nine properties', () => {
  assert.equal(
    textOf('payment.succeeded'),
    '{"Amount":1075,"MerchantID":"m-1","PaymentUTC":"2026-11-03T15:02:24.907Z",' +
      '"RefNum":"ORD-4534","Source":"Link","TransactionID":"stripe:ch_1",' +
      '"TransactionStatus":"Approved","TransactionType":"Sales","Type":"Card"}',
  );
});

describe('each topic', () => {
  test('authorized, and cancelled while nothing else', () => {
    const payment = { ...neverSucceeded, authorizedAt: LATER };
    assert.deepEqual(gist('payment.authorized', { payment }), [
      'Approved',
      'Authorization',
      'stripe:ch_1',
      1075,
    ]);
    const voided = { payment: { ...payment, voidedAt: LATER } };
    assert.equal(gist('payment.voided', voided)[1], 'Cancel');
  });

  test('voided after the sale', () => {
    assert.deepEqual(gist('payment.voided', { payment: { voidedAt: LATER } }), [
      'Approved',
      'Void',
      'stripe:ch_1',
      1075,
    ]);
  });

  test('failed, as the kind of attempt it was', () => {
    const payment = { ...neverSucceeded, failedAt: LATER };
    assert.deepEqual(gist('payment.failed', { payment }).slice(0, 2), ['Declined', 'Sales']);
    const authorization = { payment: { ...payment, authorizedAt: '2026-11-03T15:00:00.000Z' } };
    assert.equal(gist('payment.failed', authorization)[1], 'Authorization');
    const returned = objectOf('payment.failed', { payment: { failedAt: LATER } });
    assert.deepEqual([returned.TransactionType, returned.PaymentUTC], ['Sales', LATER]);
  });

  test('refunds under an id of their own, with the refunded part', () => {
    const refund = exampleRefund();
    assert.deepEqual(gist('refund.succeeded', { refund }), [
      'Approved',
      'Refund',
      'stripe:re_1',
      75,
    ]);
    const failed = exampleRefund({ failedAt: LATER });
    assert.equal(gist('refund.failed', { refund: failed })[0], 'Declined');
    const sameId = exampleRefund({ externalId: 'ch_1' });
    assert.equal(gist('refund.succeeded', { refund: sameId })[2], 'stripe:ch_1:refund');
  });

  test('nothing of disputes, payouts, pending payments and releases', () => {
    for (const topic of ['dispute.opened', 'payout.paid', 'payment.pending', 'payment.released']) {
      assert.match(textOf(topic), /^skip: ServiceMobility has no word/);
    }
  });

  test('nothing that is no longer so', () => {
    assert.match(textOf('payment.succeeded', { payment: neverSucceeded }), /^skip/);
    const retried = { failedAt: '2026-11-03T14:00:00.000Z' };
    assert.match(textOf('payment.failed', { payment: retried }), /^skip/);
    assert.match(textOf('payment.voided'), /^skip/);
    assert.match(textOf('payment.authorized'), /^skip/);
    assert.match(textOf('refund.succeeded'), /^skip/);
    const refund = exampleRefund({ succeededAt: null });
    assert.match(textOf('refund.succeeded', { refund }), /^skip/);
  });
});

describe('what is not sent', () => {
  test('what came from ServiceMobility', () => {
    assert.match(textOf('payment.succeeded', { portal: 'servicemobility' }), /^skip: it was rec/);
  });
  test('copies', () => {
    assert.match(textOf('payment.succeeded', { payment: { mirrors: 4n } }), /^skip: it is a copy/);
  });
  test('another currency than the site’s', () => {
    assert.match(textOf('payment.succeeded', { payment: { currency: 'EUR' } }), /^skip.*EUR/);
  });
  test('no work order, or several', () => {
    assert.match(textOf('payment.succeeded', { workOrders: [] }), /^skip: it names no work order/);
    assert.match(textOf('payment.succeeded', { workOrders: ['A', 'B'] }), /^skip: it pays A, B/);
  });
  test('no amount', () => {
    assert.match(
      textOf('payment.voided', { payment: { amountMinor: 0n, voidedAt: LATER } }),
      /^skip/,
    );
  });
});

describe('type and source', () => {
  const typeOf = (method: string | null, unsupportedMethods: 'skip' | 'card' = 'skip') =>
    textOf('payment.succeeded', { payment: { method } }, { unsupportedMethods });

  test('by method', () => {
    assert.match(typeOf('check'), /"Type":"Check"/);
    assert.match(typeOf('phone'), /"Type":"Phone"/);
    assert.match(typeOf(null), /"Type":"Card"/);
  });
  test('bank debits and wallets only when switched on, cash never', () => {
    for (const method of ['ach', 'bank', 'wallet', 'other']) {
      assert.match(typeOf(method), /^skip/);
      assert.match(typeOf(method, 'card'), /"Type":"Card"/);
    }
    assert.match(typeOf('cash', 'card'), /^skip/);
  });
  test('Terminal when the card was present', () => {
    const source = (channel: string | null) =>
      objectOf('payment.succeeded', { payment: { channel } }).Source;
    for (const channel of ['Terminal', 'card_present', 'POS', 'in-person']) {
      assert.equal(source(channel), 'Terminal', channel);
    }
    for (const channel of ['Link', 'card_not_present', 'deposit', null]) {
      assert.equal(source(channel), 'Link', String(channel));
    }
  });
  test('the work order is spelled as it stands', () => {
    assert.equal(
      objectOf('payment.succeeded', { workOrders: ['ord-0045 a'] }).RefNum,
      'ord-0045 a',
    );
  });
});

test('what we send, our own portal reads as the very same money', () => {
  const currencies = fc.constantFrom('USD', 'JPY', 'KWD');
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 10n ** 17n }), currencies, (amountMinor, currency) => {
      const text = textOf(
        'payment.succeeded',
        { payment: { amountMinor, currency } },
        { currency },
      );
      const document = { body: Buffer.from(text), headers: {}, receivedAt: new Date(0) };
      const read = servicemobility.normalize(document, { currency });
      assert.ok('events' in read, text);
      assert.equal(read.events[0]?.amountMinor, amountMinor);
      assert.equal(read.events[0]?.type, 'payment.succeeded');
    }),
  );
});
