/** One run: a firm's story told through a bad network and a crashing engine, and then the reckoning. */
import type { SimulatorId } from '../../simulators/index.ts';
import { checkRebuild } from '../../src/apply/rebuild.ts';
import { verifyBooks } from '../../src/apply/verify.ts';
import { type Database, sql } from '../../src/db/database.ts';
import { compareReleases } from './compare-releases.ts';
import { compareTruth } from './compare-truth.ts';
import { driveEngine, type Engine } from './engine.ts';
import { type Firm, openFirm } from './firm.ts';
import { type PostOffice, postOffice } from './post-office.ts';
import { compareStatement } from './statement.ts';
import { type Story, tellStory } from './story.ts';

export type SeedResult = {
  readonly seed: number;
  /** What differs from what must be; empty when all is well. */
  readonly problems: readonly string[];
  readonly payments: number;
  readonly documents: number;
  readonly entries: number;
  readonly notices: PostOffice['counts'];
};

export type RunOptions = {
  readonly seed: number;
  /** Jobs, most of which are paid by one payment. */
  readonly payments: number;
  readonly portals: readonly SimulatorId[];
};

const HOUR_MS = 3_600_000;

export async function runSeed(db: Database, options: RunOptions): Promise<SeedResult> {
  await using firm = await openFirm(db, options);
  const recording = firm.random.story.chance(0.5);
  if (!recording) {
    await db.execute(
      sql`update systems set enabled = false where organization_id = ${firm.organizationId}`,
    );
  }
  const engine = driveEngine(firm);
  const post = postOffice(firm);
  // As the job that every new connection starts with: what is deleted from now on can be noticed.
  for (const portal of firm.portals) await engine.pullToTheEnd(portal);
  const story = await tellStory(firm, { payments: options.payments, recording });
  while (await story.next()) await liveOn(firm, engine, post, recording);
  // What the portals still owe is paid out in the end, so that clearing must return to what is left.
  for (const { simulated } of firm.portals) simulated.payout?.(firm.clock.at());
  post.collect();
  await engine.settle(post);
  const problems = await reckon(firm, story);
  problems.push(...(await repeatEverything(firm, engine, post)));
  const { documents, entries } = await countRows(firm);
  const payments = firm.portals.reduce((sum, one) => sum + one.simulated.truth().length, 0);
  return { seed: options.seed, problems, payments, documents, entries, notices: post.counts };
}

/** Time passes, or it does not; the network and the engine get to do something, or not. */
async function liveOn(
  firm: Firm,
  engine: Engine,
  post: PostOffice,
  recording: boolean,
): Promise<void> {
  const { engine: random, story } = firm.random;
  if (story.chance(0.7)) firm.clock.pass(story.between(1, 5 * HOUR_MS));
  post.collect();
  if (random.chance(0.7)) await post.deliver();
  if (random.chance(0.4)) await engine.applyOnce();
  if (random.chance(0.2)) await engine.fetch({ all: false });
  if (random.chance(0.08)) await engine.pullOnce(random.pick(firm.portals));
  await engine.pullOverdue();
  if (recording && random.chance(0.1)) await engine.record();
}

async function reckon(firm: Firm, story: Story): Promise<string[]> {
  const { db, organizationId } = firm;
  const problems: string[] = [];
  const verification = await verifyBooks(db, organizationId);
  for (const check of verification.checks) {
    if (!check.ok) problems.push(...check.problems.map((problem) => `${check.name}: ${problem}`));
  }
  const rebuild = await checkRebuild(db, organizationId);
  problems.push(...rebuild.differences.map((difference) => `rebuild: ${difference}`));
  const quarantined = await db.query<{ reason: string }>(
    sql`select reason from outcomes where organization_id = ${organizationId} and status = 'quarantined'`,
  );
  problems.push(...quarantined.map(({ reason }) => `quarantined: ${reason}`));
  problems.push(...(await compareTruth(firm, story)));
  problems.push(...(await compareReleases(firm, story.jobs)));
  problems.push(...(await compareStatement(firm, story.bankLines)));
  return problems;
}

/**
 * Everything is sent and pulled once more, and the books must not notice. Only a payment whose every notice had been
 * lost before it was deleted comes and goes: what is left of that must be nothing.
 */
async function repeatEverything(
  firm: Firm,
  engine: Engine,
  post: PostOffice,
): Promise<readonly string[]> {
  const before = await booksOf(firm);
  await post.repeatAll();
  await engine.settle(post);
  const after = await booksOf(firm);
  const same = (of: keyof Books) => after[of] === before[of];
  const isNothing = after.voided > before.voided && same('balances') && same('standing');
  if (same('history') || isNothing) return [];
  return [
    `a repetition changed the books from ${before.history} to ${after.history}`,
    `(${before.standing} of ${before.balances} to ${after.standing} of ${after.balances})`,
  ];
}

type Books = {
  /** Everything that ever happened. */
  readonly history: string;
  /** How much lies on each account; what stands of payments, allocations and releases; payments that are void. */
  readonly balances: string;
  readonly standing: string;
  readonly voided: number;
};

/**
 * Without voided payments: one may be told of now whose every notice had been lost, and it never was money. And without
 * those that wait because they may be another: a notice that had been lost may say that they are.
 */
async function booksOf({ db, organizationId }: Firm): Promise<Books> {
  const payments = sql`(select count(*) from payments where organization_id = ${organizationId}
    and status <> 'voided' and suspect is null)`;
  const [row] = await db.query<Books>(
    sql`select concat_ws(' ', h.entry_sequence, encode(h.entry_hash, 'hex'), ${payments},
          (select count(*) from allocations where organization_id = ${organizationId}),
          (select count(*) from actions where organization_id = ${organizationId}),
          (select count(*) from deliveries where organization_id = ${organizationId})) as history,
        (select md5(string_agg(concat_ws(' ', account, currency, debit_minor - credit_minor), ';'
            order by account, currency))
         from account_balances where organization_id = ${organizationId}
           and debit_minor <> credit_minor) as balances,
        concat_ws(' ', ${payments},
          (select count(*) from allocations where organization_id = ${organizationId} and amount_minor > 0),
          (select count(*) from actions where organization_id = ${organizationId} and taken_back_at is null)
        ) as standing,
        (select count(*)::int from payments where organization_id = ${organizationId}
           and status = 'voided') as voided
        from organization_heads h where h.organization_id = ${organizationId}`,
  );
  if (!row) throw new Error('the firm has no books');
  return row;
}

async function countRows({ db, organizationId }: Firm) {
  const [row] = await db.query<{ documents: bigint; entries: bigint }>(
    sql`select document_sequence as documents, entry_sequence as entries
        from organization_heads where organization_id = ${organizationId}`,
  );
  return { documents: Number(row?.documents ?? 0), entries: Number(row?.entries ?? 0) };
}
