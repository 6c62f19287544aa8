/** The canonical events a Mollie object's state tells, whichever way the object reached us. */
import { fromDecimalText, MalformedAmount, type Money } from '../../money/money.ts';
import type { CanonicalEvent, Payer } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { methodOf } from './methods.ts';
import { referencesOf } from './references.ts';
import {
  member,
  textOf,
  type WireAmount,
  type WireBalanceTransaction,
  type WireChargeback,
  type WirePayment,
  type WireRefund,
} from './wire.ts';

/** When an event is only as datable as the notice that brought it: the notice's instant. */
export type ToldAt = string | undefined;

const STATES = {
  pending: { type: 'payment.pending', at: 'createdAt' },
  authorized: { type: 'payment.authorized', at: 'authorizedAt' },
  paid: { type: 'payment.succeeded', at: 'paidAt' },
  failed: { type: 'payment.failed', at: 'failedAt' },
  expired: { type: 'payment.failed', at: 'expiredAt' },
  canceled: { type: 'payment.voided', at: 'canceledAt' },
} as const;

/** The payment's own event, then one per refund and chargeback embedded in it. */
export function eventsOfPayment(payment: WirePayment, toldAt?: ToldAt): readonly CanonicalEvent[] {
  return [
    ...paymentEvent(payment, toldAt),
    ...(payment._embedded?.refunds ?? []).flatMap((refund) => eventsOfRefund(refund)),
    ...(payment._embedded?.chargebacks ?? []).flatMap(eventsOfChargeback),
  ];
}

function paymentEvent(payment: WirePayment, toldAt: ToldAt): readonly CanonicalEvent[] {
  if (payment.status === 'open') return [];
  const money = read(payment.amount);
  // A payment of 0.00 only sets up a mandate: no money moves in any of its states.
  if (money.minor === 0n) return [];
  const captured = payment.status === 'paid' ? capturedMoney(payment) : undefined;
  const { type, at } = STATES[payment.status];
  const reason = reasonOf(payment);
  return [
    {
      type,
      externalPaymentId: payment.id,
      eventId: `${payment.id}:${payment.status}`,
      occurredAt: utc(payment[at] ?? toldAt, `${at} of a payment that is ${payment.status}`),
      amountMinor: (captured ?? money).minor,
      currency: money.currency,
      feeMinor: null,
      method: methodOf(payment.method),
      references: referencesOf(payment),
      customer: payerOf(payment),
      links: {},
      // Captured in parts, a payment grows while it stays `paid`; the larger sum is the later one.
      ...(captured ? { revision: Number(captured.minor) } : {}),
      ...(reason ? { reason } : {}),
    },
  ];
}

/** With manual capture the money received is what was captured, perhaps less than authorized. */
function capturedMoney(payment: WirePayment): Money | undefined {
  if (!payment.amountCaptured) return undefined;
  const captured = read(payment.amountCaptured);
  if (captured.minor === 0n && payment.captureMode !== 'manual') return undefined;
  if (captured.minor === 0n || captured.currency !== payment.amount.currency) {
    const { value, currency } = payment.amountCaptured;
    throw new WireMismatch(
      `amountCaptured: ${value} ${currency} contradicts a payment that is paid`,
    );
  }
  return captured;
}

function reasonOf(payment: WirePayment): string | undefined {
  if (payment.status === 'expired') return 'expired';
  if (payment.status !== 'failed' && payment.status !== 'canceled') return undefined;
  return (
    textOf(member(payment.details, 'failureReason')) ??
    textOf(member(payment.details, 'bankReasonCode')) ??
    textOf(member(payment.statusReason, 'code')) ??
    undefined
  );
}

function payerOf(payment: WirePayment): Payer | null {
  const { billingAddress: address, details } = payment;
  const person = [member(address, 'givenName'), member(address, 'familyName')]
    .flatMap((part) => textOf(part) ?? [])
    .join(' ');
  const externalId = textOf(payment.customerId);
  const name =
    textOf(member(address, 'organizationName')) ??
    (person ||
      (textOf(member(details, 'consumerName')) ?? textOf(member(details, 'cardHolder')) ?? null));
  // PayPal names its customer by e-mail where banks name an account number.
  const account = payment.method === 'paypal' ? textOf(member(details, 'consumerAccount')) : null;
  const email = textOf(member(address, 'email')) ?? (account?.includes('@') ? account : null);
  return externalId || name || email ? { externalId, name, email } : null;
}

