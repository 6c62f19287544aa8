import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import braintreeSdk from 'braintree';
import fc from 'fast-check';
import { exponentOf, toDecimalText } from '../../money/money.ts';
import type { CanonicalEvent } from '../events.ts';
import { normalize } from './normalize.ts';
import { settings } from './settings.ts';
import { split } from './split.ts';

const KEYS = { publicKey: 'integration_public_key', privateKey: 'integration_private_key' };
const ours = settings.parse(KEYS);
const sdk = new braintreeSdk.BraintreeGateway({
  environment: braintreeSdk.Environment.Sandbox,
  merchantId: 'integration_merchant_id',
  ...KEYS,
});

/** What a body becomes, in short: events, what is fetched, or why there is neither. */
function read(body: Buffer | string, of = ours): string {
  return split(Buffer.from(body))
    .flatMap((document) => {
      try {
        const told = normalize({ ...document, headers: {}, receivedAt: new Date(0) }, of);
        if ('ignored' in told) return `ignored ${told.ignored}`;
        if ('quarantined' in told) return `quarantined ${told.quarantined}`;
        const events = 'events' in told ? told.events.map(short) : [];
        return [...events, ...(told.fetch ?? []).map(({ entity, id }) => `fetch ${entity} ${id}`)];
      } catch (error) {
        return `quarantined ${(error as Error).message}`;
      }
    })
    .join('; ');
}

const short = (event: CanonicalEvent) =>
  [event.type, event.refundId ?? event.disputeId ?? event.payoutId ?? event.externalPaymentId]
    .concat([String(event.amountMinor), event.currency])
    .join(' ');

function notice(kind: string, subject: string, more = ''): string {
  return `<notification><kind>${kind}</kind><timestamp type="datetime">2026-11-10T12:00:00Z</timestamp>${more}<subject>${subject}</subject></notification>`;
}

type Told = Readonly<Record<string, string | undefined>>;
const SALE: Told = {
  id: 'tx1',
  status: 'settled',
  type: 'sale',
  'currency-iso-code': 'USD',
  amount: '12.50',
};

function transaction(more: Told = {}, inside = ''): string {
  const fields = Object.entries({ ...SALE, ...more }).flatMap(([name, value]) =>
    value === undefined ? [] : [`<${name}>${value}</${name}>`],
  );
  return `<transaction>${fields.join('')}${inside}</transaction>`;
}

const passed = (...states: readonly (readonly [string, string])[]) =>
  `<status-history type="array">${states
    .map(
      ([status, at]) =>
        `<status-event><status>${status}</status><timestamp type="datetime">${at}</timestamp></status-event>`,
    )
    .join('')}</status-history>`;

function eventsOf(body: string, of = ours): readonly CanonicalEvent[] {
  const told = normalize({ body: Buffer.from(body), headers: {}, receivedAt: new Date(0) }, of);
  return 'events' in told ? told.events : [];
}

describe('the minimal bodies of the official SDK', () => {
  const payment = 'tx_1';
  const TABLE = [
    ['check', /^ignored check/],
    ['transaction_disbursed', 'fetch payment tx_1'],
    ['transaction_settled', 'payment.succeeded tx_1 10000 USD; fetch transaction tx_1'],
    ['transaction_settlement_declined', 'payment.failed tx_1 10000 USD; fetch transaction tx_1'],
    ['transaction_retried', /^ignored/],
    ['transaction_reviewed', /^ignored/],
    ['refund_failed', 'fetch refund tx_1'],
    ['subscription_charged_successfully', 'fetch transaction tx_1'],
    ['subscription_charged_unsuccessfully', 'fetch transaction tx_1'],
    ['subscription_went_past_due', /^ignored/],
    ['subscription_billing_skipped', /^ignored/],
    ['local_payment_completed', 'fetch transaction 1'],
    ['local_payment_expired', /^ignored/],
    ['local_payment_funded', /^ignored/],
    ['local_payment_reversed', /^quarantined .*Control Panel/],
    ['dispute_opened', 'dispute.opened tx_1 25000 USD'],
    ['dispute_lost', 'dispute.lost tx_1 25000 USD'],
    ['dispute_accepted', 'dispute.lost tx_1 25000 USD'],
    ['dispute_auto_accepted', 'dispute.lost tx_1 25000 USD'],
    ['dispute_expired', 'dispute.lost tx_1 25000 USD'],
    ['dispute_won', 'dispute.won tx_1 24500 USD; dispute.lost tx_1:not-awarded 500 USD'],
    ['dispute_disputed', /^ignored/],
    ['dispute_under_review', /^ignored/],
    ['disbursement', 'payout.paid tx_1 10000 USD'],
    ['payment_method_revoked_by_customer', /^ignored/],
    ['granted_payment_method_revoked', /^ignored/],
    ['grantor_updated_granted_payment_method', /^ignored/],
    ['recipient_updated_granted_payment_method', /^ignored/],
    ['account_updater_daily_report', /^ignored/],
    ['connected_merchant_status_transitioned', /^ignored/],
    ['partner_merchant_connected', /^ignored/],
    ['oauth_access_revoked', /^ignored/],
  ] as const;
  for (const [kind, expected] of TABLE) {
    test(kind, async () => {
      const sample = await sdk.webhookTesting.sampleNotification(kind as 'check', payment);
      const found = read(new URLSearchParams(Object.entries(sample)).toString());
      if (typeof expected === 'string') assert.equal(found, expected);
      else assert.match(found, expected);
    });
  }
});

