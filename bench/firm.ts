/** Databases with a firm in them: its receivables, and as many earlier payments as wanted. */
import { applyBatch } from '../src/apply/apply-batch.ts';
import { verifyBooks } from '../src/apply/verify.ts';
import { readConfig } from '../src/config.ts';
import { connectDatabase, type Database, raw, sql } from '../src/db/database.ts';
import { migrate } from '../src/db/migrate.ts';
import { createConnection } from '../src/intake/connections.ts';
import type { OwnRecordInput } from '../src/intake/own-document.ts';
import { createSealer } from '../src/intake/sealing.ts';
import { type NewDocument, storeDocuments, storeOwnRecords } from '../src/intake/store.ts';
import { loadMasterKeys } from '../src/master-keys.ts';
import {
  customerRecords,
  dedupeKeyOf,
  noticeBody,
  receivableRecords,
  signatureOf,
  WEBHOOK_SECRET,
} from './notices.ts';

export const ORGANIZATION = 1;
const BATCH = 1000;
/** Payments of a block of the filler: their receivables are stored, then they, then all are applied. */
const BLOCK = 2000;

export function databaseUrlOf(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Makes the database anew and empty. */
export async function makeDatabase(serverUrl: string, name: string): Promise<string> {
  const admin = connectDatabase(databaseUrlOf(serverUrl, 'postgres'), { poolSize: 1 });
  await admin.execute(sql`drop database if exists ${raw(name)} with (force)`);
  await admin.execute(sql`create database ${raw(name)}`);
  await admin.close();
  return databaseUrlOf(serverUrl, name);
}

export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  const admin = connectDatabase(databaseUrlOf(serverUrl, 'postgres'), { poolSize: 1 });
  await admin.execute(sql`drop database if exists ${raw(name)} with (force)`);
  await admin.close();
}

export async function hasDatabase(serverUrl: string, name: string): Promise<boolean> {
  const admin = connectDatabase(databaseUrlOf(serverUrl, 'postgres'), { poolSize: 1 });
  const rows = await admin.query(sql`select from pg_database where datname = ${name}`);
  await admin.close();
  return rows.length > 0;
}

/** Brings an empty database to the schema, connects Stripe and enters the firm's customers. */
export async function openFirm(databaseUrl: string, dataDirectory: string): Promise<void> {
  await migrate(databaseUrl);
  const config = readConfig({ environment: {}, options: { data: dataDirectory, databaseUrl } });
  const database = connectDatabase(databaseUrl, { onlyByIndex: true });
  const sealer = createSealer(await loadMasterKeys(config));
  await createConnection(
    { database, sealer },
    {
      organizationId: ORGANIZATION,
      portal: 'stripe',
      name: 'Benchmark',
      actor: 'benchmark',
      role: 'source',
      settings: { webhookSecret: WEBHOOK_SECRET },
    },
  );
  await enter(database, customerRecords());
  await applyAll(database);
  await database.close();
}

export async function connectionOf(database: Database): Promise<string> {
  const [row] = await database.query<{ id: string }>(
    sql`select id from connections where organization_id = ${ORGANIZATION} and portal = 'stripe'`,
  );
  if (!row) throw new Error('the firm has no connection to Stripe');
  return row.id;
}

async function enter(database: Database, records: readonly OwnRecordInput[]): Promise<void> {
  const receivedAt = new Date();
  await storeOwnRecords(
    database,
    records.map((record) => ({
      organizationId: ORGANIZATION,
      record,
      origin: 'api' as const,
      receivedAt,
    })),
  );
}

async function applyAll(database: Database): Promise<void> {
  const batch = () =>
    applyBatch(database, { organizationId: ORGANIZATION, limit: BATCH, now: new Date() });
  while ((await batch()).state === 'applied');
}

export type Range = { readonly from: number; readonly to: number };

/** How many payments' receivables the firm has: the place of the next payment. */
export async function nextPlace(databaseUrl: string): Promise<number> {
  const database = connectDatabase(databaseUrl, { poolSize: 1 });
  const [row] = await database.query<{ invoices: bigint }>(
    sql`select count(*) as invoices from invoices where organization_id = ${ORGANIZATION}`,
  );
  await database.close();
  return Number(row?.invoices ?? 0);
}

/**
 * Enters the work orders and invoices of the payments in the range and, where `paid`, the payments themselves, all
 * by the engine. The database's own checks rest meanwhile, which saves a third of the time; that the books are
 * right is proven afterwards by `proveBooks`.
 */
export async function enterStory(
  databaseUrl: string,
  story: Range & { readonly paid: boolean },
  onProgress: (payments: number) => void = () => {},
): Promise<void> {
  const name = raw(new URL(databaseUrl).pathname.slice(1));
  const settings = connectDatabase(databaseUrl, { poolSize: 1 });
  await settings.execute(sql`alter database ${name} set session_replication_role = replica`);
  const database = connectDatabase(databaseUrl, { onlyByIndex: true });
  const connectionId = await connectionOf(database);
  let applying: Promise<void> = Promise.resolve();
  for (const block of blocksOf(story)) {
    const places = placesOf(block);
    await enter(database, places.flatMap(receivableRecords));
    if (story.paid) {
      await storeDocuments(
        database,
        places.map((place) => noticeOf(connectionId, place)),
      );
    }
    // One block is applied while the next is stored.
    await applying;
    applying = applyAll(database);
    onProgress(block.to - story.from);
  }
  await applying;
  await settings.execute(sql`alter database ${name} reset session_replication_role`);
  await database.execute(sql`vacuum (analyze)`);
  await database.close();
  await settings.close();
}

function noticeOf(connectionId: string, place: number): NewDocument {
  const receivedAt = new Date();
  const seconds = Math.floor(receivedAt.getTime() / 1000);
  const body = noticeBody(place, seconds);
  return {
    organizationId: ORGANIZATION,
    connectionId,
    origin: 'webhook',
    key: dedupeKeyOf(place),
    body,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'stripe-signature': signatureOf(body, seconds),
    },
    authentic: true,
    settingsVersion: 1,
    receivedAt,
  };
}

function* blocksOf({ from, to }: Range): Generator<Range> {
  for (let start = from; start < to; start += BLOCK) {
    yield { from: start, to: Math.min(to, start + BLOCK) };
  }
}

function placesOf({ from, to }: Range): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** Runs what `checkvalve verify` runs. @throws naming the first problem */
export async function proveBooks(databaseUrl: string): Promise<void> {
  const database = connectDatabase(databaseUrl);
  const { checks } = await verifyBooks(database, ORGANIZATION);
  await database.close();
  const broken = checks.find((check) => !check.ok);
  if (broken) throw new Error(`${broken.name}: ${broken.problems[0]}`);
}
