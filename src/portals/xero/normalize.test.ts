import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Normalized } from '../contract.ts';
import { toJsonEvent } from '../events.ts';
import { xero } from './index.ts';
import { NOW, read } from './simulated-connection.ts';

const fixtures = new URL('./fixtures/', import.meta.url);
const fileOf = (name: string): Buffer => readFileSync(new URL(name, fixtures));
const TENANT = 'c6ab53c9-a6b2-4d2f-9a5e-0d4dd4a7d1f3';
const settings = xero.settings.parse({ clientId: 'c', clientSecret: 's', tenantId: TENANT });

const outcome = (body: unknown): Normalized =>
  xero.normalize(
    {
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      headers: {},
      receivedAt: NOW,
    },
    settings,
  );
/** What `normalize` said where it made no event. */
function said(body: unknown): string {
  try {
    const result = outcome(body);
    if ('ignored' in result) return `ignored: ${result.ignored}`;
    if ('quarantined' in result) return `quarantined: ${result.quarantined}`;
    return 'fetch' in result && !('events' in result)
      ? `fetch: ${result.fetch?.map(({ entity, id }) => `${entity} ${id}`).join(', ')}`
      : 'events';
  } catch (error) {
    return `quarantined: ${(error as Error).message}`;
  }
}
const eventOf = (body: unknown) => {
  const result = outcome(body);
  return 'events' in result ? result.events[0] : undefined;
};

const row = {
  PaymentID: 'p1',
  Amount: 46.5,
  PaymentType: 'ACCRECPAYMENT',
  Status: 'AUTHORISED',
  UpdatedDateUTC: '/Date(1791993730690+0000)/',
  Invoice: { InvoiceID: 'i1', InvoiceNumber: 'INV-1', CurrencyCode: 'NZD' },
};
const payments = (change: object) => ({ Payments: [{ ...row, ...change }] });

describe('every documented sample', () => {
  const names = readdirSync(fixtures).filter((name) => name.endsWith('.in.json'));
  for (const name of names) {
    test(name, () => {
      const events = xero.split(fileOf(name), {}).flatMap(({ body }) => {
        try {
          const result = xero.normalize({ body, headers: {}, receivedAt: NOW }, settings);
          return 'events' in result ? result.events : [];
        } catch {
          return [];
        }
      });
      const golden = JSON.parse(fileOf(name.replace('.in.', '.out.')).toString());
      assert.deepEqual(events.map(toJsonEvent), golden);
    });
  }
});

