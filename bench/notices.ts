/** The made-up firm of the benchmark: its customers, orders and invoices, and the notices that Stripe sends. */
import { createHmac } from 'node:crypto';
import type { OwnRecordInput } from '../src/intake/own-document.ts';

export const WEBHOOK_SECRET = 'whsec_benchmarkbenchmarkbenchmark';
/** Customers who come back, so that balances and open invoices gather on them. */
const CUSTOMERS = 5000;

function digits(place: number): string {
  return String(place).padStart(8, '0');
}

function amountOf(place: number): number {
  return 5_000 + ((place * 7919) % 400_000);
}

function emailOf(customer: number): string {
  return `accounts@customer-${customer}.example`;
}

/** The firm's customers as it says them itself. */
export function customerRecords(): readonly OwnRecordInput[] {
  return Array.from({ length: CUSTOMERS }, (_, customer) => ({
    kind: 'customer.upserted',
    externalId: `C-${customer}`,
    name: `Customer ${customer}`,
    email: emailOf(customer),
  }));
}

/** The work order and the invoice that the payment at `place` pays. */
export function receivableRecords(place: number): readonly OwnRecordInput[] {
  const customerExternalId = `C-${place % CUSTOMERS}`;
  const cents = String(amountOf(place));
  const total = { amount: `${cents.slice(0, -2)}.${cents.slice(-2)}`, currency: 'USD' };
  return [
    {
      kind: 'work-order.upserted',
      externalId: `wo-${digits(place)}`,
      number: `WO-${digits(place)}`,
      workOrderKind: 'repair',
      description: 'Compressor overhaul',
      customerExternalId,
      total,
    },
    {
      kind: 'invoice.upserted',
      externalId: `inv-${digits(place)}`,
      number: `INV-${digits(place)}`,
      customerExternalId,
      total,
      issuedOn: '2026-11-02',
      dueOn: '2026-12-02',
      workOrder: `WO-${digits(place)}`,
    },
  ];
}

export function eventIdOf(place: number): string {
  return `evt_1SQbenchmark${digits(place)}`;
}

/** What the engine calls the document of that event. */
export function dedupeKeyOf(place: number): string {
  return `event:${eventIdOf(place)}`;
}

/** The body of `payment_intent.succeeded`, with the fields and the layout of Stripe's own. */
export function noticeBody(place: number, created: number): Buffer {
  const amount = amountOf(place);
  const customer = place % CUSTOMERS;
  const id = `pi_3SQbenchmark${digits(place)}`;
  const intent = {
    id,
    object: 'payment_intent',
    amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: amount,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: { allow_redirects: 'always', enabled: true },
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic_async',
    client_secret: `${id}_secret_redacted`,
    confirmation_method: 'automatic',
    created,
    currency: 'usd',
    customer: `cus_bench${customer}`,
    description: null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: `ch_3SQbenchmark${digits(place)}`,
    livemode: false,
    metadata: { invoice_number: `INV-${digits(place)}` },
    next_action: null,
    on_behalf_of: null,
    payment_method: `pm_1SQbenchmark${digits(place)}`,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: { installments: null, network: null, request_three_d_secure: 'automatic' },
    },
    payment_method_types: ['card'],
    processing: null,
    receipt_email: emailOf(customer),
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'succeeded',
    transfer_data: null,
    transfer_group: null,
  };
  const event = {
    id: eventIdOf(place),
    object: 'event',
    api_version: '2026-10-28.endive',
    created,
    data: { object: intent },
    livemode: false,
    pending_webhooks: 1,
    request: { id: `req_bench${digits(place)}`, idempotency_key: null },
    type: 'payment_intent.succeeded',
  };
  return Buffer.from(JSON.stringify(event, null, 2));
}

/** The `Stripe-Signature` header of a body sent at `timestamp` (Unix seconds). */
export function signatureOf(body: Buffer, timestamp: number): string {
  const digest = createHmac('sha256', WEBHOOK_SECRET).update(`${timestamp}.`).update(body);
  return `t=${timestamp},v1=${digest.digest('hex')}`;
}
