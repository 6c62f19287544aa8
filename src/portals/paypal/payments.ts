/** Captures, sales and authorizations of both generations, and the orders that hold them. */
import type { FetchRequest, Normalized } from '../contract.ts';
import type { CanonicalEvent, Method, Payer } from '../events.ts';
import { refundState } from './refunds.ts';
import { hasCredentials, type Settings } from './settings.ts';
import {
  feeOf,
  instantOf,
  money,
  named,
  numbered,
  reason,
  type Told,
  tell,
  unknownStatus,
} from './telling.ts';
import { at, textOf, type WireOrder, type WirePayment } from './wire.ts';

type State = 'payment.pending' | 'payment.succeeded' | 'payment.failed';

/** `status` of a v2 capture and, in upper case, `state` of a v1 sale or capture. A refunded payment was received. */
const STATES: ReadonlyMap<string, State> = new Map([
  ['COMPLETED', 'payment.succeeded'],
  ['PARTIALLY_REFUNDED', 'payment.succeeded'],
  ['REFUNDED', 'payment.succeeded'],
  ['PENDING', 'payment.pending'],
  ['DECLINED', 'payment.failed'],
  ['DENIED', 'payment.failed'],
  ['FAILED', 'payment.failed'],
]);

/** What an event's type promises of the state of its capture or sale. */
const PROMISES: ReadonlyMap<string, readonly State[]> = new Map([
  ['COMPLETED', ['payment.succeeded']],
  // The state is the truth, and may have gone on before the event was written.
  ['PENDING', ['payment.pending', 'payment.succeeded', 'payment.failed']],
  ['DECLINED', ['payment.failed']],
  ['DENIED', ['payment.failed']],
]);

/** Who paid and with what, where an order says it of its captures. */
type Means = { readonly customer: Payer | null; readonly method: Method | null };

/** A capture or sale, by event or as part of an order. */
export function paymentState(payment: WirePayment, told: Told, settings: Settings): Normalized {
  const status = statusOf(payment);
  const type = STATES.get(status);
  if (type === undefined) return unknownStatus(`payment ${payment.id}`, status);
  const promised = told && PROMISES.get(told.type.split('.').at(-1) as string);
  if (promised && !promised.includes(type)) {
    return { quarantined: `${told.type} of ${payment.id}, which is ${status}: they contradict` };
  }
  const { minor, currency } = money(payment.amount);
  if (minor === 0n) return { ignored: `payment ${payment.id} is of zero: no money moves` };
  const breakdown = payment.seller_receivable_breakdown;
  const fee =
    breakdown?.paypal_fee ??
    breakdown?.paypal_fee_in_receivable_currency ??
    payment.transaction_fee;
  const authorizationId = authorizationOf(payment);
  const event = tell(told, payment.id, {
    type,
    externalPaymentId: payment.id,
    occurredAt: occurredAt(payment, type, status, told),
    amountMinor: minor,
    currency,
    ...(type === 'payment.succeeded' ? feeOf(fee, currency) : {}),
    references: referencesOf(payment),
    links: authorizationId === null ? {} : { insteadOf: [authorizationId] },
    ...(type === 'payment.succeeded'
      ? {}
      : reason(at(payment.status_details, 'reason'), payment.reason_code, payment.pending_reason)),
  });
  return { events: [event], ...payerFetch(payment, told, settings) };
}

/** Completed at its last change; once refunded, that change is the refund's. */
function occurredAt(payment: WirePayment, type: State, status: string, told: Told): string {
  const { create_time, update_time } = payment;
  const changed = type === 'payment.failed' || status === 'COMPLETED';
  const first = changed ? update_time : create_time;
  return instantOf(`payment ${payment.id}`, first, create_time, update_time, told?.at);
}

type AuthorizationState =
  | 'payment.pending'
  | 'payment.authorized'
  | 'payment.voided'
  | 'payment.failed';

const AUTHORIZATION_STATES: ReadonlyMap<string, AuthorizationState | null> = new Map([
  ['CREATED', 'payment.authorized'],
  ['AUTHORIZED', 'payment.authorized'],
  ['PENDING', 'payment.pending'],
  ['VOIDED', 'payment.voided'],
  ['EXPIRED', 'payment.voided'],
  ['DENIED', 'payment.failed'],
  ['CAPTURED', null],
  ['PARTIALLY_CAPTURED', null],
  ['PARTIALLY_CREATED', 'payment.authorized'],
]);

/**
 * An authorization: a payment under an id that stands in until it is captured, because its captures have ids of
 * their own and name it. A rest that is voided after a capture takes nothing back.
 */
