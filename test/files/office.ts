/** An office in one process, with a clock of its own: payments, a Sage 50 without a bridge, and a bookkeeper. */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { type Sage50Simulator, simulateSage50 } from '../../simulators/sage-50.ts';
import { applyBatch } from '../../src/apply/apply-batch.ts';
import { checkRebuild } from '../../src/apply/rebuild.ts';
import { verifyBooks } from '../../src/apply/verify.ts';
import { type Database, sql } from '../../src/db/database.ts';
import { type CutFile, cutImportFile } from '../../src/delivery/cut-import-file.ts';
import { type Drained, drainSystem } from '../../src/delivery/drain-system.ts';
import { findImported } from '../../src/delivery/look-again.ts';
import { openSenders } from '../../src/delivery/senders.ts';
import { type Connection, createConnection, loadConnection } from '../../src/intake/connections.ts';
import { createSealer } from '../../src/intake/sealing.ts';
import { storeUpload } from '../../src/intake/upload.ts';
import { openTestBooks, type TestBooks } from '../support/books.ts';
import { testDatabase } from '../support/database.ts';

export type StoredFile = {
  readonly id: bigint;
  readonly name: string;
  readonly number: number;
  readonly body: Buffer;
};
export type WaitingDelivery = {
  readonly id: bigint;
  readonly topic: string;
  readonly state: string;
  readonly attempts: number;
  readonly because: string | null;
};

const MINUTE_MS = 60_000;

export type Office = Awaited<ReturnType<typeof openOffice>>;

/** Opens it with one customer and as many invoices over 100.00 USD as are asked for, all of them known to us. */
export async function openOffice(
  options: { readonly edition?: 'uk' | 'us'; readonly invoices?: number } = {},
) {
  const { edition = 'uk', invoices = 1 } = options;
  const database = await testDatabase();
  const books: TestBooks = await openTestBooks(database.url);
  const { db, organizationId } = books;
  const sage: Sage50Simulator = await simulateSage50({ seed: 7, edition, bridge: 'none' });
  const sealer = createSealer([{ id: 'test', key: createSecretKey(Buffer.alloc(32, 1)) }]);
  let at = Date.parse('2026-11-21T23:00:00.000Z');
  const now = () => new Date(at);
  await db.execute(
    sql`update organizations set time_zone = 'Europe/London' where organization_id = ${organizationId}`,
  );
  const ctx = { database: db, sealer, now };
  const made = { organizationId, portal: 'sage-50', name: 'Sage 50', role: 'books' } as const;
  const { id } = await createConnection(ctx, { ...made, settings: sage.settings, actor: 'test' });
  const [system] = await db.query<{ id: string }>(
    sql`select id from systems where connection_id = ${id}`,
  );
  const systemId = system?.id ?? '';
  const processor = await books.connect('generic');
  const connection = async (): Promise<Connection> => {
    const loaded = await loadConnection(ctx, id, organizationId);
    assert.ok(loaded);
    return loaded;
  };
  const apply = async (): Promise<void> => {
    for (;;) {
      const result = await applyBatch(db, { organizationId, limit: 500, now: now() });
      if (result.state !== 'applied') return;
      await findImported(ctx, { organizationId, portalIds: result.portals });
    }
  };
  const tell = async (type: string, data: Readonly<Record<string, unknown>>): Promise<void> => {
    at += 1000;
    const timestamp = now().toISOString();
    await books.webhook(processor, { type, timestamp, data: { currency: 'USD', ...data } });
    await apply();
  };
  /** A bookkeeper exports everything and uploads it. */
  const exportAll = async (): Promise<void> => {
    const body = Buffer.from(sage.exportFile());
    await storeUpload(ctx, { connection: await connection(), body, actor: 'test' });
    await apply();
  };
  const customer = sage.addCustomer({ name: 'Northfield', email: 'a@n.example' }, now());
  const bill = (number: number, currency = 'USD'): void => {
    const given = { number: `INV-${number}`, amountMinor: 10_000n, currency };
    sage.addInvoice({ ...given, customerExternalId: customer }, now());
  };
  for (let number = 1; number <= invoices; number += 1) bill(number);
  if (edition === 'uk') await exportAll();
  return {
    ...books,
    sage,
    systemId,
    connectionId: id,
    now,
    apply,
    exportAll,
    bill,
    wait: (minutes: number) => {
      at += minutes * MINUTE_MS;
    },
    pay: (number: number, more: Readonly<Record<string, unknown>> = {}) =>
      tell('payment.succeeded', {
        id: `gp_${number}`,
        amount: '100.00',
        references: { invoices: [{ number: `INV-${number}` }] },
        ...more,
      }),
    refund: (number: number, amount = '100.00') =>
      tell('refund.succeeded', { id: `gr_${number}`, payment_id: `gp_${number}`, amount }),
    /** Drains as a node does; what is due again at once is drained by the next call. */
    drain: (through: Database = db): Promise<Drained> => {
      const sender = openSenders({
        ...ctx,
        database: through,
        post: () => Promise.reject(new Error('nobody is posted to')),
        access: () => ({ request: () => Promise.reject(new Error('there is no program')) }),
        wakeApplier: () => {},
      });
      const drain = { ...ctx, database: through, chance: () => 0, sender };
      return drainSystem(drain, { organizationId, systemId });
    },
    cut: async (through: Database = db): Promise<CutFile | undefined> =>
      cutImportFile({ ...ctx, database: through }, { systemId, connection: await connection() }),
    files: () => readFiles(db, organizationId),
    /** The bookkeeper imports a file into Sage 50. */
    import: ({ body }: StoredFile): readonly string[] => sage.importFile(body.toString(), now()),
    deliveries: () => readDeliveries(db, { organizationId, systemId }),
    retry: () =>
      db.execute(
        sql`update deliveries set state = 'waiting', due_at = ${now().toISOString()}::timestamptz
            where organization_id = ${organizationId} and state = 'parked'`,
      ),
    check: () => checkBooks(db, organizationId),
    [Symbol.asyncDispose]: async () => {
      await sage.close();
      await books[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

function readFiles(db: Database, organizationId: number): Promise<StoredFile[]> {
  return db.query<StoredFile>(
    sql`select id, name, number, body from import_files
        where organization_id = ${organizationId} order by number`,
  );
}

/** Those that had something to say to the books. */
function readDeliveries(
  db: Database,
  where: { readonly organizationId: number; readonly systemId: string },
): Promise<WaitingDelivery[]> {
  return db.query<WaitingDelivery>(
    sql`select id, topic, state, attempts, last_error as because from deliveries
        where organization_id = ${where.organizationId} and system_id = ${where.systemId}
          and state <> 'skipped'
        order by id`,
  );
}

async function checkBooks(db: Database, organizationId: number): Promise<void> {
  const { checks } = await verifyBooks(db, organizationId);
  assert.deepEqual(
    checks.filter(({ ok }) => !ok),
    [],
  );
  const rebuilt = await checkRebuild(db, organizationId);
  assert.deepEqual(rebuilt.differences, []);
}
