/**
 * The part of QuickBooks' query language that its integrators use: equality, lists, times, order,
 * pages.
 */

export type Row = {
  readonly Id: string;
  readonly MetaData: { readonly CreateTime: string; readonly LastUpdatedTime: string };
  readonly [field: string]: unknown;
};
export type Statement = {
  readonly entity: string;
  readonly conditions: readonly Condition[];
  readonly orderBy: string | undefined;
  readonly startPosition: number;
  readonly maxResults: number;
};
type Condition = {
  readonly field: string;
  readonly operator: string;
  readonly values: readonly string[];
};

const STATEMENT = new RegExp(
  [
    /^\s*select\s+\*\s+from\s+(\w+)/,
    /(?:\s+where\s+(.+?))?/,
    /(?:\s+order\s*by\s+([\w.]+)(?:\s+asc)?)?/,
    /(?:\s+startposition\s+(\d+))?(?:\s+maxresults\s+(\d+))?\s*$/,
  ]
    .map(({ source }) => source)
    .join(''),
  'is',
);
const CONDITION =
  /^\s*([\w.]+)\s*(>=|<=|=|>|<|\bin\b)\s*(\(.+?\)|'(?:\\.|[^'\\])*')\s*(?:\band\b|$)/is;
const TEXT = /'((?:\\.|[^'\\])*)'/gs;
const MAX_ROWS = 1000;
const DEFAULT_ROWS = 100;

/** Reads a statement; undefined when it is not of this language. */
export function readStatement(text: string): Statement | undefined {
  const [, entity, where, orderBy, start, max] = STATEMENT.exec(text) ?? [];
  const conditions = readConditions(where ?? '');
  if (entity === undefined || conditions === undefined) return undefined;
  return {
    entity,
    conditions,
    orderBy,
    startPosition: Number(start ?? 1),
    maxResults: Math.min(MAX_ROWS, Number(max ?? DEFAULT_ROWS)),
  };
}

/** The rows of one page, in the statement's order. */
export function runStatement(statement: Statement, rows: readonly Row[]): readonly Row[] {
  const { conditions, orderBy, startPosition, maxResults } = statement;
  const found = rows.filter((row) => conditions.every((condition) => holds(condition, row)));
  if (orderBy !== undefined)
    found.sort((a, b) => compare(fieldOf(a, orderBy), fieldOf(b, orderBy)));
  return found.slice(startPosition - 1, startPosition - 1 + maxResults);
}

function readConditions(where: string): Condition[] | undefined {
  const conditions: Condition[] = [];
  let rest = where;
  while (rest.trim() !== '') {
    const [whole, field, operator, operand] = CONDITION.exec(rest) ?? [];
    if (whole === undefined || !field || !operator || operand === undefined) return undefined;
    const values = [...operand.matchAll(TEXT)].map(([, value = '']) =>
      value.replace(/\\(.)/gs, '$1'),
    );
    conditions.push({ field, operator: operator.toLowerCase(), values });
    rest = rest.slice(whole.length);
  }
  return conditions;
}

function holds({ field, operator, values }: Condition, row: Row): boolean {
  const held = fieldOf(row, field);
  const [value = ''] = values;
  switch (operator) {
    case '=':
      return held === value;
    case 'in':
      return values.includes(held);
    case '>':
      return compare(held, value) > 0;
    case '>=':
      return compare(held, value) >= 0;
    case '<':
      return compare(held, value) < 0;
    default:
      return compare(held, value) <= 0;
  }
}

function fieldOf(row: Row, path: string): string {
  let value: unknown = row;
  for (const name of path.split('.')) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  }
  return typeof value === 'string' ? value : '';
}

/** Times compare as instants whatever their offset, everything else as text. */
function compare(a: string, b: string): number {
  const isTime = /^\d{4}-\d\d-\d\dT/;
  if (isTime.test(a) && isTime.test(b)) return Date.parse(a) - Date.parse(b);
  return a < b ? -1 : a > b ? 1 : 0;
}
