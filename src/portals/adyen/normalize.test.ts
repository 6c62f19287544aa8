import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { methodOf } from './methods.ts';
import { normalize } from './normalize.ts';
import { settings as settingsSchema } from './settings.ts';
import { split } from './split.ts';

type Fields = Readonly<Record<string, unknown>>;

function read(body: Buffer, given: Readonly<Record<string, string>> = {}): readonly Normalized[] {
  const settings = settingsSchema.parse({ environment: 'sandbox', ...given });
  return split(body).map((document) =>
    normalize({ body: document.body, headers: {}, receivedAt: new Date(0) }, settings),
  );
}

function fixture(name: string, changed: Fields = {}): Buffer {
  const file = readFileSync(new URL(`./fixtures/${name}.in.json`, import.meta.url));
  const whole = JSON.parse(file.toString());
  const [{ NotificationRequestItem: item }] = whole.notificationItems;
  const notificationItems = [{ NotificationRequestItem: { ...item, ...changed } }];
  return Buffer.from(JSON.stringify({ ...whole, notificationItems }));
}

function only(outcomes: readonly Normalized[]): CanonicalEvent {
  const [outcome] = outcomes;
  assert.ok(outcome && 'events' in outcome, inspect(outcome));
  assert.equal(outcome.events.length, 1);
  return outcome.events[0] as CanonicalEvent;
}

function ignored(outcomes: readonly Normalized[]): string {
  const [outcome] = outcomes;
  assert.ok(outcome && 'ignored' in outcome, inspect(outcome));
  return outcome.ignored;
}

function quarantined(outcomes: readonly Normalized[]): string {
  const [outcome] = outcomes;
  assert.ok(outcome && 'quarantined' in outcome, inspect(outcome));
  return outcome.quarantined;
}

describe('automatic or manual capture', () => {
  const type = (given: Readonly<Record<string, string>>, paymentMethod: string) =>
    only(read(fixture('webhook-payment-succeeded', { paymentMethod }), given)).type;

  test('is a setting of the connection, automatic unless it says otherwise', () => {
    assert.equal(type({}, 'visa'), 'payment.succeeded');
    assert.equal(type({ capture: 'automatic' }, 'visa'), 'payment.succeeded');
    assert.equal(type({ capture: 'manual' }, 'visa'), 'payment.authorized');
    assert.throws(() => type({ capture: 'perhaps' }, 'visa'));
  });

  test('with exceptions by payment method', () => {
    assert.equal(type({ capture: 'manual' }, 'bankTransfer_IBAN'), 'payment.succeeded');
    assert.equal(
      type({ capture: 'manual', automaticCaptureMethods: '' }, 'ideal'),
      'payment.authorized',
    );
    const klarna = { manualCaptureMethods: 'klarna*, afterpaytouch' };
    assert.equal(type(klarna, 'klarna_account'), 'payment.authorized');
    assert.equal(type(klarna, 'visa'), 'payment.succeeded');
  });

  test('unsigned hints in the item change nothing', () => {
    const additionalData = { captureDelayHours: '0', manualCapture: 'true' };
    const body = fixture('webhook-payment-succeeded', { additionalData });
    assert.equal(only(read(body, { capture: 'manual' })).type, 'payment.authorized');
    assert.equal(only(read(body)).type, 'payment.succeeded');
  });
});

test('success is the word "true" and nothing else', () => {
  const withSuccess = (success: unknown) => read(fixture('webhook-payment-succeeded', { success }));
  assert.equal(only(withSuccess('true')).type, 'payment.succeeded');
  assert.equal(only(withSuccess(true)).type, 'payment.succeeded');
  assert.equal(only(withSuccess('false')).type, 'payment.failed');
  assert.equal(only(withSuccess(false)).type, 'payment.failed');
  for (const unclear of ['TRUE', '1', 1, null, undefined]) {
    assert.throws(() => withSuccess(unclear), /success/, String(unclear));
  }
});

test('a failure whose success is false did not happen', () => {
  for (const name of ['webhook-capture-failed', 'webhook-refund-failed', 'webhook-dispute']) {
    assert.match(ignored(read(fixture(name, { success: 'false' }))), /:/);
  }
  const names = ['webhook-dispute-won', 'webhook-dispute-lost', 'webhook-dispute-period-ended'];
  for (const name of [...names, 'webhook-offer-closed', 'webhook-pending', 'webhook-expire']) {
    assert.match(ignored(read(fixture(name, { success: 'false' }))), /^[A-Z_]+: /);
  }
});

