/** Drives the engine as the applier and the jobs do, in seeded portions and through cut-offs. */
import { applyBatch, type BatchResult } from '../../src/apply/apply-batch.ts';
import { sql } from '../../src/db/database.ts';
import { drainSystem } from '../../src/delivery/drain-system.ts';
import { openSenders } from '../../src/delivery/senders.ts';
import { fetchObjects } from '../../src/intake/fetch-objects.ts';
import { pullPortal } from '../../src/intake/pull-portal.ts';
import { findPortal } from '../../src/portals/index.ts';
import { insist } from './cut-off.ts';
import type { ConnectedPortal, Firm } from './firm.ts';
import type { PostOffice } from './post-office.ts';

export type Engine = {
  applyOnce(): Promise<BatchResult>;
  applyAll(): Promise<void>;
  /** Fetches what is due; `all` waits for what was postponed. */
  fetch(options: { readonly all: boolean }): Promise<void>;
  /** One run of the job; it may end early by a fault of the portal's. */
  pullOnce(portal: ConnectedPortal): Promise<void>;
  /** Until a run has read everything there is. */
  pullToTheEnd(portal: ConnectedPortal): Promise<void>;
  /** No server stands still for ever: whom nobody has pulled for a week is pulled. */
  pullOverdue(): Promise<void>;
  /** Records applied payments in the books. */
  record(): Promise<void>;
  /** Until nothing is under way anywhere and a further round changes nothing. */
  settle(post: PostOffice): Promise<void>;
};

const MAX_TRIES = 200;
const BETWEEN_PULLS_MS = 10 * 60_000;
/** Deletions are told for thirty days by those who tell them at all. */
const LONGEST_WITHOUT_PULL_MS = 7 * 24 * 3_600_000;
const BATCH_LIMITS = [1, 2, 5, 17, 60, 500];

