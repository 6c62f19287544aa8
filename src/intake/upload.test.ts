import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { connectDatabase, type Database, sql } from '../db/database.ts';
import {
  type Connection,
  createConnection,
  loadConnection,
  updateConnection,
} from './connections.ts';
import { createSealer } from './sealing.ts';
import { NotUploadable, storeUpload } from './upload.ts';

const ORGANIZATION = 1;
const NOW = new Date('2026-11-21T08:00:00.000Z');
const CAMT = readFileSync(
  new URL('../portals/generic/fixtures/file-bank-camt053.in.xml', import.meta.url),
);

let database: TestDatabase;
let db: Database;
let ctx: { database: Database; sealer: ReturnType<typeof createSealer>; now: () => Date };
before(async () => {
  database = await testDatabase();
  db = connectDatabase(database.url, { poolSize: 3 });
  const key = createSecretKey(randomBytes(32));
  ctx = { database: db, sealer: createSealer([{ id: 'k', key }]), now: () => NOW };
});
after(async () => {
  await db.close();
  await database[Symbol.asyncDispose]();
});

async function load(id: string): Promise<Connection> {
  return (await loadConnection(ctx, id, ORGANIZATION)) as Connection;
}

async function connect(
  portal = 'generic',
  settings: Record<string, string> = {},
): Promise<Connection> {
  const made = {
    organizationId: ORGANIZATION,
    portal,
    name: 'Bank',
    role: 'source',
    settings,
  } as const;
  const { id } = await createConnection(ctx, { ...made, actor: 'test' });
  return load(id);
}

const upload = (connection: Connection, body: Buffer | string) =>
  storeUpload(ctx, { connection, body: Buffer.from(body), actor: 'Ann (key_1)' });

type Stored = { readonly key: string; readonly origin: string; readonly authentic: boolean };
const documents = ({ id }: Connection) =>
  db.query<Stored>(sql`
    select dedupe_key as key, origin, authentic from documents where connection_id = ${id} order by id`);

/** As the applier would note it. */
async function note(connection: Connection, status: 'applied' | 'ignored' | 'quarantined') {
  await db.execute(sql`
    delete from inbox i using documents d
    where d.organization_id = i.organization_id and d.id = i.document_id
      and d.connection_id = ${connection.id}`);
  await db.execute(sql`
    insert into outcomes (organization_id, sequence, document_id, status, reason, applied_at)
    select organization_id, id + (select coalesce(max(sequence), 0) from outcomes), id, ${status},
      ${status === 'applied' ? null : 'because'}, now()
    from documents d where connection_id = ${connection.id}
      and not exists (select from outcomes o where o.document_id = d.id)`);
}

async function change(connection: Connection, settings: Record<string, string>) {
  const { id } = connection;
  const changed = { organizationId: ORGANIZATION, id, settings, actor: 'test' };
  await updateConnection(ctx, changed);
  return load(id);
}

describe('a file', () => {
  test('is stored part by part, once, and noted in the audit', async () => {
    const connection = await connect();
    const first = await upload(connection, CAMT);
    assert.deepEqual(first, { documents: 4, new: 4, known: 0, setAside: [] });
    const again = await upload(connection, CAMT);
    assert.deepEqual(again, { documents: 4, new: 0, known: 4, setAside: [] });
    const stored = await documents(connection);
    assert.equal(stored.length, 4);
    for (const { key, origin, authentic } of stored) {
      assert.match(key, /^camt:/);
      assert.equal(origin, 'file');
      assert.ok(authentic);
    }
    const [audit] = await db.query<{ actor: string; details: { new: number } }>(sql`
      select actor, details from audit
      where subject = ${connection.id} and verb = 'connection.file-uploaded' order by id`);
    assert.equal(audit?.actor, 'Ann (key_1)');
    assert.equal(audit?.details.new, 4);
  });

  test('says at once what of it cannot be read', async () => {
    const connection = await connect();
    const broken = CAMT.toString().replace('10394.55', '10394.56');
    const { documents: count, setAside } = await upload(connection, broken);
    assert.equal(count, 1);
    assert.match(String(setAside[0]), /closing balance is 10394.56 EUR/);
  });

  test('that is large is stored in one step', async () => {
    const connection = await connect();
    const entry = (at: number) =>
      `<Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>` +
      `<BookgDt><Dt>2026-11-13</Dt></BookgDt><AcctSvcrRef>R${at}</AcctSvcrRef></Ntry>`;
    const entries = Array.from({ length: 1_203 }, (_, at) => entry(at)).join('');
    const file = `<Document><BkToCstmrStmt><Stmt>${entries}</Stmt></BkToCstmrStmt></Document>`;
    assert.equal((await upload(connection, file)).new, 1_203);
    const [row] = await db.query<{ count: bigint }>(sql`
      select count(*) from inbox i join documents d on d.id = i.document_id
      where d.connection_id = ${connection.id}`);
    assert.equal(row?.count, 1_203n);
  });
});

describe('a file that comes again after the settings changed', () => {
  const csv = 'Date,Amount\n2026-11-13,1.00';
  const right = { csvColumns: '{"date":"Date","amount":"Amount"}', csvCurrency: 'USD' };

  for (const status of ['quarantined', 'ignored'] as const) {
    test(`is read anew when it was ${status}`, async () => {
      const connection = await connect();
      await upload(connection, csv);
      await note(connection, status);
      assert.equal((await upload(connection, csv)).new, 0, 'the settings are the same');
      const changed = await change(connection, right);
      assert.deepEqual(await upload(changed, csv), {
        documents: 1,
        new: 1,
        known: 0,
        setAside: [],
      });
      assert.equal((await upload(changed, csv)).new, 0, 'it waits already');
      assert.equal((await documents(connection)).length, 2);
    });
  }

  test('stays known when it was applied, or still waits', async () => {
    const connection = await connect('generic', right);
    await upload(connection, csv);
    const waiting = await change(connection, { csvDecimalMark: 'dot' });
    assert.equal((await upload(waiting, csv)).known, 1);
    await note(connection, 'applied');
    assert.equal((await upload(waiting, csv)).known, 1);
  });
});

test('what cannot be taken in says why', async () => {
  const reason = async (connection: Connection, body: Buffer | string) => {
    const error = await upload(connection, body).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof NotUploadable);
    return error.because;
  };
  const connection = await connect();
  const limit = connection.portal.uploadLimitBytes as number;
  assert.equal(await reason(connection, ''), 'empty');
  assert.equal(await reason(connection, Buffer.alloc(limit + 1, 'x')), 'too-large');
  assert.equal(await reason({ ...connection, enabled: false }, 'x'), 'disabled');
  assert.equal(
    await reason(await connect('stripe', { webhookSecret: 'whsec_x' }), 'x'),
    'no-files',
  );
  assert.deepEqual(await documents(connection), []);
});
