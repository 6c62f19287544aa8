/** BAI2 files: records of comma-separated fields, with the totals of accounts, groups and file checked. */
import { exponentOf } from '../../money/money.ts';
import { WireMismatch } from '../kit/errors.ts';
import type { Bai2Transaction } from './bai2-transaction.ts';
import { fileText, numberEqual, referenceOrNone, shortDay } from './movement.ts';

/** One logical record: its code, the fields as written, and how many physical records it takes. */
type Bai2Record = {
  readonly code: string;
  readonly fields: readonly string[];
  readonly physical: number;
};

/**
 * The transactions (16 records) of a file with what their group and account say of them.
 * @throws WireMismatch where structure or a control total is broken: then nothing of the file is believed.
 */
export function readBai2(body: Buffer): readonly Bai2Transaction[] {
  const records = readRecords(fileText(body));
  const file = new Reading(records);
  const transactions = file.read();
  return numberEqual(
    transactions,
    ({ bankReference }) => referenceOrNone(bankReference) !== undefined,
  );
}

const CODES = ['01', '02', '03', '16', '49', '88', '98', '99'];

/** A record behind a terminating slash on the same line; a slash within a text is followed by anything else. */
const NEXT_RECORD =
  /\/\s*(?=(?:02|03),[^,/]*,|16,\d{3},|88,|(?:49|98),[+-]?\d+,\d+(?:,\d+)?\/|99,[+-]?\d+,\d+,\d+\/)/;

function readRecords(text: string): readonly Bai2Record[] {
  const lines = text
    .split(/\r\n|\r|\n/)
    .flatMap((line) => splitLine(line))
    .filter((line) => line !== '');
  const records: { code: string; content: string; physical: number }[] = [];
  for (const line of lines) {
    const code = line.slice(0, 2);
    if (!CODES.includes(code) || line[2] !== ',') {
      throw new WireMismatch(`"${line.slice(0, 20)}" is not a BAI2 record`);
    }
    const content = line.slice(3);
    const last = records.at(-1);
    if (code !== '88') records.push({ code, content, physical: 1 });
    else if (!last) throw new WireMismatch('the file begins with a continuation (88)');
    else {
      last.content = continued(last, content);
      last.physical += 1;
    }
  }
  return records.map(({ code, content, physical }) => ({
    code,
    fields: content.replace(/\/$/, '').split(','),
    physical,
  }));
}

function splitLine(line: string): readonly string[] {
  const found: string[] = [];
  let rest = line.trim();
  for (let at = rest.search(NEXT_RECORD); at >= 0; at = rest.search(NEXT_RECORD)) {
    found.push(rest.slice(0, at + 1));
    rest = rest.slice(at + 1).trim();
  }
  return [...found, rest];
}

/** A continuation goes on with the text of a transaction, else with the next field. */
function continued(
  record: { readonly code: string; readonly content: string },
  more: string,
): string {
  const before = record.content.replace(/\/$/, '');
  const inText =
    record.code === '16' &&
    before
      .split(',')
      .slice(textFieldAt(before.split(',')))
      .join('') !== '';
  if (inText) return `${before} ${more}`;
  const isOpen = before.endsWith(',') && !record.content.endsWith('/');
  return isOpen ? `${before}${more}` : `${before},${more}`;
}

/** How many fields the funds type takes beyond itself. */
function fundsFields(fields: readonly string[], at: number): number {
  const type = (fields[at] ?? '').toUpperCase();
  if (type === 'V') return 2;
  if (type === 'S') return 3;
  if (type === 'D') {
    const pairs = Number(fields[at + 1] ?? '');
    if (!Number.isInteger(pairs) || pairs < 0 || pairs > 99) {
      throw new WireMismatch(`a distribution of "${fields[at + 1] ?? ''}" days is not BAI2`);
    }
    return 1 + 2 * pairs;
  }
  if (['', '0', '1', '2', 'Z'].includes(type)) return 0;
  throw new WireMismatch(`funds type "${type}" is not BAI2`);
}

/** Where the text of a transaction begins: type, amount, funds type with its fields, two references. */
function textFieldAt(fields: readonly string[]): number {
  return 3 + fundsFields(fields, 2) + 2;
}

type Totals = { sum: bigint; records: number; parts: number };
const none = (): Totals => ({ sum: 0n, records: 0, parts: 0 });

type Group = {
  readonly status: string;
  readonly asOfOn: string;
  readonly modifier: string;
  readonly currency: string;
};
type Account = { readonly account: string; readonly currency: string };

/** Walks through the records, adding up what the trailers state. */
class Reading {
  readonly #records: readonly Bai2Record[];
  readonly #found: Bai2Transaction[] = [];
  #file: Totals | undefined;
  #group: { readonly facts: Group; readonly totals: Totals } | undefined;
  #account: { readonly facts: Account; readonly totals: Totals } | undefined;
  #ended = false;

  constructor(records: readonly Bai2Record[]) {
    this.#records = records;
  }

