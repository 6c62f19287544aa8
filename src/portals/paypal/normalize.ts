/** PayPal documents to canonical events, told apart by what they hold; the object's state is the truth. */
import { z } from 'zod';
import type { Normalized, PortalDocument } from '../contract.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { disputeState } from './disputes.ts';
import { invoiceState } from './invoices.ts';
import { authorizationState, orderState, paymentState } from './payments.ts';
import { refundState } from './refunds.ts';
import { transactionState } from './reporting.ts';
import type { Settings } from './settings.ts';
import type { Told } from './telling.ts';
import * as wire from './wire.ts';

type Reader = (resource: unknown, told: Told, settings: Settings) => Normalized;

const readPayment: Reader = (resource, told, settings) =>
  paymentState(readWire(wire.paymentWire, resource), told, settings);
const readAuthorization: Reader = (resource, told, settings) =>
  authorizationState(readWire(wire.paymentWire, resource), told, settings);
const readRefund: Reader = (resource, told) =>
  refundState(readWire(wire.refundWire, resource), told);
const readDispute: Reader = (resource, told) =>
  disputeState(readWire(wire.disputeWire, resource), told);
const readInvoice: Reader = (resource, told, settings) =>
  invoiceState(
    readWire(wire.invoiceWire, wire.at(resource, 'invoice') ?? resource),
    told,
    settings,
  );
const readFacts: Reader = (resource, told, settings) =>
  settings.importInvoices
    ? readInvoice(resource, told, settings)
    : { ignored: `${told?.type}: invoices are taken over only with \`importInvoices\`` };

/** Every event type that can mean money. */
const READERS: ReadonlyMap<string, Reader> = new Map([
  ['PAYMENT.AUTHORIZATION.CREATED', readAuthorization],
  ['PAYMENT.AUTHORIZATION.VOIDED', readAuthorization],
  ['PAYMENT.CAPTURE.PENDING', readPayment],
  ['PAYMENT.CAPTURE.COMPLETED', readPayment],
  ['PAYMENT.CAPTURE.DECLINED', readPayment],
  ['PAYMENT.CAPTURE.DENIED', readPayment],
  ['PAYMENT.CAPTURE.REFUNDED', readRefund],
  ['PAYMENT.CAPTURE.REVERSED', readRefund],
  ['PAYMENT.SALE.PENDING', readPayment],
  ['PAYMENT.SALE.COMPLETED', readPayment],
  ['PAYMENT.SALE.DENIED', readPayment],
  ['PAYMENT.SALE.REFUNDED', readRefund],
  ['PAYMENT.SALE.REVERSED', readRefund],
  ['CUSTOMER.DISPUTE.CREATED', readDispute],
  ['CUSTOMER.DISPUTE.RESOLVED', readDispute],
  ['INVOICING.INVOICE.PAID', readInvoice],
  ['INVOICING.INVOICE.REFUNDED', readInvoice],
  ['INVOICING.INVOICE.CREATED', readFacts],
  ['INVOICING.INVOICE.SCHEDULED', readFacts],
  ['INVOICING.INVOICE.UPDATED', readFacts],
  ['INVOICING.INVOICE.CANCELLED', readFacts],
]);

/** By the longest beginning that fits. */
const IGNORED: readonly (readonly [beginning: string, why: string])[] = [
  ['CHECKOUT.', 'an order is not money; its captures are'],
  ['BILLING.', 'its payments are sales and captures with notices of their own'],
  ['BILLING_AGREEMENTS.', 'its payments are sales and captures with notices of their own'],
  ['CATALOG.', 'no money'],
  ['VAULT.', 'no money'],
  ['MERCHANT.', 'no money'],
  ['CUSTOMER.DISPUTE.UPDATED', 'a change of stage; how it ends is told by its own notice'],
  ['CUSTOMER.', 'no money'],
  ['IDENTITY.', 'no money'],
  ['RISK.DISPUTE.CREATED', 'the same dispute as CUSTOMER.DISPUTE.CREATED'],
  ['PAYMENT.PAYOUTSBATCH.', 'payments that the firm sends'],
  ['PAYMENT.PAYOUTS-ITEM.', 'payments that the firm sends'],
  ['PAYMENT.ORDER.', 'an order is not money; its captures are'],
  ['PAYMENT.REFERENCED-PAYOUT-ITEM.', 'payments that the firm sends'],
  ['PAYMENTS.PAYMENT.CREATED', 'approved and not yet paid'],
  ['PAYMENT-NETWORKS.', 'no money'],
];

