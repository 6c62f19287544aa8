/** Recording our payments in Xero: once, exactly, and read back. */
import { createHash } from 'node:crypto';
import { fromDecimalText, toDecimalText } from '../../money/money.ts';
import { rawNumber } from '../../money/raw-number.ts';
import type { ApiCall, PaymentToRecord, Portal, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { differenceOfShares, type Shares, sumShares } from '../kit/shares.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { readRow, readRows } from './fetch.ts';
import { paidDocument, payerOf } from './references.ts';
import { describeRefusal } from './refusal.ts';
import { accountingPath, type XeroSettings } from './settings.ts';
import { rowBody, rowId, rowsOf } from './split.ts';
import { type Advance, advance, type Payment, payment, type Resource } from './wire.ts';

/** Xero keeps two decimals in every currency, the ones of three included. */
const MOST_DECIMALS = 2;
const MOST_KEY_LENGTH = 128;
const KEPT_EXCERPT = 2000;

type Row = Readonly<Record<string, unknown>>;

export const books: NonNullable<Portal<XeroSettings>['books']> = {
  /**
   * A payment in Xero pays one invoice, so each share becomes one, all with our mark as their reference; what
   * exceeds the shares is an overpayment. Rows with the mark are looked for first, `Idempotency-Key` makes Xero
   * repeat its first answer, and what it holds in the end is compared with what we meant.
   */
  async recordPayment(api, meant, { settings, idempotencyKey }) {
    const shares = sumShares(meant.invoices);
    const excess = meant.amountMinor - [...shares.values()].reduce((sum, one) => sum + one, 0n);
    if (excess < 0n) throw refusal(`${meant.mark}: its shares exceed its amount`);
    const recorded = await livingPayments(api, meant.mark, settings);
    const known = new Set(recorded.map((row) => paidDocument(row).id));
    const missing = [...shares].filter(([invoiceId]) => !known.has(invoiceId));
    const created =
      missing.length > 0
        ? await createPayments(api, {
            meant,
            missing,
            settings,
            // The same key with another body is refused: what is left of a recording has a key of its own.
            idempotencyKey:
              missing.length === shares.size ? idempotencyKey : `${idempotencyKey}:rest`,
          })
        : [];
    const kept = await Promise.all(created.map((id) => readPayment(api, id, settings)));
    const all = [...recorded, ...kept];
    const different = difference(all, { meant, shares });
    if (different !== undefined) throw new WireMismatch(`recorded as ${meant.mark}: ${different}`);
    const over =
      excess > 0n
        ? await recordExcess(api, { meant, excess, settings, idempotencyKey })
        : undefined;
    return { externalId: all[0]?.PaymentID ?? over ?? meant.mark };
  },

  /** Deleted: the invoices open again. What is gone already, or reconciled away by hand, stays as it is. */
  async reversePayment(api, { externalId, mark }, { settings, idempotencyKey }) {
    const living = await livingPayments(api, mark, settings);
    const ids = new Set(living.map(({ PaymentID }) => PaymentID));
    if (!ids.has(externalId) && (await isLivingPayment(api, externalId, settings))) {
      ids.add(externalId);
    }
    for (const id of ids) {
      await write(api, settings, {
        method: 'POST',
        path: `Payments/${id}`,
        key: `${idempotencyKey}:${id}`,
        json: { Status: 'DELETED' },
      });
    }
    for (const { id } of await livingOverpayments(api, mark, settings)) {
      await write(api, settings, {
        method: 'POST',
        path: `BankTransactions/${id}`,
        key: `${idempotencyKey}:${id}`,
        json: { BankTransactions: [{ BankTransactionID: id, Status: 'DELETED' }] },
      });
    }
  },
};

type Recording = {
  readonly meant: PaymentToRecord;
  readonly settings: XeroSettings;
  readonly idempotencyKey: string;
};

async function createPayments(
  api: PortalApi,
  given: Recording & { readonly missing: readonly (readonly [string, bigint])[] },
): Promise<readonly string[]> {
  const { meant, missing, settings, idempotencyKey } = given;
  await requireCurrency(api, { ...given, invoiceIds: missing.map(([id]) => id) });
  const account = accountOf(settings);
  const body = await write(api, settings, {
    method: 'PUT',
    path: 'Payments',
    key: idempotencyKey,
    json: {
      Payments: missing.map(([InvoiceID, minor]) => ({
        Invoice: { InvoiceID },
        Account: account,
        Date: meant.receivedOn,
        Amount: decimal(minor, meant.currency),
        Reference: meant.mark,
      })),
    },
  });
  const ids = rowsOf(body, 'Payments').flatMap((row) => rowId('Payments', row) ?? []);
  if (ids.length !== missing.length) {
    throw new WireMismatch(`Payments: ${ids.length} were answered, ${missing.length} were sent`);
  }
  return ids;
}

/** Amounts are in the invoice's currency, whatever is meant, so it is looked at before anything is written. */
async function requireCurrency(
  api: PortalApi,
  given: Recording & { readonly invoiceIds: readonly string[] },
): Promise<void> {
  const { meant, settings, invoiceIds } = given;
  const rows = await readRows(api, 'Invoices', invoiceIds, settings);
  for (const id of invoiceIds) {
    const row = rows.find((one) => rowId('Invoices', one)?.toLowerCase() === id.toLowerCase());
    if (!row) throw refusal(`Xero has no invoice ${id}`);
    if (row.CurrencyCode !== meant.currency) {
      throw refusal(
        `invoice ${id} is in ${String(row.CurrencyCode)}, the payment in ${meant.currency}`,
      );
    }
  }
}

/** Money beyond the invoices is kept for the customer as an overpayment. Resolves to its id. */
async function recordExcess(
  api: PortalApi,
  given: Recording & { readonly excess: bigint },
): Promise<string> {
  const { meant, excess, settings, idempotencyKey } = given;
  const [known] = await livingOverpayments(api, meant.mark, settings);
  const id = known?.id ?? (await createOverpayment(api, given));
  const row = known?.row ?? (await readOverpayment(api, id, settings));
  const total = fromDecimalText(row.Total, row.CurrencyCode).minor;
  const payer = payerOf(row.Contact)?.externalId;
  const different =
    row.CurrencyCode !== meant.currency
      ? `CurrencyCode is ${row.CurrencyCode}, not ${meant.currency}`
      : total !== excess
        ? `Total is ${row.Total}, not ${toDecimalText({ minor: excess, currency: meant.currency })}`
        : payer !== meant.customerExternalId
          ? `Contact is ${payer ?? 'absent'}, not ${meant.customerExternalId}`
          : undefined;
  if (different === undefined) return id;
  throw new WireMismatch(`Overpayment ${id}, key ${idempotencyKey}: ${different}`);
}

async function createOverpayment(
  api: PortalApi,
  given: Recording & { readonly excess: bigint },
): Promise<string> {
  const { meant, excess, settings, idempotencyKey } = given;
  const body = await write(api, settings, {
    method: 'PUT',
    path: 'BankTransactions',
    key: `${idempotencyKey}:excess`,
    json: {
      BankTransactions: [
        {
          Type: 'RECEIVE-OVERPAYMENT',
          Contact: { ContactID: meant.customerExternalId },
          BankAccount: accountOf(settings),
          Date: meant.receivedOn,
          Reference: meant.mark,
          CurrencyCode: meant.currency,
          LineAmountTypes: 'NoTax',
          LineItems: [
            {
              Description: [meant.memo, meant.mark].filter((part) => part !== '').join('; '),
              LineAmount: decimal(excess, meant.currency),
            },
          ],
        },
      ],
    },
  });
  const [row] = rowsOf(body, 'BankTransactions');
  const id = row?.OverpaymentID ?? row?.BankTransactionID;
  if (typeof id !== 'string') throw new WireMismatch('OverpaymentID: missing in the answer');
  return id;
}

async function livingPayments(
  api: PortalApi,
  mark: string,
  settings: XeroSettings,
): Promise<readonly Payment[]> {
  const rows = await findByReference(api, 'Payments', mark, settings);
  return rows
    .map((row) => exactRow('Payments', row, payment))
    .filter(({ Status, Reference }) => Status !== 'DELETED' && Reference === mark);
}

async function livingOverpayments(
  api: PortalApi,
  mark: string,
  settings: XeroSettings,
): Promise<readonly { readonly id: string; readonly row: Advance }[]> {
  const rows = await findByReference(api, 'Overpayments', mark, settings);
  return rows.flatMap((one) => {
    const id = rowId('Overpayments', one);
    const row = exactRow('Overpayments', one, advance);
    const living = row.Status !== 'VOIDED' && row.Status !== 'DELETED';
    return id !== undefined && living && row.Reference === mark ? [{ id, row }] : [];
  });
}

/** A mark holds nothing that a filter would have to escape. */
async function findByReference(
  api: PortalApi,
  resource: Resource,
  mark: string,
  settings: XeroSettings,
): Promise<readonly Row[]> {
  const { status, body } = await api.request({
    path: accountingPath(settings, resource),
    query: { where: `Reference=="${mark}"`, page: '1' },
    accept: [304],
  });
  return status === 304 || body.length === 0 ? [] : rowsOf(body, resource);
}

async function isLivingPayment(
  api: PortalApi,
  id: string,
  settings: XeroSettings,
): Promise<boolean> {
  const row = await readRow(api, 'Payments', id, settings);
  return row !== undefined && row.Status !== 'DELETED';
}

async function readPayment(api: PortalApi, id: string, settings: XeroSettings): Promise<Payment> {
  const row = await readRow(api, 'Payments', id, settings);
  if (!row) throw refusal(`Payment ${id} was created and is gone`);
  return exactRow('Payments', row, payment);
}

async function readOverpayment(
  api: PortalApi,
  id: string,
  settings: XeroSettings,
): Promise<Advance> {
  const row = await readRow(api, 'Overpayments', id, settings);
  if (!row) throw refusal(`Overpayment ${id} was created and is gone`);
  return exactRow('Overpayments', row, advance);
}

function exactRow<T>(resource: Resource, row: Row, schema: Parameters<typeof readWire<T>>[0]): T {
  const answer = parseExactJson(rowBody(resource, row)) as Record<string, readonly unknown[]>;
  return readWire(schema, answer[resource]?.[0]);
}

/** Sends a change and looks for refusals inside the answer. @throws Rejected with Xero's own words */
async function write(
  api: PortalApi,
  settings: XeroSettings,
  call: Pick<ApiCall, 'method' | 'json'> & { readonly path: string; readonly key: string },
): Promise<Buffer> {
  const { method, path, key, json } = call;
  const { status, body } = await api.request({
    ...(method ? { method } : {}),
    path: accountingPath(settings, path),
    headers: { 'idempotency-key': boundedKey(key) },
    json,
    accept: [400],
  });
  const answer = parseExactJson(body);
  const complaint = typeof answer === 'object' && answer !== null && describeRefusal(answer);
  if (status < 300 && !complaint) return body;
  throw new Rejected(`${method ?? 'GET'} ${path}: ${complaint || `answered ${status}`}`, {
    status: 400,
    body: body.subarray(0, KEPT_EXCERPT).toString('utf8'),
  });
}

function boundedKey(key: string): string {
  const plain = /^[\x21-\x7e]+$/.test(key) && key.length <= MOST_KEY_LENGTH;
  return plain ? key : createHash('sha256').update(key).digest('hex');
}

/** Names the first field in which Xero holds something else than we meant. The payer is always the invoice's. */
function difference(
  kept: readonly Payment[],
  given: { readonly meant: PaymentToRecord; readonly shares: Shares },
): string | undefined {
  const { meant, shares } = given;
  const held = new Map<string, bigint>();
  for (const row of kept) {
    const { id, currency } = paidDocument(row);
    if (row.Status !== 'AUTHORISED') return `payment ${row.PaymentID} is ${row.Status}`;
    if (row.Reference !== meant.mark) return `Reference is ${row.Reference ?? 'absent'}`;
    // A trimmed answer does not say it; the invoice did, before anything was written.
    if (currency !== null && currency !== meant.currency) {
      return `CurrencyCode is ${currency}, not ${meant.currency}`;
    }
    const { minor } = fromDecimalText(row.Amount, meant.currency);
    held.set(id ?? '?', (held.get(id ?? '?') ?? 0n) + minor);
  }
  return differenceOfShares(held, shares);
}

/** A GUID is an account's id, anything else its code. */
function accountOf({ paymentAccount }: XeroSettings): Row {
  if (paymentAccount === undefined) {
    throw refusal('say in paymentAccount into which account payments are recorded');
  }
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(paymentAccount)
    ? { AccountID: paymentAccount }
    : { Code: paymentAccount };
}

function decimal(minor: bigint, currency: string): unknown {
  const [whole = '', fraction = ''] = toDecimalText({ minor, currency }).split('.');
  if (/[1-9]/.test(fraction.slice(MOST_DECIMALS))) {
    throw refusal(`${whole}.${fraction} ${currency}: Xero keeps ${MOST_DECIMALS} decimals only`);
  }
  const kept = fraction.slice(0, MOST_DECIMALS);
  return rawNumber(kept === '' ? whole : `${whole}.${kept}`);
}

function refusal(message: string): Rejected {
  return new Rejected(message, { status: 400, body: '' });
}
