/** The canonical events a transaction's state tells: a sale's payment, or a credit's refund. */
import { fromDecimalText, MalformedAmount, type Money } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent, EventType } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { latestOf, type PaymentFacts, passedAt } from './facts.ts';
import type { Settings } from './settings.ts';

/** Facts that suffice to tell of money. */
export type WholePayment = PaymentFacts & {
  readonly direction: 'sale' | 'credit';
  readonly status: string;
  readonly amount: string;
  readonly currency: string;
};

/** Minimal notices leave the type, the currency or the status out; then nothing may be guessed. */
export function isWhole(facts: PaymentFacts): facts is WholePayment {
  const { direction, status, amount, currency } = facts;
  return direction !== undefined && [status, amount, currency].every((one) => one !== undefined);
}

const CONFIRMED = 'settlement_confirmed';

const SALES: ReadonlyMap<string, EventType> = new Map([
  ['authorizing', 'payment.pending'],
  ['authorized', 'payment.authorized'],
  ['submitted_for_settlement', 'payment.pending'],
  ['settling', 'payment.pending'],
  ['settlement_pending', 'payment.pending'],
  ['settled', 'payment.succeeded'],
  ['processor_declined', 'payment.failed'],
  ['gateway_rejected', 'payment.failed'],
  ['failed', 'payment.failed'],
  ['settlement_declined', 'payment.failed'],
  ['voided', 'payment.voided'],
  ['authorization_expired', 'payment.voided'],
]);
const FAILED_CREDITS: readonly EventType[] = ['payment.failed', 'payment.voided'];

/**
 * What the transaction tells. `toldAt` is the instant of the notice that brought it. @throws WireMismatch,
 * MalformedAmount, UnknownCurrency
 */
export function tellPayment(
  facts: WholePayment,
  toldAt: string | undefined,
  settings: Settings,
): Normalized {
  const { id, status } = facts;
  if (status === CONFIRMED) {
    return { ignored: `${id} is ${CONFIRMED}: its partial captures carry the money` };
  }
  const state = SALES.get(status);
  if (!state) throw new WireMismatch(`status: "${status}" of ${id} is not known`);
  const money = positive(fromDecimalText(facts.amount, facts.currency));
  if (!money) return { ignored: `${id} is of 0.00: no money moves` };
  if (facts.direction === 'credit') return tellRefund(facts, { state, money, toldAt });
  if (facts.inParts && (state === 'payment.pending' || state === 'payment.succeeded')) {
    return { ignored: `${id} is captured in parts: its partial captures carry the money` };
  }
  const type = isPaid(facts, state, settings) ? 'payment.succeeded' : state;
  const returned = type === 'payment.succeeded' && facts.achReturnCode !== undefined;
  const at = whenOf(facts, toldAt);
  return {
    events: [
      {
        type: returned ? 'payment.failed' : type,
        externalPaymentId: id,
        eventId: `${id}:${returned ? 'returned' : status}`,
        // The API goes on saying "settled" of a debit that the bank returned, and never when.
        occurredAt: returned ? secondAfter(at) : at,
        amountMinor: money.minor,
        currency: money.currency,
        ...feeOf(facts),
        method: facts.method,
        references: facts.references,
        customer: facts.customer,
        links:
          type === 'payment.succeeded' && facts.authorizationId !== undefined
            ? { insteadOf: [facts.authorizationId] }
            : {},
        // What was submitted may still be settled with less.
        ...(type === 'payment.succeeded' && settings.paidWhen !== 'settled'
          ? { revision: status === 'settled' ? 2 : 1 }
          : {}),
        ...reasonOf(facts, { type, returned }),
      },
    ],
  };
}

/** Cards and wallets may count once they are submitted for settlement; a debit may still bounce. */
function isPaid({ method, status }: WholePayment, state: EventType, settings: Settings): boolean {
  if (state === 'payment.succeeded') return true;
  const captured = status === 'submitted_for_settlement' || status === 'settling';
  const certain = method === 'card' || method === 'wallet';
  return settings.paidWhen === 'submitted_for_settlement' && captured && certain;
}

function reasonOf(
  { achReturnCode, reason }: WholePayment,
  { type, returned }: { readonly type: EventType; readonly returned: boolean },
): { readonly reason?: string } {
  if (returned) return { reason: achReturnCode as string };
  const failed = type === 'payment.failed' || type === 'payment.voided';
  return failed && reason !== undefined ? { reason } : {};
}

/** A refund is paid once it is settled; a void or failure before or after that takes it back. */
function tellRefund(
  facts: WholePayment,
  told: { readonly state: EventType; readonly money: Money; readonly toldAt: string | undefined },
): Normalized {
  const { id, status, refundedId } = facts;
  const failed = FAILED_CREDITS.includes(told.state);
  if (!failed && told.state !== 'payment.succeeded') {
    return { ignored: `refund ${id} is ${status}: no money has moved` };
  }
  const event: CanonicalEvent = {
    type: failed ? 'refund.failed' : 'refund.succeeded',
    externalPaymentId: refundedId ?? null,
    refundId: id,
    eventId: `${id}:${status}`,
    occurredAt: whenOf(facts, told.toldAt),
    amountMinor: told.money.minor,
    currency: told.money.currency,
    feeMinor: null,
    method: facts.method,
    // A refund belongs to the sale it names; only a credit without one is looked up by what it refers to.
    references: refundedId === undefined ? facts.references : [],
    customer: facts.customer,
    links: refundedId === undefined ? {} : { paymentExternalId: refundedId },
    ...(failed && facts.reason !== undefined ? { reason: facts.reason } : {}),
  };
  return { events: [event] };
}

/** When it came into its status: its history, else the notice, else the last that is known of it. */
function whenOf(facts: PaymentFacts, toldAt: string | undefined): string {
  const { history, status, createdAt } = facts;
  const at =
    passedAt(history, status ?? '') ?? later(toldAt, history) ?? latestOf(history) ?? createdAt;
  if (at === undefined) throw new WireMismatch(`no instant of ${facts.id} is told`);
  return at;
}

/** A notice of a bank's return may be as old as the settlement it undoes, by the second. */
function later(toldAt: string | undefined, history: PaymentFacts['history']): string | undefined {
  const settledAt = passedAt(history, 'settled');
  if (toldAt === undefined || settledAt === undefined || toldAt > settledAt) return toldAt;
  return secondAfter(settledAt);
}

function secondAfter(at: string): string {
  return new Date(Date.parse(at) + 1000).toISOString();
}

function feeOf({ fee, currency }: WholePayment): Pick<CanonicalEvent, 'feeMinor' | 'feeCurrency'> {
  const kept = fee && positive(fromDecimalText(fee.amount, fee.currency));
  if (!kept) return { feeMinor: null };
  return {
    feeMinor: kept.minor,
    ...(kept.currency === currency ? {} : { feeCurrency: kept.currency }),
  };
}

/** Undefined when no money moves. @throws MalformedAmount: Braintree states positive amounts. */
function positive(money: Money): Money | undefined {
  if (money.minor < 0n) throw new MalformedAmount(`${money.minor} minor units are negative`);
  return money.minor === 0n ? undefined : money;
}