test('a modification must say of which payment it is', () => {
  for (const name of ['webhook-capture', 'webhook-capture-failed', 'webhook-cancellation']) {
    for (const originalReference of ['', null, undefined]) {
      assert.throws(() => read(fixture(name, { originalReference })), /originalReference/);
    }
  }
  const expired = only(read(fixture('webhook-expire', { originalReference: '' })));
  assert.equal(expired.externalPaymentId, 'EXP2RBJ5NKT8MB64');
  const unreferenced = fixture('webhook-refund-with-data', { originalReference: null });
  assert.equal(only(read(unreferenced)).externalPaymentId, null);
});

test('money without an amount is not guessed', () => {
  const amount = { value: 0, currency: 'USD' };
  for (const name of ['webhook-refund', 'webhook-capture', 'webhook-dispute']) {
    assert.throws(() => read(fixture(name, { amount })), /no positive amount/);
    assert.throws(() => read(fixture(name, { amount: undefined })), /amount/);
  }
  assert.match(ignored(read(fixture('webhook-payment-succeeded', { amount }))), /pays nothing/);
  for (const value of [-5, 1.5, '12a', null]) {
    const wrong = { value, currency: 'USD' };
    assert.throws(() => read(fixture('webhook-payment-succeeded', { amount: wrong })));
  }
});

describe('disputes', () => {
  const event = (name: string, disputeStatus?: string) =>
    read(fixture(name, { additionalData: disputeStatus === undefined ? {} : { disputeStatus } }));

  test('a status that contradicts the event holds it back, and never makes an outcome', () => {
    assert.match(quarantined(event('webhook-dispute-won', 'Accepted')), /contradict/);
    assert.match(quarantined(event('webhook-dispute-lost', 'Won')), /contradict/);
    for (const status of [undefined, 'Won', 'Pending', 'SomethingNew']) {
      assert.equal(only(event('webhook-dispute-won', status)).type, 'dispute.won');
    }
    for (const status of [undefined, 'Lost', 'Pending', 'Undefended']) {
      assert.equal(only(event('webhook-dispute-lost', status)).type, 'dispute.lost');
    }
    assert.match(ignored(event('webhook-dispute-reversed', 'Won')), /for now/);
    assert.equal(only(event('webhook-dispute', 'Won')).type, 'dispute.opened');
  });

  test('the end of the defence period loses what was not defended', () => {
    for (const status of [undefined, 'Lost', 'Undefended', 'Accepted']) {
      assert.equal(only(event('webhook-dispute-period-ended', status)).type, 'dispute.lost');
    }
    for (const status of ['Pending', 'Responded', 'Won', 'Expired']) {
      assert.match(ignored(event('webhook-dispute-period-ended', status)), /not lost/);
    }
  });

  test('all events of one dispute lead to one id, and only a chargeback takes the money', () => {
    const told = ['notification', 'won', 'lost', 'period-ended'].map((name) =>
      only(read(fixture(`webhook-dispute-${name}`))),
    );
    const charged = only(read(fixture('webhook-dispute')));
    assert.deepEqual(
      new Set([charged, ...told].map(({ disputeId }) => disputeId)),
      new Set(['CBK7TQ9WN2VX5J65']),
    );
    assert.equal(charged.fundsWithdrawn, true);
    assert.equal(told[0]?.fundsWithdrawn, false);
  });
});

test('what is unsigned never becomes an amount', () => {
  const additionalData = {
    grossValue: '1',
    grossCurrency: 'JPY',
    'order-1-paymentAmount': 'EUR 10.00',
    authorisedAmountValue: '5',
  };
  const event = only(read(fixture('webhook-payment-succeeded', { additionalData })));
  assert.deepEqual([event.amountMinor, event.currency], [125050n, 'USD']);
});

test('references are read by the names that the connection gives them', () => {
  const additionalData = {
    'metadata.wo': ' WO-7 ; WO-8',
    'metadata.order': 'SO-1',
    'metadata.description': 'for INV-9',
    'metadata.purchase_order': '',
    constructor: 'x',
  };
  const body = fixture('webhook-payment-succeeded', { additionalData, merchantReference: 'A 17' });
  const given = { workOrderMetadataKeys: 'wo', merchantReferenceMeans: 'workOrder' };
  assert.deepEqual(only(read(body, given)).references, [
    { kind: 'workOrder', number: 'A 17' },
    { kind: 'workOrder', number: 'WO-7' },
    { kind: 'workOrder', number: 'WO-8' },
    { kind: 'order', number: 'SO-1' },
    { kind: 'memo', text: 'for INV-9' },
  ]);
  const [first] = only(read(body, { merchantReferenceMeans: 'memo' })).references;
  assert.deepEqual(first, { kind: 'memo', text: 'A 17' });
});

