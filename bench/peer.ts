/**
 * The peer on the same notices: @supabase/stripe-sync-engine verifies a notice, parses it and upserts one row. It is
 * called inside this process, without HTTP, which spares it what our own server pays.
 */
import { createRequire } from 'node:module';
import type { StripeSync as StripeSyncClass } from '@supabase/stripe-sync-engine';
import { connectDatabase, sql } from '../src/db/database.ts';
import { noticeBody, signatureOf, WEBHOOK_SECRET } from './notices.ts';
import { type Latency, latencyOf } from './statistics.ts';

export type PeerLoad = {
  readonly databaseUrl: string;
  readonly concurrency: number;
  readonly seconds: number;
  readonly firstPlace: number;
  readonly count: number;
};
export type PeerRun = { readonly perSecond: number; readonly latency: Latency };

const POOL_SIZE = 20;

// Its ES build looks for its migrations in a folder that it does not have.
const { StripeSync, runMigrations } = createRequire(import.meta.url)(
  '@supabase/stripe-sync-engine',
) as {
  readonly StripeSync: typeof StripeSyncClass;
  /** Tells its errors to the logger only. */
  runMigrations(config: {
    databaseUrl: string;
    schema: string;
    logger: { info(): void; error(cause: unknown): void };
  }): Promise<void>;
};

/** Its migrations give their functions to a role of that name. */
async function migratePeer(databaseUrl: string): Promise<void> {
  const database = connectDatabase(databaseUrl, { poolSize: 1 });
  const roles = await database.query(sql`select from pg_roles where rolname = 'postgres'`);
  if (roles.length === 0) await database.execute(sql`create role postgres`);
  await database.close();
  let failure: unknown;
  const logger = {
    info: () => {},
    error: (cause: unknown) => {
      failure = cause;
    },
  };
  await runMigrations({ databaseUrl, schema: 'stripe', logger });
  if (failure) throw failure;
}

async function run(load: PeerLoad): Promise<PeerRun> {
  await migratePeer(load.databaseUrl);
  const sync = new StripeSync({
    poolConfig: { connectionString: load.databaseUrl, max: POOL_SIZE },
    schema: 'stripe',
    stripeSecretKey: 'sk_test_unused',
    stripeWebhookSecret: WEBHOOK_SECRET,
    backfillRelatedEntities: false,
    autoExpandLists: false,
  });
  const now = Math.floor(Date.now() / 1000);
  const notices = Array.from({ length: load.count }, (_, index) => {
    const body = noticeBody(load.firstPlace + index, now);
    return { body, signature: signatureOf(body, now) };
  });
  const samplesMs: number[] = [];
  const started = performance.now();
  const deadline = started + load.seconds * 1000;
  let next = 0;
  const drive = async () => {
    while (next < notices.length && performance.now() < deadline) {
      const notice = notices[next++] as (typeof notices)[number];
      const begun = performance.now();
      await sync.processWebhook(notice.body, notice.signature);
      samplesMs.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: load.concurrency }, drive));
  const perSecond = samplesMs.length / ((performance.now() - started) / 1000);
  return { perSecond, latency: latencyOf(samplesMs) };
}

const result = await run(JSON.parse(process.argv[2] ?? '') as PeerLoad);
process.send?.(result, () => process.exit(0));
