/** ISO 20022 camt.052, .053 and .054 as files: their entries, with the control totals checked. */
import { toDecimalText } from '../../money/money.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseXml, type XmlNode, type XmlValue, xmlList, xmlNode, xmlText } from '../kit/xml.ts';
import type { CamtDetail, CamtEntry, CamtInvoice } from './camt-entry.ts';
import { fileAmount, isNoReference, numberEqual } from './movement.ts';

const MESSAGES = [
  ['BkToCstmrStmt', 'Stmt'],
  ['BkToCstmrDbtCdtNtfctn', 'Ntfctn'],
  ['BkToCstmrAcctRpt', 'Rpt'],
] as const;

/**
 * The entries of all statements, notifications and reports in a message, whatever its version or prefix.
 * @throws WireMismatch for what is no camt message, or whose entries do not add up to its totals.
 */
export function readCamt(body: Buffer): readonly CamtEntry[] {
  const root = parseXml(body);
  const document = findDocument(root);
  const groups = MESSAGES.flatMap(([message, group]) => xmlList(document, message, group));
  if (groups.length === 0) {
    throw new WireMismatch('the XML is no camt.052, camt.053 or camt.054 message');
  }
  const entries = groups.flatMap((group) => readGroup(group, xmlText(group, 'Id') ?? '?'));
  return numberEqual(entries, hasId);
}

/** Some banks wrap the document in an envelope of their own. */
function findDocument(root: XmlNode): XmlNode {
  const direct = xmlNode(root, 'Document');
  if (direct) return direct;
  for (const name of Object.keys(root)) {
    const inside = xmlNode(root, name, 'Document');
    if (inside) return inside;
  }
  throw new WireMismatch('the XML has no Document, so it is no camt message');
}

function hasId({ reference, details }: CamtEntry): boolean {
  return (
    !isNoReference(reference) ||
    (details.length > 0 && details.every((one) => !isNoReference(one.reference ?? one.uetr)))
  );
}

function readGroup(group: XmlValue, name: string): readonly CamtEntry[] {
  const account =
    xmlText(group, 'Acct', 'Id', 'IBAN') ?? xmlText(group, 'Acct', 'Id', 'Othr', 'Id') ?? '';
  const entries = xmlList(group, 'Ntry').map((entry) => readEntry(entry, account));
  checkSummary(group, entries, name);
  checkBalances(group, entries, name);
  return entries;
}

type Amount = { readonly amount: string; readonly currency: string };

function amountAt(value: XmlValue | undefined, ...path: readonly string[]): Amount | undefined {
  const amount = xmlText(value, ...path);
  const currency = xmlText(value, ...path, '@Ccy');
  return amount === undefined || currency === undefined ? undefined : { amount, currency };
}

function readEntry(entry: XmlValue, account: string): CamtEntry {
  const money = amountAt(entry, 'Amt');
  if (!money) throw new WireMismatch('an entry has no amount with a currency');
  const status =
    xmlText(entry, 'Sts') ?? xmlText(entry, 'Sts', 'Cd') ?? xmlText(entry, 'Sts', 'Prtry');
  const batches = xmlList(entry, 'NtryDtls');
  const details = batches.flatMap((batch) => xmlList(batch, 'TxDtls')).map(readDetail);
  const listed = batches
    .map((batch) => Number(xmlText(batch, 'Btch', 'NbOfTxs') ?? 0))
    .reduce((sum, count) => sum + count, 0);
  return {
    format: 'camt',
    account,
    ...money,
    direction: directionAt(entry) ?? missing('CdtDbtInd'),
    status: status ?? '',
    reversal: isTrue(xmlText(entry, 'RvslInd')),
    ...optional('reference', xmlText(entry, 'AcctSvcrRef')),
    ...optional('bookedOn', xmlText(entry, 'BookgDt', 'Dt')),
    ...optional('bookedAt', xmlText(entry, 'BookgDt', 'DtTm')),
    ...optional('valueOn', xmlText(entry, 'ValDt', 'Dt') ?? xmlText(entry, 'ValDt', 'DtTm')),
    ...optional('family', familyOf(entry)),
    ...optional('text', xmlText(entry, 'AddtlNtryInf')),
    ...chargesOf(entry),
    transactions: Math.max(listed, details.length),
    details,
  };
}

