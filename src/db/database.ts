/** The one way to PostgreSQL: a pool, tagged-template SQL and transactions. */
import pg from 'pg';
import sqlTag, { type Sql } from 'sql-template-tag';

export { empty, join, raw, type Sql } from 'sql-template-tag';
export const sql = sqlTag;

/** Runs statements; rows hold bigint for int8, ISO UTC text for timestamptz, `YYYY-MM-DD` for date. */
export type Queryable = {
  query<Row = Record<string, unknown>>(statement: Sql): Promise<Row[]>;
  /** The number of rows a statement wrote. */
  execute(statement: Sql): Promise<number>;
};

export type Database = Queryable & {
  /** Runs `work` in one READ COMMITTED transaction; rolls back when it throws. */
  transaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result>;
  /** A dedicated connection that calls `heard` for each NOTIFY, and reconnects by itself. */
  listen(channel: string, heard: (payload: string) => void): Promise<{ close(): Promise<void> }>;
  close(): Promise<void>;
  readonly url: string;
};

const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format !== 'binary') {
      if (oid === pg.types.builtins.INT8) return BigInt;
      if (oid === pg.types.builtins.TIMESTAMPTZ) return readInstant;
      if (oid === pg.types.builtins.DATE) return String;
    }
    return pg.types.getTypeParser(oid, format);
  },
} as pg.CustomTypesConfig;

/** PostgreSQL's `2026-11-21 07:00:00.12+00` as `2026-11-21T07:00:00.120Z`; sessions run in UTC. */
export function readInstant(text: string): string {
  const [date, time = ''] = text.split(' ');
  const [clock = '', fraction = ''] = time.replace(/\+00$/, '').split('.');
  return `${date}T${clock}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
}

export function connectDatabase(
  url: string,
  options: {
    readonly poolSize?: number;
    readonly searchPath?: string;
    /**
     * For sessions that only look up by keys. PostgreSQL keeps the plans of foreign key checks for a session's life:
     * one made while a table was new and small reads the whole table ever after.
     */
    readonly onlyByIndex?: boolean;
  } = {},
): Database {
  const settings = [
    '-c TimeZone=UTC -c jit=off',
    ...(options.searchPath ? [`-c search_path=${options.searchPath}`] : []),
    ...(options.onlyByIndex ? ['-c enable_seqscan=off'] : []),
  ].join(' ');
  const pool = new pg.Pool({
    connectionString: url,
    max: options.poolSize ?? 10,
    types,
    options: settings,
    application_name: 'checkvalve',
    keepAlive: true,
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {});
  return {
    url,
    ...queryable(pool),
    transaction: (work) => inTransaction(pool, work),
    listen: (channel, heard) => listen(url, channel, heard),
    close: () => pool.end(),
  };
}

function queryable(client: pg.Pool | pg.PoolClient): Queryable {
  return {
    query: async <Row>(statement: Sql) =>
      (await client.query({ text: statement.text, values: statement.values })).rows as Row[],
    execute: async (statement) =>
      (await client.query({ text: statement.text, values: statement.values })).rowCount ?? 0,
  };
}

async function inTransaction<Result>(
  pool: pg.Pool,
  work: (tx: Queryable) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A connection may break between two statements; the next statement then fails and says so.
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await client.query('begin');
    const result = await work(queryable(client));
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((cause: Error) => {
      broken = cause;
    });
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

const RECONNECT_MS = 500;

async function listen(url: string, channel: string, heard: (payload: string) => void) {
  let closed = false;
  let client: pg.Client | undefined;
  const connect = async (): Promise<void> => {
    const fresh = new pg.Client({ connectionString: url, application_name: 'checkvalve-listen' });
    fresh.on('notification', (message) => heard(message.payload ?? ''));
    fresh.on('error', () => {});
    fresh.on('end', () => {
      if (!closed) setTimeout(() => connect().catch(() => {}), RECONNECT_MS).unref();
    });
    await fresh.connect();
    await fresh.query(`listen ${pg.escapeIdentifier(channel)}`);
    client = fresh;
  };
  await connect();
  return {
    close: async () => {
      closed = true;
      await client?.end();
    },
  };
}
