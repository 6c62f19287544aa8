/** Transactions of API v3. */
import { fromDecimalText } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { Reference } from '../events.ts';
import { payerOf, present } from './account.ts';
import { methodOf } from './methods.ts';
import { become } from './movement.ts';
import type { Transaction } from './wire.ts';

/** A transaction by its own state. @throws UnknownCurrency, MalformedAmount */
export function transactionState(transaction: Transaction): Normalized {
  const { id, type, status, currency, amount, account } = transaction;
  const createdAt = instantOf(transaction.created_at);
  const changedAt = transaction.updated_at ? instantOf(transaction.updated_at) : createdAt;
  const collectedAt = transaction.collected_at ? instantOf(transaction.collected_at) : null;
  return become({
    id,
    uuid: transaction.uuid ?? id,
    originalId: present(transaction.original_transaction_id),
    type,
    status: status.toLowerCase(),
    isChargeback: transaction.origin === 'chargeback',
    money: fromDecimalText(amount, currency),
    at: collectedAt ?? createdAt,
    wasCollected: collectedAt !== null,
    endedAt: endOf(),
    changedAt,
    method: methodOf(present(transaction.payment_method?.object)),
    references: referencesOf(transaction),
    customer: account ? payerOf(account) : null,
    gateway: {
      name: present(transaction.payment_gateway?.type ?? transaction.payment_gateway?.name),
      reference: present(transaction.gateway_reference),
    },
    reason: reasonOf(transaction),
  });

  function endOf(): string {
    if (transaction.voided_at) return instantOf(transaction.voided_at);
    // What was declined at once never came; what is taken back later must be later than its coming.
    return type !== 'refund' && collectedAt === null && status !== 'void' ? createdAt : changedAt;
  }
}

/** Recurly's instants have seconds and a zone. */
export function instantOf(text: string): string {
  return new Date(text).toISOString();
}

/** The invoice of a refund is the credit note that it pays out, which is none of the firm's receivables. */
function referencesOf(transaction: Transaction): readonly Reference[] {
  const { invoice } = transaction;
  const invoiceId = transaction.type === 'refund' ? null : present(invoice?.id);
  const number = transaction.type === 'refund' ? null : present(invoice?.number);
  const memo = present(transaction.description);
  return [
    ...(invoiceId || number
      ? [
          {
            kind: 'invoice' as const,
            ...(invoiceId && { externalId: invoiceId }),
            ...(number && { number }),
          },
        ]
      : []),
    ...(transaction.subscription_ids ?? []).map((externalId) => ({
      kind: 'subscription' as const,
      externalId,
    })),
    ...(memo ? [{ kind: 'memo' as const, text: memo }] : []),
  ];
}

function reasonOf(transaction: Transaction): string | null {
  const { status_code, status_message, gateway_message } = transaction;
  const words = [present(status_code), present(status_message) ?? present(gateway_message)];
  return words.filter((word) => word !== null).join(': ') || null;
}
