/** For tests: an organization in a real database, documents entered by hand, and the books as text. */
import { createHash, randomUUID } from 'node:crypto';
import { applyBatch } from '../../src/apply/apply-batch.ts';
import { connectDatabase, type Database, sql } from '../../src/db/database.ts';
import type { OwnRecordInput } from '../../src/intake/own-document.ts';
import { storeDocuments, storeOwnRecord } from '../../src/intake/store.ts';

export type TestBooks = {
  readonly db: Database;
  readonly organizationId: number;
  /** Adds a connection of a portal; settings are public text. */
  connect(
    portal: string,
    role?: 'source' | 'books',
    settings?: Record<string, unknown>,
  ): Promise<string>;
  own(record: OwnRecordInput, key?: string): Promise<bigint>;
  webhook(connectionId: string, body: unknown, key?: string): Promise<bigint | undefined>;
  /** Applies everything that waits. */
  apply(limit?: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function openTestBooks(url: string): Promise<TestBooks> {
  const db = connectDatabase(url, { poolSize: 4, onlyByIndex: true });
  const [row] = await db.query<{ organization_id: number }>(
    sql`insert into organizations (name, installation) values ('Test firm', 'test01') returning organization_id`,
  );
  const organizationId = row?.organization_id as number;
  let clockMs = Date.parse('2026-11-21T08:00:00.000Z');
  const tick = () => {
    clockMs += 1000;
    return new Date(clockMs);
  };
  return {
    db,
    organizationId,
    connect: async (portal, role = 'source', settings = {}) => {
      const id = `con_${createHash('sha256').update(randomUUID()).digest('hex').slice(0, 12)}`;
      const text = JSON.stringify(settings);
      await db.execute(
        sql`insert into connections (organization_id, id, portal, name, role, public_settings)
            values (${organizationId}, ${id}, ${portal}, ${portal}, ${role}, ${text}::jsonb)`,
      );
      await db.execute(
        sql`insert into connection_settings (organization_id, connection_id, version, public_settings)
            values (${organizationId}, ${id}, 1, ${text}::jsonb)`,
      );
      await db.execute(
        sql`insert into connection_health (organization_id, connection_id) values (${organizationId}, ${id})`,
      );
      return id;
    },
    own: async (record, key) => {
      const stored = await storeOwnRecord(db, {
        organizationId,
        record,
        origin: 'api',
        ...(key === undefined ? {} : { key }),
        receivedAt: tick(),
      });
      return stored.documentId;
    },
    webhook: async (connectionId, body, key) => {
      const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
      const [id] = await storeDocuments(db, [
        {
          organizationId,
          connectionId,
          origin: 'webhook',
          key: key ?? createHash('sha256').update(bytes).digest('hex'),
          body: bytes,
          headers: {},
          authentic: true,
          settingsVersion: 1,
          receivedAt: tick(),
        },
      ]);
      return id;
    },
    apply: async (limit = 500) => {
      for (let round = 0; round < 10_000; round += 1) {
        const result = await applyBatch(db, { organizationId, limit, now: tick() });
        if (result.state === 'idle') return;
      }
    },
    [Symbol.asyncDispose]: () => db.close(),
  };
}
