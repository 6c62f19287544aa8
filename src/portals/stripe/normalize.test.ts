import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Normalized } from '../contract.ts';
import { toJsonEvent } from '../events.ts';
import { stripe } from './index.ts';

const fixtures = new URL('./fixtures/', import.meta.url);
const bare = stripe.settings.parse({});
const keyed = stripe.settings.parse({ webhookSecret: 'whsec_1', secretKey: 'rk_test_1' });
const billing = stripe.settings.parse({ importInvoices: 'true', timeZone: 'America/Chicago' });

const PI = 'pi_3SQ7kLB7WZ01zgkW0tYpNc4A';
const IN = 'in_1SQ7gCB7WZ01zgkWjW8Kp2sT';
const DU = 'du_1SS4tUB7WZ01zgkWqE3rTyUi';
const RE = 're_3SQ7kLB7WZ01zgkW0p4YsDfB';

function body(name: string): Buffer {
  return readFileSync(new URL(`${name}.in.json`, fixtures));
}

/** The outcome of every document in a body, quarantined as the engine does when it throws. */
function outcomes(bytes: Buffer, settings: unknown = bare): readonly Normalized[] {
  return stripe.split(bytes, {}).map((document) => {
    try {
      return stripe.normalize(
        { body: document.body, headers: {}, receivedAt: new Date('2026-11-21T00:00:00Z') },
        settings,
      );
    } catch (error) {
      assert.ok(error instanceof Error);
      return { quarantined: error.message };
    }
  });
}

function only(bytes: Buffer, settings?: unknown): Normalized {
  const all = outcomes(bytes, settings);
  assert.equal(all.length, 1);
  return all[0] as Normalized;
}

function events(bytes: Buffer, settings?: unknown) {
  return outcomes(bytes, settings).flatMap((one) => ('events' in one ? one.events : []));
}

/** An outcome in one line: what it is, of what, and how much. */
function inOneLine(outcome: Normalized): string {
  if ('ignored' in outcome) return 'ignored';
  if ('quarantined' in outcome) return 'quarantined';
  if ('fetch' in outcome)
    return outcome.fetch.map(({ entity, id }) => `fetch ${entity} ${id}`).join();
  return outcome.events
    .map((event) =>
      [
        event.type,
        event.refundId ?? event.disputeId ?? event.payoutId ?? event.externalPaymentId,
        event.amountMinor,
        event.currency,
        ...(event.feeMinor === null ? [] : [`fee ${event.feeMinor}`, event.feeCurrency ?? '']),
        ...(event.provisional ? ['provisional'] : []),
        ...(event.fundsWithdrawn === false ? ['inquiry'] : []),
      ]
        .join(' ')
        .trim(),
    )
    .join(' + ');
}

