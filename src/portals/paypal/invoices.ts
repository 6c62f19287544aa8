/** PayPal invoices: the payments and refunds they list, and, for firms that bill there, the invoices themselves. */
import { fromDecimalText } from '../../money/money.ts';
import type { FetchRequest, Normalized } from '../contract.ts';
import type { CanonicalEvent, Method, Payer, Reference } from '../events.ts';
import { personName } from './payments.ts';
import { hasCredentials, type Settings } from './settings.ts';
import {
  instantOf,
  memo,
  money,
  numbered,
  partOf,
  type Told,
  tell,
  unknownStatus,
} from './telling.ts';
import {
  at,
  textOf,
  type WireInvoice,
  type WireInvoicePayment,
  type WireInvoiceRefund,
} from './wire.ts';

const STATUSES = (
  'DRAFT SENT SCHEDULED PAID MARKED_AS_PAID CANCELLED REFUNDED PARTIALLY_PAID ' +
  'PARTIALLY_REFUNDED MARKED_AS_REFUNDED UNPAID PAYMENT_PENDING'
).split(' ');
const NOT_OWED = ['DRAFT', 'SCHEDULED'];

/** An invoice, by event or as fetched: every payment and refund it lists, each once by its own id. */
export function invoiceState(invoice: WireInvoice, told: Told, settings: Settings): Normalized {
  const { id, status } = invoice;
  if (!STATUSES.includes(status)) return unknownStatus(`invoice ${id}`, status);
  const facts = settings.importInvoices ? factsOf(invoice, told) : [];
  const paid = (invoice.payments?.transactions ?? []).map((one) =>
    paymentOfInvoice(invoice, one, told),
  );
  const refunded = refundsOfInvoice(invoice, told, settings);
  const unclear = [...paid, refunded].find((part) => 'quarantined' in part);
  if (unclear) return unclear;
  const parts = [...paid, refunded];
  const events = [...facts, ...parts.flatMap((part) => ('events' in part ? part.events : []))];
  const fetch = parts.flatMap((part) => ('fetch' in part ? (part.fetch ?? []) : []));
  if (events.length > 0) return { events, ...(fetch.length > 0 ? { fetch } : {}) };
  if (fetch.length > 0) return { fetch };
  return { ignored: `invoice ${id} is ${status}: nothing is paid by it` };
}

const METHODS: ReadonlyMap<string, Method> = new Map([
  ['PAYPAL', 'wallet'],
  ['CREDIT_CARD', 'card'],
  ['DEBIT_CARD', 'card'],
  ['CHECK', 'check'],
  ['CASH', 'cash'],
  ['BANK_TRANSFER', 'bank'],
  ['WIRE_TRANSFER', 'bank'],
]);

const PAYMENT_STATES: ReadonlyMap<
  string,
  'payment.succeeded' | 'payment.pending' | 'payment.failed'
> = new Map([
  ['SUCCESS', 'payment.succeeded'],
  ['COMPLETED', 'payment.succeeded'],
  ['PENDING', 'payment.pending'],
  ['DENIED', 'payment.failed'],
  ['FAILED', 'payment.failed'],
]);

/**
 * One line of the invoice's payments, which are listed anew with every payment. What was paid through PayPal is the
 * capture or sale of that id; what a person typed in (a check) is told here alone.
 */
function paymentOfInvoice(
  invoice: WireInvoice,
  payment: WireInvoicePayment,
  told: Told,
): Normalized {
  const name = `payment ${payment.payment_id} of invoice ${invoice.id}`;
  if (payment.transaction_type === 'AUTHORIZATION') {
    return { ignored: `${name}: an authorization is no money yet` };
  }
  const implied = invoice.status === 'PAYMENT_PENDING' ? 'PENDING' : 'SUCCESS';
  const external = payment.type === 'EXTERNAL';
  const status = payment.transaction_status ?? (external ? 'SUCCESS' : implied);
  const type = PAYMENT_STATES.get(status);
  if (type === undefined) return unknownStatus(name, status);
  const { minor, currency } = money(payment.amount);
  if (minor === 0n) return { ignored: `${name} is of zero` };
  const method = textOf(payment.method);
  const event = tell(partOf(told, payment.payment_id), `${invoice.id}:${payment.payment_id}`, {
    type,
    externalPaymentId: payment.payment_id,
    occurredAt: onDay(payment.payment_date),
    amountMinor: minor,
    currency,
    method: method === null ? null : (METHODS.get(method) ?? 'other'),
    references: [...referencesOf(invoice, minor), ...memo(payment.note)],
    customer: payerOf(invoice),
  });
  return { events: [event] };
}