describe('a transaction says', () => {
  const SALES = [
    ['authorizing', 'payment.pending'],
    ['authorized', 'payment.authorized'],
    ['submitted_for_settlement', 'payment.pending'],
    ['settling', 'payment.pending'],
    ['settlement_pending', 'payment.pending'],
    ['settled', 'payment.succeeded'],
    ['processor_declined', 'payment.failed'],
    ['gateway_rejected', 'payment.failed'],
    ['failed', 'payment.failed'],
    ['settlement_declined', 'payment.failed'],
    ['voided', 'payment.voided'],
    ['authorization_expired', 'payment.voided'],
  ] as const;
  const history = (status: string) => passed([status, '2026-11-09T08:00:00Z']);
  for (const [status, type] of SALES) {
    test(`${status}: ${type}, and of a credit a refund or nothing`, () => {
      const sale = transaction({ status }, history(status));
      assert.equal(read(sale), `${type} tx1 1250 USD`);
      const credit = { status, type: 'credit', 'refunded-transaction-id': 'tx0' };
      const [event] = eventsOf(transaction(credit, history(status)));
      const failed = type === 'payment.failed' || type === 'payment.voided';
      const wanted = type === 'payment.succeeded' ? 'refund.succeeded' : undefined;
      assert.equal(event?.type, failed ? 'refund.failed' : wanted);
      if (event) assert.equal(event.externalPaymentId, 'tx0');
    });
  }

  test('nothing when its parts carry the money', () => {
    const parts =
      '<partial-settlement-transaction-ids type="array"><item>a</item></partial-settlement-transaction-ids>';
    assert.match(read(transaction({ status: 'settlement_confirmed' })), /^ignored/);
    assert.match(read(transaction({}, history('settled') + parts)), /^ignored .*parts/);
    const authorized = transaction({ status: 'authorized' }, history('authorized') + parts);
    assert.equal(read(authorized), 'payment.authorized tx1 1250 USD');
  });

  test('a part takes the place of its authorization', () => {
    const part = transaction({ 'authorized-transaction-id': 'auth1' }, history('settled'));
    assert.deepEqual(eventsOf(part)[0]?.links, { insteadOf: ['auth1'] });
  });

  test('nothing that is guessed', () => {
    const TABLE = [
      [{ status: 'unrecognized' }, /"unrecognized" of tx1 is not known/],
      [{ status: 'Settled ' }, /payment.succeeded/],
      [{ type: 'transfer' }, /neither sale nor credit/],
      [{ 'currency-iso-code': 'XXX' }, /not an ISO 4217 currency/],
      [{ amount: '12.505' }, /more than 2 digits/],
      [{ amount: '-1.00' }, /negative/],
      [{ amount: '0.00' }, /^ignored/],
      [{ id: undefined }, /transaction.id: missing/],
      [{ type: undefined }, /^fetch payment tx1$/],
      [{ amount: undefined }, /^fetch transaction tx1$/],
    ] as const;
    for (const [more, expected] of TABLE) {
      assert.match(read(transaction(more, history('settled'))), expected, JSON.stringify(more));
    }
  });

  test('every amount exactly, in the digits of its currency', () => {
    const currency = fc.constantFrom('USD', 'JPY', 'KWD', 'CLF', 'HUF');
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 15n }), currency, (minor, code) => {
        const amount = toDecimalText({ minor, currency: code });
        assert.equal(amount.includes('.'), exponentOf(code) > 0);
        const body = transaction({ amount, 'currency-iso-code': code }, history('settled'));
        assert.equal(read(body), `payment.succeeded tx1 ${minor} ${code}`);
      }),
    );
  });
});

