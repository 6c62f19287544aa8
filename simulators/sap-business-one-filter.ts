/** The part of OData filters that the simulated Service Layer understands; whatever else is asked is refused. */

/** Numbers stand bare, texts and enumerations in quotes, days in quotes (and bare in v2). */
export type FieldType = 'number' | 'text' | 'day';
export type Schema = Readonly<Record<string, FieldType>>;
export type Row = Readonly<Record<string, unknown>>;
export type Version = 'v1' | 'v2';

type Test = (row: Row) => boolean;

/** Thrown with what the Service Layer would say. */
export class InvalidQuery extends Error {
  override readonly name = 'InvalidQuery';
}

const TOKEN = new RegExp(
  [
    /([()])/,
    /(and|or|eq|ne|gt|ge|lt|le)\b/,
    /('(?:[^']|'')*')/,
    /(\d{4}-\d\d-\d\d)/,
    /(-?\d+(?:\.\d+)?)(?![\w-])/,
    /([A-Za-z_]\w*)/,
  ]
    .map(({ source }) => `\\s*${source}`)
    .join('|'),
  'y',
);

type Token = {
  readonly kind: 'paren' | 'word' | 'quoted' | 'day' | 'number' | 'name';
  text: string;
};
const KINDS = ['paren', 'word', 'quoted', 'day', 'number', 'name'] as const;

/** @throws InvalidQuery for what is no filter, and for a property that the entity does not have */
export function readFilter(
  filter: string,
  entity: { readonly type: string; readonly schema: Schema; readonly version: Version },
): Test {
  const tokens = tokensOf(filter);
  const take = (): Token => tokens.shift() ?? malformed(filter);
  const upcoming = (text: string): boolean =>
    tokens[0]?.text === text && ['word', 'paren'].includes(tokens[0].kind);

  const either = (): Test => {
    const tests = [both()];
    while (upcoming('or')) {
      take();
      tests.push(both());
    }
    return (row) => tests.some((test) => test(row));
  };
  const both = (): Test => {
    const tests = [one()];
    while (upcoming('and')) {
      take();
      tests.push(one());
    }
    return (row) => tests.every((test) => test(row));
  };
  const one = (): Test => {
    if (!upcoming('(')) return comparison(take(), take(), take());
    take();
    const inner = either();
    if (take().text !== ')') malformed(filter);
    return inner;
  };
  const comparison = (field: Token, operator: Token, literal: Token): Test => {
    if (field.kind !== 'name' || operator.kind !== 'word') malformed(filter);
    const type = requireField(field.text, entity);
    const wanted = literalOf(literal, type, entity.version) ?? malformed(filter);
    const holds = OPERATORS[operator.text] ?? malformed(filter);
    return (row) => {
      const value = row[field.text];
      if (value === null || value === undefined) return false;
      return type === 'number'
        ? holds(Number(value), Number(wanted))
        : holds(String(value), wanted);
    };
  };

  const test = either();
  if (tokens.length > 0) malformed(filter);
  return test;
}

/** @throws InvalidQuery when the entity has no such property */
export function requireField(
  field: string,
  { type, schema }: { readonly type: string; readonly schema: Schema },
): FieldType {
  const known = Object.hasOwn(schema, field) ? schema[field] : undefined;
  if (known === undefined) throw new InvalidQuery(`Property '${field}' of '${type}' is invalid`);
  return known;
}

const OPERATORS: Readonly<Record<string, <T extends string | number>(a: T, b: T) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
};

function tokensOf(filter: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const text = filter.trimEnd();
  while (TOKEN.lastIndex < text.length) {
    const found = TOKEN.exec(text) ?? malformed(filter);
    const place = found.slice(1).findIndex((part) => part !== undefined);
    tokens.push({ kind: KINDS[place] ?? malformed(filter), text: found[place + 1] ?? '' });
  }
  return tokens;
}

function literalOf({ kind, text }: Token, type: FieldType, version: Version): string | undefined {
  if (type === 'number') return kind === 'number' ? text : undefined;
  if (kind === 'quoted') {
    const inner = text.slice(1, -1).replaceAll("''", "'");
    return type === 'day' && !/^\d{4}-\d\d-\d\d$/.test(inner) ? undefined : inner;
  }
  return type === 'day' && kind === 'day' && version === 'v2' ? text : undefined;
}

function malformed(filter: string): never {
  throw new InvalidQuery(`Invalid filter condition: ${filter}`);
}
