/** Files of a simulated Sage 50: what people export from it, and what a bookkeeper imports. */
import { parse } from 'csv-parse/sync';
import { fromDecimalText } from '../src/money/money.ts';
import {
  baseAmount,
  type Ledger,
  localTime,
  outstandingOf,
  post,
  receive,
  type Transaction,
  twoDecimals,
} from './sage-50-ledger.ts';

const AUDIT_HEADER =
  'TRAN_NUMBER,TYPE,DATE,ACCOUNT_REF,BANK_CODE,INV_REF,DETAILS,NET_AMOUNT,TAX_AMOUNT,GROSS_AMOUNT,BANK_AMOUNT,FOREIGN_GROSS_AMOUNT,CURRENCY,PAID_FLAG,AMOUNT_PAID,OUTSTANDING,DELETED_FLAG,DATE_ENTERED,RECORD_MODIFY_DATE';
const RECEIPTS = [
  'Deposit Ticket ID,Customer ID,Customer Name,Reference,Date,Payment Method',
  ',Cash Account,Cash Amount,Sales Representative ID,Sales Tax Code',
  ',Total Paid on Invoice(s),Discount Account,Prepayment,Vendor Receipt',
  ',AR Date Cleared in Bank Rec,Number of Distributions,Invoice Paid',
  ',Discount Amount,Quantity,Item ID,Description,G/L Account,Unit Price,Tax Type',
  ',Amount,Job ID,Sales Tax Authority,Transaction Period,Transaction Number',
  ",Receipt Number,Card/Check Holder's Name,Card/Check Address Line 1",
  ',Card/Check Address Line 2,Card/Check City,Card/Check State,Card/Check Zip Code',
  ',Card/Check Country,Credit Card Number,Credit Card Expiration Date',
  ',Card/Check Auth. Code,Card/Check Authorized Status,Credit Card Comment',
  ',Authorized Amount',
].join('');
const IMPORT =
  'Type,Account Reference,Nominal A/C Ref,Department Code,Date,Reference,Details,Net Amount,Tax Code,Tax Amount,Exchange Rate,Extra Reference,User Name,Project Refn,Cost Code Refn';

/** Everything there is, as an export of the whole year; `currencies` are numbered from 1. */
export function exportLedger(ledger: Ledger, currencies: readonly string[]): string {
  const all = [...ledger.transactions.values()];
  const [header, rows] =
    ledger.edition === 'uk'
      ? [AUDIT_HEADER, all.map((one) => auditRow(ledger, one, currencies))]
      : [RECEIPTS, all.filter(isReceipt).flatMap((one) => receiptRows(ledger, one))];
  return [header, ...rows.map(line)].map((text) => `${text}\r\n`).join('');
}

/** In the US what was voided is not in the export, and nothing says so. */
function isReceipt({ kind, deleted }: Transaction): boolean {
  return !deleted && (kind === 'SR' || kind === 'SA');
}

function auditRow(
  ledger: Ledger,
  one: Transaction,
  currencies: readonly string[],
): readonly string[] {
  const { currency, grossMinor } = one;
  const base = (minor: bigint) => baseAmount(ledger, minor, currency);
  const outstanding = outstandingOf(ledger, one);
  const day = ukDay(one.day);
  const modified = localTime(ledger, one.modifiedAt);
  return [
    String(one.number),
    one.kind,
    day,
    one.accountRef,
    one.bankCode ?? '',
    one.reference,
    one.details,
    base(grossMinor),
    '0.00',
    base(grossMinor),
    one.kind === 'SP' ? `-${base(grossMinor)}` : base(grossMinor),
    twoDecimals(grossMinor, currency),
    String(currencies.indexOf(currency) + 1),
    outstanding === 0n ? 'Y' : 'N',
    base(grossMinor - outstanding),
    base(outstanding),
    one.deleted ? '1' : '0',
    day,
    `${ukDay(modified.slice(0, 10))}${modified.slice(10)}`,
  ];
}

/** A row for each invoice that the receipt pays, and one for what it pays beyond them. */
function receiptRows(ledger: Ledger, one: Transaction): readonly (readonly string[])[] {
  const { currency, grossMinor, allocations, day } = one;
  const paid = allocations.reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
  const shares = allocations.map(({ invoice, amountMinor }) => ({
    invoice: ledger.transactions.get(invoice)?.reference ?? '',
    amountMinor,
  }));
  const rest = grossMinor - paid;
  const parts = rest > 0n ? [...shares, { invoice: '', amountMinor: rest }] : shares;
  const minus = (minor: bigint) => (minor === 0n ? '0.00' : `-${twoDecimals(minor, currency)}`);
  const name = ledger.customers.get(one.accountRef)?.name ?? '';
  const receipt = {
    'Customer ID': one.accountRef,
    'Customer Name': name,
    Reference: one.reference,
    Date: usDay(day),
    'Payment Method': 'Check',
    'Cash Account': one.bankCode ?? '10200',
    'Cash Amount': twoDecimals(grossMinor, currency),
    'Total Paid on Invoice(s)': minus(paid),
    Prepayment: paid === 0n ? 'TRUE' : 'FALSE',
    'Vendor Receipt': 'FALSE',
    'Number of Distributions': String(parts.length),
    'Discount Amount': '0.00',
    Description: one.details,
    'Transaction Period': String(Number(day.slice(5, 7))),
    'Transaction Number': String(one.number),
    'Receipt Number': '',
  };
  return parts.map(({ invoice, amountMinor }) => {
    const account = invoice === '' ? '24400' : '11000';
    const cells: Readonly<Record<string, string>> = {
      ...receipt,
      'Invoice Paid': invoice,
      'G/L Account': account,
      Amount: minus(amountMinor),
    };
    return RECEIPTS.split(',').map((column) => cells[column] ?? '');
  });
}

