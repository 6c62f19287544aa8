/** What the simulated Authorize.Net knows, and how its objects look on the wire. */
import { toDecimalText } from '../src/money/money.ts';
import type { SimulatedOrder } from './contract.ts';

export const CURRENCY = 'USD';

export type Transaction = {
  readonly transId: string;
  readonly type: 'authCaptureTransaction' | 'authOnlyTransaction' | 'refundTransaction';
  readonly order: SimulatedOrder;
  readonly paidBy: 'creditCard' | 'eCheck';
  readonly submittedAt: Date;
  readonly amountMinor: bigint;
  /** The payment that a refund gives back. */
  readonly refTransId: string | null;
  /** The fraud filters kept it for review. */
  readonly held: boolean;
  status: string;
  returnedAt: Date | null;
  batch: Batch | null;
};

/** What happens to a settled transaction shows as a row of a later batch. */
export type Adjustment = {
  readonly transaction: Transaction;
  readonly what: 'returned' | 'chargeback' | 'reversal';
};

export type Batch = {
  readonly batchId: string;
  readonly paidBy: Transaction['paidBy'];
  readonly settledAt: Date;
  readonly rows: readonly Transaction[];
  readonly sums: {
    readonly chargeMinor: bigint;
    readonly refundMinor: bigint;
    readonly returnedMinor: bigint;
    readonly chargebackMinor: bigint;
  };
  readonly returnedCount: number;
  readonly chargebackCount: number;
};

export type World = {
  readonly apiLoginId: string;
  readonly transactionKey: string;
  readonly signatureKey: string;
  readonly transactions: Transaction[];
  readonly batches: Batch[];
  /** Waiting for the next batch. */
  readonly adjustments: Adjustment[];
};

/** In these states a transaction is not settled with the others. */
const WAITS: readonly string[] = ['authorizedPendingCapture', 'FDSAuthorizedPendingReview'];
const NEVER_MONEY: readonly string[] = [...WAITS, 'voided', 'declined'];

/** The net of a batch: what the card processor is told to pay. */
export function netOf({ sums }: Batch): bigint {
  return sums.chargeMinor - sums.refundMinor - sums.returnedMinor - sums.chargebackMinor;
}

/** Settles what is due by card or by eCheck; undefined when nothing is. */
export function settleBatch(
  world: World,
  given: { readonly batchId: string; readonly paidBy: Transaction['paidBy']; readonly at: Date },
): Batch | undefined {
  const { batchId, paidBy, at } = given;
  const due = world.transactions.filter(
    (one) => one.paidBy === paidBy && one.batch === null && !WAITS.includes(one.status),
  );
  const adjusted = world.adjustments.filter(({ transaction }) => transaction.paidBy === paidBy);
  if (due.length + adjusted.length === 0) return undefined;
  const counted = due.filter(({ status }) => !NEVER_MONEY.includes(status));
  const isRefund = ({ type }: Transaction) => type === 'refundTransaction';
  // A refund that came back is in no documented sum.
  const returned = ofKind(adjusted, 'returned').filter((one) => !isRefund(one));
  const chargedBack = ofKind(adjusted, 'chargeback');
  const batch: Batch = {
    batchId,
    paidBy,
    settledAt: at,
    rows: [...new Set([...due, ...adjusted.map(({ transaction }) => transaction)])],
    sums: {
      chargeMinor: total(counted.filter((one) => !isRefund(one))),
      refundMinor: total(counted.filter(isRefund)),
      returnedMinor: total(returned),
      chargebackMinor: total(chargedBack),
    },
    returnedCount: returned.length,
    chargebackCount: chargedBack.length,
  };
  world.batches.push(batch);
  for (const one of due) {
    one.batch = batch;
    if (one.status === 'capturedPendingSettlement') one.status = 'settledSuccessfully';
    if (one.status === 'refundPendingSettlement') one.status = 'refundSettledSuccessfully';
  }
  const left = world.adjustments.filter((one) => !adjusted.includes(one));
  world.adjustments.splice(0, world.adjustments.length, ...left);
  return batch;
}

function ofKind(
  adjustments: readonly Adjustment[],
  what: Adjustment['what'],
): readonly Transaction[] {
  return adjustments.filter((one) => one.what === what).map(({ transaction }) => transaction);
}

function total(transactions: readonly Transaction[]): bigint {
  return transactions.reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
}

