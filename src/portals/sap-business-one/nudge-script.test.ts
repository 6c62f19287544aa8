/** The script that docs/setup/sap-business-one.md gives people, run as it stands there. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Notice } from '../contract.ts';
import { sapBusinessOne } from './index.ts';

const webhook = sapBusinessOne.webhook ?? assert.fail('no webhook');
const SECRET = 'nudge-of-the-script-0001';
const guide = new URL('../../../docs/setup/sap-business-one.md', import.meta.url);
const [, script] = /^```js\n(.*?)^```$/ms.exec(readFileSync(guide, 'utf8')) ?? [];
const least = JSON.parse(
  readFileSync(new URL('fixtures/contract.json', import.meta.url), 'utf8'),
).settings;
const settings = sapBusinessOne.settings.parse({ ...least, nudgeSecret: SECRET });

const received: { readonly headers: IncomingHttpHeaders; readonly body: Buffer }[] = [];
let answer = 200;
const server = createServer(async (request, reply) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  received.push({ headers: request.headers, body: Buffer.concat(parts) });
  reply.writeHead(answer).end('said');
});

let folder = '';
let file = '';
let environment: NodeJS.ProcessEnv = {};
before(async () => {
  assert.ok(script, 'the guide has no script');
  folder = mkdtempSync(join(tmpdir(), 'nudge-'));
  file = join(folder, 'nudge.mjs');
  writeFileSync(file, script);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  environment = {
    NUDGE_URL: `http://127.0.0.1:${port}/webhooks/sap-business-one/con_1`,
    NUDGE_SECRET: SECRET,
    NUDGE_COMPANY: 'SBODEMOUS',
  };
});
after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});

const run = (...given: string[]) =>
  promisify(execFile)(process.execPath, [file, ...given], { env: environment, timeout: 15_000 });

/** What the last nudge that arrived is to the portal. */
function lastNudge() {
  const { headers, body } = received.at(-1) ?? assert.fail('nothing arrived');
  const notice = { headers: headers as Notice['headers'], body, url: '/', receivedAt: new Date() };
  assert.equal(webhook.recognizes(notice), true);
  assert.deepEqual(webhook.authenticate(notice, settings), { verdict: 'authentic' });
  return sapBusinessOne.normalize(notice, settings);
}

test('called by an add-on, it nudges once', async () => {
  await run('24', 'A', '1204');
  assert.equal(received.length, 1);
  assert.deepEqual(lastNudge(), { fetch: [{ entity: 'IncomingPayments', id: '1204' }] });
});

test('says what was answered when that is no success', async () => {
  answer = 401;
  await assert.rejects(run('24', 'A', '1204'), /Checkvalve answered 401: said/);
  answer = 200;
});

test('listening, it signs what B1iF posts, and tells B1iF when that failed', async () => {
  const free = createServer();
  await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const relay = spawn(process.execPath, [file, '--listen', String(port)], { env: environment });
  try {
    const post = (body: string) => posted(relay, `http://127.0.0.1:${port}`, body);
    const { status } = await post('{"objectType":"46","transactionType":"C","key":311}');
    assert.equal(status, 204);
    assert.deepEqual(lastNudge(), { fetch: [{ entity: 'VendorPayments', id: '311' }] });
    assert.equal((await post('no JSON')).status, 502);
  } finally {
    relay.kill();
  }
});

/** Waits until the script listens. */
async function posted(relay: ChildProcess, url: string, body: string): Promise<Response> {
  for (let look = 0; look < 100; look += 1) {
    assert.equal(relay.exitCode, null, 'the script ended');
    try {
      return await fetch(url, { method: 'POST', body });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error('the script does not listen');
}
