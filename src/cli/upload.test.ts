import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startTestServer, type TestServer } from '../api/test-server.ts';
import { runCli } from './index.ts';

const FIXTURES = fileURLToPath(new URL('../portals/generic/fixtures/', import.meta.url));
const CSV = join(FIXTURES, 'file-bank-statement.in.csv');
const MASTER_KEY = randomBytes(32).toString('base64');

let folder: string;
let server: TestServer;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkvalve-upload-'));
  server = await startTestServer();
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function run(...words: readonly string[]) {
  const out: string[] = [];
  const remarks: string[] = [];
  const code = await runCli(['node', 'checkvalve', ...words], {
    out: (text) => out.push(text),
    remark: (text) => remarks.push(text),
    environment: {
      DATABASE_URL: server.app.database.url,
      CHECKVALVE_MASTER_KEY: MASTER_KEY,
      USER: 'ann',
    },
    watched: false,
  });
  return { code, out: out.join('\n'), remarks: remarks.join('\n') };
}

const COLUMNS =
  'csvColumns={"date":"Posting Date","description":"Description","debit":"Debit",' +
  '"credit":"Credit","balance":"Balance","currency":"Currency"}';
const PROFILE = [
  ...['--set', COLUMNS, '--set', 'csvDelimiter=semicolon', '--set', 'csvDecimalMark=comma'],
  ...['--set', 'csvDateOrder=DMY'],
];

test('uploads a file, says what was new, and fails when something was set aside', async () => {
  const made = await run('connect', 'generic', '--name', 'Bank', ...PROFILE, '--json');
  const { id } = JSON.parse(made.out);
  const first = await run('upload', id, CSV);
  assert.deepEqual([first.code, first.out], [0, '1 document: 1 new, 0 known.']);
  const again = await run('upload', id, CSV, '--json');
  assert.deepEqual(JSON.parse(again.out), {
    connectionId: id,
    documents: 1,
    new: 0,
    known: 1,
    setAside: [],
  });
  const broken = join(folder, 'broken.csv');
  await writeFile(broken, 'Posting Date;Description;Debit;Credit;Balance;Currency\nx;;;1,00;;EUR');
  const failed = await run('upload', id, broken);
  assert.equal(failed.code, 1);
  assert.match(failed.out, /1 new, 0 known\.\nset aside {2}line 2: "x" is not a date/);
});

test('what cannot be uploaded says why', async () => {
  assert.equal((await run('upload', 'con_none', '/does/not/exist')).code, 2);
  const unknown = await run('upload', 'con_none', CSV);
  assert.deepEqual([unknown.code, unknown.remarks], [1, 'connection con_none does not exist']);
  const made = await run('connect', 'stripe', '--name', 'S', '--set', 'webhookSecret=x', '--json');
  const stripe = await run('upload', JSON.parse(made.out).id, CSV);
  assert.deepEqual(
    [stripe.code, stripe.remarks],
    [1, 'Stripe has no files that could be uploaded.'],
  );
});

test('a mapping can be tried against a pasted sample before it is set', async () => {
  const sample = join(folder, 'sample.json');
  await writeFile(
    sample,
    '{"kind":"paid","sale":{"no":7,"sum":"12.50"},"at":"2026-11-13T09:00:00Z"}',
  );
  const mapping = {
    ...{ type: 'kind', types: { paid: 'payment.succeeded' }, id: 'sale.no', amount: 'sale.sum' },
    ...{ currency: '=USD', occurredAt: 'at' },
  };
  const attempt = (given: object) =>
    run('normalize', 'generic', sample, '--set', `fieldMapping=${JSON.stringify(given)}`);
  const good = await attempt(mapping);
  assert.match(good.out, /payment\.succeeded 7 1250 USD/);
  const misplaced = await attempt({ ...mapping, id: 'sale.number' });
  assert.match(misplaced.out, /quarantined {2}id: there is nothing at sale.number/);
  const wrong = await attempt({ ...mapping, amount: undefined });
  assert.equal(wrong.code, 2);
  assert.match(wrong.remarks, /amount: is missing/);
});
