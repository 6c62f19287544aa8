/**
 * Labelled payments through the whole chain: every case is entered into one organization, so that a payment could
 * reach any other case's invoices. What was allocated wrongly must be nothing, without exemptions; what was left
 * for a person may be little.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { openTestBooks, type TestBooks } from '../../test/support/books.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { sql } from '../db/database.ts';
import type { OwnRecordInput } from '../intake/own-document.ts';
import { fromDecimalText } from '../money/money.ts';

type Invoice = {
  readonly number: string;
  readonly total: string;
  readonly currency: string;
  readonly externalId?: string;
  readonly customer?: 'other';
  readonly dueOn?: string;
  readonly workOrder?: string;
  readonly purchaseOrder?: string;
  readonly void?: boolean;
};
type WorkOrder = { readonly number: string; readonly total?: string; readonly currency?: string };
type Payment = {
  readonly amount: string;
  readonly currency: string;
  readonly references: Extract<OwnRecordInput, { kind: 'payment.recorded' }>['references'];
  readonly customer: 'own' | 'other' | 'email' | null;
  /** What a careful bookkeeper who may ask the customer would book. */
  readonly expect: readonly { readonly target: string; readonly amount: string }[];
};
type Case = {
  readonly title: string;
  readonly email?: string;
  readonly invoices: readonly Invoice[];
  readonly workOrders: readonly WorkOrder[];
  readonly payments: readonly Payment[];
  /** Entered after all payments. */
  readonly lateInvoices: readonly Invoice[];
};

const CASES = JSON.parse(
  readFileSync(new URL('fixtures/golden.json', import.meta.url), 'utf8'),
) as readonly Case[];
const LEAST_PAYMENTS = 60;
const LEAST_RECALL = 0.9;

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database[Symbol.asyncDispose]());

test('no golden payment is applied wrongly, and few are left to a person', async (t) => {
  await using books = await openTestBooks(database.url);
  await enterWorld(books);
  for (const [index, { payments }] of CASES.entries()) {
    for (const [place, payment] of payments.entries()) {
      await books.own(recordOf(payment, index, place));
    }
  }
  await books.apply();
  for (const [index, { lateInvoices }] of CASES.entries()) {
    for (const invoice of lateInvoices) await books.own(invoiceRecord(invoice, index));
  }
  await books.apply();

  const made = await allocationsOf(books);
  const payments = CASES.flatMap(({ title, payments }, index) =>
    payments.map((payment, place) => ({ title, payment, id: paymentId(index, place) })),
  );
  assert.ok(payments.length >= LEAST_PAYMENTS);
  const expected = payments.flatMap(({ title, payment, id }) =>
    payment.expect.map(({ target, amount }) => ({
      title,
      line: lineOf(id, target, fromDecimalText(amount, payment.currency).minor),
    })),
  );
  const wanted = new Set(expected.map(({ line }) => line));
  const wrong = [...made].filter((line) => !wanted.has(line));
  const missed = expected.filter(({ line }) => !made.has(line));
  const precision = made.size === 0 ? 0 : (made.size - wrong.length) / made.size;
  const recall = (expected.length - missed.length) / expected.length;
  t.diagnostic(`${payments.length} payments, ${expected.length} allocations expected`);
  t.diagnostic(`precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}`);
  for (const { title, line } of missed) t.diagnostic(`left to a person: ${title} (${line})`);
  assert.deepEqual(wrong, []);
  assert.equal(precision, 1);
  assert.ok(recall >= LEAST_RECALL, `recall is ${recall}`);
});

async function enterWorld(books: TestBooks): Promise<void> {
  for (const [index, { email, invoices, workOrders }] of CASES.entries()) {
    for (const whose of ['own', 'other'] as const) {
      await books.own({
        kind: 'customer.upserted',
        externalId: customerId(index, whose),
        name: `${whose} customer of case ${index}`,
        email: whose === 'own' ? (email ?? null) : null,
      });
    }
    for (const { number, total, currency } of workOrders) {
      await books.own({
        kind: 'work-order.upserted',
        externalId: number,
        number,
        workOrderKind: 'service',
        customerExternalId: customerId(index, 'own'),
        total: total && currency ? { amount: total, currency } : null,
      });
    }
    for (const invoice of invoices) await books.own(invoiceRecord(invoice, index));
  }
  await books.apply();
}

function invoiceRecord(invoice: Invoice, index: number): OwnRecordInput {
  return {
    kind: 'invoice.upserted',
    externalId: invoice.externalId ?? invoice.number,
    number: invoice.number,
    customerExternalId: customerId(index, invoice.customer ?? 'own'),
    total: { amount: invoice.total, currency: invoice.currency },
    issuedOn: '2026-09-01',
    dueOn: invoice.dueOn ?? '2026-10-01',
    workOrder: invoice.workOrder ?? null,
    purchaseOrder: invoice.purchaseOrder ?? null,
    void: invoice.void ?? false,
  };
}

function recordOf(payment: Payment, index: number, place: number): OwnRecordInput {
  return {
    kind: 'payment.recorded',
    externalId: paymentId(index, place),
    amount: { amount: payment.amount, currency: payment.currency },
    method: 'bank',
    occurredAt: '2026-11-20T09:00:00Z',
    references: payment.references,
    customer: payerOf(payment, index),
  };
}

function payerOf({ customer }: Payment, index: number) {
  if (customer === null) return null;
  if (customer === 'email') return { email: (CASES[index]?.email ?? '').toUpperCase() };
  return { externalId: customerId(index, customer) };
}

async function allocationsOf(books: TestBooks): Promise<ReadonlySet<string>> {
  const rows = await books.db.query<{ payment: string; target: string; amount_minor: bigint }>(
    sql`select p.external_id as payment, coalesce(i.external_id, w.external_id) as target,
          a.amount_minor
        from allocations a
        join payments p on p.organization_id = a.organization_id and p.id = a.payment_id
        left join invoices i on i.organization_id = a.organization_id and i.id = a.invoice_id
        left join work_orders w on w.organization_id = a.organization_id and w.id = a.work_order_id
        where a.organization_id = ${books.organizationId} and a.amount_minor > 0`,
  );
  return new Set(rows.map((row) => lineOf(row.payment, row.target, row.amount_minor)));
}

function customerId(index: number, whose: 'own' | 'other'): string {
  return `case-${index}-${whose}`;
}

function paymentId(index: number, place: number): string {
  return `case-${index}-payment-${place}`;
}

function lineOf(payment: string, target: string, amountMinor: bigint): string {
  return `${payment} pays ${target} ${amountMinor}`;
}
