/** The receivables by the REST API. */

import { z } from 'zod';
import type { PortalApi } from '../contract.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import type { Asked, Found, Ledger, Listed } from './ledger.ts';
import { askRest, queryRest, type RestFilter, type RestPage, type RestRow } from './rest.ts';
import { type Kind, type LedgerRecord, lineKeys, named, paidBy, REST_OBJECTS } from './wire.ts';
import type { PaymentToWrite } from './xml-functions.ts';

const DETAIL = 'accounts-receivable/payment-detail';
const MODIFIED = 'audit.modifiedDateTime';

const FIELDS: Readonly<Record<Kind, readonly string[]>> = {
  payment:
    named(`key id recordType state paymentMethod documentNumber description receiptDate payerName
    customer.id customer.name txnCurrency.currency txnCurrency.totalAmount audit.createdDateTime
    audit.modifiedDateTime`),
  advance:
    named(`key id recordType state referenceNumber description txnTotalEntered customer.id customer.name
    paymentInformation.paymentMethod paymentInformation.receiptDate
    paymentInformation.currency.txnCurrency audit.createdDateTime audit.modifiedDateTime`),
  invoice:
    named(`key id invoiceNumber state referenceNumber description invoiceDate dueDate customer.id
    customer.name currency.txnCurrency totalTxnAmount audit.modifiedDateTime`),
  customer: named('key id name contacts.default.email1 audit.modifiedDateTime'),
};

const PAGE_ROWS = { payment: 200, advance: 1000, invoice: 1000, customer: 1000 } as const;
const MOST_ROWS = 2000;
const KEYS_PER_CALL = 200;

/** How a payment's method is spelled here. */
const METHODS: ReadonlyMap<string, string> = new Map([
  ['EFT', 'eft'],
  ['Credit Card', 'creditCard'],
  ['Printed Check', 'printedCheck'],
  ['Cash', 'cash'],
]);

const created = z.object({
  'ia::result': z.object({ key: z.union([z.string(), z.int()]).transform(String).optional() }),
});

export function restLedger(api: PortalApi): Ledger {
  return {
    kinds: ['customer', 'invoice', 'payment', 'advance'],
    list: (kind, asked) => list(api, kind, asked),
    async find(kind, keys) {
      const found = await find(api, kind, 'key', keys);
      if (kind !== 'payment') return found;
      const known = new Set(found.records.map(({ record }) => record.key));
      const missing = keys.filter((key) => !known.has(key));
      const advances = await find(api, 'advance', 'key', missing);
      return { ...found, records: [...found.records, ...advances.records] };
    },
    findByDocNumber: (docNumber) => find(api, 'payment', 'documentNumber', [docNumber]),
    async create(payment, controlId) {
      const { body } = await askRest(api, {
        method: 'POST',
        path: `objects/${REST_OBJECTS.payment}`,
        headers: { 'idempotency-key': controlId },
        json: paymentJson(payment),
      });
      return readWire(created, parseJson(body))['ia::result'].key;
    },
    async reverse({ key, day, memo }, controlId) {
      await askRest(api, {
        method: 'POST',
        path: `workflows/${REST_OBJECTS.payment}/reverse`,
        headers: { 'idempotency-key': controlId },
        json: { key, reversedDate: day, memo },
      });
    },
    async deleteDraft(key) {
      const path = `objects/${REST_OBJECTS.payment}/${encodeURIComponent(key)}`;
      await askRest(api, { method: 'DELETE', path, accept: [404] });
    },
  };
}

/** The body that creates a payment. */
function paymentJson(payment: PaymentToWrite): RestRow {
  const { account, description, receivedOn, beyond } = payment;
  return {
    ...('bank' in account
      ? { financialEntity: { entityId: account.bank } }
      : { undepositedGLAccount: { id: account.undeposited } }),
    customer: { id: payment.customerId },
    paymentMethod: METHODS.get(payment.paymentMethod) ?? 'eft',
    documentNumber: payment.docNumber,
    ...(description === '' ? {} : { description }),
    receiptDate: receivedOn,
    paidDate: receivedOn,
    txnCurrency: { currency: payment.currency },
    ...(beyond === null ? {} : { overPaymentAmount: beyond }),
    paymentDetails: payment.details.map(({ invoiceKey, amount }) => ({
      arInvoice: { key: invoiceKey },
      txnCurrency: { paymentAmount: amount },
    })),
  };
}

async function list(api: PortalApi, kind: Kind, asked: Asked): Promise<Listed> {
  const { since, open, place } = asked;
  const owed = kind === 'invoice' && open;
  const filters: readonly RestFilter[] = [
    { $gte: { [MODIFIED]: `${since.slice(0, 19)}Z` } },
    ...(owed ? [{ $gt: { totalTxnAmountDue: '0' } }] : []),
  ];
  const { rows, next } = await queryRest(api, {
    object: REST_OBJECTS[kind],
    fields: FIELDS[kind],
    filters,
    ...(owed ? { filterExpression: 'or' } : {}),
    start: place && 'start' in place ? place.start : 1,
    size: PAGE_ROWS[kind],
  });
  const records = await completed(api, kind, rows);
  return { records, following: next === null ? null : { start: next } };
}

async function find(
  api: PortalApi,
  kind: Kind,
  field: string,
  values: readonly string[],
): Promise<Found> {
  const object = REST_OBJECTS[kind];
  const { rows, answeredAt } = await allRows(api, { object, fields: FIELDS[kind], field, values });
  return { records: await completed(api, kind, rows), answeredAt };
}

/** Every row whose field has one of these values. */
async function allRows(
  api: PortalApi,
  given: {
    readonly object: string;
    readonly fields: readonly string[];
    readonly field: string;
    readonly values: readonly string[];
  },
): Promise<Omit<RestPage, 'next'>> {
  const { object, fields, field, values } = given;
  const rows: RestRow[] = [];
  let answeredAt: string | undefined;
  for (let at = 0; at < values.length; at += KEYS_PER_CALL) {
    const filters = [{ $in: { [field]: values.slice(at, at + KEYS_PER_CALL) } }];
    for (let start: number | null = 1; start !== null; ) {
      const page = await queryRest(api, { object, fields, filters, start, size: MOST_ROWS });
      rows.push(...page.rows);
      start = page.next;
      answeredAt = page.answeredAt;
    }
  }
  return { rows, answeredAt };
}

/** Records of rows; payments with their lines and the numbers of the invoices these pay. */
async function completed(
  api: PortalApi,
  kind: Kind,
  rows: readonly RestRow[],
): Promise<readonly LedgerRecord[]> {
  const object = REST_OBJECTS[kind];
  if (kind !== 'payment') return rows.map((record) => ({ object, record }));
  const { rows: lines } = await allRows(api, {
    object: DETAIL,
    fields: named('key arPayment.key arInvoice.key txnCurrency.paymentAmount'),
    field: 'arPayment.key',
    values: rows.map(({ key }) => String(key)),
  });
  const { rows: invoices } = await allRows(api, {
    object: REST_OBJECTS.invoice,
    fields: ['key', 'invoiceNumber'],
    field: 'key',
    values: [...new Set(lines.flatMap((line) => lineKeys(line).invoice ?? []))],
  });
  return rows.map((record) => ({ object, record, ...paidBy(record.key, lines, invoices) }));
}
