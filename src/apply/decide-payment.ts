/** Payment events: fold, post the receipt, take it back, recognise copies, merge twins. */

import { encodeJson } from '../db/json.ts';
import { baseStatus, foldMarks, NO_MARKS, type PaymentEventType } from '../payments/fold.ts';
import { amountOfPart, foldPart, takenOf } from '../payments/parts.ts';
import type { CanonicalEvent } from '../portals/events.ts';
import { findCustomer, findPayment } from './books.ts';
import { objectToFee, settleFee } from './decide-fee.ts';
import { postWaiting } from './decide-refund.ts';
import {
  addIdentity,
  type Deciding,
  nextId,
  Quarantined,
  queueDelivery,
  touchPayment,
} from './deciding.ts';
import { findLateCopy, findOwnPayment, withItsOtherParts } from './find-twin.ts';
import {
  adoptAnnounced,
  adoptTwin,
  giveWay,
  isOvertaken,
  learnPurpose,
  mergeElsewhere,
  mergeLinked,
  replaceAnnounced,
  unite,
} from './merge-payments.ts';
import { paymentForWorkOrder } from './payment-of.ts';
import { statusOf } from './payment-status.ts';
import { resolveReferences } from './payment-targets.ts';
import { moneyText, postReceipt, takeBackReceipt } from './receipt.ts';
import type { PaymentRow } from './rows.ts';
import { nearnessOf } from './same-money.ts';
import { doubtLatePurpose, isOwnMoney, letGo } from './suspicion.ts';

export type PaymentEvent = CanonicalEvent & { readonly type: PaymentEventType };

export function isPaymentEvent(event: CanonicalEvent): event is PaymentEvent {
  return event.type.startsWith('payment.');
}

/**
 * What stands against believing an event at all; checked before anything is changed.
 * @throws Quarantined when a payment already posted would change amount or currency without a revision.
 */
export function objectToPayment(ctx: Deciding, event: PaymentEvent): void {
  if (event.externalPaymentId === null) throw new Quarantined(`${event.type} names no payment`);
  objectToFee(ctx, event);
  if (event.type !== 'payment.succeeded') return;
  if (event.amountMinor <= 0n) {
    throw new Quarantined(`a payment of ${event.amountMinor} minor units is not money received`);
  }
  objectToUnit(ctx, event);
  const payment = findPayment(ctx.books, ctx.document.connectionId, event.externalPaymentId);
  if (!payment?.succeededAt || payment.provisional || event.provisional) return;
  if (payment.connectionId !== ctx.document.connectionId || event.revision !== undefined) return;
  const isRest = event.part === undefined && takenOf(payment.parts) !== null;
  const booked =
    event.part === undefined
      ? payment.amountMinor
      : (amountOfPart(payment.parts, event.part) ?? event.amountMinor);
  if ((isRest || booked === event.amountMinor) && payment.currency === event.currency) return;
  throw new Quarantined(
    `pay_${payment.id} (${event.externalPaymentId}) is booked with ${moneyText(payment)}; this document says ` +
      `${moneyText(event)} of the same payment`,
  );
}

/**
 * Where a portal leaves the unit of amounts in doubt, a hundredfold of what is owed is no payment but a wrong
 * setting.
 */
function objectToUnit(ctx: Deciding, event: PaymentEvent): void {
  const { connectionId } = ctx.document;
  const setting = ctx.books.organization.connections.get(connectionId)?.unitSetting;
  if (!setting) return;
  const probe = { references: event.references, connectionId, customerId: null };
  const owed = resolveReferences(ctx.books, probe as unknown as PaymentRow).flatMap(({ targets }) =>
    targets.flatMap((target) =>
      target.currency === event.currency ? (target.openMinor ?? []) : [],
    ),
  );
  const { amountMinor } = event;
  if (owed.includes(amountMinor)) return;
  const wrong = owed.find((open) => amountMinor === open * 100n || amountMinor * 100n === open);
  if (wrong === undefined) return;
  throw new Quarantined(
    `${moneyText(event)} is ${amountMinor > wrong ? 'a hundred times' : 'a hundredth of'} what is owed; ` +
      `look at the connection's setting ${setting}, then replay`,
  );
}

