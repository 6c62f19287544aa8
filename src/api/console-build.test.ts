import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { CONSOLE_ROOT, ensureConsoleBuilt } from './console-build.ts';

const execute = promisify(execFile);

/** A start of its own, as another process; answers with its outcome. */
async function start(where: { readonly root: string; readonly dist: string }): Promise<string> {
  const script = `
    const { ensureConsoleBuilt } = await import(process.argv[1]);
    const quiet = { info() {}, warn() {} };
    const { outcome } = await ensureConsoleBuilt(quiet, JSON.parse(process.argv[2]));
    process.stdout.write(outcome);`;
  const module = import.meta.resolve('./console-build.ts');
  const options = ['--input-type=module', '-e', script, module, JSON.stringify(where)];
  return (await execute(process.execPath, options)).stdout;
}

async function folders(t: TestContext) {
  const parent = await mkdtemp(join(tmpdir(), 'checkvalve-console-'));
  t.after(() => rm(parent, { recursive: true, force: true }));
  return { parent, root: CONSOLE_ROOT, dist: join(parent, 'dist') };
}

function recorder() {
  const lines: string[] = [];
  const write = (_details: object, message: string) => lines.push(message);
  return { lines, info: write, warn: write };
}

test('builds what is missing or stale, once, and leaves nothing behind', async (t) => {
  const where = await folders(t);
  const log = recorder();
  const mode = process.env.NODE_ENV;

  assert.equal((await ensureConsoleBuilt(log, where)).outcome, 'built');
  assert.match(await readFile(join(where.dist, 'index.html'), 'utf8'), /assets\/index-/);
  assert.equal((await ensureConsoleBuilt(log, where)).outcome, 'fresh');

  assert.equal(log.lines.length, 1);
  assert.equal(process.env.NODE_ENV, mode);
});

test('concurrent starts leave one whole console and nothing else', async (t) => {
  const { parent, ...where } = await folders(t);
  await mkdir(where.dist);
  await writeFile(join(where.dist, '.fingerprint'), 'of other sources');
  await writeFile(join(where.dist, 'left-over.js'), '');
  assert.deepEqual(await Promise.all([start(where), start(where)]), ['built', 'built']);
  assert.equal(await start(where), 'fresh');
  assert.deepEqual((await readdir(where.dist)).sort(), ['.fingerprint', 'assets', 'index.html']);
  assert.deepEqual(await readdir(parent), ['dist']);
});

test('a console that cannot be built stops nothing', async (t) => {
  const { parent, dist } = await folders(t);
  const log = recorder();
  const result = await ensureConsoleBuilt(log, { root: join(parent, 'no-console'), dist });
  assert.equal(result.outcome, 'failed');
  assert.equal(log.lines.length, 1);
});