export function driveEngine(firm: Firm): Engine {
  const { clock, jobs, organizationId, db } = firm;
  const random = firm.random.engine;
  const pulledAtMs = new Map<string, number>();
  const sender = oneAtATime(openSenders({ ...jobs, post: neverPost }));

  const applyOnce = () =>
    insist(() =>
      applyBatch(jobs.database, {
        organizationId,
        limit: random.pick(BATCH_LIMITS),
        now: clock.look(),
      }),
    );

  const applyAll = async (): Promise<void> => {
    for (let left = 100_000; left > 0; left -= 1) {
      const { state } = await applyOnce();
      if (state === 'idle') return;
    }
    throw new Error('applying does not come to an end');
  };

  const fetch = async (options: { readonly all: boolean }): Promise<void> => {
    for (let left = MAX_TRIES; left > 0; left -= 1) {
      for (const { connectionId } of firm.portals) {
        await insist(() => fetchObjects(jobs, { organizationId, connectionId }));
      }
      const [next] = await db.query<{ due_at: string | null }>(
        sql`select min(due_at) as due_at from fetches
            where organization_id = ${organizationId} and state = 'waiting'`,
      );
      if (!options.all || !next?.due_at) return;
      clock.passUntil(Date.parse(next.due_at));
    }
    throw new Error('fetching does not come to an end');
  };

  const pullOnce = (portal: ConnectedPortal): Promise<void> =>
    insist(() => pullPortal(jobs, { organizationId, connectionId: portal.connectionId }));

  const pullToTheEnd = async (portal: ConnectedPortal): Promise<void> => {
    const definition = findPortal(portal.id);
    const settings = definition?.settings.parse(portal.simulated.settings);
    if (!definition?.pull || definition.pull.possible?.(settings) === false) return;
    const began = clock.look().toISOString();
    for (let left = MAX_TRIES; left > 0; left -= 1) {
      await pullOnce(portal);
      const [health] = await db.query<{ last_pulled_at: string | null; last_error: string }>(
        sql`select last_pulled_at, last_error from connection_health
            where organization_id = ${organizationId} and connection_id = ${portal.connectionId}`,
      );
      if (health?.last_pulled_at && health.last_pulled_at > began) {
        pulledAtMs.set(portal.connectionId, Date.parse(began));
        return;
      }
      if (left === 1) throw new Error(`pulling ${portal.id} does not end: ${health?.last_error}`);
      clock.pass(60_000);
    }
  };

  const pullOverdue = async (): Promise<void> => {
    const nowMs = clock.at().getTime();
    for (const portal of firm.portals) {
      const lastMs = pulledAtMs.get(portal.connectionId);
      if (lastMs !== undefined && nowMs - lastMs > LONGEST_WITHOUT_PULL_MS) {
        await pullToTheEnd(portal);
      }
    }
  };

  const record = async (): Promise<void> => {
    const systems = await db.query<{ id: string }>(
      sql`select id from systems where organization_id = ${organizationId} and enabled`,
    );
    for (const { id: systemId } of systems) await recordIn(systemId);
  };

  const imported = new Set<bigint>();
  /** The bookkeeper imports each file that was written, once. */
  const importFiles = async (): Promise<void> => {
    const files = await db.query<{ id: bigint; connectionId: string; body: Buffer }>(
      sql`select id, connection_id as "connectionId", body from import_files
          where organization_id = ${organizationId} order by id`,
    );
    for (const { id, connectionId, body } of files.filter((file) => !imported.has(file.id))) {
      imported.add(id);
      const books = firm.books.find((one) => one.connectionId === connectionId);
      books?.simulated.importFile?.(body.toString(), clock.at());
    }
  };

  const recordIn = async (systemId: string): Promise<void> => {
    const context = { ...jobs, chance: random.next, sender };
    for (let left = MAX_TRIES; left > 0; left -= 1) {
      const { nextAt } = await insist(() => drainSystem(context, { organizationId, systemId }));
      if (!nextAt) return;
      clock.passUntil(nextAt.getTime());
      await importFiles();
      // Time passes for the pulls as well: what the books tell decides about recordings that nobody confirmed.
      for (const portal of firm.books) await pullOnce(portal);
      await applyAll();
    }
    throw new Error('recording in the books does not come to an end');
  };

  const settle = async (post: PostOffice): Promise<void> => {
    for (let left = MAX_TRIES; left > 0; left -= 1) {
      const before = await stateOf(firm);
      post.collect({ faithful: true });
      for (let due = post.lastDueMs(); due !== undefined; due = post.lastDueMs()) {
        clock.passUntil(due);
        await post.deliver();
      }
      await applyAll();
      await fetch({ all: true });
      // As between two pulls: what was recorded a moment ago is told by the next one.
      clock.pass(BETWEEN_PULLS_MS);
      for (const portal of firm.portals) await pullToTheEnd(portal);
      await applyAll();
      await record();
      await applyAll();
      if ((await stateOf(firm)) === before) return;
    }
    throw new Error('the firm does not come to rest');
  };

  return { applyOnce, applyAll, fetch, pullOnce, pullToTheEnd, pullOverdue, record, settle };
}

type Sender = ReturnType<typeof openSenders>;

/** Sends one after the other, so that which call meets a fault is decided by the seed. */
function oneAtATime(open: Sender): Sender {
  let turn: Promise<unknown> = Promise.resolve();
  return async (system, states) => {
    const send = await open(system, states);
    return (state) => {
      const result = turn.then(() => send(state));
      turn = result.catch(() => undefined);
      return result;
    };
  };
}

function neverPost(): never {
  throw new Error('the simulated firm has no system but the books of its portals');
}

/** Everything that a round could still have changed. */
async function stateOf({ db, organizationId }: Firm): Promise<string> {
  const [row] = await db.query<{ state: string }>(
    sql`select concat_ws(' ',
          (select count(*) from documents where organization_id = ${organizationId}),
          (select count(*) from inbox where organization_id = ${organizationId}),
          (select count(*) from fetches where organization_id = ${organizationId} and state = 'waiting'),
          (select count(*) from deliveries where organization_id = ${organizationId} and state = 'waiting'),
          (select document_sequence || ' ' || entry_sequence from organization_heads
           where organization_id = ${organizationId})) as state`,
  );
  return row?.state ?? '';
}
