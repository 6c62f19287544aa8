/** Recording our payments in QuickBooks: once, exactly, and read back. */
import { createHash } from 'node:crypto';
import { fromDecimalText, toDecimalText } from '../../money/money.ts';
import { rawNumber } from '../../money/raw-number.ts';
import type { PaymentToRecord, Portal, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { companyPath, query, quoted, readObject, rowBody, rowsOf } from '../kit/intuit-queries.ts';
import { type Transaction, transaction } from '../kit/intuit-transactions.ts';
import { differenceOfShares, type Shares, sumShares } from '../kit/shares.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import type { QuickBooksSettings } from './settings.ts';

const PRIVATE_NOTE_MAX_LENGTH = 4000;
/** The portal of Intuit's own processor. */
const INTUIT_PAYMENTS = 'intuit-payments';

export const books: NonNullable<Portal<QuickBooksSettings>['books']> = {
  /**
   * Three nets against a second payment: the mark is looked for first, and QuickBooks' own record of a charge;
   * `requestid` makes QuickBooks replay its first answer; what it holds in the end is compared with what we meant.
   */
  async recordPayment(api, payment, { settings, idempotencyKey }) {
    const recorded =
      (await findByMark(api, payment.mark, settings)) ??
      (await findByCharge(api, payment.from, settings));
    const id = recorded?.Id ?? (await create(api, payment, settings, idempotencyKey));
    const kept = recorded ?? (await readPayment(api, id, settings));
    const different = difference(kept, payment, settings);
    if (different !== undefined) {
      throw new WireMismatch(`Payment ${id}, recorded as ${payment.mark}: ${different}`);
    }
    return { externalId: id };
  },

  /** Voided: amounts go to zero, the invoice opens again, and the number stays in its place. */
  async reversePayment(api, { externalId }, { settings, idempotencyKey }) {
    const body = await readObject(api, 'Payment', externalId, settings);
    if (!body) return;
    const { SyncToken, TotalAmt } = readPaymentBody(body);
    if (isZero(TotalAmt)) return;
    await api.request({
      method: 'POST',
      path: companyPath(settings, 'payment'),
      query: {
        operation: 'update',
        include: 'void',
        minorversion: String(settings.minorVersion),
        requestid: requestId(idempotencyKey),
      },
      json: { Id: externalId, SyncToken: String(SyncToken), sparse: true },
    });
  },
};

async function findByMark(
  api: PortalApi,
  mark: string,
  settings: QuickBooksSettings,
): Promise<Transaction | undefined> {
  const rows = await findByReference(api, mark, settings);
  if (rows.length > 1) {
    throw new WireMismatch(`payments ${rows.map(({ Id }) => Id).join(', ')} all carry ${mark}`);
  }
  return rows[0];
}

/** An invoice that QuickBooks itself sent and charged is paid there already: it writes the charge as the reference. */
async function findByCharge(
  api: PortalApi,
  { portal, externalId }: PaymentToRecord['from'],
  settings: QuickBooksSettings,
): Promise<Transaction | undefined> {
  if (portal !== INTUIT_PAYMENTS) return undefined;
  const rows = await findByReference(api, externalId, settings);
  // A voided one is of 0: it holds the money no more.
  return rows.find(
    ({ CreditCardPayment, TotalAmt }) =>
      CreditCardPayment?.CreditChargeResponse?.CCTransId === externalId && !isZero(TotalAmt),
  );
}

async function findByReference(
  api: PortalApi,
  reference: string,
  settings: QuickBooksSettings,
): Promise<readonly Transaction[]> {
  const statement = `select * from Payment where PaymentRefNum = ${quoted(reference)}`;
  return rowsOf(await query(api, statement, settings), 'Payment')
    .map((row) => readPaymentBody(rowBody('Payment', row)))
    .filter(({ PaymentRefNum }) => PaymentRefNum === reference);
}

function isZero(amount: string): boolean {
  return /^0*\.?0*$/.test(amount);
}

async function create(
  api: PortalApi,
  payment: PaymentToRecord,
  settings: QuickBooksSettings,
  idempotencyKey: string,
): Promise<string> {
  const { currency } = payment;
  const decimal = (minor: bigint) => rawNumber(toDecimalText({ minor, currency }));
  const note = [payment.memo, payment.mark].filter((part) => part !== '').join('; ');
  const { body } = await api.request({
    method: 'POST',
    path: companyPath(settings, 'payment'),
    query: {
      minorversion: String(settings.minorVersion),
      requestid: requestId(idempotencyKey),
    },
    json: {
      CustomerRef: { value: payment.customerExternalId },
      TotalAmt: decimal(payment.amountMinor),
      CurrencyRef: { value: currency },
      TxnDate: payment.receivedOn,
      PaymentRefNum: payment.mark,
      // The mark stands last; a long memo gives way to it.
      PrivateNote: note.slice(-PRIVATE_NOTE_MAX_LENGTH),
      ...processed(payment.from),
      Line: payment.invoices.map(({ externalId, amountMinor }) => ({
        Amount: decimal(amountMinor),
        LinkedTxn: [{ TxnId: externalId, TxnType: 'Invoice' }],
      })),
    },
  });
  return readPaymentBody(body).Id;
}

/**
 * Says that Intuit's own processor took the money: by the transaction QuickBooks matches the payment with the deposit
 * that the processor makes. Nothing is charged again: no card is given.
 */
function processed({ portal, externalId }: PaymentToRecord['from']) {
  if (portal !== INTUIT_PAYMENTS) return {};
  return {
    TxnSource: 'IntuitPayment',
    CreditCardPayment: {
      CreditChargeInfo: { ProcessPayment: true },
      CreditChargeResponse: { CCTransId: externalId },
    },
  };
}

async function readPayment(
  api: PortalApi,
  id: string,
  settings: QuickBooksSettings,
): Promise<Transaction> {
  const body = await readObject(api, 'Payment', id, settings);
  if (!body) {
    throw new Rejected(`Payment ${id} was created and is gone`, { status: 404, body: '' });
  }
  return readPaymentBody(body);
}

function readPaymentBody(body: Buffer): Transaction {
  const answer = parseExactJson(body);
  const payment = typeof answer === 'object' && answer !== null ? { ...answer } : {};
  return readWire(transaction, 'Payment' in payment ? payment.Payment : undefined);
}

/** Names the first field in which QuickBooks holds something else than we meant. */
function difference(
  kept: Transaction,
  meant: PaymentToRecord,
  settings: QuickBooksSettings,
): string | undefined {
  const currency = kept.CurrencyRef?.value ?? settings.homeCurrency;
  if (currency !== meant.currency) return `CurrencyRef is ${currency}, not ${meant.currency}`;
  const total = fromDecimalText(kept.TotalAmt, currency).minor;
  if (total !== meant.amountMinor) {
    const wanted = toDecimalText({ minor: meant.amountMinor, currency });
    return `TotalAmt is ${kept.TotalAmt}, not ${wanted}`;
  }
  const payer = kept.CustomerRef?.value;
  if (payer !== meant.customerExternalId) {
    return `CustomerRef is ${payer ?? 'absent'}, not ${meant.customerExternalId}`;
  }
  return differenceOfShares(sharesKept(kept, currency), sumShares(meant.invoices));
}

function sharesKept({ Line }: Transaction, currency: string): Shares {
  return sumShares(
    (Line ?? []).flatMap(({ Amount, LinkedTxn }) =>
      (LinkedTxn ?? [])
        .filter(({ TxnType }) => TxnType === 'Invoice')
        .map(({ TxnId }) => ({
          externalId: TxnId,
          amountMinor: fromDecimalText(Amount ?? '0', currency).minor,
        })),
    ),
  );
}

/** At most 50 characters, whatever the key: QuickBooks refuses longer ones. */
function requestId(idempotencyKey: string): string {
  return `cv-${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 40)}`;
}
