/** Invoices written in Square: what they ask for, and whose payments they are about. */
import type { FetchRequest, Normalized } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { fieldNumber, nameOf } from './references.ts';
import { hasCredentials, type SquareSettings } from './settings.ts';
import { instantOf, readUnsigned, type ToldBy, tell } from './telling.ts';
import type { Invoice } from './wire.ts';

/** Events after which payments of the invoice's order may be there that nobody has told of. */
const OF_PAYMENTS: readonly string[] = ['invoice.payment_made', 'invoice.refunded'];

const STATUSES: ReadonlyMap<string, 'open' | 'void' | 'draft'> = new Map([
  ['DRAFT', 'draft'],
  ['UNPAID', 'open'],
  ['SCHEDULED', 'open'],
  ['PARTIALLY_PAID', 'open'],
  ['PAID', 'open'],
  ['PARTIALLY_REFUNDED', 'open'],
  ['REFUNDED', 'open'],
  ['PAYMENT_PENDING', 'open'],
  ['FAILED', 'open'],
  ['CANCELED', 'void'],
] as const);

/**
 * An invoice as a webhook tells it: never money, which payments and refunds carry. It makes us look at the
 * payments of its order, which get to know the invoice's number by that.
 */
export function invoiceEvent(
  type: string,
  invoice: Invoice,
  told: ToldBy,
  settings: SquareSettings,
): Normalized {
  const facts = settings.importInvoices ? invoiceState(invoice, told, settings) : undefined;
  const fetch = OF_PAYMENTS.includes(type) ? paymentsOf(invoice, settings) : [];
  if (facts && 'events' in facts) return { ...facts, fetch };
  if (facts && ('quarantined' in facts || fetch.length === 0)) return facts;
  if (fetch.length > 0) return { fetch };
  return OF_PAYMENTS.includes(type)
    ? { ignored: `${type}: the payment itself carries the money` }
    : { ignored: `${type}: invoices are taken over only with \`importInvoices\`` };
}

function paymentsOf({ order_id }: Invoice, settings: SquareSettings): readonly FetchRequest[] {
  return order_id && hasCredentials(settings) ? [{ entity: 'order', id: order_id }] : [];
}

/** An invoice as fetched or pulled, taken over with `importInvoices`. */
export function invoiceState(invoice: Invoice, told: ToldBy, settings: SquareSettings): Normalized {
  const { id, status } = invoice;
  if (!settings.importInvoices) {
    return { ignored: `invoice ${id}: invoices are taken over only with \`importInvoices\`` };
  }
  const state = STATUSES.get(status);
  if (state === undefined) {
    return { quarantined: `invoice ${id} has the status "${status}", which is not known` };
  }
  if (state === 'draft') return { ignored: `invoice ${id} is a draft: nobody owes it yet` };
  const { minor, currency } = totalOf(invoice);
  const { updated_at, created_at, primary_recipient: recipient } = invoice;
  const customerId = recipient?.customer_id || null;
  const customer = {
    externalId: customerId,
    name: nameOf(recipient),
    email: recipient?.email_address?.trim() || null,
  };
  const base = {
    eventId: told ?? `${id}:${status}:${updated_at ?? created_at}`,
    occurredAt: instantOf({ updated_at, created_at }),
    currency,
  };
  return {
    events: [
      ...(customerId === null
        ? []
        : [
            tell({
              ...base,
              type: 'customer.upserted',
              eventId: `${base.eventId}:customer`,
              amountMinor: 0n,
              customer,
            }),
          ]),
      tell({
        ...base,
        type: state === 'void' ? 'invoice.voided' : 'invoice.upserted',
        amountMinor: minor,
        invoice: {
          externalId: id,
          number: invoice.invoice_number?.trim() || null,
          currency,
          totalMinor: minor,
          issuedOn: created_at ? dayOf(created_at, invoice.timezone) : null,
          dueOn: lastDueDay(invoice),
          customerExternalId: customerId,
          workOrder: fieldNumber(invoice, 'workOrder'),
          purchaseOrder: fieldNumber(invoice, 'purchaseOrder'),
        },
      }),
    ],
  };
}

/** An invoice has no total of its own: it is what its payment requests (deposit, instalments, balance) ask for. */
function totalOf({ id, payment_requests }: Invoice) {
  const moneys = (payment_requests ?? []).flatMap(({ computed_amount_money: money }) =>
    money ? [readUnsigned(money, 'payment_requests.computed_amount_money')] : [],
  );
  const [first] = moneys;
  if (!first) throw new WireMismatch(`payment_requests: invoice ${id} asks for no amount`);
  if (moneys.some(({ currency }) => currency !== first.currency)) {
    throw new WireMismatch(`payment_requests: invoice ${id} asks for several currencies`);
  }
  return { minor: moneys.reduce((sum, one) => sum + one.minor, 0n), currency: first.currency };
}

function lastDueDay({ payment_requests }: Invoice): string | null {
  const days = (payment_requests ?? []).map(({ due_date }) => due_date ?? '');
  return (
    days
      .filter((day) => /^\d{4}-\d\d-\d\d$/.test(day))
      .sort()
      .at(-1) ?? null
  );
}

/** The calendar day where the invoice was written. @throws WireMismatch */
function dayOf(createdAt: string, timeZone: string | null | undefined): string {
  const at = new Date(instantOf({ created_at: createdAt }));
  try {
    return new Intl.DateTimeFormat('en-CA', { timeZone: timeZone || 'UTC' }).format(at);
  } catch (cause) {
    throw new WireMismatch(`timezone: ${timeZone} is not a time zone`, { cause });
  }
}