export function decidePayment(ctx: Deciding, event: PaymentEvent): void {
  const connectionId = ctx.document.connectionId;
  const externalId = event.externalPaymentId as string;
  const known = findPayment(ctx.books, connectionId, externalId);
  if (!known) {
    const own = findOwnPayment(ctx, event);
    if (own) return recogniseCopy(ctx, own);
    if (ctx.document.mirrorOnly) return;
  } else if (known.connectionId !== connectionId) {
    // A copy we recorded or linked: its states are told by the portal the money came through.
    if (nearnessOf(ctx, connectionId) === 1) learnPurpose(ctx, known, event);
    return;
  }
  if (known && isVoidOfAnnouncement(known, event)) return;
  const whole = withItsOtherParts(event, known);
  if (known && isOvertaken(ctx, known, whole)) return;
  const payment =
    known ??
    adoptAnnounced(ctx, event) ??
    adoptTwin(ctx, whole) ??
    voidedPayment(ctx, event) ??
    newPayment(ctx, event);
  if (payment.connectionId !== connectionId) return;
  const seen = known && whatIsApplied(known);
  const named = known?.references;
  mergeLinked(ctx, payment, event);
  mergeElsewhere(ctx, payment, event);
  if (payment.mirrors !== null) return;
  replaceAnnounced(ctx, payment, event);
  const before = { status: payment.status, receivedMinor: payment.receivedMinor };
  const copy = findLateCopy(ctx, payment, whole);
  if (copy) giveWay(ctx, { weaker: copy, stronger: payment });
  foldEvent(ctx, payment, event);
  settleMoney(ctx, payment, event);
  if (known && payment.references !== named) doubtLatePurpose(ctx, payment);
  payment.status = statusOf(payment);
  touchPayment(ctx, payment);
  // A document that tells nothing new must not move money, even if other money has moved meanwhile.
  if (whatIsApplied(payment) !== seen) ctx.toApply.add(payment.id);
  if (before.receivedMinor > 0n && payment.receivedMinor === 0n) {
    letGo(ctx, payment, { resolution: `The money of pay_${payment.id} is gone.` });
  }
  const isNews =
    payment.status !== before.status || (!known && event.type !== 'payment.referenced');
  if (isNews && payment.suspect === null) {
    queueDelivery(ctx, { topic: event.type, paymentId: payment.id });
  }

  function recogniseCopy(context: Deciding, own: PaymentRow): void {
    addIdentity(context, { kind: 'payment', connectionId, externalId, entityId: own.id });
  }
}

/** All of a payment that decides what it is applied to, in one text; lists, because the database reorders names. */
function whatIsApplied(payment: PaymentRow): string {
  const { id, status, amountMinor, currency, receivedMinor, customerId, payer } = payment;
  const identity = [id, payment.mirrors, payment.held, payment.provisional, customerId];
  const references = payment.references.map((one) => [
    one.kind,
    one.externalId,
    one.number,
    one.text,
    one.amountMinor,
    one.connectionId,
  ]);
  const who = [payer?.externalId, payer?.name, payer?.email];
  return encodeJson([identity, who, status, amountMinor, currency, receivedMinor, references]);
}

/** A void with an id of its own means the newest payment of its work order that has its amount. */
function voidedPayment(ctx: Deciding, event: PaymentEvent): PaymentRow | undefined {
  if (event.type !== 'payment.voided' || event.amountMinor === 0n) return undefined;
  const payment = paymentForWorkOrder(
    ctx,
    event,
    (one) =>
      one.amountMinor === event.amountMinor && one.voidedAt === null && one.failedAt === null,
  );
  if (!payment) return undefined;
  const { connectionId } = ctx.document;
  const externalId = event.externalPaymentId as string;
  addIdentity(ctx, { kind: 'payment', connectionId, externalId, entityId: payment.id });
  return payment;
}

/** What a payment was announced by (an authorization) may lapse once the money came: the money stays. */
function isVoidOfAnnouncement(known: PaymentRow, event: PaymentEvent): boolean {
  const announced = known.externalId !== event.externalPaymentId;
  return event.type === 'payment.voided' && announced && baseStatus(known) === 'succeeded';
}