function missing(what: string): never {
  throw new WireMismatch(`an entry has no ${what}`);
}

function directionAt(value: XmlValue): 'CRDT' | 'DBIT' | undefined {
  const direction = xmlText(value, 'CdtDbtInd');
  if (direction === undefined || direction === 'CRDT' || direction === 'DBIT') return direction;
  throw new WireMismatch(`an entry is neither CRDT nor DBIT but "${direction}"`);
}

function isTrue(text: string | undefined): boolean {
  return text === 'true' || text === '1';
}

function familyOf(value: XmlValue): string | undefined {
  return xmlText(value, 'BkTxCd', 'Domn', 'Fmly', 'Cd');
}

function optional<Name extends string>(
  name: Name,
  value: string | undefined,
): Partial<Record<Name, string>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, string>);
}

function readDetail(detail: XmlValue): CamtDetail {
  const amount = amountAt(detail, 'Amt') ?? amountAt(detail, 'AmtDtls', 'TxAmt', 'Amt');
  const instructed = amountAt(detail, 'AmtDtls', 'InstdAmt', 'Amt');
  const remittance = xmlNode(detail, 'RmtInf');
  const structured = xmlList(remittance, 'Strd');
  const direction = directionAt(detail);
  return {
    ...(amount ? { amount } : {}),
    ...(instructed ? { instructed } : {}),
    ...(direction ? { direction } : {}),
    ...chargesOf(detail),
    ...optional('reference', xmlText(detail, 'Refs', 'AcctSvcrRef')),
    ...optional('uetr', xmlText(detail, 'Refs', 'UETR')),
    ...optional('endToEndId', xmlText(detail, 'Refs', 'EndToEndId')),
    ...optional('mandateId', xmlText(detail, 'Refs', 'MndtId')),
    ...optional('family', familyOf(detail)),
    ...optional('payer', partyName(detail, 'UltmtDbtr') ?? partyName(detail, 'Dbtr')),
    ...optional('payerAccount', payerAccount(detail)),
    ...optional(
      'returnCode',
      xmlText(detail, 'RtrInf', 'Rsn', 'Cd') ?? xmlText(detail, 'RtrInf', 'Rsn', 'Prtry'),
    ),
    returned: xmlNode(detail, 'RtrInf') !== undefined,
    text: xmlList(remittance, 'Ustrd').flatMap(textOf).join(' '),
    creditorReferences: structured.flatMap((one) => xmlText(one, 'CdtrRefInf', 'Ref') ?? []),
    invoices: structured.flatMap(readInvoices),
  };
}

function textOf(value: XmlValue): readonly string[] {
  const text = typeof value === 'string' ? value : xmlText(value, '#text');
  return text ? [text] : [];
}

function partyName(detail: XmlValue, role: string): string | undefined {
  return (
    xmlText(detail, 'RltdPties', role, 'Pty', 'Nm') ?? xmlText(detail, 'RltdPties', role, 'Nm')
  );
}

function payerAccount(detail: XmlValue): string | undefined {
  return (
    xmlText(detail, 'RltdPties', 'DbtrAcct', 'Id', 'IBAN') ??
    xmlText(detail, 'RltdPties', 'DbtrAcct', 'Id', 'Othr', 'Id')
  );
}

/** Documents of the type CINV are invoices; where no type is told, they are as well. */
function readInvoices(structured: XmlValue): readonly CamtInvoice[] {
  const documents = xmlList(structured, 'RfrdDocInf');
  const paid = amountAt(structured, 'RfrdDocAmt', 'RmtdAmt');
  return documents.flatMap((document) => {
    const number = xmlText(document, 'Nb');
    const type = xmlText(document, 'Tp', 'CdOrPrtry', 'Cd') ?? 'CINV';
    if (number === undefined || type !== 'CINV') return [];
    // One amount stands for all documents of a block, so it says nothing of several.
    return [{ number, ...(paid && documents.length === 1 ? { paid } : {}) }];
  });
}

