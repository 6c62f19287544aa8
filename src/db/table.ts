/** Set-based reading and writing of whole rows: one statement a table, however many rows. */
import { type Queryable, raw, type Sql, sql } from './database.ts';
import { encodeJson } from './json.ts';

export type ColumnType =
  | 'bigint'
  | 'integer'
  | 'smallint'
  | 'text'
  | 'boolean'
  | 'instant'
  | 'day'
  | 'json'
  | 'bytes';

export type Table<Row> = {
  readonly name: string;
  readonly key: readonly (keyof Row & string)[];
  readonly columns: { readonly [Column in keyof Row & string]-?: ColumnType };
};

const ARRAY_TYPES: Record<ColumnType, string> = {
  bigint: 'bigint[]',
  integer: 'integer[]',
  smallint: 'smallint[]',
  text: 'text[]',
  boolean: 'boolean[]',
  instant: 'timestamptz[]',
  day: 'date[]',
  json: 'text[]',
  bytes: 'bytea[]',
};

/** `updatedSequence` is `updated_sequence`; quoted, because "references" is a word of SQL. */
function columnName(field: string): string {
  return `"${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}"`;
}

/** The columns for a select list, renamed to the row's field names. */
export function columnsOf<Row>(table: Table<Row>, alias: string): Sql {
  return raw(
    Object.keys(table.columns)
      .map((field) => `${alias}.${columnName(field)} as "${field}"`)
      .join(', '),
  );
}

/** Reads the rows of an organization that meet `condition`, which names the table `row`. */
export function selectRows<Row>(
  tx: Queryable,
  table: Table<Row>,
  organizationId: number,
  condition: Sql,
): Promise<Row[]> {
  return tx.query<Row>(
    sql`select ${columnsOf(table, 'row')} from ${raw(table.name)} row
        where row.organization_id = ${organizationId} and (${condition})`,
  );
}

function encode(type: ColumnType, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (type === 'json') return encodeJson(value);
  return value;
}

function unnest<Row>(table: Table<Row>, rows: readonly Row[]): Sql {
  const fields = Object.keys(table.columns) as (keyof Row & string)[];
  const arrays = fields.map((field) => {
    const type = table.columns[field];
    const values = rows.map((row) => encode(type, row[field]));
    return sql`${values}::${raw(ARRAY_TYPES[type])}`;
  });
  const list = arrays.reduce((left, right) => sql`${left}, ${right}`);
  return sql`unnest(${list}) as u(${raw(fields.map(columnName).join(', '))})`;
}

function insertInto<Row>(table: Table<Row>, organizationId: number, rows: readonly Row[]): Sql {
  const fields = Object.keys(table.columns) as (keyof Row & string)[];
  const values = fields.map((field) =>
    table.columns[field] === 'json' ? `u.${columnName(field)}::jsonb` : `u.${columnName(field)}`,
  );
  return sql`insert into ${raw(table.name)} (organization_id, ${raw(fields.map(columnName).join(', '))})
    select ${organizationId}::integer, ${raw(values.join(', '))} from ${unnest(table, rows)}`;
}

/** One statement that inserts the rows. */
export function insertStatement<Row>(
  table: Table<Row>,
  organizationId: number,
  rows: readonly Row[],
): Sql {
  return insertInto(table, organizationId, rows);
}

/** Inserts the rows, replacing those whose key exists. */
export async function upsertRows<Row>(
  tx: Queryable,
  table: Table<Row>,
  organizationId: number,
  rows: readonly Row[],
): Promise<void> {
  if (rows.length === 0) return;
  const key = ['organization_id', ...table.key.map(columnName)].join(', ');
  const changes = Object.keys(table.columns)
    .filter((field) => !table.key.includes(field as keyof Row & string))
    .map((field) => `${columnName(field)} = excluded.${columnName(field)}`);
  await tx.execute(
    sql`${insertInto(table, organizationId, rows)}
        on conflict (${raw(key)}) do ${raw(changes.length === 0 ? 'nothing' : `update set ${changes.join(', ')}`)}`,
  );
}

/** Inserts the rows; an existing key is an error. */
export async function insertRows<Row>(
  tx: Queryable,
  table: Table<Row>,
  organizationId: number,
  rows: readonly Row[],
): Promise<void> {
  if (rows.length > 0) await tx.execute(insertInto(table, organizationId, rows));
}
