/** Intacct documents into canonical events; see MAPPING.md for every field. */
import { z } from 'zod';
import { fromDecimalText } from '../../money/money.ts';
import type { Normalized, PortalDocument } from '../contract.ts';
import type { CanonicalEvent, Method, Payer, Reference } from '../events.ts';
import { bareEvent } from '../kit/bare-event.ts';
import { findOwnMark } from '../kit/own-mark.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { readGatewayBody } from './gateway.ts';
import { restRefusal } from './rest.ts';
import type { ReadingSettings } from './settings.ts';
import { isNudge } from './split.ts';
import { shareSums, stateOfPayment } from './states.ts';
import {
  KINDS,
  type PaymentFacts,
  REST_OBJECTS,
  type Row,
  readCustomer,
  readInvoice,
  readPayment,
  XML_OBJECTS,
} from './wire.ts';

const BASE_CURRENCY = 'USD';

const nudge = z.object({
  companyId: z.string().nullish(),
  object: z.string(),
  recordNo: z.union([z.string(), z.int()]).transform(String),
});
const row = z.record(z.string(), z.unknown());
const document = z.object({
  object: z.string(),
  record: row,
  details: z.array(row).optional(),
  invoices: z.array(row).optional(),
});

/**
 * One event for each record; a nudge only asks for its record.
 * @throws WireMismatch, UnknownCurrency, MalformedAmount
 */
export function normalize({ body }: PortalDocument, settings: ReadingSettings): Normalized {
  if (/^\ufeff?\s*</.test(body.subarray(0, 200).toString('utf8'))) {
    const read = readGatewayBody(body);
    return 'refusal' in read
      ? { quarantined: `Intacct answered with an error: ${read.refusal}` }
      : { ignored: `${read.object}: an answer without records` };
  }
  const value = parseExactJson(body);
  if (isNudge(value)) return normalizeNudge(readWire(nudge, value), settings);
  const refused = restRefusal(body);
  if (refused !== undefined) return { quarantined: `Intacct answered with an error: ${refused}` };
  const { object, record, details, invoices } = readWire(document, value);
  const kind = KINDS.find((one) =>
    [REST_OBJECTS[one], one === 'advance' ? '' : XML_OBJECTS[one]].includes(object),
  );
  switch (kind) {
    case 'payment':
    case 'advance': {
      const told = { record, ...(details ? { details } : {}), ...(invoices ? { invoices } : {}) };
      return normalizePayment(readPayment(told, kind), settings);
    }
    case 'invoice':
      return normalizeInvoice(record, settings);
    case 'customer':
      return normalizeCustomer(record, settings);
    case undefined:
      return { ignored: `${object}: this kind of record is read with the payment it belongs to` };
  }
}

/** Whatever it says is only a pointer: the record itself is read. */
function normalizeNudge(
  { companyId, object, recordNo }: z.output<typeof nudge>,
  settings: ReadingSettings,
): Normalized {
  const ours = settings.companyId?.toLowerCase();
  if (companyId && ours !== undefined && companyId.trim().toLowerCase() !== ours) {
    return { ignored: `company ${companyId} is not this connection's ${settings.companyId}` };
  }
  const id = recordNo.trim();
  if (!/^\d{1,20}$/.test(id)) {
    return {
      quarantined: `recordNo is "${id.slice(0, 60)}": the trigger did not fill its template in`,
    };
  }
  const entity = NUDGED.get(object.trim().toUpperCase());
  if (entity === undefined) return { ignored: `${object} ${id}: tells of no customer payment` };
  return { fetch: [{ entity, id }] };
}

/** An advance is listed among the payments under the same number. */
const NUDGED: ReadonlyMap<string, string> = new Map([
  ['ARPYMT', XML_OBJECTS.payment],
  ['ARPAYMENT', XML_OBJECTS.payment],
  ['ARADVANCE', XML_OBJECTS.payment],
  ['ARINVOICE', XML_OBJECTS.invoice],
  ['CUSTOMER', XML_OBJECTS.customer],
]);

function normalizePayment(facts: PaymentFacts, settings: ReadingSettings): Normalized {
  const { key, recordType, state, details } = facts;
  const what = `${recordType} ${key}`;
  if (recordType === 'ro') return { ignored: `${what}: applies an overpayment, no money came in` };
  if (recordType !== 'rp' && recordType !== 'rr') {
    return { quarantined: `payment ${key} is of the unknown record type ${recordType}` };
  }
  const read = stateOfPayment(recordType, state);
  if (read === undefined) return { quarantined: `${what} has the unknown state ${state}` };
  if (read === 'reversal') return { ignored: `${what}: the entry that reverses another payment` };
  const currency = facts.currency ?? settings.baseCurrency ?? BASE_CURRENCY;
  const { minor } = fromDecimalText(facts.total, currency);
  if (minor < 0n) return { quarantined: `${what} is of a negative amount, ${facts.total}` };
  if (minor === 0n) return { ignored: `${what}: only credits were applied, no money came in` };
  const voided = read === 'reversed';
  // A payment always pays something; an advance never does.
  if (!voided && recordType === 'rp' && details === undefined) {
    return { fetch: [{ entity: XML_OBJECTS.payment, id: key }] };
  }
  const event = {
    ...bareEvent(currency),
    externalPaymentId: key,
    eventId: `${key}:${read}:${facts.modifiedAt}`,
    occurredAt: voided ? facts.modifiedAt : facts.createdAt,
    amountMinor: minor,
    method: methodOf(facts.method),
    customer: payerOf(facts.customerId, facts.payerName),
    links: linksOf(facts),
  };
  if (voided) {
    // It names no target: another payment of the same work order may be alive.
    const references = memos(facts);
    return {
      events: [{ ...event, type: 'payment.voided', references, reason: 'reversed in Intacct' }],
    };
  }
  const references = referencesOf(facts, { minor, currency });
  if (references === undefined) {
    return { quarantined: `${what}: its lines pay more than its ${facts.total} ${currency}` };
  }
  const type = read === 'draft' ? 'payment.pending' : 'payment.succeeded';
  return { events: [{ ...event, type, references }] };
}