/** What the bank kept: `Chrgs/Amt`, or from version .04 the sum of `Chrgs/Rcrd`. */
function chargesOf(value: XmlValue): { readonly charges?: Amount } {
  const charges = xmlList(value, 'Chrgs').flatMap((charge) => {
    const records = xmlList(charge, 'Rcrd');
    return records.length > 0 ? records : [charge];
  });
  const amounts = charges
    .filter((charge) => directionAt(charge) !== 'CRDT')
    .flatMap((charge) => amountAt(charge, 'Amt') ?? []);
  const currency = amounts[0]?.currency;
  if (currency === undefined || amounts.some((one) => one.currency !== currency)) return {};
  const minor = amounts.reduce((sum, one) => sum + fileAmount(one.amount, currency), 0n);
  return { charges: { amount: toDecimalText({ minor, currency }), currency } };
}

/** Whether booked or all entries are counted differs between banks; one of both must fit. */
function checkSummary(group: XmlValue, entries: readonly CamtEntry[], name: string): void {
  if (isPageOfSeveral(group)) return;
  const sets = [entries, entries.filter(({ status }) => status === 'BOOK')];
  for (const [total, direction] of [
    ['TtlNtries', undefined],
    ['TtlCdtNtries', 'CRDT'],
    ['TtlDbtNtries', 'DBIT'],
  ] as const) {
    const count = xmlText(group, 'TxsSummry', total, 'NbOfNtries');
    const sum = xmlText(group, 'TxsSummry', total, 'Sum');
    const fits = sets.some((set) => {
      const counted = set.filter((one) => !direction || one.direction === direction);
      return (
        (count === undefined || Number(count) === counted.length) &&
        (sum === undefined || addsUp(counted, sum))
      );
    });
    if (fits) continue;
    throw new WireMismatch(
      `the entries of ${name} do not add up to its ${total} (${count ?? '?'} entries, sum ${sum ?? '?'})`,
    );
  }
}

function addsUp(entries: readonly CamtEntry[], sum: string): boolean {
  const currency = entries[0]?.currency;
  if (currency === undefined) return /^[+-]?0*\.?0*$/.test(sum);
  if (entries.some((entry) => entry.currency !== currency)) return true;
  const total = entries.reduce((minor, entry) => minor + fileAmount(entry.amount, currency), 0n);
  return total === fileAmount(sum, currency);
}

/** Opening balance and booked entries make the closing balance, where the statement tells both. */
function checkBalances(group: XmlValue, entries: readonly CamtEntry[], name: string): void {
  if (isPageOfSeveral(group)) return;
  const opening = balanceAt(group, 'OPBD') ?? balanceAt(group, 'PRCD');
  const closing = balanceAt(group, 'CLBD');
  if (!opening || !closing || opening.currency !== closing.currency) return;
  const { currency } = opening;
  const booked = entries.filter(({ status }) => status === 'BOOK');
  if (booked.some((entry) => entry.currency !== currency)) return;
  const end = booked.reduce(
    (minor, entry) => minor + signed(fileAmount(entry.amount, currency), entry.direction),
    opening.minor,
  );
  if (end === closing.minor) return;
  const text = (minor: bigint) => toDecimalText({ minor, currency });
  throw new WireMismatch(
    `the booked entries of ${name} lead to ${text(end)} ${currency}, ` +
      `its closing balance is ${text(closing.minor)} ${currency}`,
  );
}

function signed(minor: bigint, direction: 'CRDT' | 'DBIT' | undefined): bigint {
  return direction === 'DBIT' ? -minor : minor;
}

/** Of a statement in several messages each holds a part, so totals are not those of the part. */
function isPageOfSeveral(group: XmlValue): boolean {
  const page = xmlText(group, 'StmtPgntn', 'PgNb') ?? xmlText(group, 'RptPgntn', 'PgNb') ?? '1';
  const last =
    xmlText(group, 'StmtPgntn', 'LastPgInd') ?? xmlText(group, 'RptPgntn', 'LastPgInd') ?? 'true';
  return Number(page) !== 1 || !isTrue(last);
}

function balanceAt(
  group: XmlValue,
  code: string,
): { readonly minor: bigint; readonly currency: string } | undefined {
  const found = xmlList(group, 'Bal').filter(
    (balance) => xmlText(balance, 'Tp', 'CdOrPrtry', 'Cd') === code,
  );
  const [balance] = found;
  const money = amountAt(balance, 'Amt');
  if (found.length !== 1 || !balance || !money) return undefined;
  const { amount, currency } = money;
  return { minor: signed(fileAmount(amount, currency), directionAt(balance)), currency };
}
