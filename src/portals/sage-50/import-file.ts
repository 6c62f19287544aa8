/** Files by which a bookkeeper imports our payments: the audit trail of the UK edition, cash receipts of the US one. */
import type { FileEntry, ImportFile, PaymentToRecord } from '../contract.ts';
import { reversalMark } from '../kit/own-mark.ts';
import { writeDay } from './dates.ts';
import { amountOf, bankOf, cut, refusal, type Share, sharesOf, totalOf } from './recording.ts';
import type { Sage50Settings } from './settings.ts';

/** Pure. @throws Rejected for what such a file cannot say, with what a person is to do */
export function importFile(
  entries: readonly FileEntry[],
  settings: Sage50Settings,
): ImportFile | undefined {
  if (settings.bridge === 'own' || settings.bridge === 'oss' || entries.length === 0)
    return undefined;
  const [header, rowsOf] =
    settings.edition === 'uk' ? [UK_COLUMNS, ukRows] : ([US_COLUMNS, usRows] as const);
  const rows = entries.flatMap((entry) => rowsOf(entry, settings));
  const lines = [header, ...rows].map((cells) => `${cells.map(quoted).join(',')}\r\n`);
  return { extension: 'csv', body: Buffer.from(lines.join(''), 'ascii') };
}

const UK_COLUMNS = [
  'Type',
  'Account Reference',
  'Nominal A/C Ref',
  'Department Code',
  'Date',
  'Reference',
  'Details',
  'Net Amount',
  'Tax Code',
  'Tax Amount',
  'Exchange Rate',
  'Extra Reference',
  'User Name',
  'Project Refn',
  'Cost Code Refn',
];
const UK_ACCOUNT_WIDTH = 8;
const UK_DETAILS_WIDTH = 60;

/** The import knows no receipt that is allocated, so the details tell the bookkeeper what to allocate. */
function ukRows(given: FileEntry, settings: Sage50Settings): readonly string[][] {
  const { entry, payment } = given;
  const { mark, currency, amountMinor, memo, customerExternalId, from } = payment;
  requireCurrency(payment, settings);
  const account = exact(customerExternalId, UK_ACCOUNT_WIDTH, 'Account Reference');
  const names = sharesOf(payment, settings).map(({ name }) => name);
  const isPayment = entry === 'payment';
  const reference = isPayment ? mark : reversalMark(mark);
  const details = isPayment
    ? [memo, ...(names.length > 0 ? ['INV', ...names] : [])].join(' ')
    : `${from.portal} refund of ${mark}`;
  const row = [
    isPayment ? 'SA' : 'SP',
    account,
    bankOf(settings),
    '0',
    writeDay(given.entry === 'payment' ? payment.receivedOn : given.on, 'dmy'),
    reference,
    cut(details, UK_DETAILS_WIDTH),
    amountOf(amountMinor, currency),
    'T9',
    '0.00',
    '1.000000',
    reference,
    'CHECKVALVE',
    '',
    '',
  ];
  return [row];
}

const US_COLUMNS = [
  'Deposit Ticket ID',
  'Customer ID',
  'Customer Name',
  'Reference',
  'Date',
  'Payment Method',
  'Cash Account',
  'Cash Amount',
  'Sales Representative ID',
  'Sales Tax Code',
  'Total Paid on Invoice(s)',
  'Discount Account',
  'Prepayment',
  'Vendor Receipt',
  'AR Date Cleared in Bank Rec',
  'Number of Distributions',
  'Invoice Paid',
  'Discount Amount',
  'Quantity',
  'Item ID',
  'Description',
  'G/L Account',
  'Unit Price',
  'Tax Type',
  'Amount',
  'Job ID',
  'Sales Tax Authority',
  'Transaction Period',
  'Transaction Number',
  'Receipt Number',
  "Card/Check Holder's Name",
  'Card/Check Address Line 1',
  'Card/Check Address Line 2',
  'Card/Check City',
  'Card/Check State',
  'Card/Check Zip Code',
  'Card/Check Country',
  'Credit Card Number',
  'Credit Card Expiration Date',
  'Card/Check Auth. Code',
  'Card/Check Authorized Status',
  'Credit Card Comment',
  'Authorized Amount',
];
const US_WIDTHS = { customer: 20, reference: 20, invoice: 20, description: 160 };

