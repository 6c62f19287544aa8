/** Every acknowledged document is stored and accounted for once, and the books equal the portal's truth. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Database, sql } from '../../src/db/database.ts';
import { compareTruth } from '../simulation/compare-truth.ts';
import type { ConnectedPortal } from '../simulation/firm.ts';
import type { Load } from './load.ts';

const APPLIED_WITHIN_MS = 120_000;
const ORGANIZATION = 1;

/** @throws when documents still wait after a generous time. */
export async function waitUntilApplied(db: Database): Promise<void> {
  const deadline = performance.now() + APPLIED_WITHIN_MS;
  for (;;) {
    const [row] = await db.query<{ count: bigint }>(sql`select count(*) as count from inbox`);
    if (row?.count === 0n) return;
    if (performance.now() > deadline) throw new Error(`${row?.count} documents still wait`);
    await pause(100);
  }
}

export async function checkBooks(
  db: Database,
  { portal, load }: { readonly portal: ConnectedPortal; readonly load: Load },
): Promise<readonly string[]> {
  const rows = await db.query<{ key: string; outcomes: bigint; status: string | null }>(
    sql`select d.dedupe_key as key, count(o.sequence) as outcomes, max(o.status) as status
        from documents d
        left join outcomes o on o.organization_id = d.organization_id and o.document_id = d.id
        where d.organization_id = ${ORGANIZATION} and d.connection_id = ${portal.connectionId}
        group by d.organization_id, d.id`,
  );
  const stored = new Map<string, number>();
  for (const { key } of rows) stored.set(key, (stored.get(key) ?? 0) + 1);
  const problems: string[] = [];
  for (const key of load.acknowledged) {
    const times = stored.get(key) ?? 0;
    if (times !== 1) problems.push(`${key} was acknowledged and is stored ${times} times`);
  }
  for (const { key, outcomes, status } of rows) {
    if (outcomes !== 1n) problems.push(`${key} has ${outcomes} outcomes`);
    if (status === 'quarantined') problems.push(`${key} was quarantined`);
  }
  const firm = { db, organizationId: ORGANIZATION, portals: [portal], books: [] };
  problems.push(...(await compareTruth(firm, { copies: new Map(), shown: new Map() })));
  return problems;
}