describe('payments', () => {
  test('unknown types and statuses wait for a person; the supplier side is nobody here', () => {
    assert.match(said(payments({ Status: 'PENDING' })), /^quarantined: .*PENDING/);
    assert.match(said(payments({ PaymentType: 'ACCRECGIFT' })), /^quarantined: .*ACCRECGIFT/);
    assert.match(said(payments({ Amount: -1 })), /^quarantined: .*below zero/);
    assert.match(said(payments({ Amount: 1.005 })), /^quarantined: .*2 digits/);
    for (const PaymentType of ['ACCPAYPAYMENT', 'APCREDITPAYMENT', 'APOVERPAYMENTPAYMENT']) {
      assert.match(said(payments({ PaymentType })), /^ignored: .*supplier/);
    }
  });

  test('a trimmed row is fetched, because nothing says in which currency it is', () => {
    assert.equal(said(payments({ Invoice: { InvoiceID: 'i1' } })), 'fetch: Payments p1');
    assert.equal(said(payments({ Invoice: undefined })), 'fetch: Payments p1');
  });

  test('every cent of what a double can still show', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 9_999_999_999_999n }), (minor) => {
        const text = `${minor / 100n}.${String(minor % 100n).padStart(2, '0')}`;
        const body = JSON.stringify(payments({ Amount: 0 })).replace(
          '"Amount":0',
          `"Amount":${text}`,
        );
        assert.equal(eventOf(body)?.amountMinor, minor);
      }),
    );
    assert.equal(eventOf(payments({ Amount: 1999999.99 }))?.amountMinor, 199_999_999n);
    const yen = { Invoice: { InvoiceID: 'i1', CurrencyCode: 'JPY' } };
    assert.equal(eventOf(payments({ ...yen, Amount: 12000 }))?.amountMinor, 12_000n);
    assert.match(said(payments({ ...yen, Amount: 12000.5 })), /^quarantined/);
    const dinar = { Invoice: { InvoiceID: 'i1', CurrencyCode: 'KWD' } };
    assert.equal(eventOf(payments({ ...dinar, Amount: 46.5 }))?.amountMinor, 46_500n);
  });

  test('a deleted payment keeps its amount and names no other', () => {
    const deleted = eventOf(payments({ Status: 'DELETED', Reference: 'WO-20881' }));
    assert.equal(deleted?.type, 'payment.voided');
    assert.equal(deleted?.amountMinor, 4650n);
    assert.deepEqual(deleted?.references, []);
  });

  test('our own mark stays visible and is no work order', () => {
    const event = eventOf(payments({ Reference: 'CV-ab12cd-pay_12' }));
    assert.deepEqual(
      event?.references.map(({ kind }) => kind),
      ['invoice', 'memo'],
    );
    assert.equal(event?.references[1]?.text, 'CV-ab12cd-pay_12');
  });

  test('one instant however it is written', () => {
    const at = (change: object) => eventOf(payments(change))?.occurredAt;
    const text = { UpdatedDateUTC: undefined, UpdatedDateUTCString: '2026-10-14T16:02:10Z' };
    assert.equal(at({}), '2026-10-14T16:02:10.690Z');
    assert.equal(at({ UpdatedDateUTC: '/Date(1791993730690)/' }), '2026-10-14T16:02:10.690Z');
    assert.equal(at({ UpdatedDateUTC: '/Date(1791993730690+1300)/' }), '2026-10-14T16:02:10.690Z');
    assert.equal(at(text), '2026-10-14T16:02:10.000Z');
    assert.equal(at({ UpdatedDateUTC: '2026-10-14T16:02:10.6901234' }), '2026-10-14T16:02:10.690Z');
    assert.match(said(payments({ UpdatedDateUTC: 'yesterday' })), /^quarantined: UpdatedDateUTC/);
    assert.match(said(payments({ UpdatedDateUTC: undefined })), /^quarantined: UpdatedDateUTC/);
  });
});

describe('money without an invoice', () => {
  const advance = {
    PrepaymentID: 'a1',
    OverpaymentID: 'a1',
    Type: 'RECEIVE-PREPAYMENT',
    Status: 'PAID',
    Total: 20,
    CurrencyCode: 'NZD',
    UpdatedDateUTC: '/Date(1792000000690+0000)/',
  };
  test('is received when it is entered, and again when it is used up', () => {
    assert.equal(eventOf({ Prepayments: [advance] })?.type, 'payment.succeeded');
    assert.equal(
      eventOf({ Prepayments: [{ ...advance, Status: 'VOIDED' }] })?.type,
      'payment.voided',
    );
  });
  test('what is not understood waits for a person', () => {
    const overpayments = (change: object) => ({ Overpayments: [{ ...advance, ...change }] });
    assert.match(said(overpayments({ Type: 'AROVERPAYMENT' })), /^quarantined/);
    assert.match(said(overpayments({ Status: 'SENT' })), /^quarantined/);
    assert.match(said(overpayments({ OverpaymentID: undefined })), /^quarantined/);
    assert.match(said(overpayments({ Type: 'SPEND-OVERPAYMENT' })), /^ignored/);
  });
});

