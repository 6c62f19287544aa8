/** Rows of Transaction Search, the only source for money moved in PayPal's own screens and for withdrawals. */

import { fromDecimalText } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent, Method, Payer } from '../events.ts';
import { personName } from './payments.ts';
import { REVERSAL } from './refunds.ts';
import { feeOf, memo, money, named, numbered, reason, tell, unknownStatus } from './telling.ts';
import { at, textOf, type WireTransaction } from './wire.ts';

type Row = WireTransaction['transaction_info'] & {
  readonly payer: unknown;
  /** True when money came to the firm's account. */
  readonly credit: boolean;
};
/** Success, pending, denied; V: successful once, reversed in full since. */
type RowStatus = 'S' | 'P' | 'D' | 'V';
type Reader = (row: Row, status: RowStatus) => Normalized;

/** By whole code where one says more than its group. */
const CODES: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['T1101', (row) => payoutFailed(row, 1n)],
  ['T1104', (row) => payoutFailed(row, -1n)],
  ['T1107', (row, status) => refund(row, status, false)],
  ['T1100', (row, status) => refund(row, status, true)],
  ['T1106', (row, status) => refund(row, status, true)],
  ['T1201', (row, status) => refund(row, status, true)],
  ['T1300', authorization],
  ['T1301', (row) => ignored(row, 'a reauthorization renews an authorization that is known')],
  ['T1302', voidOfAuthorization],
  ...each('T1102 T1103 T1114 T1115 T1116', 'it reverses money that the firm sent'),
  ...each('T1105 T1110 T1111', 'a hold leaves the money ours'),
  ...each('T1108 T1109', 'a fee that is given back belongs to no payment here'),
  ...each('T1202 T1205 T1207 T1208', 'how a chargeback ends is told by its dispute'),
  ...each('T1200 T1203 T1204', "an adjustment of the account is no customer's money"),
]);

/** By the first three characters. */
const GROUPS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['T00', payment],
  ['T03', funding],
  ['T04', withdrawal],
  ...each('T01', 'a fee that belongs to no payment'),
  ...each('T02', 'a conversion between balances of the firm'),
  ...each('T05 T06 T10 T17 T18', 'money that the firm spent'),
  ...each('T07 T08 T09 T14 T16', "no customer's money"),
  ...each('T15 T21', 'a hold or reserve leaves the money ours'),
  ...each('T19 T20 T22', 'a transfer between accounts of the firm'),
  ...each('T97 T98', 'it is listed for display only'),
]);

function each(codes: string, why: string): readonly (readonly [string, Reader])[] {
  return codes.split(' ').map((code) => [code, (row) => ignored(row, why)] as const);
}

/** One row: what its event code makes of it. */
export function transactionState({ transaction_info, payer_info }: WireTransaction): Normalized {
  const { transaction_id: id, transaction_event_code: code, transaction_status } = transaction_info;
  const { value, currency } = transaction_info.transaction_amount;
  const { minor } = fromDecimalText(value, currency);
  const status = transaction_status;
  if (status !== 'S' && status !== 'P' && status !== 'D' && status !== 'V') {
    return unknownStatus(`transaction ${id} (${code})`, status);
  }
  const read = CODES.get(code) ?? GROUPS.get(code.slice(0, 3));
  if (!read) {
    return { quarantined: `transaction ${id} has the event code ${code}, which is not known` };
  }
  const row = { ...transaction_info, payer: payer_info, credit: minor > 0n };
  return minor === 0n ? ignored(row, 'no money moves') : read(row, status);
}

const PAYMENT_STATES = {
  S: 'payment.succeeded',
  V: 'payment.succeeded',
  P: 'payment.pending',
  D: 'payment.failed',
} as const;

function payment(row: Row, status: RowStatus): Normalized {
  if (!row.credit) return ignored(row, 'money that the firm sent');
  const type = PAYMENT_STATES[status];
  const { currency } = row.transaction_amount;
  const base = row.paypal_reference_id_type === 'TXN' ? row.paypal_reference_id : null;
  return {
    events: [
      event(row, {
        type,
        externalPaymentId: row.transaction_id,
        occurredAt: type === 'payment.failed' ? updatedAt(row) : row.transaction_initiation_date,
        ...(type === 'payment.succeeded' ? feeOf(row.fee_amount, currency) : {}),
        ...aboutPayment(row),
        // The transaction that a payment follows from is its authorization.
        links: base ? { insteadOf: [base] } : {},
      }),
    ],
  };
}

const AUTHORIZATION_STATES = {
  S: 'payment.authorized',
  P: 'payment.authorized',
  V: 'payment.voided',
  D: 'payment.failed',
} as const;

function authorization(row: Row, status: RowStatus): Normalized {
  if (!row.credit) return ignored(row, 'an authorization that the firm gave');
  const type = AUTHORIZATION_STATES[status];
  const authorized = type === 'payment.authorized';
  return {
    events: [
      event(row, {
        type,
        externalPaymentId: row.transaction_id,
        occurredAt: authorized ? row.transaction_initiation_date : updatedAt(row),
        ...aboutPayment(row),
        provisional: true,
      }),
    ],
  };
}

