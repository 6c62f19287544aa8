/**
 * Invoices: which payment paid them, and, for a firm that bills in Stripe, the invoices themselves.
 */
import { businessDay } from '../../money/business-day.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent, Payer } from '../events.ts';
import { payer } from './payer.ts';
import { intentObject } from './payments.ts';
import { firstNumber, invoiceReferences } from './references.ts';
import type { StripeSettings } from './settings.ts';
import { contradiction, partOf, type Told, tell, unknownStatus } from './telling.ts';
import { instant, positiveMoney, stripeMoney } from './units.ts';
import type { Invoice, InvoicePayment } from './wire.ts';
import { expanded, idOf } from './wire.ts';

/** Both are sent for one payment; either is enough. */
export const PAID_INVOICE_EVENT_TYPES: readonly string[] = [
  'invoice.paid',
  'invoice.payment_succeeded',
];

/** What says how an invoice stands, for `importInvoices`. */
export const INVOICE_EVENT_TYPES: readonly string[] = [
  'invoice.created',
  'invoice.finalized',
  'invoice.sent',
  'invoice.updated',
  'invoice.overdue',
  'invoice.overpaid',
  'invoice.marked_uncollectible',
  'invoice.voided',
];

const INVOICE_STATUSES: ReadonlySet<string> = new Set([
  'draft',
  'open',
  'paid',
  'uncollectible',
  'void',
]);

/**
 * An invoice that was paid: the payment it names, else what leads to it, else a provisional one.
 */
export function paidInvoice(
  eventType: string,
  invoice: Invoice,
  told: Told,
  settings: StripeSettings,
): Normalized {
  if (!isKnown(invoice)) return unknownStatus('Invoice', invoice.id, invoice.status);
  if (invoice.status === 'draft' || invoice.status === 'void') {
    return contradiction(eventType, invoice.id, invoice.status);
  }
  const notMoney = whyNoMoney(invoice);
  const money: Normalized = notMoney
    ? { ignored: `${eventType} of ${invoice.id}: ${notMoney}` }
    : moneyOfInvoice(invoice, told, settings);
  if (!settings.importInvoices || 'fetch' in money || 'quarantined' in money) return money;
  const facts = invoiceFacts(invoice, partOf(told, 'invoice'), settings);
  if (!('events' in facts)) return money;
  return { events: [...facts.events, ...('events' in money ? money.events : [])] };
}

/** Why a paid invoice brought no money through Stripe; undefined when it did. */
function whyNoMoney(invoice: Invoice): string | undefined {
  if (invoice.paid_out_of_band) return 'paid out of band, outside Stripe';
  if (invoice.amount_paid <= 0) return 'nothing was paid (a zero invoice, or covered by credit)';
  if (paidInStripe(invoice) <= 0) return 'recorded as paid outside Stripe';
  // Basil removed `paid_out_of_band`; an invoice marked as paid by hand shows no attempt to
  // collect.
  const attempts = invoice.attempted === false || invoice.attempt_count === 0;
  return attempts &&
    idOf(invoice.payment_intent ?? invoice.charge) === null &&
    !paidParts(invoice)[0]
    ? 'paid without an attempt to collect: marked as paid out of band'
    : undefined;
}

function paidInStripe(invoice: Invoice): number {
  return invoice.amount_paid - (invoice.amount_paid_off_stripe ?? 0);
}

type Part = { readonly paymentId: string; readonly amount: number };

/**
 * The InvoicePayments that an invoice carries when asked for, as far as they are money in Stripe.
 */
function paidParts(invoice: Invoice): readonly Part[] {
  return (invoice.payments?.data ?? []).flatMap(({ status, amount_paid, payment }) => {
    const paymentId = idOf(payment.payment_intent ?? payment.charge);
    return status === 'paid' && paymentId !== null && amount_paid
      ? [{ paymentId, amount: amount_paid }]
      : [];
  });
}

function moneyOfInvoice(invoice: Invoice, told: Told, settings: StripeSettings): Normalized {
  const named = idOf(invoice.payment_intent) ?? idOf(invoice.charge);
  if (named !== null) {
    const part = { paymentId: named, amount: paidInStripe(invoice) };
    return { events: [invoiceMoney(invoice, part, told, settings)] };
  }
  if (settings.secretKey !== undefined) {
    return { fetch: [{ entity: 'invoice_payments', id: invoice.id }] };
  }
  const parts = paidParts(invoice);
  if (parts.length > 0) {
    return {
      events: parts.map((part) =>
        invoiceMoney(
          invoice,
          part,
          parts.length === 1 ? told : partOf(told, part.paymentId),
          settings,
        ),
      ),
    };
  }
  if (invoice.status !== 'paid') {
    return {
      quarantined:
        `${invoice.id} is paid in part and does not say by which payment; set \`secretKey\`, or ` +
        'subscribe to payment_intent.succeeded and invoice_payment.paid',
    };
  }
  const whole = { paymentId: invoice.id, amount: paidInStripe(invoice) };
  return { events: [{ ...invoiceMoney(invoice, whole, told, settings), provisional: true }] };
}

function invoiceMoney(
  invoice: Invoice,
  part: Part,
  told: Told,
  settings: StripeSettings,
): CanonicalEvent {
  const { minor, currency } = positiveMoney(part.amount, invoice.currency);
  const paidAt = instant(invoice.status_transitions?.paid_at ?? invoice.created);
  return tell(
    told,
    { id: `${invoice.id}:${part.paymentId}`, at: paidAt },
    {
      type: 'payment.succeeded',
      externalPaymentId: part.paymentId,
      amountMinor: minor,
      currency,
      references: invoiceReferences(invoice, settings, minor),
      customer: payerOfInvoice(invoice),
    },
  );
}