/** A row for each invoice, all with the receipt's own columns; money without an invoice is a prepayment. */
function usRows({ entry, payment }: FileEntry, settings: Sage50Settings): readonly string[][] {
  const { mark, currency, amountMinor } = payment;
  if (entry === 'reversal') {
    throw refusal(
      `an import cannot take a receipt back: void the one with the reference ${mark} in Sage 50 by hand`,
    );
  }
  requireCurrency(payment, settings);
  const shares = sharesOf(payment, settings);
  const paid = totalOf(shares);
  if (paid > 0n && paid < amountMinor) {
    const rest = `${amountOf(amountMinor - paid, currency)} ${currency}`;
    throw refusal(
      `${mark} pays invoices and ${rest} more, which an import cannot say in one receipt: enter it by hand`,
    );
  }
  const whole: Share = { tran: '', name: '', amountMinor };
  const rows = paid > 0n ? shares : [whole];
  return rows.map((share) => usRow(payment, { settings, share, count: rows.length, paid }));
}

function usRow(
  payment: PaymentToRecord,
  given: {
    readonly settings: Sage50Settings;
    readonly share: Share;
    readonly count: number;
    readonly paid: bigint;
  },
): string[] {
  const { settings, share, count, paid } = given;
  const { currency, mark, memo, receivedOn } = payment;
  const reference = mark.slice(-US_WIDTHS.reference);
  const [year = '', month = '', day = ''] = receivedOn.split('-');
  const cells: Readonly<Record<string, string>> = {
    'Deposit Ticket ID': `SYNC${month}${day}${year}`,
    'Customer ID': exact(payment.customerExternalId, US_WIDTHS.customer, 'Customer ID'),
    Reference: reference,
    Date: `${Number(month)}/${Number(day)}/${year.slice(2)}`,
    'Payment Method': US_METHODS[payment.method ?? 'other'] ?? 'Other',
    'Cash Account': bankOf(settings),
    'Cash Amount': amountOf(payment.amountMinor, currency),
    'Total Paid on Invoice(s)': negative(paid, currency),
    'Discount Account': settings.discountAccount ?? '',
    Prepayment: paid > 0n ? 'FALSE' : 'TRUE',
    'Vendor Receipt': 'FALSE',
    'Number of Distributions': String(count),
    'Invoice Paid': exact(share.name, US_WIDTHS.invoice, 'Invoice Paid'),
    'Discount Amount': '0.00',
    Quantity: '0.00',
    // A mark that is too long for the reference stands here in whole.
    Description: cut(reference === mark ? memo : `${mark} ${memo}`, US_WIDTHS.description),
    'G/L Account': ledgerAccount(settings, paid > 0n),
    'Unit Price': '0.00',
    'Tax Type': '0',
    Amount: negative(share.amountMinor, currency),
    'Card/Check Authorized Status': '0',
    'Authorized Amount': '0.00',
  };
  return US_COLUMNS.map((column) => cells[column] ?? '');
}

const US_METHODS: Readonly<Record<string, string | undefined>> = {
  card: 'Credit Card',
  phone: 'Credit Card',
  ach: 'ACH',
  bank: 'Electronic Transfer',
  wallet: 'Electronic Wallet',
  check: 'Check',
  cash: 'Cash',
};

function ledgerAccount(settings: Sage50Settings, paysInvoices: boolean): string {
  const [field, account] = paysInvoices
    ? ['receivablesAccount', settings.receivablesAccount]
    : ['depositsAccount', settings.depositsAccount];
  if (account === undefined) throw refusal(`say in ${field} which account the import credits`);
  return account;
}

/** Amounts paid on invoices are negative in this file. */
function negative(minor: bigint, currency: string): string {
  return minor === 0n ? '0.00' : `-${amountOf(minor, currency)}`;
}

/** A foreign amount needs an exchange rate, which nobody tells us. */
function requireCurrency({ mark, currency }: PaymentToRecord, { baseCurrency }: Sage50Settings) {
  if (currency === baseCurrency) return;
  throw refusal(`${mark} is in ${currency}: an import needs its exchange rate; enter it by hand`);
}

/** What names an account or an invoice is never cut. */
function exact(text: string, width: number, column: string): string {
  if (text.length <= width && /^[\x20-\x7e]*$/.test(text)) return text;
  throw refusal(`${column} takes ${width} plain characters, not "${text}": enter it by hand`);
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