describe('invoices', () => {
  const invoice = {
    InvoiceID: 'i1',
    Type: 'ACCREC',
    Status: 'AUTHORISED',
    Total: 10,
    CurrencyCode: 'NZD',
    UpdatedDateUTC: '/Date(1792000000690+0000)/',
  };
  const named = (Reference: string) => {
    const facts = eventOf({ Invoices: [{ ...invoice, Reference }] })?.invoice;
    return [facts?.workOrder, facts?.purchaseOrder];
  };
  test('the free reference is read for work orders and purchase orders', () => {
    assert.deepEqual(named('WO-20881'), ['WO-20881', null]);
    assert.deepEqual(named('Job WO#77, PO no. 4500012'), ['WO#77', '4500012']);
    assert.deepEqual(named('P.O. 4500012'), [null, '4500012']);
    assert.deepEqual(named('20881'), ['20881', null]);
    assert.deepEqual(named('Red Fish, Blue Fish'), [null, null]);
    assert.deepEqual(named(''), [null, null]);
  });
  test('drafts and bills are not owed', () => {
    assert.match(said({ Invoices: [{ ...invoice, Status: 'SUBMITTED' }] }), /^ignored/);
    assert.match(said({ Invoices: [{ ...invoice, Type: 'ACCPAY' }] }), /^ignored/);
    assert.match(said({ Invoices: [{ ...invoice, Status: 'FORGIVEN' }] }), /^quarantined/);
  });
});

describe('events', () => {
  const event = {
    resourceId: 'r1',
    tenantId: TENANT,
    eventCategory: 'INVOICE',
    eventType: 'UPDATE',
    eventDateUtc: '2026-10-14T16:02:11.902',
  };
  const events = (change: object) => said({ events: [{ ...event, ...change }] });

  test('ask for the object and for the payments of the minutes before', () => {
    const since = 'PaymentsSince 2026-10-14T15:57:00';
    assert.equal(events({}), `fetch: Invoices r1, ${since}`);
    assert.equal(
      events({ eventDateUtc: '2026-10-14T16:02:11.9021234' }),
      `fetch: Invoices r1, ${since}`,
    );
    assert.equal(events({ eventCategory: 'CREDITNOTE' }), `fetch: ${since}`);
    assert.equal(events({ eventCategory: 'PREPAYMENT' }), `fetch: Prepayments r1, ${since}`);
    assert.equal(events({ eventCategory: 'CONTACT' }), 'fetch: Contacts r1');
  });

  test('of others, of suppliers and of no money are ignored by name', () => {
    assert.match(events({ tenantId: 'other' }), /^ignored: organisation other/);
    assert.match(events({ eventCategory: 'SUBSCRIPTION' }), /^ignored: SUBSCRIPTION/);
    assert.match(
      events({ eventCategory: 'CREDITNOTE', data: { Type: 'ACCPAYCREDIT' } }),
      /^ignored/,
    );
    assert.match(
      events({ eventCategory: 'PREPAYMENT', data: { Type: 'SPEND-PREPAYMENT' } }),
      /^ignored/,
    );
  });

  test('of a batch stand alone and are known again in another delivery', () => {
    const keys = (body: Buffer) => xero.split(body, {}).map(({ key }) => key);
    const batch = fileOf('webhook-batch.in.json');
    assert.equal(keys(batch).length, 4);
    const again = batch.toString().replace('"lastEventSequence":45', '"lastEventSequence":99');
    assert.deepEqual(keys(Buffer.from(again)), keys(batch));
  });
});

test('errors, soft ones too, are no rows', () => {
  const soft = { HasValidationErrors: true, ValidationErrors: [{ Message: 'Too much' }] };
  assert.match(said(payments(soft)), /^quarantined: .*Too much/);
  assert.match(said({ Payments: [{ StatusAttributeString: 'ERROR' }] }), /^quarantined: .*why/);
  const forbidden = { Type: null, Title: 'Forbidden', Status: 403, Detail: 'no tenant' };
  assert.match(said(forbidden), /^quarantined: .*no tenant/);
  const { events } = read(fileOf('api-list-payments.in.json'), settings);
  assert.equal(events.length, 3);
});