/** Pure. @throws WireMismatch, MalformedAmount, UnknownCurrency: each quarantines the document. */
export function normalize(document: PortalDocument, settings: Settings): Normalized {
  const body = parseExactJson(document.body);
  if (wire.at(body, 'event_type') !== undefined) return webhookEvent(body, settings);
  const [row] = readList(body, 'transaction_details');
  if (row !== undefined) return transactionState(readWire(wire.transactionWire, row));
  const [listed] = readList(body, 'items');
  if (listed !== undefined && wire.at(body, 'id') === undefined) return summary(listed);
  const kind = kindOf(body);
  if (kind) return kind(body, undefined, settings);
  const name = wire.textOf(wire.at(body, 'name'));
  if (name !== null && wire.at(body, 'debug_id') !== undefined) {
    return { ignored: `an error of PayPal's API: ${name}` };
  }
  return { quarantined: 'nothing in it says what it is' };
}

function webhookEvent(body: unknown, settings: Settings): Normalized {
  const {
    id,
    event_type: type,
    create_time,
    resource,
    resource_type,
  } = readWire(wire.envelopeWire, body);
  const told = { eventId: id, type, at: create_time };
  const read = READERS.get(type);
  // A reversal is told by its refund, which sometimes is the payment itself.
  if (read && type.endsWith('.REVERSED') && /^(capture|sale)$/.test(String(resource_type))) {
    return readRefund(
      { ...resource, status: 'COMPLETED', capture_id: resource.id },
      told,
      settings,
    );
  }
  if (read) return read(resource, told, settings);
  const known = IGNORED.filter(([beginning]) => type.startsWith(beginning));
  const why = known.sort(([a], [b]) => b.length - a.length)[0]?.[1];
  if (why !== undefined) return { ignored: `${type}: ${why}` };
  // An event of a family that is money must not pass unseen.
  return /^(PAYMENT|INVOICING)\b/.test(type)
    ? { quarantined: `${type} is not known, and may be about money` }
    : { ignored: `${type}: not an event about payments` };
}

/** Lists of disputes and invoices tell too little: the object itself is asked for. */
function summary(record: unknown): Normalized {
  const disputeId = wire.textOf(wire.at(record, 'dispute_id'));
  if (disputeId !== null) return { fetch: [{ entity: 'dispute', id: disputeId }] };
  const { id } = readWire(z.object({ id: z.string().min(1), detail: z.unknown() }), record);
  return { fetch: [{ entity: 'invoice', id }] };
}

function readList(body: unknown, name: string): readonly unknown[] {
  const list = wire.at(body, name);
  return Array.isArray(list) ? list : [];
}

/** Objects as fetched, by the member that no other kind has, else by the address they give as their own. */
function kindOf(body: unknown): Reader | undefined {
  if (wire.at(body, 'dispute_id') !== undefined) return readDispute;
  if (wire.at(body, 'purchase_units') !== undefined) {
    return (order, _told, settings) => orderState(readWire(wire.orderWire, order), settings);
  }
  if (wire.at(body, 'detail') !== undefined) return readInvoice;
  const self = readList(body, 'links').find((link) => wire.at(link, 'rel') === 'self');
  const address = String(wire.at(self, 'href'));
  if (/\/refunds?\/[^/]+$/.test(address)) return readRefund;
  if (/\/authorizations?\/[^/]+$/.test(address)) return readAuthorization;
  if (/\/(captures?|sale)\/[^/]+$/.test(address)) return readPayment;
  return undefined;
}
