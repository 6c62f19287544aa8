import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testDatabase } from '../../test/support/database.ts';
import { startTestServer, type TestServer } from '../api/test-server.ts';
import { portals } from '../portals/index.ts';
import { createCli, runCli } from './index.ts';

const FIXTURES = fileURLToPath(new URL('../portals/', import.meta.url));
const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const masterKey = randomBytes(32).toString('base64');

let folder: string;
let server: TestServer;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkvalve-cli-'));
  server = await startTestServer();
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Runs a command beside the running server, as a person would. */
async function run(...words: readonly string[]) {
  const out: string[] = [];
  const remarks: string[] = [];
  const code = await runCli(['node', 'checkvalve', ...words], {
    out: (text) => out.push(text),
    remark: (text) => remarks.push(text),
    environment: { DATABASE_URL: server.app.database.url, CHECKVALVE_MASTER_KEY: masterKey },
    watched: false,
  });
  return { code, out: out.join('\n'), remarks: remarks.join('\n') };
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

test('every command explains itself', async () => {
  for (const command of createCli().commands) {
    const { code, out } = await run(command.name(), '--help');
    assert.equal(code, 0, command.name());
    assert.match(out, /Usage: checkvalve/);
    assert.notEqual(command.description(), '', command.name());
  }
});

const WRONG = [
  ['bogus'],
  ['api-key', 'create', '--name', 'x', '--role', 'king'],
  ['connect', 'nowhere', '--name', 'x'],
  ['connect', 'stripe', '--name', 'x', '--set', 'nonsense'],
  ['connect', 'stripe', '--name', 'x', '--set', 'unknown=1'],
  ['change', 'con_none'],
  ['change', 'con_none', '--on', '--off'],
  ['normalize', 'nowhere', 'file'],
  ['normalize', 'stripe', '/does/not/exist'],
  ['import', 'invoices', '/does/not/exist'],
  ['import', 'planets', '/dev/null'],
  ['rebuild'],
  ['replay', 'twelve'],
  ['portals', 'nowhere'],
  ['status', '--organization', 'x'],
] as const;

for (const words of WRONG) {
  test(`"${words.join(' ')}" is wrong usage`, async () => {
    const { code, out, remarks } = await run(...words);
    assert.equal(code, 2, remarks);
    assert.equal(out, '');
    assert.notEqual(remarks, '');
  });
}

test('lists every portal with its settings', async () => {
  const { out } = await run('portals', '--json');
  const listed = JSON.parse(out).map((portal: { id: string }) => portal.id);
  assert.deepEqual(
    listed,
    portals.map(({ id }) => id),
  );
});

test('normalizes a body without a database, and answers 0 when it is set aside', async () => {
  const body = join(FIXTURES, 'mollie/fixtures/api-get-payment-authorized.in.json');
  const unreadable = await file('unreadable.json', '{');
  const { code, out } = await run('normalize', 'mollie', unreadable, '--json');
  assert.equal(code, 0);
  const result = JSON.parse(out);
  assert.deepEqual(Object.keys(result), ['events', 'ignored', 'quarantined', 'fetch']);
  assert.equal(result.quarantined.length, 1);
  const read = await run('normalize', 'mollie', body, '--header', 'X-Any: thing', '--json');
  assert.equal(JSON.parse(read.out).events[0].type, 'payment.authorized');
});

test('makes a key that the API accepts', async () => {
  const { out } = await run('api-key', 'create', '--name', 'me', '--role', 'auditor', '--json');
  const { id, key } = JSON.parse(out);
  assert.match(id, /^key_/);
  assert.equal((await server.call('GET', '/api/v1/payments', { key })).status, 200);
});

test('connects a portal and lists it', async () => {
  const made = await run(
    ...['connect', 'stripe', '--name', 'Shop', '--set', 'webhookSecret=whsec_a=b', '--json'],
  );
  const { id, webhookUrl } = JSON.parse(made.out);
  assert.equal(webhookUrl, `http://localhost:4870/webhooks/stripe/${id}`);
  const { out } = await run('connections');
  assert.ok(out.includes(id) && !out.includes('whsec_a'));
  const sync = await run('sync', 'con_none');
  assert.deepEqual([sync.code, sync.remarks], [1, 'connection con_none does not exist']);
});

test('changes a connection, and asks for consent once more', async () => {
  const settings = ['--set', 'clientId=a', '--set', 'clientSecret=b'];
  const made = await run('connect', 'quickbooks', '--name', 'Books', ...settings, '--json');
  const { id, consentUrl } = JSON.parse(made.out);
  const verifier = ['--set', 'verifierToken=from-the-screen'];
  assert.equal((await run('change', id, '--name', 'Our books', ...verifier, '--off')).code, 0);
  const { body } = await server.call('GET', `/api/v1/connections/${id}`);
  assert.deepEqual([body.name, body.enabled], ['Our books', false]);
  assert.deepEqual(
    [body.settings.clientId, body.settings.verifierToken],
    ['a', '[secret]'],
    'one is added, the others stay',
  );
  const again = JSON.parse((await run('consent', id, '--json')).out);
  assert.notEqual(again.consentUrl, consentUrl);
  assert.match(again.consentUrl, /client_id=a&.*state=/);
  assert.match((await run('doctor')).out, /Our books .*: it is switched off/);
  const refused = await run('change', id, '--set', 'unknown=1');
  assert.deepEqual([refused.code, refused.out], [2, '']);
  assert.equal((await run('change', 'con_none', '--on')).code, 1);
  const { id: other } = JSON.parse((await run('connect', 'stripe', '--name', 'S', '--json')).out);
  const none = await run('consent', other);
  assert.deepEqual([none.code, none.out], [1, '']);
  assert.match(none.remarks, /not connected by consent/);
});

test('imports the good rows of a file and names the bad ones by line', async () => {
  const path = await file(
    'invoices.csv',
    [
      '\uFEFFExternal ID,total,Currency,customer_external_id,due-on',
      'CSV-1,100.00,USD,,2026-12-01',
      'CSV-2,1.005,USD,,',
      '"CSV-3",5,JPY,,',
      'CSV-4,ten,USD,,',
      ',1.00,USD,,',
    ].join('\n'),
  );
  const { code, out } = await run('import', 'invoices', path, '--json');
  const summary = JSON.parse(out);
  assert.equal(code, 1);
  assert.deepEqual([summary.rows, summary.entered, summary.applied, summary.waiting], [5, 2, 2, 0]);
  assert.deepEqual(
    summary.bad.map(({ line }: { line: number }) => line),
    [3, 5, 6],
  );
  const { body } = await server.call('GET', '/api/v1/invoices/CSV-1');
  assert.deepEqual([body.total.amount, body.dueOn], ['100.00', '2026-12-01']);
  const header = await file('header.csv', 'number,total\n1,2\n');
  assert.equal((await run('import', 'invoices', header)).code, 2);
});

test('imports customers and work orders', async () => {
  const customers = await file('customers.csv', 'externalId,name\nCC-1,Acme\n');
  assert.equal((await run('import', 'customers', customers)).code, 0);
  const orders = await file(
    'orders.csv',
    'externalId,kind,customerExternalId,total,currency\nWW-1,repair,CC-1,10.00,USD\n',
  );
  assert.equal((await run('import', 'work-orders', orders)).code, 0);
  const { body } = await server.call('GET', '/api/v1/work-orders/WW-1');
  assert.deepEqual([body.kind, body.customer.name, body.total.amount], ['repair', 'Acme', '10.00']);
});

test('proves the books and tells what waits', async () => {
  const paid = { amount: { amount: '7.00', currency: 'USD' }, occurredAt: '2026-11-20T07:00:00Z' };
  await server.call('POST', '/api/v1/payments', { body: { ...paid, externalId: 'CLI-1' } });
  const verified = await run('verify', '--json');
  assert.deepEqual([verified.code, JSON.parse(verified.out).ok], [0, true]);
  assert.equal((await run('rebuild', '--check')).code, 0);
  assert.equal(JSON.parse((await run('status', '--json')).out).payments.succeeded, 1);
  assert.match((await run('review')).out, /unapplied-cash/);
  const replayed = await run('replay', 'doc_1');
  assert.equal(replayed.code, 1);
  assert.match(replayed.remarks, /its effect stands/);
  assert.match((await run('doctor')).out, /PostgreSQL .* answers/);
  assert.equal((await run('status', '--organization', '99')).code, 1);
});

test('exports the journal so that every transaction sums to zero', async () => {
  const { out } = await run('export', 'ledger');
  const sums = new Map<string, bigint>();
  for (const [, sign, whole, digits, currency] of out.matchAll(
    /^ {4}\S+ {2}(-?)(\d+)(?:\.(\d+))? ([A-Z]{3})$/gm,
  )) {
    const minor = BigInt(`${sign}${whole}${digits ?? ''}`);
    sums.set(currency ?? '', (sums.get(currency ?? '') ?? 0n) + minor);
  }
  assert.ok(sums.has('USD'));
  assert.ok([...sums.values()].every((sum) => sum === 0n));
  assert.match(out, /^\d{4}-\d\d-\d\d \* \(\d+\) payment\.received \| /m);
  const csv = (await run('export', 'ledger', '--format', 'csv')).out.split('\n');
  assert.match(csv[0] ?? '', /^sequence,effectiveOn/);
  assert.ok(csv.length > 1);
});

test('a database that is away is said in a sentence', async () => {
  const remarks: string[] = [];
  const code = await runCli(['node', 'checkvalve', 'status'], {
    out: () => {},
    remark: (text) => remarks.push(text),
    environment: {
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      CHECKVALVE_MASTER_KEY: masterKey,
    },
    watched: false,
  });
  assert.equal(code, 1);
  assert.match(remarks.join(), /The database cannot be reached/);
});

test('start serves until it is told to stop, and then ends with 0', async () => {
  await using database = await testDatabase();
  const child = spawn(process.execPath, [MAIN, 'start', '--port', '0'], {
    env: {
      ...process.env,
      DATABASE_URL: database.url,
      CHECKVALVE_MASTER_KEY: masterKey,
      CHECKVALVE_LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  for await (const chunk of child.stdout) {
    printed += chunk;
    if (printed.includes('api-key create')) break;
  }
  const url = /listens on (\S+)/.exec(printed)?.[1];
  const ready = await fetch(`${url}/readyz`);
  assert.equal(ready.status, 200);
  child.kill('SIGTERM');
  const code = await new Promise((resolve) => child.once('exit', resolve));
  assert.equal(code, 0);
});