/**
 * Refunds do not say which payment they are of: with one payment there is no doubt, with several PayPal is asked
 * for the refund itself.
 */
function refundsOfInvoice(invoice: WireInvoice, told: Told, settings: Settings): Normalized {
  const events: CanonicalEvent[] = [];
  const fetch: FetchRequest[] = [];
  for (const refund of invoice.refunds?.transactions ?? []) {
    const payments = (invoice.payments?.transactions ?? []).filter(
      ({ type }) => type === refund.type,
    );
    const [only, ...others] = payments;
    if (only && others.length === 0) {
      events.push(refundOfInvoice(invoice, refund, only.payment_id, told));
    } else if (refund.type === 'PAYPAL' && hasCredentials(settings)) {
      fetch.push({ entity: 'refund', id: refund.refund_id });
    } else {
      return {
        quarantined:
          `refund ${refund.refund_id} of invoice ${invoice.id} does not say which of ` +
          `${payments.length} payments it is of`,
      };
    }
  }
  return { events, ...(fetch.length > 0 ? { fetch } : {}) };
}

function refundOfInvoice(
  invoice: WireInvoice,
  refund: WireInvoiceRefund,
  paymentId: string,
  told: Told,
): CanonicalEvent {
  const { minor, currency } = money(refund.amount);
  return tell(partOf(told, refund.refund_id), `${invoice.id}:${refund.refund_id}`, {
    type: 'refund.succeeded',
    externalPaymentId: paymentId,
    refundId: refund.refund_id,
    occurredAt: onDay(refund.refund_date),
    amountMinor: minor,
    currency,
    links: { paymentExternalId: paymentId },
  });
}

function factsOf(invoice: WireInvoice, told: Told): readonly CanonicalEvent[] {
  const { id, status, detail, amount } = invoice;
  if (NOT_OWED.includes(status) || !amount) return [];
  const { minor, currency } = fromDecimalText(amount.value, amount.currency);
  if (minor <= 0n) return [];
  const { metadata } = detail;
  return [
    tell(partOf(told, 'invoice'), `${id}:${status}`, {
      type: status === 'CANCELLED' ? 'invoice.voided' : 'invoice.upserted',
      externalPaymentId: null,
      occurredAt: instantOf(
        `invoice ${id}`,
        metadata?.last_update_time,
        metadata?.create_time,
        told?.at,
      ),
      amountMinor: minor,
      currency,
      references: referencesOf(invoice),
      customer: payerOf(invoice),
      invoice: {
        externalId: id,
        number: textOf(detail.invoice_number),
        currency,
        totalMinor: minor,
        issuedOn: detail.invoice_date ?? null,
        dueOn: detail.payment_term?.due_date ?? null,
        customerExternalId: null,
        workOrder: textOf(detail.reference),
        purchaseOrder: null,
      },
    }),
  ];
}

function referencesOf({ id, detail }: WireInvoice, paidMinor?: bigint): readonly Reference[] {
  const number = textOf(detail.invoice_number);
  return [
    {
      kind: 'invoice',
      externalId: id,
      ...(number === null ? {} : { number }),
      ...(paidMinor === undefined ? {} : { amountMinor: paidMinor }),
    },
    ...numbered('workOrder', detail.reference),
    ...memo(detail.note),
  ];
}

/** Recipients have no id at PayPal. */
function payerOf(invoice: WireInvoice): Payer | null {
  const info = at(invoice.primary_recipients, 0, 'billing_info');
  const name = textOf(at(info, 'business_name')) ?? personName(at(info, 'name'));
  const email = textOf(at(info, 'email_address'));
  return name || email ? { externalId: null, name, email } : null;
}

/** Noon UTC falls on the day itself nearly everywhere. */
function onDay(day: string): string {
  return `${day}T12:00:00.000Z`;
}
