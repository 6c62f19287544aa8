/** One measurement of the running server: a load, its acknowledgements, and when each payment was posted. */
import { BOOKS_CHANNEL } from '../src/apply/apply-batch.ts';
import { connectDatabase, type Database, sql } from '../src/db/database.ts';
import { connectionOf, ORGANIZATION } from './firm.ts';
import type { Load, Sent } from './load-generator.ts';
import { dedupeKeyOf } from './notices.ts';
import { type RunningServer, sendLoad } from './programs.ts';
import { instantMs, type Latency, latencyOf } from './statistics.ts';

export type ChainRun = {
  readonly connections: number;
  readonly acknowledged: Latency & { readonly perSecond: number };
  /** From the instant a request was sent until we heard that its payment is committed to the books. */
  readonly posted: Latency & { readonly perSecond: number };
};

export type ChainLoad = Pick<Load, 'connections' | 'firstPlace' | 'count' | 'seconds'> & {
  readonly arrivalsPerSecond?: number;
};

const DRAIN_MS = 180_000;
const LOOK_MS = 50;

export async function measureChain(
  server: RunningServer,
  databaseUrl: string,
  load: ChainLoad,
): Promise<ChainRun> {
  const database = connectDatabase(databaseUrl, { poolSize: 2 });
  const heard: { readonly sequence: bigint; readonly atMs: number }[] = [];
  const listening = await database.listen(BOOKS_CHANNEL, (payload) => {
    heard.push({ sequence: BigInt(payload.split(':')[1] ?? 0), atMs: instantMs() });
  });
  try {
    const path = `/webhooks/stripe/${await connectionOf(database)}`;
    const sent = await sendLoad({ ...load, port: server.port, path });
    await untilApplied(database);
    await requireReleased(database, sent);
    const postedAtMs = await postedInstants(database, sent, heard);
    return conclude(load.connections, sent, postedAtMs);
  } finally {
    await listening.close();
    await database.close();
  }
}

function conclude(connections: number, sent: Sent, postedAtMs: readonly number[]): ChainRun {
  const { sentAtMs, answeredInMs } = sent;
  const firstMs = sentAtMs.reduce((a, b) => Math.min(a, b));
  const answeredAtMs = answeredInMs.map((ms, index) => (sentAtMs[index] as number) + ms);
  const rate = (instants: readonly number[]) =>
    instants.length / ((instants.reduce((a, b) => Math.max(a, b), 0) - firstMs) / 1000);
  const postedInMs = postedAtMs.map((atMs, index) => atMs - (sentAtMs[index] as number));
  return {
    connections,
    acknowledged: { ...latencyOf(answeredInMs), perSecond: rate(answeredAtMs) },
    posted: { ...latencyOf(postedInMs), perSecond: rate(postedAtMs) },
  };
}

async function untilApplied(database: Database): Promise<void> {
  const deadline = performance.now() + DRAIN_MS;
  for (;;) {
    const waiting = await database.query(sql`select from inbox limit 1`);
    if (waiting.length === 0) return;
    if (performance.now() > deadline) throw new Error('the backlog was not applied in time');
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function keysOf(sent: Sent): string[] {
  return sent.sentAtMs.map((_, index) => dedupeKeyOf(sent.firstPlace + index));
}

/** Every payment sent stands in the books, on its invoice, and its work order is released. @throws otherwise */
async function requireReleased(database: Database, sent: Sent): Promise<void> {
  // The tables have just grown; without statistics this join would be planned for empty ones.
  await database.execute(sql`analyze outcomes, documents, actions, work_orders`);
  const [row] = await database.query<{ released: bigint }>(
    sql`select count(*) as released from outcomes o
        join documents d on d.organization_id = o.organization_id and d.id = o.document_id
        join actions a on a.organization_id = d.organization_id and a.document_id = d.id
        join work_orders w on w.organization_id = a.organization_id and w.id = a.target_id
        where o.organization_id = ${ORGANIZATION} and o.status = 'applied' and w.released
          and d.dedupe_key = any(${keysOf(sent)}::text[])`,
  );
  if (Number(row?.released) !== sent.sentAtMs.length) {
    throw new Error(`${row?.released} of ${sent.sentAtMs.length} payments released their work`);
  }
}

/** A batch is announced by its last sequence at its commit; a payment is posted with the first that covers it. */
async function postedInstants(
  database: Database,
  sent: Sent,
  heard: readonly { readonly sequence: bigint; readonly atMs: number }[],
): Promise<readonly number[]> {
  const rows = await database.query<{ key: string; sequence: bigint }>(
    sql`select d.dedupe_key as key, o.sequence from outcomes o
        join documents d on d.organization_id = o.organization_id and d.id = o.document_id
        where o.organization_id = ${ORGANIZATION} and d.dedupe_key = any(${keysOf(sent)}::text[])
        order by o.sequence`,
  );
  const postedAtMs = new Map<string, number>();
  let place = 0;
  for (const row of rows) {
    while ((heard[place]?.sequence ?? row.sequence) < row.sequence) place += 1;
    const announced = heard[place];
    if (!announced) throw new Error('a batch was not announced');
    postedAtMs.set(row.key, announced.atMs);
  }
  return keysOf(sent).map((key) => postedAtMs.get(key) as number);
}
