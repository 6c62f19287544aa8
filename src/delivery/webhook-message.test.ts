import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleRefund, exampleState } from './example-state.ts';
import { webhookMessage } from './webhook-message.ts';

test('tells topic, time and the payment as the API shows it', () => {
  const customer = {
    id: 7n,
    connectionId: 'con_books',
    externalId: 'c7',
    name: 'Ann',
    email: 'ann@example.com',
    emailKey: 'ann@example.com',
    updatedSequence: 1n,
  };
  const message = JSON.parse(
    webhookMessage(exampleState('payment.succeeded', { customer })).toString(),
  );
  assert.equal(message.type, 'payment.succeeded');
  assert.equal(message.timestamp, '2026-11-03T15:02:24.907Z');
  assert.deepEqual(message.data, {
    payment: {
      id: 'pay_12',
      portal: 'stripe',
      connectionId: 'con_stripe',
      externalId: 'ch_1',
      status: 'succeeded',
      amount: { amount: '1075.00', currency: 'USD' },
      fee: { amount: '31.48', currency: 'USD' },
      refunded: { amount: '0.00', currency: 'USD' },
      disputed: { amount: '0.00', currency: 'USD' },
      unapplied: { amount: '0.00', currency: 'USD' },
      occurredAt: '2026-11-03T15:02:24.907Z',
      receivedAt: '2026-11-03T15:02:24.907Z',
      postedAt: '2026-11-03T15:02:24.907Z',
      method: 'card',
      channel: null,
      failureReason: null,
      customer: { id: 'cus_7', externalId: 'c7', name: 'Ann', email: 'ann@example.com' },
      references: [{ kind: 'invoice', value: 'INV-9' }],
      allocations: [
        {
          id: 'al_40',
          target: { kind: 'invoice', id: 'inv_9', externalId: '145', number: 'INV-9' },
          amount: { amount: '1075.00', currency: 'USD' },
          explanation: { rule: 'invoice-number', because: 'It names the invoice.' },
        },
      ],
      workOrders: ['ORD-4534'],
    },
  });
});

test('names the payer as the portal did while no customer of the books is known', () => {
  const payer = { externalId: 'cus_x', name: null, email: 'bo@example.com' };
  const message = webhookMessage(exampleState('payment.failed', { payment: { payer } }));
  assert.deepEqual(JSON.parse(message.toString()).data.payment.customer, { id: null, ...payer });
});

test('adds the refund, dispute or action it is about', () => {
  const refund = exampleRefund();
  const dispute = {
    id: 31n,
    connectionId: 'con_stripe',
    externalId: 'dp_1',
    paymentId: 12n,
    paymentExternalId: 'ch_1',
    amountMinor: 500n,
    currency: 'USD',
    feeMinor: null,
    feeCurrency: null,
    openedAt: '2026-11-05T00:00:00.000Z',
    withdrawnAt: null,
    wonAt: null,
    lostAt: null,
    reason: 'fraudulent',
    posted: 'none',
    entry: null,
    updatedSequence: 1n,
  } as const;
  const action = {
    id: 32n,
    name: 'parts.dispatch',
    targetKind: 'parts-order',
    targetId: 5n,
    paymentId: 12n,
    entry: 3n,
    documentId: 1n,
    doneAt: '2026-11-03T15:02:25.000Z',
    takenBackAt: null,
    takenBackEntry: null,
    takenBackDocumentId: null,
    takenBackBecause: null,
    updatedSequence: 1n,
  } as const;
  const state = exampleState('payment.released', { refund, dispute, action });
  const { data } = JSON.parse(webhookMessage(state).toString());
  assert.deepEqual([data.refund.id, data.refund.amount.amount], ['ref_30', '75.00']);
  assert.deepEqual([data.dispute.id, data.dispute.reason], ['dsp_31', 'fraudulent']);
  assert.equal(data.action.name, 'parts.dispatch');
  assert.deepEqual(data.action.target, { kind: 'parts-order', id: 'pt_5' });
});