function voidOfAuthorization(row: Row, status: RowStatus): Normalized {
  if (status !== 'S') return ignored(row, 'the void is not through');
  const authorizationId = row.paypal_reference_id;
  if (!authorizationId) return nameless(row);
  return {
    events: [
      event(row, {
        type: 'payment.voided',
        externalPaymentId: authorizationId,
        occurredAt: row.transaction_initiation_date,
        provisional: true,
      }),
    ],
  };
}

const REFUND_STATES = {
  S: 'refund.succeeded',
  D: 'refund.failed',
  V: 'refund.failed',
} as const;

function refund(row: Row, status: RowStatus, reversed: boolean): Normalized {
  if (row.credit) return ignored(row, 'money back to the firm, told by a dispute or a purchase');
  if (status === 'P') return ignored(row, 'it is told again when it is through');
  const paymentId = row.paypal_reference_id;
  if (!paymentId) return nameless(row);
  const type = REFUND_STATES[status];
  return {
    events: [
      event(row, {
        type,
        externalPaymentId: paymentId,
        refundId: row.transaction_id,
        occurredAt: status === 'S' ? row.transaction_initiation_date : updatedAt(row),
        links: { paymentExternalId: paymentId },
        ...reason(reversed ? REVERSAL : null),
      }),
    ],
  };
}

/** To the bank: `payout.paid`, taken back when the bank refuses it. */
function withdrawal(row: Row, status: RowStatus): Normalized {
  if (row.credit) return { quarantined: `${nameOf(row)} is a withdrawal that brings money in` };
  return payout(row, status, 1n);
}

/** From the bank: a payout the other way round. */
function funding(row: Row, status: RowStatus): Normalized {
  if (!row.credit) return { quarantined: `${nameOf(row)} is a deposit that takes money out` };
  return payout(row, status, -1n);
}

function payout(row: Row, status: RowStatus, sign: bigint): Normalized {
  if (status === 'P') return ignored(row, 'it is told again when it is through');
  const { minor, currency } = money(row.transaction_amount);
  const paid = status === 'S';
  return {
    events: [
      event(row, {
        type: paid ? 'payout.paid' : 'payout.failed',
        externalPaymentId: null,
        payoutId: row.transaction_id,
        occurredAt: paid ? row.transaction_initiation_date : updatedAt(row),
        amountMinor: minor * sign,
        ...(paid ? feeOf(row.fee_amount, currency) : {}),
      }),
    ],
  };
}

/** The bank sent a withdrawal (or the firm's own deposit) back. */
function payoutFailed(row: Row, sign: bigint): Normalized {
  const payoutId = row.paypal_reference_id;
  if (!payoutId) return nameless(row);
  return {
    events: [
      event(row, {
        type: 'payout.failed',
        externalPaymentId: null,
        payoutId,
        occurredAt: row.transaction_initiation_date,
        amountMinor: money(row.transaction_amount).minor * sign,
      }),
    ],
  };
}

function event(
  row: Row,
  facts: Pick<CanonicalEvent, 'type' | 'externalPaymentId' | 'occurredAt'> &
    Partial<CanonicalEvent>,
): CanonicalEvent {
  const { minor, currency } = money(row.transaction_amount);
  const id = `${row.transaction_id}:${row.transaction_event_code}`;
  return tell(undefined, id, { amountMinor: minor, currency, ...facts });
}

function aboutPayment(row: Row): Pick<CanonicalEvent, 'method' | 'references' | 'customer'> {
  const type = row.paypal_reference_id_type;
  return {
    method: methodOf(textOf(row.instrument_type)),
    references: [
      ...numbered('invoice', row.invoice_id),
      ...numbered('workOrder', row.custom_field),
      ...(type === 'ODR' ? named('order', row.paypal_reference_id) : []),
      ...(type === 'SUB' || type === 'PAP' ? named('subscription', row.paypal_reference_id) : []),
      ...memo(row.transaction_subject),
      ...memo(row.transaction_note),
    ],
    customer: payerOf(row.payer),
  };
}

function payerOf(payer: unknown): Payer | null {
  const externalId = textOf(at(payer, 'account_id'));
  const company = textOf(at(payer, 'payer_name', 'alternate_full_name'));
  const name = company ?? personName(at(payer, 'payer_name'));
  const email = textOf(at(payer, 'email_address'));
  return externalId || name || email ? { externalId, name, email } : null;
}

function methodOf(instrument: string | null): Method | null {
  if (instrument === null) return null;
  if (/card/i.test(instrument)) return 'card';
  if (/^(paypal|venmo|apple.?pay|google.?pay|pay.?later)$/i.test(instrument)) return 'wallet';
  return /^bank/i.test(instrument) ? 'bank' : 'other';
}

function updatedAt(row: Row): string {
  return row.transaction_updated_date ?? row.transaction_initiation_date;
}

function nameOf(row: Row): string {
  return `transaction ${row.transaction_id} (${row.transaction_event_code})`;
}

function ignored(row: Row, why: string): Normalized {
  return { ignored: `${nameOf(row)}: ${why}` };
}

function nameless(row: Row): Normalized {
  return { quarantined: `${nameOf(row)} does not say which transaction it is about` };
}
