/** What a Chargebee document becomes. Pure; whatever it cannot be certain of is set aside with the reason. */
import { z } from 'zod';
import type { Normalized, PortalDocument } from '../contract.ts';
import type { EventType } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import {
  CUSTOMER_EVENT_TYPES,
  customerState,
  INVOICE_EVENT_TYPES,
  invoiceState,
} from './receivables.ts';
import { type ChargebeeSettings, settings as settingsSchema } from './settings.ts';
import { payerOf, type Told } from './telling.ts';
import {
  type Beside,
  TRANSACTION_EVENT_TYPES,
  transactionEvent,
  transactionState,
} from './transactions.ts';
import { instant } from './units.ts';
import * as wire from './wire.ts';

const anyDocument = z.object({ object: z.string().nullish() }).loose();

const defaults = settingsSchema.parse({});

const ALONE: Beside = { invoices: [], payer: null };

/** Understands V2 events, resources of the API, and a transaction fetched with all that it names. */
export function normalize({ body }: PortalDocument, given: ChargebeeSettings): Normalized {
  const settings = { ...defaults, ...given };
  const value = readWire(anyDocument, parseExactJson(body));
  const context = { told: undefined, settings };
  switch (value.object) {
    case 'event':
      return readEvent(readWire(wire.event, value), settings);
    case 'transaction':
      return pulledTransaction(readWire(wire.transaction, value), settings);
    case 'invoice':
      return receivable(settings, 'invoice', () =>
        invoiceState(readWire(wire.invoice, value), undefined, settings),
      );
    case 'customer':
      return receivable(settings, 'customer', () =>
        customerState(readWire(wire.customer, value), undefined),
      );
    default:
  }
  if (value.object) return { ignored: `${value.object}: a resource that carries no money` };
  if ('invoices' in value) {
    const { transaction, invoices, customer } = readWire(wire.transactionInFull, value);
    const payer = customer ? payerOf(customer) : null;
    return transactionState(transaction, { invoices, payer }, context);
  }
  throw new WireMismatch('body: neither an event nor a resource of Chargebee');
}

type Event = ReturnType<typeof wire.event.parse>;

function readEvent(event: Event, settings: ChargebeeSettings): Normalized {
  const { event_type: type, api_version: version } = event;
  const content = event.content ?? {};
  if (version && version !== 'v2') {
    return {
      quarantined:
        `${type} came as API version "${version}", whose bodies are shaped differently: ` +
        'choose version V2 for the webhook in Chargebee',
    };
  }
  const told = { eventId: event.id, occurredAt: instant(event.occurred_at) };
  if (TRANSACTION_EVENT_TYPES.includes(type)) {
    const transaction = readWire(wire.transaction, partOf(content, 'transaction', type));
    return transactionEvent(type, transaction, besideOf(content), { told, settings });
  }
  if (INVOICE_EVENT_TYPES.includes(type)) {
    return receivable(settings, type, () =>
      invoiceEvent(type, readWire(wire.invoice, partOf(content, 'invoice', type)), told, settings),
    );
  }
  if (CUSTOMER_EVENT_TYPES.includes(type)) {
    return receivable(settings, type, () =>
      customerEvent(readWire(wire.customer, partOf(content, 'customer', type)), told, settings),
    );
  }
  return { ignored: whyIgnored(type) };
}

function partOf(content: Readonly<Record<string, unknown>>, name: string, type: string): unknown {
  if (content[name] === undefined) throw new WireMismatch(`content.${name}: missing in ${type}`);
  return content[name];
}

/** The invoice and the customer of a payment can be absent: then it is for credit, or in advance. */
function besideOf(content: Readonly<Record<string, unknown>>): Beside {
  const { invoice, customer } = content;
  return {
    invoices: invoice ? [readWire(wire.namedInvoice, invoice)] : [],
    payer: customer ? payerOf(readWire(wire.customer, customer)) : null,
  };
}

/**
 * Notices are late and out of order, and an older one would undo a void: with an API key the invoice is read as it
 * stands now, without one the notice is believed.
 */
function invoiceEvent(
  type: string,
  invoice: wire.Invoice,
  told: Told,
  settings: ChargebeeSettings,
): Normalized {
  const deleted = type === 'invoice_deleted';
  if (settings.apiKey && !deleted) return { fetch: [{ entity: 'invoice', id: invoice.id }] };
  return invoiceState(deleted ? { ...invoice, deleted } : invoice, told, settings);
}

function customerEvent(
  customer: wire.Customer,
  told: Told,
  { apiKey }: ChargebeeSettings,
): Normalized {
  if (apiKey) return { fetch: [{ entity: 'customer', id: customer.id }] };
  return customerState(customer, told);
}

const MAY_BE_APPLIED: readonly EventType[] = ['payment.pending', 'payment.succeeded'];

/**
 * Where invoices and customers are not taken over, nothing but those of a payment says which work it is for and who
 * paid it, and the list of transactions does not carry them.
 */
function pulledTransaction(transaction: wire.Transaction, settings: ChargebeeSettings): Normalized {
  const read = transactionState(transaction, ALONE, { told: undefined, settings });
  if (settings.importInvoices || !settings.apiKey || !('events' in read)) return read;
  const isMoney = read.events.some(({ type }) => MAY_BE_APPLIED.includes(type));
  if (!isMoney) return read;
  return { ...read, fetch: [{ entity: 'transaction', id: transaction.id }] };
}

function receivable(
  { importInvoices }: ChargebeeSettings,
  what: string,
  read: () => Normalized,
): Normalized {
  return importInvoices
    ? read()
    : { ignored: `${what}: invoices and customers are taken over only with \`importInvoices\`` };
}

function whyIgnored(type: string): string {
  if (type === 'refund_initiated') return `${type}: no money has moved yet`;
  if (type === 'transaction_created' || type === 'transaction_updated') {
    return `${type}: what it moves is told by an event of its own`;
  }
  return `${type}: not an event that moves money`;
}
