/** A transaction of the UK edition in one shape, whichever way it was told. */
import type { z } from 'zod';
import { fromDecimalText } from '../../money/money.ts';
import type { Method } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { decimalText, hundredths, plainAmount } from './amounts.ts';
import type { AuditRow } from './columns.ts';
import { dayOf, instantOf, utcOf } from './dates.ts';
import { hyperOrder, idOf, type Sage50Settings, zoneOf } from './settings.ts';
import { typeOf } from './types.ts';
import type { auditDocument, receiptDocument } from './wire.ts';

export type Facts = {
  readonly id: string;
  readonly type: string;
  readonly account: string | null;
  readonly accountName: string | null;
  readonly email: string | null;
  /** Nominal of the bank account. */
  readonly bank: string | null;
  readonly method: Method | null;
  readonly day: string;
  readonly dueOn: string | null;
  readonly reference: string | null;
  /** What else was written to it: details, extra reference. */
  readonly notes: readonly string[];
  readonly currency: string;
  /** Never negative: the type says which way the money went. */
  readonly grossMinor: bigint;
  readonly deleted: boolean;
  /** When it became so, or was found so; null where nothing tells. */
  readonly statedAt: string | null;
  readonly allocations: readonly {
    readonly invoiceId: string;
    readonly invoiceNumber: string | null;
    readonly amountMinor: bigint;
  }[];
};

/** @throws WireMismatch, UnknownCurrency, MalformedAmount */
export function factsOfReceipt(
  { dataset, receipt, readAt }: z.output<typeof receiptDocument>,
  settings: Sage50Settings,
): Facts {
  requireDataset(dataset, settings);
  const { currency: told, tranNumber, paymentReceived } = receipt;
  // A bridge that says when it read knows no currencies.
  const currency = present(told) ?? (readAt ? settings.baseCurrency : null);
  if (currency === null) throw new WireMismatch('currency: missing');
  const type = typeOf(receipt.type);
  if (paymentReceived === false && (type === 'SR' || type === 'SA')) {
    throw new WireMismatch(`paymentReceived: false, although ${type} is money received`);
  }
  const bank = present(receipt.bankCode);
  const at = present(receipt.modifiedAt);
  return {
    id: idOf(settings, tranNumber),
    type,
    account: present(receipt.accountRef),
    accountName: present(receipt.accountName),
    email: present(receipt.email),
    bank,
    method: methodOf(bank, settings),
    day: dayOf(receipt.date, 'ymd'),
    dueOn: present(receipt.dueDate) && dayOf(receipt.dueDate ?? '', 'ymd'),
    reference: present(receipt.reference),
    notes: [receipt.details, receipt.extraReference].flatMap((one) => present(one) ?? []),
    currency,
    grossMinor: absolute(fromDecimalText(receipt.grossAmount, currency).minor),
    deleted: receipt.deleted === true,
    statedAt: at ? utcOf(at, 'modifiedAt') : readAt ? utcOf(readAt, 'readAt') : null,
    allocations: allocationsOf(receipt.allocations, currency, settings),
  };
}

/**
 * Lines of a file and records of HyperAccounts are of the same table.
 * @throws WireMismatch, UnknownCurrency, MalformedAmount
 */
export function factsOfRows(
  { rows, from, allocations }: z.output<typeof auditDocument>,
  settings: Sage50Settings,
): Facts {
  if (settings.edition !== 'uk') {
    throw new WireMismatch('it is of the UK edition, the connection of the US edition');
  }
  const [row = {}] = rows;
  const order = from === 'hyperaccounts' ? hyperOrder(settings) : 'dmy';
  const currency = currencyOf(row.CURRENCY, settings);
  const column = currency === settings.baseCurrency ? 'GROSS_AMOUNT' : 'FOREIGN_GROSS_AMOUNT';
  const gross = rows.reduce((sum, one) => {
    const amount = one[column];
    if (amount === undefined) throw new WireMismatch(`${column}: missing, in ${currency}`);
    return sum + absolute(hundredths(plainAmount(amount)));
  }, 0n);
  const { RECORD_MODIFY_DATE: modified, BANK_CODE: bank = null, DUE_DATE: due } = row;
  return {
    id: idOf(settings, numberOf(row)),
    type: typeOf(row.TYPE),
    account: row.ACCOUNT_REF ?? null,
    accountName: row.NAME ?? null,
    email: row.E_MAIL ?? null,
    bank,
    method: methodOf(bank, settings),
    day: dayOf(row.DATE ?? '', order),
    dueOn: due === undefined ? null : dayOf(due, order),
    reference: row.INV_REF ?? null,
    notes: [row.DETAILS, row.EXTRA_REF].filter((one) => one !== undefined),
    currency,
    grossMinor: fromDecimalText(decimalText(gross), currency).minor,
    deleted: isDeleted(row.DELETED_FLAG),
    statedAt: modified === undefined ? null : instantOf(modified, order, zoneOf(settings)),
    allocations: allocationsOf(allocations, currency, settings),
  };
}

/** Data restored or begun anew number their transactions anew: a person must say so. @throws WireMismatch */
export function requireDataset(said: string, { dataset }: Sage50Settings): void {
  if (said === dataset) return;
  throw new WireMismatch(
    `it is of the data "${said}", the connection of "${dataset}": look which company and year the bridge has open`,
  );
}

export function present(text: string | null | undefined): string | null {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}

function numberOf({ TRAN_NUMBER: number = '' }: AuditRow): string {
  if (!/^\d{1,10}$/.test(number)) throw new WireMismatch('TRAN_NUMBER: missing');
  return String(Number(number));
}

/** The program's own table begins with the base currency; queries may bring the code itself. */
function currencyOf(said: string | undefined, settings: Sage50Settings): string {
  if (said === undefined || said === '1') return settings.baseCurrency;
  const { currencyTable: table } = settings;
  const code = Object.hasOwn(table, said)
    ? table[said]
    : /^[A-Z]{3}$/.test(said)
      ? said
      : undefined;
  if (code === undefined) {
    throw new WireMismatch(`CURRENCY: ${said} is not in the setting currencyTable`);
  }
  return code;
}

function isDeleted(said: string | undefined): boolean {
  const text = (said ?? '0').toLowerCase();
  if (['0', 'n', 'no', 'false'].includes(text)) return false;
  if (['1', '-1', 'y', 'yes', 'true'].includes(text)) return true;
  throw new WireMismatch(`DELETED_FLAG: "${text.slice(0, 20)}" is neither 0 nor 1`);
}

function methodOf(bank: string | null, { bankMethods }: Sage50Settings): Method | null {
  return bank !== null && Object.hasOwn(bankMethods, bank) ? (bankMethods[bank] ?? null) : null;
}

function allocationsOf(
  told: z.output<typeof auditDocument>['allocations'],
  currency: string,
  settings: Sage50Settings,
): Facts['allocations'] {
  return (told ?? []).map(({ invoiceTran, invoiceRef, amount }) => ({
    invoiceId: idOf(settings, invoiceTran),
    invoiceNumber: present(invoiceRef),
    amountMinor: fromDecimalText(amount, currency).minor,
  }));
}

function absolute(minor: bigint): bigint {
  return minor < 0n ? -minor : minor;
}