/** Mollie keeps no instant of a refund's payout: its notice tells it, else its creation stands in. */
export function eventsOfRefund(refund: WireRefund, toldAt?: ToldAt): readonly CanonicalEvent[] {
  if (refund.status !== 'refunded' && refund.status !== 'failed') return [];
  return [
    {
      type: refund.status === 'refunded' ? 'refund.succeeded' : 'refund.failed',
      externalPaymentId: refund.paymentId ?? null,
      refundId: refund.id,
      eventId: `${refund.id}:${refund.status}`,
      occurredAt: utc(toldAt ?? refund.createdAt, 'createdAt'),
      amountMinor: positive(refund.amount).minor,
      currency: refund.amount.currency,
      feeMinor: null,
      method: null,
      references: referencesOf(refund),
      customer: null,
      links: linksTo(refund.paymentId),
    },
  ];
}

/** A chargeback received took the money, a reversal brings it back. Mollie knows no lost dispute. */
export function eventsOfChargeback(chargeback: WireChargeback): readonly CanonicalEvent[] {
  const reason = textOf(member(chargeback.reason, 'code')) ?? textOf(chargeback.reason);
  const opened: CanonicalEvent = {
    type: 'dispute.opened',
    externalPaymentId: chargeback.paymentId ?? null,
    disputeId: chargeback.id,
    eventId: `${chargeback.id}:received`,
    occurredAt: utc(chargeback.createdAt, 'createdAt'),
    amountMinor: positive(chargeback.amount).minor,
    currency: chargeback.amount.currency,
    feeMinor: null,
    method: null,
    references: [],
    customer: null,
    links: linksTo(chargeback.paymentId),
    ...(reason ? { reason } : {}),
    fundsWithdrawn: true,
  };
  if (!chargeback.reversedAt) return [opened];
  const { fundsWithdrawn: _, ...same } = opened;
  return [
    opened,
    {
      ...same,
      type: 'dispute.won',
      eventId: `${chargeback.id}:reversed`,
      occurredAt: utc(chargeback.reversedAt, 'reversedAt'),
    },
  ];
}

/**
 * The fee kept from a payment, which the payment itself never tells. No new money: the balance may
 * be in another currency than the payment was.
 */
export function feeEvents(transaction: WireBalanceTransaction): readonly CanonicalEvent[] {
  const paymentId = transaction.context?.paymentId;
  const fees = transaction.deductionDetails?.fees;
  if (transaction.type !== 'payment' || !paymentId || !fees) return [];
  const fee = fromDecimalText(fees.value, fees.currency);
  if (fee.minor > 0n) throw new MalformedAmount(`"${fees.value}" is a fee that is not a deduction`);
  if (fee.minor === 0n) return [];
  const money = positive(transaction.initialAmount);
  return [
    {
      type: 'payment.referenced',
      externalPaymentId: paymentId,
      eventId: `${transaction.id}:fee`,
      occurredAt: utc(transaction.createdAt, 'createdAt'),
      amountMinor: money.minor,
      currency: money.currency,
      feeMinor: -fee.minor,
      feeCurrency: fee.currency,
      method: null,
      references: [],
      customer: null,
      links: {},
    },
  ];
}

/** A settlement or payout that left for the bank, or came back from it. */
export function payoutEvent(payout: {
  readonly id: string;
  readonly state: 'paid' | 'failed';
  readonly amount: WireAmount | null | undefined;
  readonly at: string | null | undefined;
  readonly reason?: string | null;
}): CanonicalEvent {
  if (!payout.amount) throw new WireMismatch(`amount: missing though ${payout.id} is final`);
  const money = read(payout.amount, { negative: true });
  return {
    type: payout.state === 'paid' ? 'payout.paid' : 'payout.failed',
    externalPaymentId: null,
    payoutId: payout.id,
    eventId: `${payout.id}:${payout.state}`,
    occurredAt: utc(payout.at, `instant at which ${payout.id} became ${payout.state}`),
    amountMinor: money.minor,
    currency: money.currency,
    feeMinor: null,
    method: null,
    references: [],
    customer: null,
    links: {},
    ...(payout.reason ? { reason: payout.reason } : {}),
  };
}

function linksTo(paymentId: string | null | undefined): CanonicalEvent['links'] {
  return paymentId ? { paymentExternalId: paymentId } : {};
}

function read(amount: WireAmount, options: { readonly negative?: boolean } = {}): Money {
  const money = fromDecimalText(amount.value, amount.currency);
  if (money.minor < 0n && !options.negative) {
    throw new MalformedAmount(`"${amount.value}" is negative where Mollie states positive amounts`);
  }
  return money;
}

function positive(amount: WireAmount): Money {
  const money = read(amount);
  if (money.minor === 0n) throw new MalformedAmount(`"${amount.value}" moves no money`);
  return money;
}

function utc(text: string | null | undefined, what: string): string {
  if (!text) throw new WireMismatch(`the ${what} is missing`);
  return new Date(text).toISOString();
}
