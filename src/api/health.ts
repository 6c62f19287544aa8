/** Whether this node lives, whether it can do its work, and what it measured. */
import type { FastifyInstance } from 'fastify';
import { Histogram } from 'prom-client';
import type { App } from '../app.ts';
import { sql } from '../db/database.ts';
import { listMigrations } from '../db/migrate.ts';

type Check = { readonly ok: boolean; readonly detail?: string };

/** Registers /healthz, /readyz and /metrics; none of them needs a key. */
export function registerHealth(server: FastifyInstance, app: App): void {
  const seconds = new Histogram({
    name: 'checkvalve_http_request_seconds',
    help: 'Requests by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [app.meters.registry],
  });
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    const labels = { method: request.method, route, status: String(reply.statusCode) };
    seconds.observe(labels, reply.elapsedTime / 1000);
  });

  server.get('/healthz', { schema: { tags: ['health'] } }, async () => ({ status: 'ok' }));

  server.get('/readyz', { schema: { tags: ['health'] } }, async (_request, reply) => {
    const checks = { ...(await checkDatabase(app)), applier: checkApplier(app) };
    const ready = Object.values(checks).every((check) => check.ok);
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', checks });
  });

  server.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
    reply.type(app.meters.registry.contentType).send(await app.meters.registry.metrics()),
  );
}

async function checkDatabase(app: App): Promise<{ database: Check; migrations: Check }> {
  try {
    const rows = await app.database.query<{ number: number }>(sql`select number from migrations`);
    const done = new Set(rows.map((row) => row.number));
    const missing = (await listMigrations()).filter((step) => !done.has(step.number));
    const names = missing.map((step) => step.name).join(', ');
    return {
      database: { ok: true },
      migrations: missing.length === 0 ? { ok: true } : { ok: false, detail: `missing: ${names}` },
    };
  } catch (error) {
    app.log.warn({ err: error }, 'not ready: the database cannot be read');
    const detail = 'the database cannot be read';
    return { database: { ok: false, detail }, migrations: { ok: false, detail } };
  }
}

function checkApplier({ applier }: App): Check {
  if (applier === undefined) return { ok: false, detail: 'this process applies nothing' };
  return applier.healthy()
    ? { ok: true }
    : { ok: false, detail: 'the last look into the inbox failed; it is tried again' };
}
