/** Payments: what their status tells, and what an order's invoice adds to them. */
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { isRecorded, methodOf } from './methods.ts';
import {
  invoiceReferences,
  orderReferences,
  payerOf,
  payerOfPayment,
  paymentReferences,
} from './references.ts';
import { hasCredentials, type SquareSettings } from './settings.ts';
import { feeOf, instantOf, readUnsigned, type ToldBy, tell, unknownStatus } from './telling.ts';
import type { Payment, PaymentWithContext } from './wire.ts';

type PaymentType =
  | 'payment.authorized'
  | 'payment.pending'
  | 'payment.succeeded'
  | 'payment.voided'
  | 'payment.failed';

const STATES: ReadonlyMap<string, PaymentType> = new Map([
  ['APPROVED', 'payment.authorized'],
  ['PENDING', 'payment.pending'],
  ['COMPLETED', 'payment.succeeded'],
  ['CANCELED', 'payment.voided'],
  ['FAILED', 'payment.failed'],
] as const);

/**
 * A payment as a webhook tells it or a page lists it. With an API to ask, its order, invoice and customer are
 * fetched besides, because a payment names no invoice.
 */
export function paymentState(payment: Payment, told: ToldBy, settings: SquareSettings): Normalized {
  const read = readPayment(payment, told, settings);
  if (!('event' in read)) return read;
  const ended = read.event.type === 'payment.voided' || read.event.type === 'payment.failed';
  const events = [read.event];
  if (ended || !hasCredentials(settings)) return { events };
  return { events, fetch: [{ entity: 'payment', id: payment.id }] };
}

/** A payment as fetched, with whatever its order, invoice and customer add. Asks for nothing more, so a fetch ends. */
export function paymentInContext(
  { payment, order, invoice, customer }: PaymentWithContext,
  settings: SquareSettings,
): Normalized {
  const read = readPayment(payment, undefined, settings);
  if (!('event' in read)) return read;
  const { event } = read;
  const references = [
    ...(invoice ? invoiceReferences(invoice, shareWithoutTip(payment)) : []),
    ...orderReferences(order?.reference_id),
  ];
  const payer = payerOf({ payment, order, invoice, customer });
  const news = references.length > 0 || JSON.stringify(payer) !== JSON.stringify(event.customer);
  if (!news) return { events: [event] };
  return {
    events: [
      // The money itself says so, too: by the invoice it names, its copy in the books is recognised.
      { ...event, references: [...event.references, ...references], customer: payer },
      tell({
        type: 'payment.referenced',
        externalPaymentId: payment.id,
        eventId: `${payment.id}:order`,
        occurredAt: event.occurredAt,
        amountMinor: event.amountMinor,
        currency: event.currency,
        references,
        customer: payer,
      }),
    ],
  };
}

function readPayment(
  payment: Payment,
  told: ToldBy,
  settings: SquareSettings,
): { readonly event: CanonicalEvent } | { readonly ignored: string } | { quarantined: string } {
  const { id, status, source_type } = payment;
  const type = STATES.get(status);
  if (type === undefined) return unknownStatus('payment', id, status);
  if (isRecorded(source_type) && !settings.recordedPayments) {
    return { ignored: `${id} (${source_type}) was only recorded: \`recordedPayments\` is off` };
  }
  const { minor, currency } = readUnsigned(payment.total_money, 'total_money');
  if (minor === 0n) return { ignored: `${id} is a payment of nothing: no money moves` };
  const channel = payment.application_details?.square_product ?? source_type;
  const event = tell({
    type,
    externalPaymentId: id,
    eventId: told ?? `${id}:${status}`,
    occurredAt: occurredAt(type, payment),
    amountMinor: minor,
    currency,
    ...(type === 'payment.succeeded' && maySayFee(told, settings)
      ? feeOf(payment.processing_fee, currency)
      : {}),
    method: methodOf(payment),
    ...(channel ? { channel } : {}),
    ...(type === 'payment.failed' ? reasonOf(payment) : {}),
    references: paymentReferences(payment),
    customer: payerOfPayment(payment),
  });
  return { event };
}

/**
 * A fee may be adjusted, and webhooks come in any order: where the API can be asked, what it answers is the
 * fee, so that a late webhook cannot bring back a former one.
 */
function maySayFee(told: ToldBy, settings: SquareSettings): boolean {
  return told === undefined || !hasCredentials(settings);
}

/**
 * Instants of the state, not of the last update, which moves with every fee and refund. A payment taken
 * offline was made when the device says.
 */
function occurredAt(type: PaymentType, payment: Payment): string {
  const { created_at, updated_at } = payment;
  const timeline = payment.card_details?.card_payment_timeline;
  const client_created_at = payment.offline_payment_details?.client_created_at;
  switch (type) {
    case 'payment.succeeded':
      if (isRecorded(payment.source_type)) return instantOf({ created_at, updated_at });
      return instantOf({
        client_created_at,
        captured_at: timeline?.captured_at,
        updated_at,
        created_at,
      });
    case 'payment.authorized':
      return instantOf({
        client_created_at,
        authorized_at: timeline?.authorized_at,
        created_at,
        updated_at,
      });
    case 'payment.pending':
      return instantOf({ client_created_at, created_at, updated_at });
    case 'payment.voided':
      return instantOf({ voided_at: timeline?.voided_at, updated_at, created_at });
    case 'payment.failed':
      return instantOf({ updated_at, created_at });
  }
}

function reasonOf({ card_details, bank_account_details }: Payment): { reason?: string } {
  const failures = [...(card_details?.errors ?? []), ...(bank_account_details?.errors ?? [])];
  const words = failures.map(({ code, detail }) => code || detail).filter((word) => word);
  return words.length === 0 ? {} : { reason: [...new Set(words)].join(', ') };
}

/** What an invoice is paid with, when the payment is a tip on top of it besides. */
function shareWithoutTip({ tip_money, total_money }: Payment): bigint | undefined {
  if (!tip_money) return undefined;
  const tip = readUnsigned(tip_money, 'tip_money').minor;
  return tip === 0n ? undefined : readUnsigned(total_money, 'total_money').minor - tip;
}
