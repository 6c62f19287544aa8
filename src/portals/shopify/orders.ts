/** What an order says of its payments: what they pay, and who pays. */
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent, Payer, Reference } from '../events.ts';
import { elsewhereAt } from '../kit/elsewhere.ts';
import type { Settings } from './settings.ts';
import { type GraphOrder, instant, orderGid, type RestOrder, shopMoney } from './wire.ts';

/** The order of a transaction, as far as the document at hand tells of it. */
export type OrderFacts = {
  readonly references: readonly Reference[];
  readonly customer: Payer | null;
};

/** All that a transaction's own webhook says: the number of its order. */
export function unknownOrder(number: string | null | undefined): OrderFacts {
  return { references: number ? [{ kind: 'order', externalId: number }] : [], customer: null };
}

/** The order of a webhook body. */
function restOrderFacts(order: RestOrder, settings: Settings): OrderFacts {
  const { customer, billing_address: address } = order;
  const name = [customer?.first_name, customer?.last_name].map(trimmed).filter(Boolean).join(' ');
  return {
    references: referencesOf(
      {
        number: order.id,
        name: order.name,
        poNumber: order.po_number,
        note: order.note,
        attributes: (order.note_attributes ?? []).map(({ name: key, value }) => ({ key, value })),
      },
      settings,
    ),
    customer: payer(
      customer?.id ?? null,
      trimmed(address?.company) || name || trimmed(address?.name),
      trimmed(customer?.email) || trimmed(order.email) || trimmed(order.contact_email),
    ),
  };
}

/** The order of a GraphQL answer. */
export function graphOrderFacts(order: GraphOrder, settings: Settings): OrderFacts {
  const { customer, billingAddress } = order;
  return {
    references: referencesOf(
      {
        number: order.id,
        name: order.name,
        poNumber: order.poNumber,
        note: order.note,
        attributes: order.customAttributes ?? [],
      },
      settings,
    ),
    customer: payer(
      customer?.id ?? null,
      trimmed(billingAddress?.company) || trimmed(customer?.displayName),
      trimmed(customer?.defaultEmailAddress?.emailAddress) || trimmed(order.email),
    ),
  };
}

function payer(externalId: string | null, name: string, email: string): Payer | null {
  // A guest at the counter is nobody.
  if (externalId === null && name === '' && email === '') return null;
  return { externalId, name: name || null, email: email || null };
}

function trimmed(text: string | null | undefined): string {
  return text?.trim() ?? '';
}

type NamedOrder = {
  readonly number: string;
  readonly name: string | null | undefined;
  readonly poNumber: string | null | undefined;
  readonly note: string | null | undefined;
  readonly attributes: readonly {
    readonly key?: string | null | undefined;
    readonly value?: unknown;
  }[];
};

/** In the order of their strength: attributes that say what they hold, then the PO number, then free text. */
function referencesOf(order: NamedOrder, settings: Settings): readonly Reference[] {
  const { invoiceAttributes, workOrderAttributes } = settings;
  const poNumber = trimmed(order.poNumber);
  const name = trimmed(order.name);
  const note = trimmed(order.note);
  const references: Reference[] = [
    ...attributesNamed(order, invoiceAttributes).map(
      (number) => ({ kind: 'invoice', number }) as const,
    ),
    ...attributesNamed(order, workOrderAttributes).map(
      (number) => ({ kind: 'workOrder', number }) as const,
    ),
  ];
  if (poNumber) {
    references.push({ kind: 'purchaseOrder', number: poNumber });
    if (settings.poNumberNamesWorkOrder) references.push({ kind: 'workOrder', number: poNumber });
  }
  references.push({ kind: 'order', externalId: order.number, ...(name ? { number: name } : {}) });
  if (note) references.push({ kind: 'memo', text: note });
  return [...new Map(references.map((one) => [JSON.stringify(one), one])).values()];
}

/** Several numbers in one value are separated by commas, semicolons or lines. */
function attributesNamed(order: NamedOrder, names: readonly string[]): readonly string[] {
  const wanted = names.map(plain);
  return order.attributes
    .filter(({ key }) => key && wanted.includes(plain(key)))
    .flatMap(({ value }) =>
      typeof value === 'string' || typeof value === 'number' ? String(value).split(/[,;\n]/) : [],
    )
    .map(trimmed)
    .filter((number) => number !== '');
}

/** `Invoice Number`, `invoice_number` and `invoice-number` are one. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

const PAID: ReadonlySet<string> = new Set(['paid', 'partially_refunded', 'refunded']);

/**
 * A paid order without a way to ask for its transactions: its total stands for them until they come, in what the
 * buyer paid with, as transactions do.
 */
export function paidOrder(order: RestOrder, eventId: string, settings: Settings): Normalized {
  const status = order.financial_status ?? 'paid';
  if (!PAID.has(status)) {
    return {
      quarantined: `orders/paid of ${order.id}, whose financial status is "${status}": they contradict`,
    };
  }
  if (/[1-9]/.test(order.total_outstanding ?? '')) {
    return {
      quarantined: `orders/paid of ${order.id}, of which ${order.total_outstanding} is outstanding`,
    };
  }
  const total = paidTotal(order);
  if (total.minor === 0n) return { ignored: `order ${order.id} cost nothing` };
  if (total.minor < 0n) return { quarantined: `order ${order.id} has a negative total` };
  const event: CanonicalEvent = {
    type: 'payment.succeeded',
    externalPaymentId: orderGid(order.id),
    provisional: true,
    eventId,
    occurredAt: instant(order.updated_at, order.processed_at, order.created_at),
    amountMinor: total.minor,
    currency: total.currency,
    feeMinor: null,
    method: null,
    ...restOrderFacts(order, settings),
    links: elsewhereAt(onlyGateway(order)),
  };
  return { events: [event] };
}

/** The gateway through which all of it was paid; of several nobody knows which took what. */
function onlyGateway({ payment_gateway_names: names }: RestOrder): string | undefined {
  return names?.length === 1 ? names[0] : undefined;
}

/** Cash is rounded to the coins there are; the order's total is not. */
function paidTotal(order: RestOrder): ReturnType<typeof shopMoney> {
  const presented = order.total_price_set?.presentment_money;
  if (!presented) return shopMoney(order.total_price, order.currency);
  const total = shopMoney(presented.amount, presented.currency_code);
  const rounding = order.total_cash_rounding_payment_adjustment_set?.presentment_money;
  if (!rounding || rounding.currency_code !== presented.currency_code) return total;
  const { minor } = shopMoney(rounding.amount, rounding.currency_code);
  return { minor: total.minor + minor, currency: total.currency };
}