describe('when', () => {
  const [submitted, settled] = ['2026-11-08T10:00:00Z', '2026-11-09T08:00:00Z'];

  test('it came into its status, by its history', () => {
    const states = passed(['submitted_for_settlement', submitted], ['settled', settled]);
    const [event] = eventsOf(notice('transaction_disbursed', transaction({}, states)));
    assert.equal(event?.occurredAt, '2026-11-09T08:00:00.000Z');
  });

  test('money reached the bank it was settled, whatever its transaction still says', () => {
    const states = passed(['submitted_for_settlement', submitted]);
    const behind = transaction({ status: 'submitted_for_settlement' }, states);
    const [event] = eventsOf(notice('transaction_disbursed', behind));
    assert.equal(event?.type, 'payment.succeeded');
    assert.equal(event?.occurredAt, '2026-11-10T12:00:00.000Z');
    const voided = transaction({ status: 'voided' }, passed(['voided', settled]));
    assert.equal(eventsOf(notice('transaction_disbursed', voided))[0]?.type, 'payment.voided');
  });

  test('a debit comes back it is later than its settlement, even in the same second', () => {
    for (const at of [settled, '2026-11-10T12:00:00Z']) {
      const returned = transaction({ status: 'settled' }, passed(['settled', at]));
      const [event] = eventsOf(notice('transaction_settlement_declined', returned));
      assert.equal(event?.type, 'payment.failed');
      assert.ok(event && event.occurredAt > at.replace('Z', '.000Z'));
    }
  });
});

describe('paidWhen submitted_for_settlement', () => {
  const early = settings.parse({ ...KEYS, paidWhen: 'submitted_for_settlement' });
  const states = (status: string) => passed([status, '2026-11-09T08:00:00Z']);
  const told = (status: string, instrument: string) =>
    eventsOf(
      transaction({ status, 'payment-instrument-type': instrument }, states(status)),
      early,
    )[0];

  test('counts cards and wallets at once, bank debits when they are settled', () => {
    for (const status of ['submitted_for_settlement', 'settling']) {
      assert.equal(told(status, 'credit_card')?.type, 'payment.succeeded');
      assert.equal(told(status, 'venmo_account')?.type, 'payment.succeeded');
      assert.equal(told(status, 'us_bank_account')?.type, 'payment.pending');
      assert.equal(told(status, 'local_payment')?.type, 'payment.pending');
    }
    assert.equal(told('authorized', 'credit_card')?.type, 'payment.authorized');
  });

  test('lets what is settled correct what was submitted', () => {
    const revisions = ['submitted_for_settlement', 'settled'].map(
      (status) => told(status, 'credit_card')?.revision,
    );
    assert.deepEqual(revisions, [1, 2]);
    assert.equal(eventsOf(transaction({}, states('settled')))[0]?.revision, undefined);
  });
});

describe('references', () => {
  const of = (more: Told, inside = '', settled = ours) =>
    eventsOf(transaction(more, inside + passed(['settled', '2026-11-09T08:00:00Z'])), settled)[0]
      ?.references;

  test('custom fields are found however they are spelt', () => {
    for (const name of ['work-order', 'work_order', 'workOrder', 'WO']) {
      const fields = `<custom-fields><${name}>WO-1</${name}></custom-fields>`;
      assert.deepEqual(of({}, fields), [{ kind: 'workOrder', number: 'WO-1' }], name);
    }
  });

  test('an order ID may hold several numbers, another kind, or a sentence', () => {
    assert.deepEqual(of({ 'order-id': 'INV-1, INV-2' }), [
      { kind: 'invoice', number: 'INV-1' },
      { kind: 'invoice', number: 'INV-2' },
    ]);
    const workOrders = settings.parse({ ...KEYS, orderIdNames: 'workOrder' });
    assert.deepEqual(of({ 'order-id': 'WO-7' }, '', workOrders), [
      { kind: 'workOrder', number: 'WO-7' },
    ]);
    assert.deepEqual(of({ 'order-id': 'Thank you! INV-1.' }), [
      { kind: 'memo', text: 'Thank you! INV-1.' },
    ]);
  });
});

test('notices for another merchant are ignored when ours is known', () => {
  const known = settings.parse({ ...KEYS, merchantId: 'ours' });
  const body = (id: string) =>
    notice('transaction_settled', transaction(), `<source-merchant-id>${id}</source-merchant-id>`);
  assert.match(read(body('theirs'), known), /^ignored .*theirs/);
  assert.match(read(body('ours'), known), /^payment.succeeded/);
  assert.match(read(body('theirs')), /^payment.succeeded/);
});

test('the same object tells the same by notice, search and record', () => {
  const fixture = (name: string) =>
    readFileSync(new URL(`./fixtures/${name}.out.json`, import.meta.url), 'utf8');
  const [byNotice] = JSON.parse(fixture('webhook-transaction-disbursed'));
  const byRecord = JSON.parse(fixture('api-list-payments'))[1];
  const bySearch = JSON.parse(fixture('api-search-transactions'))[0];
  assert.deepEqual(byNotice, byRecord);
  assert.deepEqual(bySearch, byRecord);
});

test('document types are refused', () => {
  assert.match(
    read('<!DOCTYPE x [<!ENTITY y "z">]><notification/>'),
    /quarantined .*document type/,
  );
});