/** Imports what a bookkeeper was given: by position, all or nothing. @throws RangeError as Sage 50 refuses it */
export function importLedger(ledger: Ledger, file: string, at: Date): readonly Transaction[] {
  const [header = [], ...rows] = parse(file) as string[][];
  const expected = ledger.edition === 'uk' ? IMPORT : RECEIPTS;
  if (header.join(',') !== expected)
    throw new RangeError('the columns are not those of the import');
  if (ledger.edition === 'uk') return rows.map((row) => importAudit(ledger, row, at));
  const named = rows.map((row) =>
    Object.fromEntries(header.map((column, place) => [column, row[place] ?? ''])),
  );
  const groups = Map.groupBy(named, (row) => `${row['Customer ID']} ${row.Reference}`);
  return [...groups.values()].map((group) => importReceipt(ledger, group, at));
}

function importAudit(ledger: Ledger, row: readonly string[], at: Date): Transaction {
  const [type, account = '', nominal = '', , date = '', reference = '', details = '', net = ''] =
    row;
  const [taxCode, tax, rate, extra = ''] = row.slice(8);
  if (type !== 'SA' && type !== 'SP') throw new RangeError(`type ${type} cannot be imported`);
  if (!ledger.customers.has(account)) throw new RangeError(`there is no account ${account}`);
  const tooLong = reference.length > 30 || details.length > 60 || extra.length > 60;
  if (tooLong || account.length > 8) throw new RangeError('a text is too long');
  if (taxCode !== 'T9' || tax !== '0.00' || rate !== '1.000000' || nominal !== '1200') {
    throw new RangeError('the row is not that of a receipt');
  }
  const [, day, month, year] = /^(\d\d)\/(\d\d)\/(\d{4})$/.exec(date) ?? [];
  if (year === undefined) throw new RangeError(`"${date}" is not a date`);
  const given = {
    kind: type,
    accountRef: account,
    bankCode: nominal,
    reference,
    details,
    extraRef: extra,
    currency: ledger.baseCurrency,
    grossMinor: fromDecimalText(net, ledger.baseCurrency).minor,
    allocations: [],
    day: `${year}-${month}-${day}`,
  } as const;
  return type === 'SA' ? receive(ledger, given, at, true) : post(ledger, given, at);
}

type Named = Readonly<Record<string, string>>;

function importReceipt(ledger: Ledger, rows: readonly Named[], at: Date): Transaction {
  const [row = {}] = rows;
  const currency = ledger.baseCurrency;
  const minorOf = (amount = '') => fromDecimalText(amount, currency).minor;
  const total = rows.reduce((sum, { Amount }) => sum - minorOf(Amount), 0n);
  const grossMinor = minorOf(row['Cash Amount']);
  if (Number(row['Number of Distributions']) !== rows.length || total !== grossMinor) {
    throw new RangeError('the receipt does not add up');
  }
  if ((row.Reference ?? '').length > 20 || (row['Deposit Ticket ID'] ?? '').length > 13) {
    throw new RangeError('a text is too long');
  }
  const [, month = '', day = '', year] =
    /^(\d{1,2})\/(\d{1,2})\/(\d\d)$/.exec(row.Date ?? '') ?? [];
  if (year === undefined) throw new RangeError(`"${row.Date}" is not a date`);
  const given = {
    kind: 'SR',
    accountRef: row['Customer ID'] ?? '',
    bankCode: row['Cash Account'] ?? '',
    reference: row.Reference ?? '',
    details: row.Description ?? '',
    extraRef: null,
    currency,
    grossMinor,
    allocations: rows.flatMap((one) => {
      if (one['Invoice Paid'] === '') return [];
      const paid = [...ledger.transactions.values()].find(
        ({ kind, reference }) => kind === 'SI' && reference === one['Invoice Paid'],
      );
      if (!paid) throw new RangeError(`there is no invoice ${one['Invoice Paid']}`);
      return [{ invoice: paid.number, amountMinor: -minorOf(one.Amount) }];
    }),
    day: `20${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`,
  } as const;
  return receive(ledger, given, at, true);
}

function ukDay(day: string): string {
  return day.split('-').reverse().join('/');
}

function usDay(day: string): string {
  const [year = '', month, date] = day.split('-');
  return `${Number(month)}/${Number(date)}/${year.slice(2)}`;
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(',');
}