/** Reasoned from the portal's page, case by case; settings are the least that is possible. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'api-get-balance-transaction': [`payment.succeeded ${PI} 125050 USD fee 3656`],
  'api-get-invoice': [`payment.succeeded ${PI} 125050 USD`],
  'api-list-balance-transactions-payout': ['ignored', 'ignored', 'ignored'],
  'api-list-events': [
    `payment.succeeded ${PI} 125050 USD`,
    `refund.succeeded ${RE} 25000 USD`,
    'payout.paid po_1SRbZcB7WZ01zgkWe2RtYuIo 96394 USD',
  ],
  'api-list-invoice-payments': [
    'payment.referenced pi_3SR0ZzB7WZ01zgkW1pLkJhGf 300000 USD',
    'payment.referenced pi_3SR0ZzB7WZ01zgkW1pLkJhGf 52000 USD',
  ],
  'api-list-payments': [
    `payment.succeeded ${PI} 125050 USD fee 3656`,
    'payment.failed pi_3SQ8dRB7WZ01zgkW1xMv0LqE 48900 USD',
  ],
  'webhook-batch': [
    `payment.succeeded ${PI} 125050 USD`,
    'payment.failed pi_3SQ8dRB7WZ01zgkW1xMv0LqE 48900 USD',
  ],
  'webhook-charge-captured-alone': ['payment.succeeded ch_1Lone0001 90000 USD'],
  'webhook-charge-expired-alone': ['payment.voided ch_1Lone0001 125050 USD'],
  'webhook-charge-failed-alone': ['payment.failed ch_1Lone0001 125050 USD'],
  'webhook-charge-pending-alone': ['payment.pending py_1Lone0002 125050 USD'],
  'webhook-charge-refunded': ['ignored'],
  'webhook-charge-refunded-2020': [`refund.succeeded ${RE} 25000 USD`],
  'webhook-charge-succeeded-alone': ['payment.succeeded ch_1Lone0001 125050 USD'],
  'webhook-charge-succeeded-alone-uncaptured': ['payment.authorized ch_1Lone0001 125050 USD'],
  'webhook-charge-succeeded-of-intent': ['ignored'],
  'webhook-charge-updated-fee': ['ignored'],
  'webhook-charge-updated-fee-expanded': [`payment.succeeded ${PI} 125050 USD fee 3656`],
  'webhook-charge-updated-fee-other-currency': [`payment.succeeded ${PI} 125050 USD fee 3381 EUR`],
  'webhook-connected-account': ['ignored'],
  'webhook-dispute': [`dispute.opened ${DU} 125050 USD fee 1500`],
  'webhook-dispute-appeal': [`dispute.opened ${DU} 125050 USD fee 1500`],
  'webhook-dispute-closed': [`dispute.won ${DU} 125050 USD fee 0`],
  'webhook-dispute-closed-open-status': ['quarantined'],
  'webhook-dispute-funds-reinstated': [`dispute.won ${DU} 125050 USD fee 0`],
  'webhook-dispute-funds-withdrawn': [`dispute.opened ${DU} 125050 USD fee 1500`],
  'webhook-dispute-inquiry': [`dispute.opened ${DU} 125050 USD inquiry`],
  'webhook-dispute-inquiry-closed': [`dispute.won ${DU} 125050 USD inquiry`],
  'webhook-dispute-lost': [`dispute.lost ${DU} 125050 USD fee 1500`],
  'webhook-invoice-finalized': ['ignored'],
  'webhook-invoice-paid': [`payment.succeeded ${IN} 125050 USD provisional`],
  'webhook-invoice-paid-2024': [`payment.succeeded ${PI} 125050 USD`],
  'webhook-invoice-paid-off-stripe': ['ignored'],
  'webhook-invoice-paid-out-of-band': ['ignored'],
  'webhook-invoice-paid-out-of-band-2024': ['ignored'],
  'webhook-invoice-paid-with-payments': [`payment.succeeded ${PI} 125050 USD`],
  'webhook-invoice-paid-zero': ['ignored'],
  'webhook-invoice-payment-of-charge': ['payment.referenced ch_1Lone0001 125050 USD'],
  'webhook-invoice-payment-paid': [`payment.referenced ${PI} 125050 USD`],
  'webhook-invoice-payment-record': ['ignored'],
  'webhook-invoice-payment-succeeded': [`payment.succeeded ${IN} 125050 USD provisional`],
  'webhook-invoice-payment-succeeded-2019-charge': [
    'payment.succeeded ch_3SQ7kLB7WZ01zgkW0r5dVhQe 125050 USD',
  ],
  'webhook-invoice-payment-succeeded-2024': [`payment.succeeded ${PI} 125050 USD`],
  'webhook-invoice-payment-succeeded-partial': ['quarantined'],
  'webhook-payment-amount-capturable': ['payment.authorized pi_3auth0001 120000 USD'],
  'webhook-payment-canceled': ['payment.voided pi_3auth0001 125050 USD'],
  'webhook-payment-contradiction': ['quarantined'],
  'webhook-payment-failed': ['payment.failed pi_3SQ8dRB7WZ01zgkW1xMv0LqE 48900 USD'],
  'webhook-payment-partial-capture': [`payment.succeeded ${PI} 100000 USD`],
  'webhook-payment-processing-ach': ['payment.pending pi_3ach0001 125050 USD'],
  'webhook-payment-succeeded': [`payment.succeeded ${PI} 125050 USD`],
  'webhook-payment-succeeded-2019': [`payment.succeeded ${PI} 125050 USD`],
  'webhook-payment-succeeded-isk': ['payment.succeeded pi_3isk 1250 ISK'],
  'webhook-payment-succeeded-isk-fraction': ['quarantined'],
  'webhook-payment-succeeded-jpy': ['payment.succeeded pi_3jpy 125050 JPY'],
  'webhook-payment-succeeded-kwd': ['payment.succeeded pi_3kwd 125050 KWD'],
  'webhook-payment-succeeded-mga': ['payment.succeeded pi_3mga 12505000 MGA'],
  'webhook-payment-succeeded-ugx': ['payment.succeeded pi_3ugx 45000 UGX'],
  'webhook-payment-unknown-currency': ['quarantined'],
  'webhook-payment-unknown-status': ['quarantined'],
  'webhook-payout-debit': ['payout.paid po_1Debit -4250 USD'],
  'webhook-payout-failed': ['payout.failed po_1SRbZcB7WZ01zgkWe2RtYuIo 96394 USD'],
  'webhook-payout-paid': ['payout.paid po_1SRbZcB7WZ01zgkWe2RtYuIo 96394 USD'],
  'webhook-refund': [`refund.succeeded ${RE} 25000 USD`],
  'webhook-refund-canceled': [`refund.failed ${RE} 25000 USD`],
  'webhook-refund-failed': ['refund.failed re_1SR1xYB7WZ01zgkWc3LmVnPs 18000 USD'],
  'webhook-refund-of-charge': [`refund.succeeded ${RE} 25000 USD`],
  'webhook-refund-pending': ['ignored'],
  'webhook-refund-unknown-status': ['quarantined'],
  'webhook-refund-updated': [`refund.succeeded ${RE} 25000 USD`],
  'webhook-thin-payment-succeeded': ['quarantined'],
  'webhook-thin-unknown-kind': ['ignored'],
  'webhook-unknown-kind': ['ignored'],
};

test('every fixture has its expectation, and every expectation its fixture', () => {
  const names = readdirSync(fixtures)
    .filter((name) => name.endsWith('.in.json'))
    .map((name) => name.replace('.in.json', ''))
    // Those that need settings of their own are held by test/portals.test.ts.
    .filter((name) => !existsSync(new URL(`${name}.settings.json`, fixtures)));
  assert.deepEqual(names.sort(), Object.keys(EXPECTED).sort());
});

for (const [name, lines] of Object.entries(EXPECTED)) {
  test(`${name} becomes ${lines.join(', ')}`, () => {
    assert.deepEqual(outcomes(body(name)).map(inOneLine), lines);
    const golden = JSON.parse(readFileSync(new URL(`${name}.out.json`, fixtures), 'utf8'));
    assert.deepEqual(events(body(name)).map(toJsonEvent), golden);
  });
}

test('a payment carries the instant, method, payer and references that Stripe names', () => {
  assert.deepEqual(events(body('webhook-payment-succeeded')), [
    {
      type: 'payment.succeeded',
      externalPaymentId: PI,
      eventId: 'evt_3SQ7kLB7WZ01zgkW0hQzJw7M',
      occurredAt: '2026-11-04T15:12:09.000Z',
      amountMinor: 125050n,
      currency: 'USD',
      feeMinor: null,
      method: 'card',
      channel: 'card',
      references: [
        { kind: 'invoice', number: 'INV-2026-0417' },
        { kind: 'workOrder', number: 'WO-2026-0981' },
        { kind: 'memo', text: 'Payment for Invoice INV-2026-0417' },
      ],
      customer: {
        externalId: 'cus_TNb2Xq8vRkPz41',
        name: null,
        email: 'ap@northgate-foundry.example',
      },
      links: { elsewhere: [{ portal: 'stripe', externalId: 'ch_3SQ7kLB7WZ01zgkW0r5dVhQe' }] },
    },
  ]);
});

test('with an API key, what is only named is fetched', () => {
  const fetches: Record<string, string> = {
    'webhook-thin-payment-succeeded': `fetch payment_intent ${PI}`,
    'webhook-charge-updated-fee': 'fetch charge ch_3SQ7kLB7WZ01zgkW0r5dVhQe',
    'webhook-invoice-paid': `fetch invoice_payments ${IN}`,
    'webhook-invoice-payment-succeeded': `fetch invoice_payments ${IN}`,
    'webhook-invoice-payment-succeeded-partial': `fetch invoice_payments ${IN}`,
    'webhook-invoice-paid-2024': `payment.succeeded ${PI} 125050 USD`,
    'webhook-invoice-paid-zero': 'ignored',
    'webhook-invoice-paid-out-of-band': 'ignored',
    'webhook-charge-succeeded-of-intent': 'ignored',
    'webhook-charge-succeeded-alone': 'payment.succeeded ch_1Lone0001 125050 USD',
  };
  for (const [name, line] of Object.entries(fetches)) {
    assert.equal(inOneLine(only(body(name), keyed)), line, name);
  }
});

test('the reason of a thin event without an API key names the setting', () => {
  const outcome = only(body('webhook-thin-payment-succeeded'));
  assert.match('quarantined' in outcome ? outcome.quarantined : '', /secretKey/);
});

test('an invoice payment ties the provisional id to the final one', () => {
  const [event] = events(body('webhook-invoice-payment-paid'));
  assert.deepEqual(event?.links, { paymentExternalId: IN });
  assert.deepEqual(event?.references, [{ kind: 'invoice', externalId: IN, amountMinor: 125050n }]);
});

test('an invoice payment with its PaymentIntent expanded is money and reference', () => {
  const record = JSON.parse(body('webhook-invoice-payment-paid').toString()).data.object;
  record.payment.payment_intent = JSON.parse(body('api-list-payments').toString()).data[0];
  record.invoice = JSON.parse(body('webhook-invoice-paid').toString()).data.object;
  const outcome = only(Buffer.from(JSON.stringify(record)));
  assert.equal(
    inOneLine(outcome),
    `payment.succeeded ${PI} 125050 USD fee 3656 + payment.referenced ${PI} 125050 USD`,
  );
  const [, share] = 'events' in outcome ? outcome.events : [];
  assert.equal(share?.references[0]?.number, 'INV-2026-0417');
});

test('both notices of a paid invoice are the same payment', () => {
  for (const year of ['', '-2024']) {
    const [paid] = events(body(`webhook-invoice-paid${year}`));
    const [succeeded] = events(body(`webhook-invoice-payment-succeeded${year}`));
    assert.deepEqual({ ...paid, eventId: '' }, { ...succeeded, eventId: '' });
  }
});

test('importInvoices takes the invoice over, days in the given time zone', () => {
  const [invoice] = events(body('webhook-invoice-finalized'), billing);
  assert.equal(invoice?.type, 'invoice.upserted');
  assert.deepEqual(invoice?.invoice, {
    externalId: IN,
    number: 'INV-2026-0417',
    currency: 'USD',
    totalMinor: 125050n,
    issuedOn: '2026-11-03',
    dueOn: '2026-12-03',
    customerExternalId: 'cus_TNb2Xq8vRkPz41',
    workOrder: 'WO-2026-0981',
    purchaseOrder: null,
  });
  const paid = events(body('webhook-invoice-paid-2024'), billing);
  assert.deepEqual(
    paid.map(({ type }) => type),
    ['invoice.upserted', 'payment.succeeded'],
  );
  assert.equal(new Set(paid.map(({ eventId }) => eventId)).size, 2);
});

test('the names of metadata keys are settings', () => {
  const own = stripe.settings.parse({
    invoiceMetadataKeys: 'rechnung, bill',
    workOrderMetadataKeys: 'job',
  });
  const [event] = events(
    changed('webhook-payment-succeeded', (intent) => {
      intent.payment_details = null;
      intent.description = null;
      intent.metadata = { bill: 'B-1, B-2', job: 'J-9', invoice_number: 'unread' };
    }),
    own,
  );
  assert.deepEqual(event?.references, [
    { kind: 'invoice', number: 'B-1' },
    { kind: 'invoice', number: 'B-2' },
    { kind: 'workOrder', number: 'J-9' },
  ]);
});

test('the mode setting takes only its own mode, the account setting only its own account', () => {
  const live = stripe.settings.parse({ livemode: 'true' });
  const testMode = stripe.settings.parse({ livemode: false });
  assert.equal(inOneLine(only(body('webhook-payment-succeeded'), live)), 'ignored');
  assert.equal(events(body('webhook-payment-succeeded'), testMode).length, 1);
  const connected = stripe.settings.parse({ accountId: 'acct_1Connected' });
  assert.equal(events(body('webhook-connected-account'), connected).length, 1);
});

test('only a known status is believed, whatever the kind', () => {
  const kinds = [
    'webhook-payment-processing-ach',
    'webhook-charge-succeeded-alone',
    'webhook-refund',
    'webhook-dispute',
    'webhook-payout-paid',
    'webhook-invoice-payment-succeeded',
    'webhook-invoice-payment-paid',
  ];
  for (const name of kinds) {
    for (const status of ['', 'SUCCEEDED', 'Paid', 'constructor', 'brand_new']) {
      const bytes = changed(name, (object) => {
        object.status = status;
      });
      assert.equal(inOneLine(only(bytes, keyed)), 'quarantined', `${name} "${status}"`);
      const alone = Buffer.from(JSON.stringify(JSON.parse(bytes.toString()).data.object));
      assert.equal(inOneLine(only(alone, keyed)), 'quarantined', `${name} "${status}" as object`);
    }
  }
});

test('a fraction, a text or an excess of digits is not an amount', () => {
  for (const amount of ['125050.5', '"125050"', '1e5', '12345678901234567890', '-5', '0', 'null']) {
    const text = body('webhook-payment-succeeded').toString();
    const bytes = Buffer.from(
      text.replace('"amount_received": 125050', `"amount_received": ${amount}`),
    );
    assert.equal(inOneLine(only(bytes)), 'quarantined', amount);
  }
});

test('pulled objects give the same event each time, and another one once the fee is known', () => {
  const record = JSON.parse(body('api-list-payments').toString()).data[0];
  const [known] = events(Buffer.from(JSON.stringify(record)));
  const [again] = events(Buffer.from(JSON.stringify({ ...record, metadata: {} })));
  record.latest_charge.balance_transaction = null;
  const [before] = events(Buffer.from(JSON.stringify(record)));
  assert.equal(known?.eventId, again?.eventId);
  assert.notEqual(known?.eventId, before?.eventId);
  assert.equal(known?.occurredAt, '2026-11-04T15:12:08.000Z');
});

test('normalize throws nothing but errors, whatever a valid envelope holds', () => {
  const names = Object.keys(EXPECTED).filter((name) => name.startsWith('webhook-'));
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.string(), fc.jsonValue(), (name, field, value) => {
      const bytes = changed(name, (object) => {
        const fields = Object.keys(object);
        object[fields[field.length % Math.max(1, fields.length)] ?? field] = value;
      });
      outcomes(bytes);
      outcomes(bytes, keyed);
      outcomes(bytes, billing);
    }),
  );
  fc.assert(fc.property(fc.json(), (text) => void outcomes(Buffer.from(text))));
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void outcomes(Buffer.from(bytes))));
});

/** A fixture whose event's object (or whose whole body, where it is no event) is changed. */
function changed(name: string, change: (object: Record<string, unknown>) => void): Buffer {
  const whole = JSON.parse(body(name).toString());
  change(whole.data?.object ?? whole);
  return Buffer.from(JSON.stringify(whole));
}
