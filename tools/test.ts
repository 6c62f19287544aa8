/**
 * Runs what must hold before a change is committed: types, lint, then the tests with one database server for
 * all. Arguments choose test files by a part of their path or a glob, and skip types and lint.
 * The last line of the output is `N passed, N failed`; the exit code is 1 unless something passed and nothing failed.
 */
import { spawnSync } from 'node:child_process';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { SERVER_VARIABLE } from '../test/support/database.ts';
import {
  removeAbandonedServers,
  removeDataDirectory,
  startTestServer,
  temporaryDataDirectory,
} from '../test/support/test-server.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TESTS = ['src', 'simulators', 'test', 'console'].map((folder) => `${folder}/**/*.test.ts`);
const CHECKS = [
  ['tsc', '-p', '.'],
  ['tsc', '-p', 'console'],
  ['biome', 'check', '.'],
] as const;
const FILE_TIMEOUT_MS = 240_000;
const CONCURRENCY = 2;

type Counts = { passed: number; failed: number };

process.chdir(ROOT);
const patterns = process.argv.slice(2);
const counts: Counts = { passed: 0, failed: 0 };
if (patterns.length === 0) runChecks(counts);
await runTests(await findFiles(patterns), counts);
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;

/** A check is silent when it passes and counts as one failure when it does not. */
function runChecks(counts: Counts): void {
  for (const [program, ...options] of CHECKS) {
    const path = join('node_modules', '.bin', program);
    const { status, error } = spawnSync(path, options, { stdio: 'inherit' });
    if (status === 0) continue;
    process.stderr.write(`${program} failed${error ? `: ${error.message}` : ''}\n`);
    counts.failed++;
  }
}

async function findFiles(patterns: readonly string[]): Promise<string[]> {
  const files = await matches(TESTS);
  const globbed = await matches(patterns);
  const chosen = (file: string) =>
    globbed.has(file) || patterns.some((pattern) => file.includes(pattern));
  return [...files].filter((file) => patterns.length === 0 || chosen(file)).sort();
}

async function matches(patterns: readonly string[]): Promise<Set<string>> {
  const files = new Set<string>();
  const exclude = (name: string) => name.includes('node_modules');
  for await (const file of glob([...patterns], { exclude })) files.add(file);
  return files;
}

async function runTests(files: readonly string[], counts: Counts): Promise<void> {
  if (files.length === 0) {
    process.stderr.write('No test file matches.\n');
    return;
  }
  await removeAbandonedServers();
  const dataDirectory = temporaryDataDirectory();
  const server = await startTestServer(dataDirectory);
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => interruption.abort());
  }
  try {
    process.env[SERVER_VARIABLE] = server.databaseUrl;
    const tests = run({
      files: files.map((file) => join(ROOT, file)),
      concurrency: CONCURRENCY,
      timeout: FILE_TIMEOUT_MS,
      signal: interruption.signal,
    });
    count(tests, counts);
    await pipeline(tests, new spec(), process.stdout, { end: false });
  } finally {
    await server.stop();
    await removeDataDirectory(dataDirectory);
  }
}

/** Suites are not counted, nor files that merely ran; a skipped test has not passed. */
function count(tests: ReturnType<typeof run>, counts: Counts): void {
  tests.on('test:pass', ({ details, name, skip, todo }) => {
    const isTest = details.type !== 'suite' && !name.endsWith('.test.ts');
    if (isTest && !skip && !todo) counts.passed++;
  });
  tests.on('test:fail', ({ details, todo }) => {
    if (details.type !== 'suite' && !todo) counts.failed++;
  });
}
