/** The comparisons that Intacct's three query languages are made of. */
import type { Row } from './sage-intacct-rows.ts';

export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | {
      readonly field: string;
      readonly operator: '=' | '>' | '>=' | '<' | '<=' | 'in';
      readonly values: readonly string[];
    };

/** A field that the object does not have, or words that are not of the language. */
export class BadQuery extends Error {
  override readonly name = 'BadQuery';
}

export function holds(condition: Condition, { fields }: Row): boolean {
  if ('all' in condition) return condition.all.every((one) => holds(one, { fields, entity: null }));
  if ('any' in condition) return condition.any.some((one) => holds(one, { fields, entity: null }));
  const held = fields[condition.field] ?? '';
  const [value = ''] = condition.values;
  const order = compare(held, value);
  switch (condition.operator) {
    case 'in':
      return condition.values.includes(held);
    case '=':
      return held === value;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
  }
}

/** @throws BadQuery when a field is not one of the object's */
export function requireFields(fields: readonly string[], rows: readonly Row[]): void {
  const known = Object.keys(rows[0]?.fields ?? {});
  const unknown = known.length > 0 ? fields.find((field) => !known.includes(field)) : undefined;
  if (unknown !== undefined) throw new BadQuery(`There is no field ${unknown}`);
}

export function fieldsOf(condition: Condition): readonly string[] {
  if ('all' in condition) return condition.all.flatMap(fieldsOf);
  if ('any' in condition) return condition.any.flatMap(fieldsOf);
  return [condition.field];
}

/** Numbers by size, American instants by time, everything else as text. */
export function compare(left: string, right: string): number {
  const [a, b] = [Number(left), Number(right)];
  if (left !== '' && right !== '' && !Number.isNaN(a) && !Number.isNaN(b)) return a - b;
  const [x, y] = [sortable(left), sortable(right)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function sortable(text: string): string {
  return text.replace(/^(\d\d)\/(\d\d)\/(\d{4})/, '$3-$1-$2');
}

/**
 * The SQL-like text of `readByQuery`: comparisons joined by AND, and these by OR. @throws BadQuery
 */
export function readSql(text: string): Condition {
  if (text.trim() === '') return { all: [] };
  return {
    any: pieces(text, 'OR').map((piece) => ({ all: pieces(piece, 'AND').map(comparison) })),
  };
}

/** Cuts at a word that stands outside of quotes. */
function pieces(text: string, word: string): readonly string[] {
  const found: string[] = [''];
  for (const [token] of text.matchAll(/'(?:\\.|[^'\\])*'|\s+|[^\s']+/g)) {
    if (token === word) found.push('');
    else found[found.length - 1] += token;
  }
  return found.map((piece) => piece.trim());
}

function comparison(text: string): Condition {
  const [, field = '', operator = '', operand = ''] =
    /^(\w+)\s*(>=|<=|=|>|<|\bin\b)\s*(\(.+\)|'(?:\\.|[^'\\])*'|\d+)$/.exec(text) ?? [];
  if (field === '') throw new BadQuery(`"${text}" is no comparison`);
  const quoted = [...operand.matchAll(/'((?:\\.|[^'\\])*)'/g)].map(([, value = '']) =>
    value.replace(/\\(.)/g, '$1'),
  );
  const values = quoted.length > 0 ? quoted : [operand];
  return { field, operator: operator as '=' | 'in', values };
}