/** A row of a list. */
export function wireSummary(one: Transaction) {
  const { invoiceNumber, customer } = one.order;
  return {
    transId: one.transId,
    submitTimeUTC: one.submittedAt.toISOString().replace(/\.\d{3}Z$/, 'Z'),
    submitTimeLocal: one.submittedAt.toISOString().slice(0, 19),
    transactionStatus: one.status,
    ...(invoiceNumber === undefined ? {} : { invoiceNumber }),
    firstName: customer.name,
    accountType: accountOf(one.paidBy),
    accountNumber: 'XXXX1111',
    settleAmount: settles(one),
    marketType: 'eCommerce',
    product: 'Card Not Present',
    ...(one.returnedAt ? { hasReturnedItems: true } : {}),
  };
}

/** The transaction of a details answer. */
export function wireTransaction(one: Transaction) {
  const { order, batch, returnedAt } = one;
  const { customer, invoiceNumber, memo, workOrder } = order;
  const description = [memo, workOrder].filter((text) => text !== undefined).join(' / ');
  const isRefund = one.type === 'refundTransaction';
  return {
    transId: one.transId,
    ...(one.refTransId ? { refTransId: one.refTransId } : {}),
    submitTimeUTC: one.submittedAt.toISOString(),
    submitTimeLocal: one.submittedAt.toISOString().slice(0, 23),
    transactionType: one.type,
    transactionStatus: one.status,
    responseCode: one.status === 'declined' ? 2 : one.held ? 4 : 1,
    responseReasonCode: one.status === 'declined' ? 2 : 1,
    responseReasonDescription: one.status === 'declined' ? 'Declined' : 'Approval',
    ...(isRefund || one.paidBy === 'eCheck' ? {} : { authCode: 'LZ6I19' }),
    AVSResponse: isRefund ? 'P' : 'Y',
    ...(one.held
      ? { FDSFilterAction: 'authAndHold', FDSFilters: [{ name: 'Amount Filter', action: 'hold' }] }
      : {}),
    order: {
      ...(invoiceNumber === undefined ? {} : { invoiceNumber }),
      ...(description ? { description } : {}),
    },
    authAmount: decimal(one.amountMinor),
    settleAmount: settles(one),
    taxExempt: false,
    payment:
      one.paidBy === 'eCheck'
        ? { bankAccount: { routingNumber: 'XXXX0024', echeckType: 'WEB' } }
        : { creditCard: { cardNumber: 'XXXX1111', expirationDate: 'XXXX', cardType: 'Visa' } },
    customer: { type: 'business', id: customer.externalId, email: customer.email },
    billTo: { company: customer.name },
    recurringBilling: false,
    product: 'Card Not Present',
    marketType: 'eCommerce',
    ...(batch
      ? {
          batch: {
            batchId: batch.batchId,
            settlementTimeUTC: batch.settledAt.toISOString(),
            settlementState: 'settledSuccessfully',
          },
        }
      : {}),
    ...(returnedAt
      ? {
          returnedItems: [
            {
              id: `2${one.transId}`,
              dateUTC: returnedAt.toISOString(),
              code: 'R01',
              description: 'Insufficient Funds',
            },
          ],
        }
      : {}),
  };
}

/** A batch with its statistics. */
export function wireBatch(batch: Batch) {
  const { sums } = batch;
  return {
    batchId: batch.batchId,
    settlementTimeUTC: batch.settledAt.toISOString(),
    settlementTimeLocal: batch.settledAt.toISOString().slice(0, 23),
    settlementState: 'settledSuccessfully',
    paymentMethod: batch.paidBy,
    statistics: [
      {
        accountType: accountOf(batch.paidBy),
        chargeAmount: decimal(sums.chargeMinor),
        refundAmount: decimal(sums.refundMinor),
        returnedItemAmount: decimal(sums.returnedMinor),
        returnedItemCount: batch.returnedCount,
        chargebackAmount: decimal(sums.chargebackMinor),
        chargebackCount: batch.chargebackCount,
      },
    ],
  };
}

function accountOf(paidBy: Transaction['paidBy']): string {
  return paidBy === 'eCheck' ? 'eCheck' : 'Visa';
}

function settles({ status, amountMinor }: Transaction): unknown {
  return decimal(NEVER_MONEY.includes(status) ? 0n : amountMinor);
}

/** Node has it since 22, TypeScript's library not yet. */
const { rawJSON } = JSON as unknown as { rawJSON(source: string): unknown };

/** A JSON number with at least one digit behind the point, as the service writes amounts. */
export function decimal(minor: bigint): unknown {
  return rawJSON(toDecimalText({ minor, currency: CURRENCY }).replace(/0$/, ''));
}
