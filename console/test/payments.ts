/** Payments and trails as the API answers them, for the console's tests. */
import type { Payment } from '../src/api/payment.ts';
import type { SourceDocument, Trail } from '../src/api/trail.ts';

const usd = (amount: string) => ({ amount, currency: 'USD' });

type Sketch = Partial<Omit<Payment, 'amount'>> & {
  readonly amount?: string;
  readonly currency?: string;
};

/** A payment that succeeded and paid one invoice, but for what the sketch says. */
export function somePayment(number: number, sketch: Sketch = {}): Payment {
  const { amount = '1075.00', currency = 'USD', ...rest } = sketch;
  const money = { amount, currency };
  const nothing = { amount: amount.replace(/\d/g, '0').replace(/^0+(?=0)/, ''), currency };
  const receivedAt = sketch.receivedAt ?? new Date(Date.now() - 60_000).toISOString();
  const settled = { invoice: `INV-${2000 + number}`, id: `inv_${number}` };
  return {
    id: `pay_${number}`,
    portal: 'stripe',
    connectionId: 'con_cards',
    externalId: `pi_3PK8sample${number}`,
    status: 'succeeded',
    amount: money,
    fee: null,
    refunded: nothing,
    disputed: nothing,
    unapplied: nothing,
    occurredAt: receivedAt,
    receivedAt,
    postedAt: receivedAt,
    method: 'card',
    channel: null,
    failureReason: null,
    customer: { id: 'cus_4', externalId: 'C-104', name: 'Acme Foundry', email: 'ap@acme.test' },
    references: [{ kind: 'invoice', value: settled.invoice }],
    allocations: [
      {
        id: `al_${number}`,
        target: {
          kind: 'invoice',
          id: settled.id,
          externalId: settled.id,
          number: settled.invoice,
        },
        amount: money,
        explanation: {
          rule: 'reference',
          because: `The payment names invoice ${settled.invoice}.`,
          alternatives: [],
        },
      },
    ],
    releases: [],
    events: [],
    ...rest,
  };
}

export function release(number: number, name: string, kind: string, target: string) {
  return {
    id: `act_${number}`,
    name,
    target: { kind, id: `wo_${number}`, number: target },
    state: 'done' as const,
    at: new Date(Date.now() - 59_000).toISOString(),
    takenBackAt: null,
  };
}

/**
 * The trail of a payment: received, applied, its fee taken, its work released, one message sent.
 */
export function trailOf(payment: Payment): Trail {
  const at = payment.receivedAt;
  const entry = (
    sequence: string,
    memo: string,
    debit: string,
    credit: string,
    amount: string,
  ) => ({
    sequence,
    kind: 'payment.succeeded',
    memo,
    postedAt: at,
    hash: sequence.padStart(2, '0').repeat(32),
    documentId: 'doc_71',
    postings: [{ debitAccount: debit, creditAccount: credit, amount: usd(amount) }],
  });
  const { amount } = payment.amount;
  return {
    payment,
    documents: [webhookNotice(payment)],
    events: [
      {
        type: 'payment.succeeded',
        occurredAt: at,
        amount: payment.amount,
        documentId: 'doc_71',
      },
    ],
    entries: [
      entry('31', `${payment.id} received`, 'clearing:con_cards', 'unapplied-cash:cus_4', amount),
      entry(
        '32',
        `${amount} of ${payment.id} applied`,
        'unapplied-cash:cus_4',
        'receivable:cus_4',
        amount,
      ),
      entry('33', `fee of ${payment.id}`, 'processor-fees', 'clearing:con_cards', '31.48'),
    ],
    allocations: payment.allocations.map((allocation) => ({
      ...allocation,
      originalAmount: allocation.amount,
      state: 'standing',
      entry: '32',
    })),
    actions: payment.releases.map((one) => ({ ...one, entry: '32', takenBackBecause: null })),
    deliveries: [
      {
        id: 'dlv_9',
        system: { name: 'Dispatch board' },
        topic: 'payment.released',
        state: 'done',
        attempts: 1,
        lastError: null,
      },
    ],
    reviewItems: [],
  };
}

function webhookNotice(payment: Payment): SourceDocument {
  return {
    id: 'doc_71',
    portal: payment.portal,
    origin: 'webhook',
    receivedAt: payment.receivedAt,
    status: 'applied',
    reason: null,
    sequence: '71',
    sha256: 'ab'.repeat(32),
  };
}