test('methods are ours by Adyen’s names', () => {
  const cases = {
    visa: 'card',
    mc: 'card',
    amex: 'card',
    visa_applepay: 'wallet',
    mc_googlepay: 'wallet',
    applepay: 'wallet',
    paypal: 'wallet',
    ach: 'ach',
    directdebit_GB: 'ach',
    sepadirectdebit: 'ach',
    bankTransfer_NL: 'bank',
    ideal: 'bank',
    klarna: 'other',
    giftcard: 'other',
  } as const;
  for (const [name, method] of Object.entries(cases)) assert.equal(methodOf(name), method, name);
  assert.equal(methodOf(''), null);
  assert.equal(methodOf(undefined), null);
});

test('a company webhook may tell of accounts that are not ours', () => {
  const body = fixture('webhook-refund');
  assert.match(ignored(read(body, { merchantAccounts: 'AirworksRepairEU' })), /none of this/);
  const given = { merchantAccounts: 'AirworksRepairEU, AirworksRepairUS' };
  assert.equal(only(read(body, given)).type, 'refund.succeeded');
});

test('codes that are not listed are ignored by name, undone settlements are not', () => {
  for (const eventCode of [
    'MANUAL_REVIEW_ACCEPT',
    'PAYOUT_THIRDPARTY',
    'AUTORESCUE',
    'ORDER_OPENED',
  ]) {
    assert.match(ignored(read(fixture('webhook-refund', { eventCode }))), new RegExp(eventCode));
  }
  for (const eventCode of ['SETTLED_REVERSED', 'PAIDOUT_REVERSED']) {
    assert.match(quarantined(read(fixture('webhook-refund', { eventCode }))), /takes back/);
  }
});

describe('an announced report', () => {
  const name = 'settlement_detail_report_batch_134.csv';
  const path = `/reports/download/MerchantAccount/AirworksRepairUS/${name}`;
  const key = { reportApiKey: 'AQE…' };
  const announced = (reason: unknown, given: Readonly<Record<string, string>> = key) =>
    read(fixture('webhook-report-available', { reason }), given);

  test('is fetched from the customer area, and nowhere else', () => {
    const fetched = [{ fetch: [{ entity: 'report', id: path }] }];
    assert.deepEqual(announced(`https://ca-test.adyen.com${path}`), fetched);
    assert.deepEqual(announced(''), fetched);
    const own = { ...key, apiBaseUrl: 'http://127.0.0.1:7' };
    assert.deepEqual(announced(`http://127.0.0.1:7${path}`, own), fetched);
    for (const reason of [
      `https://ca-live.adyen.com${path}`,
      `https://ca-test.adyen.com.evil.example${path}`,
      `https://evil.example${path}`,
      `http://ca-test.adyen.com${path}`,
      `https://ca-test.adyen.com@evil.example${path}`,
      `https://user:word@ca-test.adyen.com${path}`,
      `//evil.example${path}`,
      'https://ca-test.adyen.com/reports/download/MerchantAccount/A/another.csv',
      `https://ca-test.adyen.com/reports/download/../../ca/services/${name}`,
      'https://ca-test.adyen.com/reports/download/%zz',
      'not a url at all',
    ]) {
      assert.throws(() => announced(reason), /^WireMismatch: reason/, reason);
    }
  });

  test('needs credentials of its own', () => {
    assert.match(ignored(announced('', {})), /reportApiKey/);
    assert.match(ignored(announced('', { reportUser: 'report_1' })), /reportPassword/);
    const [outcome] = announced('', { reportUser: 'report_1', reportPassword: 'x' });
    assert.ok(outcome && 'fetch' in outcome);
  });

  test('is only read when it is the settlement details as CSV', () => {
    const named = (pspReference: string) =>
      read(fixture('webhook-report-available', { pspReference, reason: '' }), key);
    assert.ok('fetch' in (named('settlement_detail_report_batch_7_20261109.csv')[0] ?? {}));
    assert.match(ignored(named('settlement_detail_report_batch_7.xlsx')), /CSV/);
    assert.match(ignored(named('received_payments_report.csv')), /settlement details/);
  });
});
