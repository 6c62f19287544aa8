import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import Fastify from 'fastify';
import { consolePlugin } from './console.ts';

async function openServer(t: TestContext) {
  const dist = await mkdtemp(join(tmpdir(), 'checkvalve-console-'));
  const app = Fastify();
  t.after(async () => {
    await app.close();
    await rm(dist, { recursive: true, force: true });
  });
  await app.register(consolePlugin, { dist });
  return { app, dist };
}

async function putConsole(dist: string): Promise<void> {
  await mkdir(join(dist, 'assets'));
  await writeFile(join(dist, 'index.html'), '<title>Checkvalve</title>');
  await writeFile(join(dist, 'assets/index-abc.js'), 'export {};');
  await writeFile(join(dist, '.fingerprint'), 'secret');
}

test('every page of the router gets the console, revalidated, with a strict policy', async (t) => {
  const { app, dist } = await openServer(t);
  await putConsole(dist);
  for (const url of ['/', '/payments', '/payments?status=failed']) {
    const answer = await app.inject({ url });
    assert.equal(answer.statusCode, 200, url);
    assert.equal(answer.headers['cache-control'], 'no-cache');
    assert.match(String(answer.headers['content-type']), /^text\/html/);
    assert.match(String(answer.headers['content-security-policy']), /script-src 'self';/);
    assert.match(answer.body, /Checkvalve/);
  }
});

test('assets never change', async (t) => {
  const { app, dist } = await openServer(t);
  await putConsole(dist);
  const answer = await app.inject({ url: '/assets/index-abc.js' });
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers['cache-control'], 'public, max-age=31536000, immutable');
});

test('nothing else is answered', async (t) => {
  const { app, dist } = await openServer(t);
  await putConsole(dist);
  for (const url of ['/elsewhere', '/assets/gone.js', '/.fingerprint', '/assets/..%2findex.html']) {
    assert.ok([403, 404].includes((await app.inject({ url })).statusCode), url);
  }
});

test('a console that is not built is explained, and served once it is', async (t) => {
  const { app, dist } = await openServer(t);
  const missing = await app.inject({ url: '/' });
  assert.equal(missing.statusCode, 503);
  assert.match(missing.body, /npx vite build console/);
  await putConsole(dist);
  assert.equal((await app.inject({ url: '/' })).statusCode, 200);
  assert.equal((await app.inject({ url: '/assets/index-abc.js' })).statusCode, 200);
});
