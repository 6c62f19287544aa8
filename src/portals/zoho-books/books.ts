/** Recording our payments in Zoho Books: looked for first, read back, deleted when taken back. */
import { fromDecimalText, toDecimalText } from '../../money/money.ts';
import { rawNumber } from '../../money/raw-number.ts';
import type { PaymentToRecord, Portal, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { differenceOfShares, sumShares } from '../kit/shares.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { ask, readPayment } from './fetch.ts';
import type { ZohoBooksSettings } from './settings.ts';
import { payment as wirePayment, type ZohoPayment } from './wire.ts';

const DESCRIPTION_MAX_LENGTH = 500;

export const books: NonNullable<Portal<ZohoBooksSettings>['books']> = {
  /**
   * The mark stands in `reference_number` and is looked for first. Zoho has no key against repetition, but may have a
   * custom field whose values it keeps apart: the mark stands there, too, and Zoho records it once.
   */
  async recordPayment(api, payment, { settings }) {
    const id =
      (await findByMark(api, payment.mark, settings)) ?? (await create(api, payment, settings));
    const kept = await readKept(api, id, settings);
    const different = difference(kept, payment);
    if (different !== undefined) {
      throw new WireMismatch(`payment ${id}, recorded as ${payment.mark}: ${different}`);
    }
    return { externalId: id };
  },

  /** Deleted: Zoho Books cannot void a customer payment. */
  async reversePayment(api, { externalId }, { settings }) {
    const path = `customerpayments/${encodeURIComponent(externalId)}`;
    await ask(api, settings, path, { method: 'DELETE' });
  },
};

async function findByMark(
  api: PortalApi,
  mark: string,
  settings: ZohoBooksSettings,
): Promise<string | undefined> {
  const found = await ask(api, settings, 'customerpayments', { query: { reference_number: mark } });
  const rows = found?.answer.customerpayments;
  if (!Array.isArray(rows)) throw new WireMismatch('customerpayments: missing in the answer');
  const ids = rows.filter((row) => row?.reference_number === mark).map((row) => row.payment_id);
  if (ids.length > 1) throw new WireMismatch(`payments ${ids.join(', ')} all carry ${mark}`);
  return ids.length === 0 ? undefined : String(ids[0]);
}

async function create(
  api: PortalApi,
  payment: PaymentToRecord,
  settings: ZohoBooksSettings,
): Promise<string> {
  const { currency, mark } = payment;
  const { accountId, uniqueField } = settings;
  const decimal = (minor: bigint) => rawNumber(toDecimalText({ minor, currency }));
  const created = await ask(api, settings, 'customerpayments', {
    ...(uniqueField === undefined
      ? { method: 'POST' }
      : { method: 'PUT', headers: upsertHeaders(uniqueField, mark) }),
    json: {
      customer_id: payment.customerExternalId,
      payment_mode: MODES[payment.method ?? ''] ?? 'others',
      amount: decimal(payment.amountMinor),
      date: payment.receivedOn,
      reference_number: mark,
      description: payment.memo.slice(0, DESCRIPTION_MAX_LENGTH),
      ...(accountId === undefined ? {} : { account_id: accountId }),
      ...(uniqueField === undefined
        ? {}
        : { custom_fields: [{ api_name: uniqueField, value: mark }] }),
      invoices: payment.invoices.map(({ externalId, amountMinor }) => ({
        invoice_id: externalId,
        amount_applied: decimal(amountMinor),
      })),
    },
  });
  if (!created) {
    const why = 'the customer or an invoice does not exist in Zoho Books';
    throw new Rejected(why, { status: 404, body: '' });
  }
  const told = created.answer.payment;
  const id = typeof told === 'object' && told !== null && 'payment_id' in told && told.payment_id;
  if (!id) throw new WireMismatch('payment.payment_id: missing in the answer');
  return String(id);
}

/** Creates what is not there under this value, and leaves one payment where it is. */
function upsertHeaders(field: string, value: string): Readonly<Record<string, string>> {
  return {
    'X-Unique-Identifier-Key': field,
    'X-Unique-Identifier-Value': value,
    'X-Upsert': 'true',
  };
}

const MODES: Readonly<Record<string, string | undefined>> = {
  card: 'creditcard',
  phone: 'creditcard',
  ach: 'banktransfer',
  bank: 'banktransfer',
  check: 'check',
  cash: 'cash',
};

async function readKept(
  api: PortalApi,
  id: string,
  settings: ZohoBooksSettings,
): Promise<ZohoPayment> {
  const answer = parseExactJson(await readPayment(api, settings, id));
  const value = typeof answer === 'object' && answer !== null ? { ...answer } : {};
  if ('gone' in value) {
    throw new Rejected(`payment ${id} was created and is gone`, { status: 404, body: '' });
  }
  return readWire(wirePayment, 'payment' in value ? value.payment : undefined);
}

/** Names the first field in which Zoho holds something else than we meant. */
function difference(kept: ZohoPayment, meant: PaymentToRecord): string | undefined {
  const { currency_code: currency } = kept;
  if (currency !== meant.currency) return `currency_code is ${currency}, not ${meant.currency}`;
  if (fromDecimalText(kept.amount, currency).minor !== meant.amountMinor) {
    const wanted = toDecimalText({ minor: meant.amountMinor, currency });
    return `amount is ${kept.amount}, not ${wanted}`;
  }
  if (kept.customer_id !== meant.customerExternalId) {
    return `customer_id is ${kept.customer_id ?? 'absent'}, not ${meant.customerExternalId}`;
  }
  const keptShares = kept.invoices.map(({ invoice_id: externalId, amount_applied: applied }) => ({
    externalId,
    amountMinor: fromDecimalText(applied ?? '0', currency).minor,
  }));
  return differenceOfShares(sumShares(keptShares), sumShares(meant.invoices));
}
