/**
 * For tests: the state of a card payment of 1,075.00 USD on work order ORD-4534, with whatever
 * differs.
 */
import type { InvoiceRow, PaymentRow, RefundRow } from '../apply/rows.ts';
import type { DeliveryState, StatedAllocation } from './delivery-state.ts';

const AT = '2026-11-03T15:02:24.907Z';

function examplePayment(more: Partial<PaymentRow> = {}): PaymentRow {
  return {
    id: 12n,
    connectionId: 'con_stripe',
    externalId: 'ch_1',
    provisional: false,
    entered: false,
    status: 'succeeded',
    amountMinor: 107500n,
    currency: 'USD',
    feeMinor: 3148n,
    feeCurrency: 'USD',
    feeEntry: 2n,
    method: 'card',
    channel: null,
    failureReason: null,
    pendingAt: null,
    authorizedAt: null,
    succeededAt: AT,
    succeededLastAt: AT,
    failedAt: null,
    voidedAt: null,
    parts: null,
    revision: null,
    payer: null,
    payerKey: null,
    customerId: 7n,
    references: [{ kind: 'invoice', number: 'INV-9' }],
    receivedMinor: 107500n,
    allocatedMinor: 107500n,
    refundedMinor: 0n,
    disputedMinor: 0n,
    lostMinor: 0n,
    held: false,
    mirrors: null,
    suspect: null,
    suspicion: null,
    vouched: false,
    occurredAt: AT,
    receivedAt: AT,
    postedAt: AT,
    receiptEntry: 1n,
    updatedSequence: 1n,
    ...more,
  };
}

export function exampleRefund(more: Partial<RefundRow> = {}): RefundRow {
  return {
    id: 30n,
    connectionId: 'con_stripe',
    externalId: 're_1',
    paymentId: 12n,
    paymentExternalId: 'ch_1',
    amountMinor: 7500n,
    currency: 'USD',
    feeMinor: null,
    feePostedMinor: 0n,
    feeCurrency: null,
    succeededAt: '2026-11-06T11:20:00.000Z',
    failedAt: null,
    postedMinor: 7500n,
    entry: 5n,
    customerId: null,
    standing: 'own',
    details: {},
    updatedSequence: 2n,
    ...more,
  };
}

export function exampleAllocation(
  amountMinor: bigint,
  invoice: Partial<InvoiceRow> = {},
): StatedAllocation {
  return {
    row: {
      id: 40n,
      paymentId: 12n,
      invoiceId: 9n,
      workOrderId: null,
      customerId: 7n,
      currency: 'USD',
      originalMinor: amountMinor || 1n,
      amountMinor,
      explanation: { rule: 'invoice-number', because: 'It names the invoice.' },
      entry: 3n,
      createdAt: AT,
      updatedSequence: 1n,
    },
    invoice: {
      id: 9n,
      connectionId: 'con_books',
      externalId: '145',
      number: 'INV-9',
      numberKey: 'INV-9',
      customerId: 7n,
      currency: 'USD',
      totalMinor: amountMinor,
      paidMinor: amountMinor,
      status: 'paid',
      issuedOn: null,
      dueOn: null,
      workOrder: 'ORD-4534',
      workOrderKey: 'ORD-4534',
      purchaseOrder: null,
      purchaseOrderKey: null,
      registeredEntry: null,
      statedAt: null,
      revision: null,
      updatedSequence: 1n,
      ...invoice,
    },
    workOrder: undefined,
  };
}

export function exampleState(
  topic: string,
  more: Partial<Omit<DeliveryState, 'payment' | 'delivery'>> & {
    readonly payment?: Partial<PaymentRow>;
  } = {},
): DeliveryState {
  return {
    portal: 'stripe',
    refund: undefined,
    dispute: undefined,
    action: undefined,
    customer: undefined,
    allocations: [exampleAllocation(107500n)],
    workOrders: ['ORD-4534'],
    ...more,
    delivery: {
      id: 3n,
      topic,
      paymentId: 12n,
      subject: null,
      attempts: 1,
      mayHaveArrived: false,
      createdAt: AT,
    },
    payment: examplePayment(more.payment),
  };
}
