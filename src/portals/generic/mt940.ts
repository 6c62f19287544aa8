/** SWIFT MT940 statements and MT942 intraday reports as files, with balances and totals checked. */
import { exponentOf, toDecimalText } from '../../money/money.ts';
import { WireMismatch } from '../kit/errors.ts';
import { dayOf, fileAmount, fileText, numberEqual, referenceOrNone, shortDay } from './movement.ts';
import type { Mt940Line } from './mt940-line.ts';

type Field = { readonly tag: string; readonly lines: readonly string[] };

/**
 * The statement lines (`:61:` with `:86:`) of all messages in a file.
 * @throws WireMismatch where a message is incomplete or its movements do not lead to its closing balance.
 */
export function readMt940(body: Buffer): readonly Mt940Line[] {
  const messages = messagesIn(fieldsIn(fileText(body)));
  if (messages.length === 0) throw new WireMismatch('the file has no :20:, so it is no MT940');
  const lines = messages.flatMap(readMessage);
  return numberEqual(lines, ({ bankReference }) => referenceOrNone(bankReference) !== undefined);
}

/** Tags with their lines; block marks of the SWIFT envelope fall away. */
function fieldsIn(text: string): readonly Field[] {
  const fields: { tag: string; lines: string[] }[] = [];
  for (const raw of text.split(/\r\n|\r|\n/)) {
    const line = raw.replace(/^(\{\d:[^{}]*\})*\{4:/, '');
    const [, tag, rest] = /^:(\d\d[A-Z]?):(.*)$/.exec(line) ?? [];
    if (tag !== undefined) fields.push({ tag, lines: [rest ?? ''] });
    else if (line.trim() === '' || /^-(\}|$)/.test(line) || /^\{\d:/.test(line))
      fields.push({ tag: '', lines: [] });
    else fields.at(-1)?.lines.push(line);
  }
  return fields.filter(({ tag }) => tag !== '');
}

function messagesIn(fields: readonly Field[]): readonly (readonly Field[])[] {
  const messages: Field[][] = [];
  for (const field of fields) {
    if (field.tag === '20') messages.push([]);
    const message = messages.at(-1);
    if (!message) throw new WireMismatch(`:${field.tag}: stands before the first :20:`);
    message.push(field);
  }
  return messages;
}

function readMessage(fields: readonly Field[]): readonly Mt940Line[] {
  const find = (...tags: readonly string[]) => fields.find(({ tag }) => tags.includes(tag));
  const account = find('25', '25P')?.lines[0]?.trim();
  if (!account) throw new WireMismatch('a message has no account (:25:)');
  const opening = find('60F', '60M');
  const floor = find('34F');
  if (!opening && !floor) {
    throw new WireMismatch('a message has neither an opening balance (:60F:) nor :34F:');
  }
  const currency = opening
    ? balanceOf(opening).currency
    : currencyOf((floor?.lines[0] ?? '').slice(0, 3));
  const lines = linesOf(fields, { account, currency, interim: !opening });
  if (opening) checkBalance(opening, find('62F', '62M'), lines);
  else checkSums(fields, currency, lines);
  return lines;
}

type Head = Pick<Mt940Line, 'account' | 'currency' | 'interim'>;

function linesOf(fields: readonly Field[], head: Head): readonly Mt940Line[] {
  const lines: Mt940Line[] = [];
  fields.forEach(({ tag, lines: [first = '', ...more] }, index) => {
    if (tag !== '61') return;
    const next = fields[index + 1];
    // Lines of details are cut at 65 characters, wherever that is: nothing stood between them.
    const details = next?.tag === '86' ? next.lines.join('') : '';
    lines.push({
      format: 'mt940',
      ...head,
      ...statementLine(first.trimEnd()),
      supplement: more.join(' ').trim(),
      details,
    });
  });
  return lines;
}

const LINE = /^(\d{6})(\d{4})?(EC|ED|RC|RD|C|D)([A-Z])?(\d{1,15},\d*)([NFS][A-Z0-9]{3})(.*)$/;

function statementLine(text: string) {
  const [, value = '', entry, mark, , amount = '', type = '', references = ''] =
    LINE.exec(text) ?? [];
  if (mark === undefined) throw new WireMismatch(`":61:${text}" is not a statement line`);
  const at = references.indexOf('//');
  return {
    valueOn: shortDay(value),
    bookedOn: entry === undefined ? shortDay(value) : entryDay(shortDay(value), entry),
    mark: mark as Mt940Line['mark'],
    amount: amount.replace(',', '.'),
    type,
    customerReference: (at < 0 ? references : references.slice(0, at)).trim(),
    bankReference: at < 0 ? '' : references.slice(at + 2).trim(),
  };
}

/** The entry date has no year: it is the one nearest to the value date, also around New Year. */
function entryDay(valueOn: string, monthAndDay: string): string {
  const value = Date.parse(valueOn);
  const year = Number(valueOn.slice(0, 4));
  const [month, day] = [Number(monthAndDay.slice(0, 2)), Number(monthAndDay.slice(2))];
  const candidates = [year - 1, year, year + 1].flatMap((one) => {
    try {
      return [dayOf(one, month, day)];
    } catch {
      return [];
    }
  });
  const distance = (one: string) => Math.abs(Date.parse(one) - value);
  const [nearest] = candidates.sort((a, b) => distance(a) - distance(b));
  if (nearest === undefined) throw new WireMismatch(`"${monthAndDay}" is not an entry date MMDD`);
  return nearest;
}

function currencyOf(code: string): string {
  exponentOf(code);
  return code;
}

function balanceOf({ tag, lines: [text = ''] }: Field) {
  const [, mark, day, currency, amount] =
    /^([CD])(\d{6})([A-Z]{3})(\d{1,15},\d*)\s*$/.exec(text) ?? [];
  if (amount === undefined) throw new WireMismatch(`":${tag}:${text}" is not a balance`);
  shortDay(day as string);
  const minor = fileAmount(amount.replace(',', '.'), currency as string);
  return { currency: currency as string, minor: mark === 'D' ? -minor : minor };
}

function signedMinor({ mark, amount, currency }: Mt940Line): bigint {
  const minor = fileAmount(amount, currency);
  if (mark === 'EC' || mark === 'ED') return 0n;
  return mark === 'C' || mark === 'RD' ? minor : -minor;
}

function checkBalance(
  opening: Field,
  closing: Field | undefined,
  lines: readonly Mt940Line[],
): void {
  if (!closing)
    throw new WireMismatch('a message has no closing balance (:62F:), so it is cut off');
  const [start, end] = [balanceOf(opening), balanceOf(closing)];
  if (start.currency !== end.currency) {
    throw new WireMismatch('opening and closing balance are in different currencies');
  }
  const reached = lines.reduce((minor, line) => minor + signedMinor(line), start.minor);
  if (reached === end.minor) return;
  const text = (minor: bigint) => toDecimalText({ minor, currency: start.currency });
  throw new WireMismatch(
    `the movements lead to ${text(reached)} ${start.currency}, the closing balance is ${text(end.minor)}`,
  );
}

/** MT942 states number and sum of debits (`:90D:`) and credits (`:90C:`). */
function checkSums(fields: readonly Field[], currency: string, lines: readonly Mt940Line[]): void {
  for (const [tag, sign] of [
    ['90D', -1n],
    ['90C', 1n],
  ] as const) {
    const field = fields.find((one) => one.tag === tag);
    if (!field) continue;
    const [, count, code, amount] =
      /^(\d{1,5})([A-Z]{3})(\d{1,15},\d*)\s*$/.exec(field.lines[0] ?? '') ?? [];
    if (amount === undefined || code !== currency) {
      throw new WireMismatch(`":${tag}:${field.lines[0] ?? ''}" is not a sum in ${currency}`);
    }
    const counted = lines.map(signedMinor).filter((minor) => minor * sign > 0n);
    const sum = counted.reduce((all, minor) => all + minor * sign, 0n);
    if (
      counted.length === Number(count) &&
      sum === fileAmount(amount.replace(',', '.'), currency)
    ) {
      continue;
    }
    throw new WireMismatch(
      `:${tag}: states ${count} movements of ${amount} ${currency}; there are ${counted.length} of ` +
        toDecimalText({ minor: sum, currency }),
    );
  }
}
