/** FreshBooks documents into canonical events; see MAPPING.md for every field. */
import { fromDecimalText } from '../../money/money.ts';
import type { Normalized, PortalDocument } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { bareEvent } from '../kit/bare-event.ts';
import { elsewhereAt } from '../kit/elsewhere.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { normalizeCallback } from './callback.ts';
import { methodOf, payerOf, personName, present, referencesOf, workOrderIn } from './reading.ts';
import type { ReadingSettings } from './settings.ts';
import { readWallTime } from './wall-time.ts';
import {
  accountingErrors,
  callback,
  client,
  gonePayment,
  invoice,
  payment,
  plainError,
  type WireClient,
  type WireInvoice,
  type WirePayment,
} from './wire.ts';

const DELETED = 1;

/**
 * The state of the object decides, never the name of the callback that led to it.
 * @throws WireMismatch, UnknownCurrency, MalformedAmount
 */
export function normalize(document: PortalDocument, settings: ReadingSettings): Normalized {
  const { body, receivedAt } = document;
  if (!/^\s*[[{]/.test(body.subarray(0, 100).toString('latin1'))) {
    return normalizeCallback(body, settings);
  }
  const value = parseExactJson(body);
  const gone = gonePayment.safeParse(value);
  if (gone.success) return deletedForGood(gone.data.gonePayment.id, receivedAt);
  const result = resultOf(value);
  if (!result) return { quarantined: describeError(value) };
  const { payment: paid, invoice: billed, client: known, callback: listened } = result;
  if (paid !== undefined) return normalizePayment(readWire(payment, paid));
  if (billed !== undefined) return normalizeInvoice(readWire(invoice, billed));
  if (known !== undefined) return normalizeClient(readWire(client, known));
  if (listened !== undefined) return describeCallback(readWire(callback, listened));
  throw new WireMismatch('response.result: neither a payment, an invoice nor a client');
}

function normalizePayment(row: WirePayment): Normalized {
  const { id, type } = row;
  // Credit put on an invoice is money that came, or never came, at another time.
  if (row.from_credit || type === 'Credit') {
    return { ignored: `payment ${id} uses credit on an invoice: no new money` };
  }
  const currency = row.amount.code;
  const signed = fromDecimalText(row.amount.amount, currency).minor;
  const deleted = row.vis_state === DELETED;
  if (signed === 0n && !deleted) {
    return row.overpaymentid
      ? { ignored: `payment ${id} of 0 is the surplus kept as credit ${row.overpaymentid}` }
      : { quarantined: `payment ${id} is of 0 but is neither deleted nor credit` };
  }
  const occurredAt = readWallTime(row.updated, 'updated');
  const event = {
    eventId: `payment:${id}:${deleted ? 'deleted' : row.updated}`,
    occurredAt,
    amountMinor: signed < 0n ? -signed : signed,
    currency,
    feeMinor: null,
    method: methodOf(type),
    ...(present(row.gateway) === null ? {} : { channel: present(row.gateway) ?? '' }),
    references: referencesOf(row, signed),
    customer: payerOf(row),
    links: elsewhereAt(row.gateway),
    revision: secondOf(occurredAt),
    ...(deleted ? { reason: 'deleted in FreshBooks' } : {}),
  } satisfies Omit<CanonicalEvent, 'type' | 'externalPaymentId'>;
  if (signed < 0n) {
    const what = deleted ? 'refund.failed' : 'refund.succeeded';
    return { events: [{ ...event, type: what, externalPaymentId: null, refundId: id }] };
  }
  const what = deleted ? 'payment.voided' : 'payment.succeeded';
  return { events: [{ ...event, type: what, externalPaymentId: id }] };
}

/** Nothing of it can be read any more, so its amount is 0 and the copy stored earlier counts. */
function deletedForGood(id: string, at: Date): Normalized {
  return {
    events: [
      {
        ...bareEvent('USD'),
        type: 'payment.voided',
        externalPaymentId: id,
        eventId: `payment:${id}:deleted`,
        occurredAt: at.toISOString(),
        reason: 'deleted in FreshBooks',
      },
    ],
  };
}

function normalizeInvoice(row: WireInvoice): Normalized {
  if (row.v3_status === 'draft' && row.vis_state !== DELETED) {
    return { ignored: `invoice ${row.id} is a draft: nothing is owed yet` };
  }
  const currency = row.amount.code;
  const totalMinor = fromDecimalText(row.amount.amount, currency).minor;
  if (totalMinor < 0n) throw new WireMismatch(`amount: an invoice of ${row.amount.amount}`);
  const occurredAt = readWallTime(row.updated, 'updated');
  const order = present(row.po_number);
  const workOrder = workOrderIn(order);
  return {
    events: [
      {
        ...bareEvent(currency),
        type: row.vis_state === DELETED ? 'invoice.voided' : 'invoice.upserted',
        eventId: `invoice:${row.id}:${row.updated}`,
        occurredAt,
        amountMinor: totalMinor,
        revision: secondOf(occurredAt),
        invoice: {
          externalId: row.id,
          number: present(row.invoice_number),
          currency,
          totalMinor,
          issuedOn: dayOf(row.create_date),
          dueOn: dayOf(row.due_date),
          customerExternalId: row.customerid ?? null,
          workOrder,
          purchaseOrder: workOrder === null ? order : null,
        },
      },
    ],
  };
}

function normalizeClient(row: WireClient): Normalized {
  const occurredAt = readWallTime(row.updated, 'updated');
  return {
    events: [
      {
        ...bareEvent(row.currency_code ?? 'USD'),
        type: 'customer.upserted',
        eventId: `client:${row.id}:${row.updated}`,
        occurredAt,
        revision: secondOf(occurredAt),
        customer: { externalId: row.id, name: personName(row), email: present(row.email) },
      },
    ],
  };
}

function describeCallback({
  callbackid,
  event,
  verified,
}: {
  readonly callbackid: string;
  readonly event: string;
  readonly verified: boolean;
}): Normalized {
  return {
    ignored: verified
      ? `callback ${callbackid} for ${event} is verified`
      : `callback ${callbackid} for ${event} is not verified yet`,
  };
}

function describeError(value: unknown): string {
  const first = accountingErrors.safeParse(value).data?.response.errors[0];
  const message = first?.message ?? plainError.safeParse(value).data?.message;
  return message === undefined
    ? 'the body is neither a callback nor an answer of FreshBooks'
    : `FreshBooks answered with an error: ${message}`;
}

/** States carry no number: the second of the last change orders them. */
function secondOf(occurredAt: string): number {
  return Math.max(0, Math.floor(Date.parse(occurredAt) / 1000));
}

function dayOf(text: string | null | undefined): string | null {
  return /^\d{4}-\d\d-\d\d$/.test(text ?? '') ? (text ?? null) : null;
}

function resultOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const inside = (of: unknown, name: string): unknown =>
    typeof of === 'object' && of !== null && name in of
      ? (of as Readonly<Record<string, unknown>>)[name]
      : undefined;
  const result = inside(inside(value, 'response'), 'result');
  return typeof result === 'object' && result !== null ? { ...result } : undefined;
}
