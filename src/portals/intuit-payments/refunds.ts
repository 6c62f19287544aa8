/** Money that went back: told by the processor, or by the receipt in QuickBooks that names the transaction. */
import type { CanonicalEvent } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { readInstant } from '../kit/intuit.ts';
import { payerOf } from '../kit/intuit-transactions.ts';
import { readWire } from '../kit/wire.ts';
import { processorInstant } from './instants.ts';
import { isOfNothing, type Recorded } from './recorded.ts';
import { CURRENCIES } from './settings.ts';
import { minorOf, type Reading, type ToldTransaction } from './transactions.ts';
import { type Refund, refund as refundWire } from './wire.ts';

/**
 * The refunds of a payment. What the processor tells of them comes first; a receipt alone tells one of a payment
 * whose money came, because a charge that was undone gave nothing back.
 */
export function refundEvents(
  payment: CanonicalEvent,
  told: ToldTransaction & { readonly refund: unknown },
  reading: Reading,
): readonly CanonicalEvent[] {
  const { facts, recorded } = told;
  const own = told.refund === undefined ? [] : [readWire(refundWire, told.refund)];
  const listed = (facts.refundDetail ?? []).filter(({ id }) => !own.some((one) => one.id === id));
  const refunds = [...own, ...listed];
  if (refunds.length > 0) return refunds.flatMap((one) => processorRefund(one, payment, reading));
  if (recorded?.entity !== 'RefundReceipt' || payment.type !== 'payment.succeeded') return [];
  return receiptRefund(recorded, payment);
}

/** A refund whose payment cannot be found: QuickBooks names the transaction of the refund alone. */
export function refundOfUnknown(
  recorded: Recorded,
  { settings }: Reading,
): readonly CanonicalEvent[] {
  const currency = recorded.facts.CurrencyRef?.value ?? settings.homeCurrency ?? 'USD';
  if (!CURRENCIES.some((known) => known === currency)) {
    throw new WireMismatch(
      `CurrencyRef: Intuit takes ${CURRENCIES.join(' and ')}, not ${currency}`,
    );
  }
  return receiptRefund(recorded, { externalPaymentId: null, currency });
}

function processorRefund(
  refund: Refund,
  payment: CanonicalEvent,
  { learnedAt }: Reading,
): readonly CanonicalEvent[] {
  const { id, status, type, amount, created } = refund;
  const amountMinor = minorOf(amount, payment.currency, 'refund.amount');
  const event = {
    ...bareRefund(payment),
    eventId: `${id}:${status}`,
    occurredAt: processorInstant(created, 'refund.created'),
    amountMinor,
  };
  switch (`${type} ${status}`) {
    case 'REFUND ISSUED':
    case 'REFUND SETTLED':
      return [{ ...event, type: 'refund.succeeded', refundId: id }];
    case 'REFUND DECLINED':
      return [{ ...event, type: 'refund.failed', refundId: id, occurredAt: learnedAt }];
    case 'VOID DECLINED':
      return [];
    case 'VOID ISSUED':
      // What was not settled yet is undone instead of refunded.
      if (amountMinor !== payment.amountMinor) {
        throw new WireMismatch(`refund.amount: a void of ${amount} is not of the whole charge`);
      }
      return payment.type === 'payment.voided'
        ? []
        : [{ ...event, type: 'payment.voided', reason: 'VOID' }];
    default:
      throw new WireMismatch(`refund: "${type}" with status "${status}" is not documented`);
  }
}

/** Its id is that of the refund at the processor, or its own where it names the charge instead. */
function receiptRefund(
  { facts, named }: Recorded,
  payment: Pick<CanonicalEvent, 'externalPaymentId' | 'currency'>,
): readonly CanonicalEvent[] {
  if (isOfNothing({ facts })) return [];
  const kept = facts.CurrencyRef?.value ?? payment.currency;
  if (kept !== payment.currency) {
    throw new WireMismatch(`RefundReceipt ${facts.Id} is in ${kept}, not ${payment.currency}`);
  }
  const isOwn = named === undefined || named === payment.externalPaymentId;
  const refundId = isOwn ? `RefundReceipt:${facts.Id}` : named;
  return [
    {
      ...bareRefund(payment),
      type: 'refund.succeeded',
      refundId,
      eventId: `${refundId}:${facts.SyncToken}`,
      occurredAt: readInstant(facts.MetaData.CreateTime, 'MetaData.CreateTime'),
      amountMinor: minorOf(facts.TotalAmt, payment.currency, 'TotalAmt'),
      customer: payerOf(facts),
      links: { elsewhere: [{ portal: 'quickbooks', externalId: facts.Id }] },
    },
  ];
}

function bareRefund(payment: Pick<CanonicalEvent, 'externalPaymentId' | 'currency'>) {
  return {
    externalPaymentId: payment.externalPaymentId,
    currency: payment.currency,
    feeMinor: null,
    method: null,
    references: [],
    customer: null,
    links: {},
  } satisfies Partial<CanonicalEvent>;
}