/** Invoices with their shares first; undefined when these are more than the money. */
function referencesOf(
  facts: PaymentFacts,
  { minor, currency }: { readonly minor: bigint; readonly currency: string },
): readonly Reference[] | undefined {
  const shares = shareSums(facts, currency);
  if ([...shares.values()].reduce((sum, share) => sum + share, 0n) > minor) return undefined;
  const invoices = [...shares].map(([externalId, amountMinor]): Reference => {
    const number = facts.invoiceNumbers.get(externalId);
    return { kind: 'invoice', externalId, ...(number ? { number } : {}), amountMinor };
  });
  const workOrder = workOrderIn(facts.description, facts.docNumber);
  return [
    ...invoices,
    ...(workOrder === null ? [] : [{ kind: 'workOrder', number: workOrder } as const]),
    ...memos(facts),
  ];
}

/** The check number or our own mark, and the description. */
function memos({ docNumber, description }: PaymentFacts): readonly Reference[] {
  const said = new Set([docNumber, description].filter((text) => text !== null));
  return [...said].map((text) => ({ kind: 'memo', text }));
}

/** A reference number that looks like a processor's id is the id of the same money there. */
function linksOf({ docNumber }: PaymentFacts): CanonicalEvent['links'] {
  if (docNumber === null || findOwnMark(docNumber)) return {};
  const isId = /^(?=.*\d)(?=.*[a-z])[\w-]{12,64}$/i.test(docNumber);
  return isId && workOrderIn(docNumber) === null ? { elsewhere: [{ externalId: docNumber }] } : {};
}

function normalizeInvoice(record: Row, settings: ReadingSettings): Normalized {
  const facts = readInvoice(record);
  const { key, state, customerId } = facts;
  const read = INVOICE_STATES.get(state);
  if (read === undefined) return { quarantined: `invoice ${key} has the unknown state ${state}` };
  if (read === 'ignored') return { ignored: `invoice ${key} is ${state}: nobody owes it` };
  const currency = facts.currency ?? settings.baseCurrency ?? BASE_CURRENCY;
  const { minor } = fromDecimalText(facts.total, currency);
  if (minor < 0n) return { ignored: `invoice ${key} is negative: a credit, nobody pays it` };
  const voided = read === 'voided';
  return {
    events: [
      {
        ...bareEvent(currency),
        type: voided ? 'invoice.voided' : 'invoice.upserted',
        eventId: `${key}:${state}:${facts.modifiedAt}`,
        occurredAt: facts.modifiedAt,
        amountMinor: minor,
        customer: payerOf(customerId, facts.customerName),
        revision: Date.parse(facts.modifiedAt),
        ...(voided ? { reason: 'reversed in Intacct' } : {}),
        invoice: {
          externalId: key,
          number: facts.number,
          currency,
          totalMinor: minor,
          issuedOn: facts.issuedOn,
          dueOn: facts.dueOn,
          customerExternalId: customerId,
          workOrder: workOrderIn(facts.purchaseOrder, facts.description),
          purchaseOrder: facts.purchaseOrder,
        },
      },
    ],
  };
}

const INVOICE_STATES: ReadonlyMap<string, 'living' | 'voided' | 'ignored'> = new Map([
  ['posted', 'living'],
  ['partiallypaid', 'living'],
  ['paid', 'living'],
  ['selected', 'living'],
  ['reversed', 'voided'],
  ['voided', 'voided'],
  ['reversal', 'ignored'],
  ['draft', 'ignored'],
  ['novalue', 'ignored'],
]);

function normalizeCustomer(record: Row, settings: ReadingSettings): Normalized {
  const { id, name, email, modifiedAt } = readCustomer(record);
  return {
    events: [
      {
        ...bareEvent(settings.baseCurrency ?? BASE_CURRENCY),
        type: 'customer.upserted',
        eventId: `${id}:${modifiedAt}`,
        occurredAt: modifiedAt,
        customer: { externalId: id, name, email },
        revision: Date.parse(modifiedAt),
      },
    ],
  };
}

/** Money for several customers names its payer alone. */
function payerOf(externalId: string | null, name: string | null): Payer | null {
  return externalId === null && name === null ? null : { externalId, name, email: null };
}

function workOrderIn(...texts: readonly (string | null)[]): string | null {
  const found = texts.map((text) => /\bWO[-#\s]{0,2}\d[A-Z0-9-]*/i.exec(text ?? '')?.[0]);
  return found.find((one) => one !== undefined) ?? null;
}

/** Both APIs' names, compared by their letters: `Printed Check`, `printedCheck`. */
function methodOf(said: string | null): Method | null {
  if (said === null) return null;
  return METHODS.get(said.toLowerCase().replaceAll(/[^a-z]/g, '')) ?? 'other';
}

const METHODS: ReadonlyMap<string, Method> = new Map([
  ['printedcheck', 'check'],
  ['check', 'check'],
  ['cash', 'cash'],
  ['eft', 'ach'],
  ['ach', 'ach'],
  ['onlineachdebit', 'ach'],
  ['creditcard', 'card'],
  ['onlinechargecard', 'card'],
]);
