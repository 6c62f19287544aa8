/** The columns of Sage 50's files by their names; screens, queries and versions spell and order them differently. */

/** UK edition: columns of the table AUDIT_HEADER, and what queries join to it. Names are compared without signs. */
const AUDIT = {
  TRAN_NUMBER: ['TRAN_NUMBER', 'No', 'Transaction Number'],
  TYPE: ['TYPE'],
  DATE: ['DATE'],
  ACCOUNT_REF: ['ACCOUNT_REF', 'Account', 'A/C', 'Account Reference'],
  BANK_CODE: ['BANK_CODE', 'Bank', 'Nominal', 'N/C', 'NOMINAL_CODE'],
  INV_REF: ['INV_REF', 'Ref', 'Reference'],
  DETAILS: ['DETAILS'],
  GROSS_AMOUNT: ['GROSS_AMOUNT', 'Gross'],
  FOREIGN_GROSS_AMOUNT: ['FOREIGN_GROSS_AMOUNT'],
  CURRENCY: ['CURRENCY'],
  PAID_FLAG: ['PAID_FLAG', 'Paid'],
  AMOUNT_PAID: ['AMOUNT_PAID'],
  OUTSTANDING: ['OUTSTANDING'],
  FOREIGN_OUTSTANDING: ['FOREIGN_OUTSTANDING'],
  DELETED_FLAG: ['DELETED_FLAG', 'RECORD_DELETED', 'Deleted'],
  DUE_DATE: ['DUE_DATE'],
  RECORD_MODIFY_DATE: ['RECORD_MODIFY_DATE'],
  EXTRA_REF: ['EXTRA_REF', 'Ex.Ref', 'Extra Reference'],
  NAME: ['NAME', 'ACCOUNT_NAME', 'A/C Name'],
  E_MAIL: ['E_MAIL', 'E-Mail'],
} as const;
export type AuditColumn = keyof typeof AUDIT;

/** US edition: those of the cash receipts journal that are read. Templates may leave out what is not required. */
const RECEIPTS = {
  'Customer ID': ['Customer ID'],
  'Customer Name': ['Customer Name'],
  Reference: ['Reference'],
  Date: ['Date'],
  'Payment Method': ['Payment Method'],
  'Cash Account': ['Cash Account'],
  'Cash Amount': ['Cash Amount'],
  Prepayment: ['Prepayment'],
  'Vendor Receipt': ['Vendor Receipt'],
  'Number of Distributions': ['Number of Distributions'],
  'Invoice Paid': ['Invoice Paid'],
  'Discount Amount': ['Discount Amount'],
  Description: ['Description'],
  Amount: ['Amount'],
  'Job ID': ['Job ID'],
  'Transaction Period': ['Transaction Period'],
  'Transaction Number': ['Transaction Number'],
  'Receipt Number': ['Receipt Number'],
} as const;
export type ReceiptColumn = keyof typeof RECEIPTS;

export const AUDIT_COLUMNS = Object.keys(AUDIT) as readonly AuditColumn[];
export const RECEIPT_COLUMNS = Object.keys(RECEIPTS) as readonly ReceiptColumn[];

/** Columns without which a file says too little. */
export const REQUIRED = {
  audit: ['TRAN_NUMBER', 'TYPE', 'DATE', 'ACCOUNT_REF', 'GROSS_AMOUNT'],
  receipts: ['Customer ID', 'Reference', 'Date', 'Cash Account', 'Cash Amount', 'Amount'],
} as const satisfies {
  readonly audit: readonly AuditColumn[];
  readonly receipts: readonly ReceiptColumn[];
};

/** A line of a file, or a record of HyperAccounts, by the names above; what is blank is left out. */
export type AuditRow = Readonly<Partial<Record<AuditColumn, string>>>;
export type ReceiptRow = Readonly<Partial<Record<ReceiptColumn, string>>>;

/** Where each column stands; undefined for a column that is missing. */
export type Places<C extends string> = Readonly<Partial<Record<C, number>>>;

export function auditPlaces(header: readonly string[]): Places<AuditColumn> {
  return placesOf(header, AUDIT);
}

export function receiptPlaces(header: readonly string[]): Places<ReceiptColumn> {
  return placesOf(header, RECEIPTS);
}

/** True when the numbers come from a screen, whose rows are splits, and not from AUDIT_HEADER. */
export function isScreenExport(header: readonly string[]): boolean {
  return !header.some((name) => plain(name) === plain('TRAN_NUMBER'));
}

/** The former of two names that both occur is meant. */
function placesOf<C extends string>(
  header: readonly string[],
  aliases: Readonly<Record<C, readonly string[]>>,
): Places<C> {
  const names = header.map(plain);
  const entries = Object.entries<readonly string[]>(aliases).flatMap(([column, spelled]) => {
    const place = spelled.map((name) => names.indexOf(plain(name))).find((at) => at >= 0);
    return place === undefined ? [] : [[column, place] as const];
  });
  return Object.fromEntries(entries) as Places<C>;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}