export function authorizationState(
  payment: WirePayment,
  told: Told,
  settings: Settings,
): Normalized {
  const status = statusOf(payment);
  const type = AUTHORIZATION_STATES.get(status);
  if (type === undefined) return unknownStatus(`authorization ${payment.id}`, status);
  if (type === null) {
    return { ignored: `authorization ${payment.id} is ${status}: its captures are the money` };
  }
  if (told?.type.endsWith('.VOIDED') && type !== 'payment.voided') {
    return { quarantined: `${told.type} of ${payment.id}, which is ${status}: they contradict` };
  }
  const { minor, currency } = money(payment.amount);
  if (minor === 0n) return { ignored: `authorization ${payment.id} is of zero: it saves a card` };
  const { create_time, update_time } = payment;
  const open = type === 'payment.authorized' || type === 'payment.pending';
  const first = open ? create_time : update_time;
  const event = tell(told, payment.id, {
    type,
    externalPaymentId: payment.id,
    occurredAt: instantOf(payment.id, first, update_time, create_time, told?.at),
    amountMinor: minor,
    currency,
    references: referencesOf(payment),
    provisional: true,
    ...(type === 'payment.authorized'
      ? {}
      : reason(at(payment.status_details, 'reason'), payment.reason_code)),
  });
  return { events: [event], ...payerFetch(payment, told, settings) };
}

/** Everything an order has become, with its payer, whom captures do not name. */
export function orderState(order: WireOrder, settings: Settings): Normalized {
  const means = { customer: payerOf(order), method: sourceOf(order)?.method ?? null };
  const parts = order.purchase_units.flatMap(({ payments }) => [
    ...(payments?.captures ?? []).map((one) => paymentState(one, undefined, settings)),
    ...(payments?.authorizations ?? []).map((one) => authorizationState(one, undefined, settings)),
    ...(payments?.refunds ?? []).map((one) => refundState(one, undefined)),
  ]);
  const unclear = parts.find((part) => 'quarantined' in part);
  if (unclear) return unclear;
  const events = parts
    .flatMap((part) => ('events' in part ? part.events : []))
    .map((event) => withMeans(event, order.id, means));
  return events.length > 0 ? { events } : { ignored: `order ${order.id}: nothing is paid yet` };
}

/** A capture inside an order does not name the order. */
function withMeans(event: CanonicalEvent, orderId: string, means: Means): CanonicalEvent {
  if (!event.type.startsWith('payment.')) return event;
  const known = event.references.some(({ kind }) => kind === 'order');
  return {
    ...event,
    ...means,
    references: known ? event.references : [...event.references, ...named('order', orderId)],
  };
}

/** The payer is only told by the order, which is asked for when PayPal can be asked. */
function payerFetch(
  payment: WirePayment,
  told: Told,
  settings: Settings,
): { readonly fetch?: readonly FetchRequest[] } {
  const orderId = textOf(at(payment.supplementary_data, 'related_ids', 'order_id'));
  if (!told || orderId === null || !hasCredentials(settings)) return {};
  return { fetch: [{ entity: 'order', id: orderId }] };
}

function statusOf({ status, state }: WirePayment): string {
  return (status ?? state ?? '').toUpperCase();
}

/** The authorization that a capture draws on: named among its related ids (v2) or by its links. */
function authorizationOf(payment: WirePayment): string | null {
  const related = textOf(at(payment.supplementary_data, 'related_ids', 'authorization_id'));
  if (related !== null) return related === payment.id ? null : related;
  const up = (payment.links ?? []).find(({ rel }) => rel === 'up' || rel === 'authorization');
  const id = /\/authorizations?\/([A-Za-z0-9]+)(?:[/?]|$)/.exec(up?.href ?? '')?.[1];
  return id === undefined || id === payment.id ? null : id;
}

function referencesOf(payment: WirePayment) {
  return [
    ...numbered('invoice', payment.invoice_id ?? payment.invoice_number),
    ...numbered('workOrder', payment.custom_id ?? payment.custom),
    ...named('order', at(payment.supplementary_data, 'related_ids', 'order_id')),
    ...named('subscription', payment.billing_agreement_id),
  ];
}

function payerOf(order: WireOrder): Payer | null {
  const source = sourceOf(order)?.details;
  const externalId = textOf(at(order.payer, 'payer_id')) ?? textOf(at(source, 'account_id'));
  const name =
    textOf(at(source, 'business_name')) ??
    personName(at(order.payer, 'name')) ??
    personName(at(source, 'name'));
  const email = textOf(at(order.payer, 'email_address')) ?? textOf(at(source, 'email_address'));
  return externalId || name || email ? { externalId, name, email } : null;
}

/** A name in parts, or a card's, which is one text. */
export function personName(name: unknown): string | null {
  const parts = [at(name, 'given_name'), at(name, 'surname')].map(textOf);
  const joined = parts.filter((part) => part !== null).join(' ');
  return textOf(name) ?? (textOf(at(name, 'full_name')) || joined || null);
}

const METHODS: ReadonlyMap<string, Method> = new Map([
  ...'paypal venmo apple_pay google_pay'.split(' ').map((source) => [source, 'wallet'] as const),
  ...'bancontact blik eps giropay ideal mybank p24 sofort trustly multibanco'
    .split(' ')
    .map((source) => [source, 'bank'] as const),
  ['card', 'card'],
]);

/** What an order was paid with: the one member of its `payment_source` that says something to us, else its only one. */
function sourceOf(
  order: WireOrder,
): { readonly method: Method; readonly details: unknown } | undefined {
  const sources = Object.entries((order.payment_source ?? {}) as object);
  for (const [source, details] of sources) {
    const method = METHODS.get(source);
    if (method) return { method, details };
  }
  const [only, ...others] = sources;
  return only && others.length === 0 ? { method: 'other', details: only[1] } : undefined;
}
