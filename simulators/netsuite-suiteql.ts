/**
 * The part of SuiteQL that integrators use, evaluated over tables: joins on equality, lists, times on the account's
 * clock, and an order. Whatever else a statement holds is refused, and so is an order in which rows can be equal.
 */
import { wallTime } from './netsuite-clock.ts';

type Value = string | number | Date | null;
export type Table = {
  /** In lower case; a column that the account has not is absent. */
  readonly columns: Readonly<Record<string, 'text' | 'number' | 'time'>>;
  readonly rows: readonly Readonly<Record<string, Value>>[];
  /** What `BUILTIN.DF` shows in place of an id. */
  readonly display?: Readonly<Record<string, (value: Value) => string | null>>;
};
export type Tables = Readonly<Record<string, Table>>;

/** The statement is not of this language, or asks for what is not there. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

type Column = { readonly alias: string; readonly name: string };
type Item = { readonly as: string; readonly column: Column; readonly form: string };
type Source = {
  readonly table: string;
  readonly alias: string;
  readonly join?: { readonly outer: boolean; readonly left: Column; readonly right: Column };
};
type Condition = {
  readonly column: Column;
  readonly operator: string;
  readonly values: readonly (string | number)[];
  readonly isTime: boolean;
};
type Statement = {
  readonly items: readonly Item[];
  readonly sources: readonly Source[];
  readonly conditions: readonly Condition[];
  readonly order: readonly { readonly column: Column; readonly descending: boolean }[];
};

const TOKEN = /\s*(?:('(?:[^']|'')*')|([A-Za-z_]\w*)|(\d+)|(>=|<=|[=<>(),.]))/y;
const FORMATS = ['YYYY-MM-DD HH24:MI:SS', 'YYYY-MM-DD'];
const TIME_FORMAT = 'YYYY-MM-DD HH24:MI:SSxFF';
const MOST_LISTED = 1000;

/** The rows a statement finds, all of them, values as text and columns that are null left out. @throws Refused */
export function runSuiteQl(
  text: string,
  tables: Tables,
  zone: string,
): readonly Readonly<Record<string, string>>[] {
  const statement = parse(text);
  const typeOf = columnTypes(statement, tables);
  for (const { column, form } of statement.items) {
    if (FORMATS.includes(form) && typeOf(column) !== 'time') throw new Refused('Invalid format');
  }
  for (const { column, isTime, values } of statement.conditions) {
    const numbers = values.every((value) => typeof value === 'number');
    const fits = isTime ? 'time' : numbers ? 'number' : 'text';
    if (typeOf(column) !== fits) throw new Refused(`Invalid comparison of ${column.name}`);
  }
  const found = joined(statement.sources, tables).filter((row) =>
    statement.conditions.every((condition) => holds(condition, row, zone)),
  );
  const keyed = found.map((row) => ({
    row,
    key: statement.order.map(({ column }) => orderKey(valueIn(row, column))),
  }));
  keyed.sort((a, b) => compare(a.key, b.key, statement.order));
  const keys = new Set(keyed.map(({ key }) => key.join('\u0000')));
  if (keys.size < keyed.length)
    throw new Refused('ORDER BY leaves rows equal: pages would overlap');
  return keyed.map(({ row }) => {
    const shown = statement.items.flatMap(({ as, column, form }) => {
      const value = show(valueIn(row, column), form, { zone, row, column });
      return value === null ? [] : [[as, value] as const];
    });
    return Object.fromEntries(shown);
  });
}

type Joined = {
  readonly values: ReadonlyMap<string, Readonly<Record<string, Value>>>;
  readonly tables: ReadonlyMap<string, Table>;
};

function joined(sources: readonly Source[], tables: Tables): readonly Joined[] {
  let rows: Joined[] = [{ values: new Map(), tables: new Map() }];
  for (const { table, alias, join } of sources) {
    const known = tables[table] as Table;
    const own = join && (join.left.alias === alias ? join.left : join.right);
    const other = join && (join.left.alias === alias ? join.right : join.left);
    rows = rows.flatMap((row) => {
      const wanted = other && valueIn(row, other);
      const fitting = own
        ? known.rows.filter((one) => wanted !== null && one[own.name] === wanted)
        : known.rows;
      const beside = fitting.length === 0 && join?.outer ? [{}] : fitting;
      return beside.map((one) => ({
        values: new Map([...row.values, [alias, one]]),
        tables: new Map([...row.tables, [alias, known]]),
      }));
    });
  }
  return rows;
}

function valueIn({ values }: Joined, { alias, name }: Column): Value {
  return values.get(alias)?.[name] ?? null;
}

function holds(condition: Condition, row: Joined, zone: string): boolean {
  const value = valueIn(row, condition.column);
  if (value === null) return false;
  const held = value instanceof Date ? wallTime(value, zone) : value;
  const [wanted = ''] = condition.values;
  switch (condition.operator) {
    case 'IN':
      return condition.values.includes(held);
    case '=':
      return held === wanted;
    case '>=':
      return held >= wanted;
    default:
      return held > wanted;
  }
}

/** Without a format a time comes as the person prefers it, which nobody can rely on. */
function show(
  value: Value,
  form: string,
  { zone, row, column }: { readonly zone: string; readonly row: Joined; readonly column: Column },
): string | null {
  if (value === null) return null;
  if (form === 'DF') {
    const display = row.tables.get(column.alias)?.display?.[column.name];
    if (!display) throw new Refused(`BUILTIN.DF of ${column.name}`);
    return display(value);
  }
  if (!(value instanceof Date)) return String(value);
  const wall = wallTime(value, zone);
  if (form === 'YYYY-MM-DD') return wall.slice(0, 10);
  if (form !== '') return wall;
  const [year, month, day] = wall.slice(0, 10).split('-').map(Number);
  return `${month}/${day}/${year}`;
}