function newPayment(ctx: Deciding, event: PaymentEvent): PaymentRow {
  return {
    id: nextId(ctx),
    connectionId: ctx.document.connectionId,
    externalId: event.externalPaymentId as string,
    provisional: event.provisional ?? false,
    entered: nearnessOf(ctx, ctx.document.connectionId) === 0,
    status: 'pending',
    amountMinor: event.amountMinor,
    currency: event.currency,
    feeMinor: null,
    feeCurrency: null,
    feeEntry: null,
    method: event.method,
    channel: event.channel ?? null,
    failureReason: null,
    ...NO_MARKS,
    parts: null,
    revision: null,
    payer: null,
    payerKey: null,
    customerId: null,
    references: [],
    receivedMinor: 0n,
    allocatedMinor: 0n,
    refundedMinor: 0n,
    disputedMinor: 0n,
    lostMinor: 0n,
    held: false,
    mirrors: null,
    suspect: null,
    suspicion: null,
    vouched: false,
    occurredAt: event.occurredAt,
    receivedAt: ctx.document.receivedAt,
    postedAt: null,
    receiptEntry: null,
    updatedSequence: ctx.document.sequence,
  };
}

function foldEvent(ctx: Deciding, payment: PaymentRow, event: PaymentEvent): void {
  const first = payment.succeededAt === null;
  const newer = event.revision !== undefined && event.revision > (payment.revision ?? -1);
  const older = event.revision !== undefined && event.revision < (payment.revision ?? -1);
  Object.assign(payment, foldMarks(payment, event));
  if (event.revision !== undefined && newer) payment.revision = event.revision;
  const { part } = event;
  if (part !== undefined) payment.parts = foldPart(payment.parts, { ...event, part });
  const taken = takenOf(payment.parts);
  if (taken !== null || part !== undefined) {
    // The parts that were taken are the payment, whatever was authorized.
    const { currency } = event.type === 'payment.succeeded' ? event : payment;
    if (taken) changeAmount(ctx, payment, { amountMinor: taken, currency });
  } else if (event.type === 'payment.succeeded' && !older && (first || newer)) {
    changeAmount(ctx, payment, event);
  } else if (first && event.amountMinor > 0n && event.type !== 'payment.referenced') {
    payment.amountMinor = event.amountMinor;
    payment.currency = event.currency;
  }
  if (!older) {
    payment.references =
      newer && event.references.length > 0
        ? event.references
        : unite(payment.references, event.references);
  }
  payment.method ??= event.method;
  payment.channel ??= event.channel ?? null;
  if (event.type === 'payment.failed')
    payment.failureReason = event.reason ?? payment.failureReason;
  if (event.customer) {
    payment.payer = {
      externalId: payment.payer?.externalId ?? event.customer.externalId,
      name: payment.payer?.name ?? event.customer.name,
      email: payment.payer?.email ?? event.customer.email,
    };
    payment.payerKey = payment.payer.externalId;
  }
  if (!event.provisional && payment.externalId === event.externalPaymentId)
    payment.provisional = false;
  payment.occurredAt =
    payment.succeededAt ??
    payment.authorizedAt ??
    payment.failedAt ??
    payment.voidedAt ??
    payment.pendingAt ??
    payment.occurredAt;
}

/** A first or revised amount; what was booked with another one is taken back and booked anew. */
function changeAmount(
  ctx: Deciding,
  payment: PaymentRow,
  event: Pick<PaymentEvent, 'amountMinor' | 'currency'>,
): void {
  const same = payment.amountMinor === event.amountMinor && payment.currency === event.currency;
  if (!same && payment.receivedMinor > 0n) {
    takeBackReceipt(ctx, payment, `the amount became ${moneyText(event)}`);
  }
  payment.amountMinor = event.amountMinor;
  payment.currency = event.currency;
}

function settleMoney(ctx: Deciding, payment: PaymentRow, event: PaymentEvent): void {
  const moneyIn =
    baseStatus(payment) === 'succeeded' && payment.mirrors === null && payment.suspect === null;
  if (payment.customerId === null && payment.payer) {
    const customer = findCustomer(ctx.books, payment.connectionId, payment.payer);
    // Assigned before the receipt is posted, so that cash never passes through "unidentified" needlessly.
    if (customer && payment.receivedMinor === 0n) payment.customerId = customer.id;
  }
  if (moneyIn && payment.receivedMinor === 0n && isOwnMoney(ctx, payment)) {
    postReceipt(ctx, payment);
  }
  if (!moneyIn && payment.receivedMinor > 0n) {
    takeBackReceipt(ctx, payment, event.reason ? `${event.type}: ${event.reason}` : event.type);
  }
  settleFee(ctx, payment, event);
  if (payment.receivedMinor > 0n) postWaiting(ctx, payment, event);
}
