/** Cuts an import file of everything that waits to go into a system's books by one. */
import { type Database, type Queryable, sql } from '../db/database.ts';
import type { Connection } from '../intake/connections.ts';
import { businessDay } from '../money/business-day.ts';
import { type ClaimedDelivery, loadStates } from './delivery-state.ts';
import { lockFiles, type NewEntry, readFiling, writeImportFile } from './import-files.ts';
import { notImported, planByFile } from './plan-by-file.ts';
import { RECORDED_ON, REVERSED_ON, readBooksFacts } from './record-in-books.ts';

/** More rows than a person likes to check at once; the rest comes in the next file. */
const MOST_ENTRIES = 500;

export type CutFile = {
  readonly id: bigint;
  readonly name: string;
  /** The deliveries that wait for it to be imported. */
  readonly deliveries: ReadonlySet<bigint>;
};

/**
 * Writes the next file, whole or not at all; undefined when nothing waits for one. Payments are planned anew under a
 * lock that every file of the system is written under, so no payment comes into two.
 */
export async function cutImportFile(
  { database, now }: { readonly database: Database; readonly now: () => Date },
  { systemId, connection }: { readonly systemId: string; readonly connection: Connection },
): Promise<CutFile | undefined> {
  const { organizationId, id: connectionId, portal, settings } = connection;
  const where = { organizationId, systemId, connectionId };
  return database.transaction(async (tx) => {
    await lockFiles(tx, where);
    const states = await loadStates(tx, organizationId, await readWaiting(tx, where));
    const facts = await readBooksFacts(tx, { ...where, states });
    const paymentIds = states.map(({ payment }) => payment.id);
    const filing = await readFiling(tx, where, paymentIds);
    const context = { portal, settings, connectionId, facts, filing, now: now() };
    const entries = states.flatMap((state): readonly NewEntry[] => {
      const planned = planByFile(state, context);
      return 'entry' in planned ? [{ entry: planned.entry, deliveryId: state.delivery.id }] : [];
    });
    const all = entries.map(({ entry }) => entry);
    const file = all.length === 0 ? undefined : portal.books?.importFile?.(all, settings);
    if (!file) return undefined;
    const day = businessDay(context.now.toISOString(), facts.timeZone);
    const { id, name } = await writeImportFile(tx, where, {
      ...file,
      day,
      at: context.now,
      entries,
    });
    const deliveries = entries.map(({ deliveryId }) => deliveryId);
    await tx.execute(
      sql`update deliveries set last_error = ${notImported(name)}
          where organization_id = ${organizationId} and id = any(${deliveries}::bigint[])`,
    );
    return { id, name, deliveries: new Set(deliveries) };
  });
}

/** The first unfinished delivery of each payment that may go into a file and stands in none, the oldest first. */
function readWaiting(
  tx: Queryable,
  { organizationId, systemId }: { readonly organizationId: number; readonly systemId: string },
): Promise<readonly ClaimedDelivery[]> {
  return tx.query<ClaimedDelivery>(
    sql`select d.id, d.topic, d.payment_id as "paymentId", d.subject, d.attempts,
          d.created_at as "createdAt", false as "mayHaveArrived"
        from deliveries d
        where d.organization_id = ${organizationId} and d.system_id = ${systemId}
          and d.state = 'waiting' and d.topic = any(${[...RECORDED_ON, ...REVERSED_ON]}::text[])
          and not exists (
            select from deliveries before
            where before.organization_id = d.organization_id and before.system_id = d.system_id
              and before.payment_id = d.payment_id and before.id < d.id
              and before.state in ('waiting', 'parked'))
          and not exists (
            select from import_file_entries e
            where e.organization_id = d.organization_id and e.system_id = d.system_id
              and e.payment_id = d.payment_id
              and e.entry = case when d.topic = any(${[...REVERSED_ON]}::text[])
                then 'reversal' else 'payment' end)
        order by d.id
        limit ${MOST_ENTRIES}`,
  );
}