function orderKey(value: Value): string {
  if (value instanceof Date) return String(value.getTime()).padStart(20, '0');
  return typeof value === 'number' ? String(value).padStart(20, '0') : (value ?? '');
}

function compare(
  left: readonly string[],
  right: readonly string[],
  order: Statement['order'],
): number {
  for (const [index, { descending }] of order.entries()) {
    const [a = '', b = ''] = [left[index], right[index]];
    if (a !== b) return (a < b ? -1 : 1) * (descending ? -1 : 1);
  }
  return 0;
}

/** Every column named must exist. */
function columnTypes(statement: Statement, tables: Tables): (column: Column) => string {
  const byAlias = new Map<string, Table>();
  for (const { table, alias } of statement.sources) {
    const known = tables[table];
    if (!known) throw new Refused(`Record '${table}' was not found`);
    byAlias.set(alias, known);
  }
  const typeOf = ({ alias, name }: Column): string => {
    const type = byAlias.get(alias)?.columns[name];
    if (!type) throw new Refused(`Field '${name}' for record '${alias}' was not found`);
    return type;
  };
  const named = [
    ...statement.items.map(({ column }) => column),
    ...statement.conditions.map(({ column }) => column),
    ...statement.order.map(({ column }) => column),
    ...statement.sources.flatMap(({ join }) => (join ? [join.left, join.right] : [])),
  ];
  for (const column of named) typeOf(column);
  return typeOf;
}

function parse(text: string): Statement {
  const tokens = tokensOf(text);
  let at = 0;
  const peek = (ahead = 0): string => tokens[at + ahead]?.toUpperCase() ?? '';
  const take = (): string => tokens[at++] ?? refuse('it ends too early');
  const accept = (word: string): boolean => {
    if (peek() !== word) return false;
    at += 1;
    return true;
  };
  const expect = (word: string): void => {
    if (!accept(word)) refuse(`${word} expected near "${tokens[at] ?? ''}"`);
  };
  const list = <T>(read: () => T): T[] => {
    const values = [read()];
    while (accept(',')) values.push(read());
    return values;
  };
  const name = (): string => {
    const token = take();
    return /^[A-Za-z_]\w*$/.test(token) ? token.toLowerCase() : refuse(`"${token}" is no name`);
  };
  const quoted = (): string => {
    const token = take();
    if (!token.startsWith("'")) refuse(`"${token}" is no text`);
    return token.slice(1, -1).replaceAll("''", "'");
  };
  const column = (): Column => {
    const alias = name();
    expect('.');
    return { alias, name: name() };
  };
  const called = (words: readonly string[]): boolean => {
    if (!words.every((word, index) => peek(index) === word)) return false;
    at += words.length;
    return true;
  };
  const item = (): Item => {
    let form = '';
    let of: Column;
    if (called(['TO_CHAR', '('])) {
      of = column();
      expect(',');
      form = quoted();
      if (!FORMATS.includes(form)) refuse(`format ${form}`);
      expect(')');
    } else if (called(['BUILTIN', '.', 'DF', '('])) {
      of = column();
      form = 'DF';
      expect(')');
    } else of = column();
    return { column: of, form, as: accept('AS') ? name() : of.name };
  };
  const literal = (): string | number => (/^\d/.test(peek()) ? Number(take()) : quoted());
  const condition = (): Condition => {
    const of = column();
    if (accept('IN')) {
      expect('(');
      const values = list(literal);
      expect(')');
      if (values.length > MOST_LISTED) refuse('more than 1000 values in a list');
      return { column: of, operator: 'IN', values, isTime: false };
    }
    const operator = take();
    if (!['=', '>=', '>'].includes(operator)) refuse(`operator ${operator}`);
    if (!called(['TO_TIMESTAMP', '('])) {
      return { column: of, operator, values: [literal()], isTime: false };
    }
    const time = quoted();
    expect(',');
    const format = quoted();
    expect(')');
    if (format !== TIME_FORMAT || !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/.test(time)) {
      refuse('a time that does not fit its format');
    }
    return { column: of, operator, values: [time.slice(0, 19)], isTime: true };
  };
  const source = (): { table: string; alias: string } => ({ table: name(), alias: name() });
  const sources = (): Source[] => {
    const found: Source[] = [source()];
    for (;;) {
      const outer = accept('LEFT');
      if (outer) accept('OUTER');
      else accept('INNER');
      if (!accept('JOIN')) return outer ? refuse('JOIN expected') : found;
      const next = source();
      expect('ON');
      const left = column();
      expect('=');
      found.push({ ...next, join: { outer, left, right: column() } });
    }
  };
  expect('SELECT');
  const items = list(item);
  expect('FROM');
  const from = sources();
  const conditions: Condition[] = [];
  if (accept('WHERE')) {
    do conditions.push(condition());
    while (accept('AND'));
  }
  expect('ORDER');
  expect('BY');
  const order = list(() => ({ column: column(), descending: accept('DESC') }));
  if (at < tokens.length) refuse(`nothing is known of "${tokens[at]}"`);
  return { items, sources: from, conditions, order };
}

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  const reader = new RegExp(TOKEN);
  while (reader.lastIndex < text.trimEnd().length) {
    const from = reader.lastIndex;
    const match = reader.exec(text);
    if (!match) return refuse(`"${text.slice(from, from + 20)}"`);
    tokens.push(match.slice(1).find((part) => part !== undefined) ?? '');
  }
  return tokens;
}

function refuse(what: string): never {
  throw new Refused(`Invalid or unsupported search: ${what}`);
}