const INVOICE_PAYMENT_STATUSES: ReadonlySet<string> = new Set(['open', 'paid', 'canceled']);

/**
 * A payment's share in an invoice: no new money, but it ties the two, and a provisional id to the
 * final one.
 */
export function invoicePaymentState(
  record: InvoicePayment,
  told: Told,
  settings: StripeSettings,
): Normalized {
  if (!INVOICE_PAYMENT_STATUSES.has(record.status)) {
    return unknownStatus('InvoicePayment', record.id, record.status);
  }
  if (record.status !== 'paid') {
    return { ignored: `invoice payment ${record.id} is ${record.status}: nothing is paid by it` };
  }
  if (record.amount_paid === 0) return { ignored: `invoice payment ${record.id} is of zero` };
  const { payment } = record;
  if (payment.type === 'payment_record') {
    return { ignored: `invoice payment ${record.id}: money recorded outside Stripe` };
  }
  const paymentId = idOf(payment.type === 'charge' ? payment.charge : payment.payment_intent);
  if (!['payment_intent', 'charge'].includes(payment.type) || paymentId === null) {
    return { quarantined: `invoice payment ${record.id} is of the unknown type "${payment.type}"` };
  }
  const intent = expanded(payment.payment_intent);
  const money = intent && intentObject(intent, settings);
  if (money && 'quarantined' in money) return money;
  const invoice = wholeInvoice(record.invoice);
  const facts =
    invoice && settings.importInvoices && invoiceFacts(invoice, partOf(told, 'invoice'), settings);
  return {
    events: [
      ...(facts && 'events' in facts ? facts.events : []),
      ...(money && 'events' in money ? money.events : []),
      shareOfInvoice(record, paymentId, told, settings),
    ],
  };
}

function shareOfInvoice(
  record: InvoicePayment,
  paymentId: string,
  told: Told,
  settings: StripeSettings,
): CanonicalEvent {
  const invoiceId = idOf(record.invoice) as string;
  const invoice = wholeInvoice(record.invoice);
  const { minor, currency } = positiveMoney(record.amount_paid ?? 0, record.currency);
  return tell(
    told,
    { id: record.id, at: instant(record.status_transitions?.paid_at ?? record.created) },
    {
      type: 'payment.referenced',
      externalPaymentId: paymentId,
      amountMinor: minor,
      currency,
      references: invoice
        ? invoiceReferences(invoice, settings, minor)
        : [{ kind: 'invoice', externalId: invoiceId, amountMinor: minor }],
      customer: invoice ? payerOfInvoice(invoice) : null,
      links: { paymentExternalId: invoiceId },
    },
  );
}

/** A deleted invoice is expanded to no more than its id. */
function wholeInvoice(field: InvoicePayment['invoice']): Invoice | undefined {
  return typeof field === 'object' && 'object' in field ? field : undefined;
}

/** The invoice itself, as canonical facts; drafts and credits are not owed by anyone. */
export function invoiceFacts(invoice: Invoice, told: Told, settings: StripeSettings): Normalized {
  if (!isKnown(invoice)) return unknownStatus('Invoice', invoice.id, invoice.status);
  if (invoice.status === 'draft') return { ignored: `invoice ${invoice.id} is a draft` };
  if (invoice.total <= 0) return { ignored: `invoice ${invoice.id} has no total to be paid` };
  const { minor, currency } = stripeMoney(invoice.total, invoice.currency);
  const references = invoiceReferences(invoice, settings);
  const issuedAt = invoice.effective_at ?? invoice.status_transitions?.finalized_at;
  const customer = payerOfInvoice(invoice);
  const event = tell(
    told,
    { id: `${invoice.id}:${invoice.status}`, at: instant(issuedAt ?? invoice.created) },
    {
      type: invoice.status === 'void' ? 'invoice.voided' : 'invoice.upserted',
      externalPaymentId: null,
      amountMinor: minor,
      currency,
      references,
      customer,
      invoice: {
        externalId: invoice.id,
        number: invoice.number ?? null,
        currency,
        totalMinor: minor,
        issuedOn: day(issuedAt ?? invoice.created, settings),
        dueOn: invoice.due_date ? day(invoice.due_date, settings) : null,
        customerExternalId: customer?.externalId ?? null,
        workOrder: firstNumber(references, 'workOrder'),
        purchaseOrder: firstNumber(references, 'purchaseOrder'),
      },
    },
  );
  return { events: [event] };
}

/**
 * An invoice as fetched or pulled. With an API key its money is found by the PaymentIntents
 * themselves.
 */
export function invoiceObject(invoice: Invoice, settings: StripeSettings): Normalized {
  if (settings.importInvoices && settings.secretKey)
    return invoiceFacts(invoice, undefined, settings);
  if (invoice.status === 'paid') return paidInvoice('invoice', invoice, undefined, settings);
  if (settings.importInvoices || !isKnown(invoice))
    return invoiceFacts(invoice, undefined, settings);
  return { ignored: `invoice ${invoice.id} is ${invoice.status}: nothing is paid by it` };
}

function day(unixSeconds: number, settings: StripeSettings): string {
  return businessDay(instant(unixSeconds), settings.timeZone);
}

function isKnown(invoice: Invoice): boolean {
  return invoice.status !== null && INVOICE_STATUSES.has(invoice.status);
}

function payerOfInvoice(invoice: Invoice): Payer | null {
  return payer(invoice.customer, [invoice.customer_name], [invoice.customer_email]);
}
