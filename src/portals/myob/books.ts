/** Recording our payments in MYOB: once, exactly, and read back. */
import { createHash } from 'node:crypto';
import { fromDecimalText, toDecimalText } from '../../money/money.ts';
import { rawNumber } from '../../money/raw-number.ts';
import type { PaymentToRecord, Portal, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { differenceOfShares, sumShares } from '../kit/shares.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { listPath, readRecord } from './pull.ts';
import { filePath, type MyobSettings } from './settings.ts';
import { type CustomerPayment, customerPayment, listed, PATHS } from './wire.ts';

const MEMO_MAX_LENGTH = 255;
const RECEIPT_NUMBER_MAX_LENGTH = 13;

export const books: NonNullable<Portal<MyobSettings>['books']> = {
  /**
   * MYOB has no idempotency key: the receipt number is made of the mark and looked for before anything is written,
   * and what MYOB holds in the end is compared with what we meant.
   */
  async recordPayment(api, payment, { settings }) {
    const number = receiptNumber(payment.mark);
    const uid =
      (await findByNumber(api, number, settings)) ?? (await create(api, payment, settings));
    const kept = await readPayment(api, uid, settings);
    const different = difference(kept, payment, settings);
    if (different !== undefined) {
      throw new WireMismatch(`receipt ${number} (${payment.mark}) in MYOB: ${different}`);
    }
    return { externalId: uid };
  },

  /** Deleted, which is how MYOB voids; refused there once it was banked, reconciled or its period locked. */
  async reversePayment(api, { externalId }, { settings }) {
    const path = filePath(settings, `${PATHS.CustomerPayment}/${encodeURIComponent(externalId)}`);
    await api.request({ method: 'DELETE', path, accept: [404] });
  },
};

/** `CV` and eleven letters or digits of the mark's SHA-256: the mark itself is too long, and stands in the memo. */
function receiptNumber(mark: string): string {
  const digest = BigInt(`0x${createHash('sha256').update(mark).digest('hex')}`);
  return `CV${digest.toString(36).toUpperCase().padStart(50, '0').slice(-11)}`.slice(
    0,
    RECEIPT_NUMBER_MAX_LENGTH,
  );
}

async function findByNumber(
  api: PortalApi,
  number: string,
  settings: MyobSettings,
): Promise<string | undefined> {
  const filter = `ReceiptNumber eq '${number}'`;
  const path = listPath(settings, PATHS.CustomerPayment, { filter, top: 10 });
  const { body } = await api.request({ path });
  const found = readWire(listed, parseExactJson(body)).Items.map(({ UID }) => UID);
  if (found.length > 1) {
    throw new WireMismatch(`receipts ${found.join(', ')} all carry the number ${number}`);
  }
  return found[0];
}

async function create(
  api: PortalApi,
  payment: PaymentToRecord,
  settings: MyobSettings,
): Promise<string> {
  const { currency, invoices, amountMinor, mark } = payment;
  const applied = invoices.reduce((sum, share) => sum + share.amountMinor, 0n);
  if (applied !== amountMinor) {
    const text = toDecimalText({ minor: amountMinor - applied, currency });
    const message = `MYOB takes no payment beyond its invoices: ${text} ${currency} is meant for none`;
    throw new Rejected(message, { status: 400, body: '' });
  }
  const field = currency === settings.baseCurrency ? 'AmountApplied' : 'AmountAppliedForeign';
  const { depositAccount, paymentMethod } = settings;
  const { body, headers } = await api.request({
    method: 'POST',
    path: filePath(settings, `${PATHS.CustomerPayment}?returnBody=true`),
    json: {
      ...(depositAccount === undefined
        ? { DepositTo: 'UndepositedFunds' }
        : { DepositTo: 'Account', Account: { UID: depositAccount } }),
      Customer: { UID: payment.customerExternalId },
      ReceiptNumber: receiptNumber(mark),
      Date: `${payment.receivedOn} 00:00:00`,
      ...(paymentMethod === undefined ? {} : { PaymentMethod: paymentMethod }),
      // The mark stands last; a long memo gives way to it.
      Memo: [payment.memo, mark]
        .filter((part) => part !== '')
        .join('; ')
        .slice(-MEMO_MAX_LENGTH),
      Invoices: [...sumShares(payment.invoices)].map(([UID, minor]) => ({
        UID,
        [field]: rawNumber(toDecimalText({ minor, currency })),
        Type: 'Invoice',
      })),
    },
  });
  if (body.length > 0) return readWire(customerPayment, parseExactJson(body)).UID;
  // Where the body was not asked for in a way this file understands, the address says what was made.
  const uid = /\/([0-9a-f-]{36})\/?$/i.exec(headers.location ?? '')?.[1];
  if (uid === undefined) throw new WireMismatch('Location: missing after recording a payment');
  return uid;
}

async function readPayment(
  api: PortalApi,
  uid: string,
  settings: MyobSettings,
): Promise<CustomerPayment> {
  const { status, body } = await readRecord(api, 'CustomerPayment', uid, settings);
  if (status === 404) {
    throw new Rejected(`receipt ${uid} was recorded and is gone`, { status, body: '' });
  }
  return readWire(customerPayment, parseExactJson(body));
}

/** Names the first field in which MYOB holds something else than we meant. */
function difference(
  kept: CustomerPayment,
  meant: PaymentToRecord,
  settings: MyobSettings,
): string | undefined {
  const currency = kept.ForeignCurrency?.Code ?? settings.baseCurrency;
  if (currency !== meant.currency) return `the currency is ${currency}, not ${meant.currency}`;
  const foreign = currency !== settings.baseCurrency;
  const text = foreign ? (kept.AmountReceivedForeign ?? '0') : kept.AmountReceived;
  if (fromDecimalText(text, currency).minor !== meant.amountMinor) {
    const wanted = toDecimalText({ minor: meant.amountMinor, currency });
    return `the amount is ${text}, not ${wanted}`;
  }
  const payer = kept.Customer?.UID;
  if (payer !== meant.customerExternalId) {
    return `the customer is ${payer ?? 'absent'}, not ${meant.customerExternalId}`;
  }
  const shares = (kept.Invoices ?? []).flatMap(({ UID, Type, ...applied }) => {
    const share = (foreign ? applied.AmountAppliedForeign : applied.AmountApplied) ?? '0';
    const amountMinor = fromDecimalText(share, currency).minor;
    return Type === 'Purged' || !UID ? [] : [{ externalId: UID, amountMinor }];
  });
  return differenceOfShares(sumShares(shares), sumShares(meant.invoices));
}
