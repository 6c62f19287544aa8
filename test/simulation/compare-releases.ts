/** Work is released exactly when all that is billed for it is paid with undisputed money. */
import { sql } from '../../src/db/database.ts';
import type { Firm } from './firm.ts';
import { type Job, totalOf } from './jobs.ts';

type Standing = { readonly number: string; readonly settled: boolean };

export async function compareReleases(
  firm: Firm,
  jobs: readonly Job[],
): Promise<readonly string[]> {
  const { db, organizationId } = firm;
  const invoices = await db.query<Standing>(
    sql`select i.number, i.balance_minor = 0 and not exists (
            select from allocations a
            join payments p on p.organization_id = a.organization_id and p.id = a.payment_id
            where a.organization_id = i.organization_id and a.invoice_id = i.id and a.amount_minor > 0
              and p.disputed_minor > 0) as settled
        from invoices i where i.organization_id = ${organizationId} and i.status <> 'void'`,
  );
  const settled = new Map(invoices.map((invoice) => [invoice.number, invoice.settled]));
  const workOrders = await db.query<{ number: string; released: boolean }>(
    sql`select number, released from work_orders where organization_id = ${organizationId}`,
  );
  const released = new Map(workOrders.map((row) => [row.number, row.released]));
  const entitlements = await db.query<{ external_id: string; active: boolean }>(
    sql`select external_id, active from entitlements where organization_id = ${organizationId}`,
  );
  const active = new Map(entitlements.map((row) => [row.external_id, row.active]));
  return jobs.flatMap((job) => {
    const missing = job.invoices.filter(({ number }) => !settled.has(number));
    if (missing.length > 0) return [`invoice ${missing[0]?.number} of ${totalOf(job)} is missing`];
    const all = job.invoices.every(({ number }) => settled.get(number));
    const problems: string[] = [];
    if (released.get(job.workOrder) !== all) {
      problems.push(`${job.workOrder} is ${held(released.get(job.workOrder))}, ${paid(all)}`);
    }
    const { entitlement } = job;
    if (!entitlement) return problems;
    const one = entitlement.by === 'invoice' ? settled.get(job.invoices[0]?.number ?? '') : all;
    if (active.get(entitlement.externalId) !== one) {
      problems.push(
        `${entitlement.externalId} is ${held(active.get(entitlement.externalId))}, ${paid(one)}`,
      );
    }
    return problems;
  });
}

function held(released: boolean | undefined): string {
  if (released === undefined) return 'missing';
  return released ? 'released' : 'held';
}

function paid(settled: boolean | undefined): string {
  return settled ? 'though all of it is paid' : 'though not all of it is paid and undisputed';
}
