/** What is measured, for Prometheus. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type Database, sql } from './db/database.ts';

export type Meters = ReturnType<typeof createMeters>;

export function createMeters(db: Database) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  new Gauge({
    name: 'checkvalve_inbox_documents',
    help: 'Documents stored and not yet applied',
    registers,
    async collect() {
      const [row] = await db.query<{ count: bigint }>(sql`select count(*) as count from inbox`);
      this.set(Number(row?.count ?? 0));
    },
  });
  new Gauge({
    name: 'checkvalve_inbox_oldest_seconds',
    help: 'Age of the oldest document not yet applied',
    registers,
    async collect() {
      const [row] = await db.query<{ age: number | null }>(
        sql`select extract(epoch from now() - min(d.received_at))::float8 as age from inbox i
            join documents d on d.organization_id = i.organization_id and d.id = i.document_id`,
      );
      this.set(Math.max(0, row?.age ?? 0));
    },
  });
  return {
    registry,
    received: new Counter({
      name: 'checkvalve_documents_received_total',
      help: 'Documents that webhooks brought',
      labelNames: ['portal'],
      registers,
    }),
    duplicates: new Counter({
      name: 'checkvalve_documents_duplicate_total',
      help: 'Documents that were known already',
      labelNames: ['portal'],
      registers,
    }),
    refused: new Counter({
      name: 'checkvalve_deliveries_refused_total',
      help: 'Deliveries without effect, by what was wrong',
      labelNames: ['portal', 'code'],
      registers,
    }),
    acknowledged: new Histogram({
      name: 'checkvalve_acknowledgement_seconds',
      help: 'From request to acknowledgement',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 1, 3],
      registers,
    }),
    applied: new Counter({
      name: 'checkvalve_documents_applied_total',
      help: 'Documents by what became of them',
      labelNames: ['portal', 'status'],
      registers,
    }),
    lag: new Histogram({
      name: 'checkvalve_apply_lag_seconds',
      help: 'From receipt to applied',
      labelNames: ['portal'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300],
      registers,
    }),
  };
}
