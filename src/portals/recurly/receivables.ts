/** Invoices and accounts, for a firm that bills in Recurly. */
import { businessDay } from '../../money/business-day.ts';
import { fromDecimalText } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import { payerOf, present } from './account.ts';
import type { RecurlySettings } from './settings.ts';
import { instantOf } from './transactions.ts';
import type { Account, Invoice } from './wire.ts';

const STATES: ReadonlyMap<string, 'owed' | 'void'> = new Map([
  ['open', 'owed'],
  ['pending', 'owed'],
  ['processing', 'owed'],
  ['past_due', 'owed'],
  ['paid', 'owed'],
  ['closed', 'owed'],
  // Recurly has given up collecting; the customer owes it all the same.
  ['failed', 'owed'],
  ['voided', 'void'],
]);

/**
 * An invoice as canonical facts. Its total is what payments have to bring: credit of the account settles the rest in
 * Recurly alone. @throws UnknownCurrency, MalformedAmount
 */
export function invoiceState(invoice: Invoice, settings: RecurlySettings): Normalized {
  const { id, currency, state } = invoice;
  if (invoice.type === 'credit') {
    return { ignored: `invoice ${id} is a credit note: what it pays out is told by a refund` };
  }
  const standing = STATES.get(state);
  if (standing === undefined) {
    return { quarantined: `invoice ${id} has the state "${state}", which is not known` };
  }
  const totalMinor = owedOf(invoice);
  if (standing === 'owed' && totalMinor === 0n) {
    return { ignored: `invoice ${id} has nothing to be paid` };
  }
  const payer = invoice.account ? payerOf(invoice.account) : null;
  const createdAt = instantOf(invoice.created_at);
  const occurredAt = invoice.updated_at ? instantOf(invoice.updated_at) : createdAt;
  const number = present(invoice.number);
  return {
    events: [
      {
        type: standing === 'void' ? 'invoice.voided' : 'invoice.upserted',
        externalPaymentId: null,
        eventId: `recurly:${id}:${standing}:${occurredAt}`,
        occurredAt,
        amountMinor: totalMinor,
        currency,
        feeMinor: null,
        method: null,
        references: [],
        customer: payer,
        links: {},
        invoice: {
          externalId: id,
          number,
          currency,
          totalMinor,
          issuedOn: businessDay(createdAt, settings.timeZone),
          dueOn: invoice.due_at ? businessDay(instantOf(invoice.due_at), settings.timeZone) : null,
          customerExternalId: payer?.externalId ?? null,
          ...workOf(invoice, settings),
        },
      },
    ],
  };
}

function owedOf({ total, currency, credit_payments }: Invoice): bigint {
  const credited = (credit_payments ?? [])
    .filter(({ action, voided_at }) => !voided_at && action !== 'refund')
    .reduce((sum, { amount }) => sum + fromDecimalText(amount, currency).minor, 0n);
  const owed = fromDecimalText(total, currency).minor - credited;
  return owed > 0n ? owed : 0n;
}

/** What the PO number says, by the connection's setting. */
function workOf(
  { po_number }: Invoice,
  { poNumberHolds }: RecurlySettings,
): { readonly purchaseOrder: string | null; readonly workOrder: string | null } {
  const number = present(po_number);
  return {
    workOrder: poNumberHolds === 'purchaseOrder' ? null : number,
    purchaseOrder: poNumberHolds === 'workOrder' ? null : number,
  };
}

/** An account; one that is closed at Recurly stays with the invoices and payments that name it. */
export function accountState(account: Account): Normalized {
  const occurredAt = instantOf(account.updated_at ?? account.created_at);
  return {
    events: [
      {
        type: 'customer.upserted',
        externalPaymentId: null,
        eventId: `recurly:${account.code}:${occurredAt}`,
        occurredAt,
        amountMinor: 0n,
        currency: present(account.preferred_currency) ?? 'USD',
        feeMinor: null,
        method: null,
        references: [],
        customer: payerOf(account),
        links: {},
      },
    ],
  };
}