  read(): readonly Bai2Transaction[] {
    for (const record of this.#records) this.#take(record);
    if (!this.#ended) throw new WireMismatch('the file has no trailer (99), so it is cut off');
    return this.#found;
  }

  #take(record: Bai2Record): void {
    if (record.code === '01' && !this.#file) this.#file = none();
    const file = this.#file;
    if (!file || this.#ended)
      throw new WireMismatch('the file does not begin with 01 and end with 99');
    file.records += record.physical;
    if (this.#group) this.#group.totals.records += record.physical;
    if (this.#account) this.#account.totals.records += record.physical;
    switch (record.code) {
      case '02':
        return this.#openGroup(record);
      case '03':
        return this.#openAccount(record);
      case '16':
        return this.#addTransaction(record);
      case '49':
        return this.#closeAccount(record);
      case '98':
        return this.#closeGroup(record);
      case '99':
        check('the file (99)', record, file);
        this.#ended = true;
    }
  }

  #openGroup({ fields, physical }: Bai2Record): void {
    if (this.#group) throw new WireMismatch('a group (02) begins before the one before it ended');
    const [, , status = '', asOf = '', , currency = '', modifier = ''] = fields;
    this.#group = {
      facts: { status, asOfOn: shortDay(asOf), modifier, currency: currency.trim() },
      totals: { ...none(), records: physical },
    };
  }

  #openAccount({ fields, physical }: Bai2Record): void {
    if (!this.#group || this.#account)
      throw new WireMismatch('an account (03) is out of its place');
    const [account = '', currency = ''] = fields;
    const facts = {
      account: account.trim(),
      currency: currency.trim() || this.#group.facts.currency || 'USD',
    };
    exponentOf(facts.currency);
    this.#account = { facts, totals: { ...none(), records: physical } };
    for (let at = 2; at < fields.length; ) {
      // Type, amount, item count, funds type: summaries, never payments, but part of the total.
      this.#account.totals.sum += wholeAmount(fields[at + 1] ?? '');
      at += 4 + fundsFields(fields, at + 3);
    }
  }

  #addTransaction({ fields }: Bai2Record): void {
    const account = this.#account;
    const group = this.#group;
    if (!account || !group) throw new WireMismatch('a transaction (16) stands outside an account');
    const [type = '', amount = ''] = fields;
    if (!/^\d{3}$/.test(type)) throw new WireMismatch(`transaction type "${type}" is not BAI2`);
    account.totals.sum += wholeAmount(amount);
    const textAt = textFieldAt(fields);
    const { asOfOn, modifier, status } = group.facts;
    this.#found.push({
      format: 'bai2',
      ...account.facts,
      groupStatus: status.trim(),
      asOfOn,
      asOfModifier: modifier.trim(),
      type,
      amount: String(wholeAmount(amount)),
      bankReference: (fields[textAt - 2] ?? '').trim(),
      customerReference: (fields[textAt - 1] ?? '').trim(),
      text: fields
        .slice(textAt)
        .join(',')
        .replace(/^[,\s]+/, '')
        .trimEnd(),
    });
  }

  #closeAccount(record: Bai2Record): void {
    const account = this.#account;
    const group = this.#group;
    if (!account || !group) throw new WireMismatch('an account trailer (49) is out of its place');
    check(`account ${account.facts.account} (49)`, record, account.totals);
    group.totals.sum += account.totals.sum;
    group.totals.parts += 1;
    this.#account = undefined;
  }

  #closeGroup(record: Bai2Record): void {
    const group = this.#group;
    const file = this.#file;
    if (!group || !file || this.#account) {
      throw new WireMismatch('a group trailer (98) is out of its place');
    }
    check('a group (98)', record, group.totals);
    file.sum += group.totals.sum;
    file.parts += 1;
    this.#group = undefined;
  }
}

/** Integers with the decimals of the currency implied; an absent amount is none. */
function wholeAmount(text: string): bigint {
  const digits = text.trim();
  if (digits === '') return 0n;
  if (!/^[+-]?\d{1,18}$/.test(digits)) throw new WireMismatch(`"${digits}" is not a BAI2 amount`);
  return BigInt(digits.replace(/^\+/, ''));
}

/** 49 states total and records; 98 and 99 state parts (accounts, groups) between them. */
function check(what: string, { code, fields }: Bai2Record, totals: Totals): void {
  const [sum = '', ...counts] = fields;
  const stated = counts.map(Number);
  const counted = code === '49' ? [totals.records] : [totals.parts, totals.records];
  if (wholeAmount(sum) !== totals.sum) {
    throw new WireMismatch(
      `the amounts of ${what} add up to ${totals.sum}, its control total is ${sum}`,
    );
  }
  if (counted.some((count, index) => stated[index] !== count)) {
    throw new WireMismatch(
      `${what} has ${counted.join(' parts and ')} records, its trailer states ${counts.join(' and ')}`,
    );
  }
}
