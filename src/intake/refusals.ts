/** Counts deliveries that had no effect, in memory and then by the hour, so that a flood costs one row. */
import { type Database, sql } from '../db/database.ts';

export type Refusals = {
  count(refusal: {
    organizationId: number;
    connectionId: string;
    code: string;
    because: string;
  }): void;
  flush(): Promise<void>;
  close(): Promise<void>;
};

const FLUSH_MS = 1000;
const HOUR_MS = 3_600_000;

export function countRefusals(db: Database, now: () => Date): Refusals {
  type Sum = {
    organizationId: number;
    connectionId: string;
    code: string;
    because: string;
    hour: number;
    count: number;
    at: Date;
  };
  let sums = new Map<string, Sum>();

  const flush = async (): Promise<void> => {
    if (sums.size === 0) return;
    const rows = [...sums.values()];
    sums = new Map();
    await db.execute(
      sql`insert into refusals as r
            (organization_id, connection_id, code, hour, count, last_because, last_at)
          select * from unnest(${rows.map((row) => row.organizationId)}::integer[],
            ${rows.map((row) => row.connectionId)}::text[], ${rows.map((row) => row.code)}::text[],
            ${rows.map((row) => new Date(row.hour).toISOString())}::timestamptz[],
            ${rows.map((row) => row.count)}::bigint[], ${rows.map((row) => row.because)}::text[],
            ${rows.map((row) => row.at.toISOString())}::timestamptz[])
          on conflict (organization_id, connection_id, code, hour) do update
          set count = r.count + excluded.count, last_because = excluded.last_because, last_at = excluded.last_at`,
    );
  };
  // A count that cannot be written now is not worth stopping for; the log has each refusal as well.
  const timer = setInterval(() => void flush().catch(() => {}), FLUSH_MS);
  timer.unref();

  return {
    count: (refusal) => {
      const at = now();
      const hour = Math.floor(at.getTime() / HOUR_MS) * HOUR_MS;
      const key = `${refusal.organizationId} ${refusal.connectionId} ${refusal.code} ${hour}`;
      const sum = sums.get(key);
      if (sum) {
        sum.count += 1;
        sum.because = refusal.because;
        sum.at = at;
      } else sums.set(key, { ...refusal, hour, count: 1, at });
    },
    flush,
    close: async () => {
      clearInterval(timer);
      await flush().catch(() => {});
    },
  };
}
