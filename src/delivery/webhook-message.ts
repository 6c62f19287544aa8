/** The body of a signed webhook: the topic and the payment as the API shows it. Pure. */
import { toJsonMoney } from '../money/money.ts';
import type { DeliveryState, StatedAllocation } from './delivery-state.ts';

/** The message in the shape Standard Webhooks recommends: `type`, `timestamp`, `data`. */
export function webhookMessage(state: DeliveryState): Buffer {
  const { delivery, refund, dispute, action } = state;
  return Buffer.from(
    JSON.stringify({
      type: delivery.topic,
      timestamp: delivery.createdAt,
      data: {
        payment: paymentOf(state),
        ...(refund ? { refund: refundOf(refund) } : {}),
        ...(dispute ? { dispute: disputeOf(dispute) } : {}),
        ...(action ? { action: actionOf(action) } : {}),
      },
    }),
  );
}

function paymentOf({ payment, portal, customer, allocations, workOrders }: DeliveryState) {
  const money = (minor: bigint) => toJsonMoney({ minor, currency: payment.currency });
  const { receivedMinor, allocatedMinor, refundedMinor, lostMinor } = payment;
  return {
    id: `pay_${payment.id}`,
    portal,
    connectionId: payment.connectionId,
    externalId: payment.externalId,
    status: payment.status,
    amount: money(payment.amountMinor),
    fee:
      payment.feeMinor === null
        ? null
        : toJsonMoney({
            minor: payment.feeMinor,
            currency: payment.feeCurrency ?? payment.currency,
          }),
    refunded: money(refundedMinor),
    disputed: money(payment.disputedMinor),
    unapplied: money(receivedMinor - allocatedMinor - refundedMinor - lostMinor),
    occurredAt: payment.occurredAt,
    receivedAt: payment.receivedAt,
    postedAt: payment.postedAt,
    method: payment.method,
    channel: payment.channel,
    failureReason: payment.failureReason,
    customer: customerOf(payment, customer),
    references: payment.references.flatMap(({ kind, number, externalId, text }) => {
      const value = number ?? externalId ?? text;
      return value === undefined ? [] : [{ kind, value }];
    }),
    allocations: allocations
      .filter(({ row }) => row.amountMinor > 0n)
      .map((allocation) => allocationOf(allocation)),
    workOrders,
  };
}

/** The customer in the books; else the payer as the portal named them, without an id of ours. */
function customerOf({ payer }: DeliveryState['payment'], customer: DeliveryState['customer']) {
  if (!customer) return payer && { id: null, ...payer };
  const { id, externalId, name, email } = customer;
  return { id: `cus_${id}`, externalId, name, email };
}

function allocationOf({ row, invoice, workOrder }: StatedAllocation) {
  const target = invoice
    ? { kind: 'invoice', id: `inv_${invoice.id}`, ...namesOf(invoice) }
    : workOrder && { kind: 'work-order', id: `wo_${workOrder.id}`, ...namesOf(workOrder) };
  return {
    id: `al_${row.id}`,
    target: target ?? null,
    amount: toJsonMoney({ minor: row.amountMinor, currency: row.currency }),
    explanation: row.explanation,
  };
}

function namesOf({ externalId, number }: { externalId: string; number: string | null }) {
  return { externalId, number };
}

function refundOf(refund: NonNullable<DeliveryState['refund']>) {
  const { id, externalId, succeededAt, failedAt, amountMinor: minor, currency } = refund;
  const amount = toJsonMoney({ minor, currency });
  return { id: `ref_${id}`, externalId, amount, succeededAt, failedAt };
}

function disputeOf(dispute: NonNullable<DeliveryState['dispute']>) {
  const { id, externalId, openedAt, wonAt, lostAt, reason, amountMinor: minor, currency } = dispute;
  const amount = toJsonMoney({ minor, currency });
  return { id: `dsp_${id}`, externalId, amount, openedAt, wonAt, lostAt, reason };
}

const TARGET_PREFIXES = {
  'work-order': 'wo',
  'service-contract': 'sc',
  warranty: 'war',
  'parts-order': 'pt',
} as const;

function actionOf(action: NonNullable<DeliveryState['action']>) {
  const { id, name, targetKind, targetId, doneAt, takenBackAt, takenBackBecause } = action;
  const target = { kind: targetKind, id: `${TARGET_PREFIXES[targetKind]}_${targetId}` };
  return { id: `act_${id}`, name, target, doneAt, takenBackAt, takenBackBecause };
}
