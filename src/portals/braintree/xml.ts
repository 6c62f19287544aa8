/** What Braintree writes in XML: notices, and transactions as the older API answers them. */
import type { Payer } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseXml, type XmlNode, type XmlValue, xmlList, xmlNode, xmlText } from '../kit/xml.ts';
import { type DisputeFacts, type Passed, type PaymentFacts, utc } from './facts.ts';
import { methodOfInstrument } from './methods.ts';
import { referencesOf } from './references.ts';
import type { Settings } from './settings.ts';

export type WireNotice = {
  readonly kind: string;
  /** When the notice was made, in UTC. */
  readonly at: string;
  readonly sourceMerchantId: string | undefined;
  readonly subject: XmlNode;
};

/** The notice in a document's XML, or the transactions of a search's answer. @throws WireMismatch */
export function readXml(
  body: Buffer,
): { readonly notice: WireNotice } | { readonly transactions: readonly XmlNode[] } {
  const document = parseXml(body);
  if ('credit-card-transactions' in document) {
    const list = xmlList(document, 'credit-card-transactions', 'transaction');
    return { transactions: list.map((one) => nodeOf(one, 'transaction')) };
  }
  // The ids that a search of the older API found; the transactions come with the next call.
  if ('search-results' in document) return { transactions: [] };
  if ('transaction' in document) {
    return { transactions: [nodeOf(document.transaction, 'transaction')] };
  }
  const kind = xmlText(document, 'notification', 'kind');
  const timestamp = xmlText(document, 'notification', 'timestamp');
  if (!kind) throw new WireMismatch('notification.kind: missing');
  if (!timestamp) throw new WireMismatch('notification.timestamp: missing');
  return {
    notice: {
      kind,
      at: utc(timestamp),
      sourceMerchantId: xmlText(document, 'notification', 'source-merchant-id'),
      subject: xmlNode(document, 'notification', 'subject') ?? {},
    },
  };
}

/** The element, which must be one. @throws WireMismatch */
export function nodeOf(value: XmlValue | undefined, name: string): XmlNode {
  const node = xmlNode(value);
  if (!node) throw new WireMismatch(`${name}: missing`);
  return node;
}

/** @throws WireMismatch when there is not even an id. */
export function paymentFromXml(node: XmlNode, settings: Settings): PaymentFacts {
  const refundedId =
    xmlText(node, 'refunded-transaction-id') ?? xmlText(node, 'refunded-transaction-fk');
  return {
    id: idOf(node, 'transaction'),
    direction: directionOf(xmlText(node, 'type'), refundedId),
    status: xmlText(node, 'status')?.toLowerCase(),
    amount: xmlText(node, 'amount'),
    currency: xmlText(node, 'currency-iso-code'),
    createdAt: instant(xmlText(node, 'created-at')),
    history: historyOf(xmlList(node, 'status-history', 'status-event')),
    references: referencesOf(
      {
        orderId: xmlText(node, 'order-id'),
        purchaseOrder: xmlText(node, 'purchase-order-number'),
        customFields: customFields(xmlNode(node, 'custom-fields')),
        subscriptionId: xmlText(node, 'subscription-id'),
      },
      settings,
    ),
    customer: payerOf(node),
    method: methodOfInstrument(xmlText(node, 'payment-instrument-type')),
    reason: reasonOf(node),
    refundedId,
    inParts: xmlList(node, 'partial-settlement-transaction-ids', 'item').length > 0,
    authorizationId: xmlText(node, 'authorized-transaction-id'),
    achReturnCode: xmlText(node, 'ach-return-code'),
    fee: feeOf(node),
  };
}

function directionOf(
  type: string | undefined,
  refundedId: string | undefined,
): PaymentFacts['direction'] {
  if (type === undefined) return refundedId === undefined ? undefined : 'credit';
  if (type === 'sale' || type === 'credit') return type;
  throw new WireMismatch(`transaction.type: "${type}" is neither sale nor credit`);
}

function historyOf(events: readonly XmlValue[]): readonly Passed[] {
  return events.flatMap((event) => {
    const status = xmlText(event, 'status')?.toLowerCase();
    return status ? [{ status, at: instant(xmlText(event, 'timestamp')) }] : [];
  });
}

const instant = (text: string | undefined) => (text === undefined ? undefined : utc(text));

function customFields(node: XmlNode | undefined): readonly (readonly [string, string])[] {
  return Object.keys(node ?? {}).flatMap((name) => {
    const value = name.startsWith('@') || name === '#text' ? undefined : xmlText(node, name);
    return value ? [[name, value] as const] : [];
  });
}

function payerOf(node: XmlNode): Payer | null {
  const first = (...paths: readonly (readonly string[])[]) =>
    paths.map((path) => xmlText(node, ...path)).find((text) => text !== undefined);
  const person = (of: string) =>
    [xmlText(node, of, 'first-name'), xmlText(node, of, 'last-name')]
      .filter((part) => part !== undefined)
      .join(' ');
  const name =
    first(['customer', 'company']) ??
    (person('customer') ||
      (first(['billing', 'company']) ??
        (person('billing') ||
          first(
            ['credit-card', 'cardholder-name'],
            ['us-bank-account', 'account-holder-name'],
            ['local-payment', 'payer-name'],
          ))));
  const externalId = first(['customer', 'id']) ?? null;
  const email = first(['customer', 'email'], ['paypal', 'payer-email']) ?? null;
  return externalId || name || email ? { externalId, name: name || null, email } : null;
}

/** The text says it best; `Approved` is what the processor said before the bank declined. */
function reasonOf(node: XmlNode): string | undefined {
  const status = xmlText(node, 'status')?.toLowerCase();
  switch (status) {
    case 'gateway_rejected':
      return xmlText(node, 'gateway-rejection-reason');
    case 'settlement_declined':
      return (
        xmlText(node, 'ach-return-code') ??
        xmlText(node, 'us-bank-account', 'ach-return-code') ??
        xmlText(node, 'processor-settlement-response-text') ??
        xmlText(node, 'processor-settlement-response-code')
      );
    case 'processor_declined':
    case 'failed':
      return xmlText(node, 'processor-response-text') ?? xmlText(node, 'processor-response-code');
    case 'authorization_expired':
      return status;
    default:
      return undefined;
  }
}

function feeOf(node: XmlNode): PaymentFacts['fee'] {
  const amount = xmlText(node, 'paypal', 'transaction-fee-amount');
  const currency = xmlText(node, 'paypal', 'transaction-fee-currency-iso-code');
  return amount && currency ? { amount, currency } : undefined;
}

/** @throws WireMismatch when there is not even an id. */
export function disputeFromXml(node: XmlNode): DisputeFacts {
  return {
    id: idOf(node, 'dispute'),
    kind: xmlText(node, 'kind')?.toLowerCase(),
    status: xmlText(node, 'status')?.toLowerCase(),
    disputed: xmlText(node, 'amount-disputed') ?? xmlText(node, 'amount'),
    won: xmlText(node, 'amount-won'),
    currency: xmlText(node, 'currency-iso-code'),
    paymentId: xmlText(node, 'transaction', 'id'),
    paymentAmount: xmlText(node, 'transaction', 'amount'),
    createdAt: instant(xmlText(node, 'created-at')),
    history: historyOf(xmlList(node, 'status-history', 'status-history')),
    reason: xmlText(node, 'reason')?.toLowerCase(),
  };
}

/** @throws WireMismatch */
export function idOf(node: XmlNode, of: string): string {
  const id = xmlText(node, 'id');
  if (!id) throw new WireMismatch(`${of}.id: missing`);
  return id;
}
