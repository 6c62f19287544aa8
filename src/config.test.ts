import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { InvalidConfig, type Options, readConfig } from './config.ts';

const KEY = Buffer.alloc(32, 7).toString('base64');

function problems(environment: Record<string, string>, options: Options = {}): readonly string[] {
  try {
    readConfig({ environment, options });
  } catch (error) {
    if (error instanceof InvalidConfig) return error.problems;
    throw error;
  }
  return [];
}

test('without settings it listens on this machine only and keeps data in the repository', () => {
  const config = readConfig({ environment: {} });
  assert.deepEqual(config, {
    host: '127.0.0.1',
    port: 4870,
    dataDirectory: fileURLToPath(new URL('../data', import.meta.url)),
    filesDirectory: fileURLToPath(new URL('../data/files', import.meta.url)),
    databaseUrl: undefined,
    publicUrl: 'http://localhost:4870',
    publicUrlGiven: false,
    masterKeys: undefined,
    logLevel: 'info',
    bodyLimitBytes: 2_097_152,
    webhookRequestsPerSecond: 5000,
    allowPrivateTargets: false,
  });
  assert.ok(Object.isFrozen(config));
});

test('an option wins over its variable, and an empty variable is none', () => {
  const config = readConfig({
    environment: {
      CHECKVALVE_PORT: '1',
      CHECKVALVE_HOST: '',
      CHECKVALVE_ALLOW_PRIVATE_TARGETS: 'true',
      DATABASE_URL: 'postgres://a@db/x',
      CHECKVALVE_PUBLIC_URL: 'https://pay.example.com/firm/',
    },
    options: { port: '8080', data: 'elsewhere' },
  });
  assert.equal(config.port, 8080);
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.allowPrivateTargets, true);
  assert.equal(config.databaseUrl, 'postgres://a@db/x');
  assert.equal(config.publicUrl, 'https://pay.example.com/firm');
  assert.equal(config.dataDirectory, resolve('elsewhere'));
  assert.equal(config.filesDirectory, resolve('elsewhere', 'files'));
  const shared = { environment: { CHECKVALVE_FILES_DIR: '/srv/shared' } };
  assert.equal(readConfig(shared).filesDirectory, '/srv/shared');
  assert.equal(
    readConfig({ ...shared, options: { files: 'near' } }).filesDirectory,
    resolve('near'),
  );
});

const refused: readonly [Record<string, string>, RegExp][] = [
  [{ CHECKVALVE_PORT: '70000' }, /^CHECKVALVE_PORT must be a whole number from 0 to 65535\.$/],
  [{ CHECKVALVE_PORT: '-1' }, /^CHECKVALVE_PORT /],
  [{ CHECKVALVE_PORT: '80.5' }, /^CHECKVALVE_PORT /],
  [{ DATABASE_URL: 'mysql://x' }, /^DATABASE_URL must be a URL such as postgres:\/\//],
  [{ CHECKVALVE_PUBLIC_URL: 'pay.example.com' }, /^CHECKVALVE_PUBLIC_URL must be a URL/],
  [{ CHECKVALVE_LOG_LEVEL: 'loud' }, /^CHECKVALVE_LOG_LEVEL must be one of fatal, error/],
  [{ CHECKVALVE_ALLOW_PRIVATE_TARGETS: 'yes' }, /must be true or false\.$/],
  [{ CHECKVALVE_HOST: 'a b' }, /^CHECKVALVE_HOST must be an address/],
  [{ CHECKVALVE_MASTER_KEY: 'c2hvcnQ=' }, /^CHECKVALVE_MASTER_KEY must be base64 of 32 bytes/],
];
for (const [environment, sentence] of refused) {
  test(`refuses ${JSON.stringify(environment)}`, () => {
    const [first = '', ...others] = problems(environment);
    assert.match(first, sentence);
    assert.deepEqual(others, []);
  });
}

test('an option is named as it was typed, and all problems are told at once', () => {
  assert.deepEqual(
    problems({ CHECKVALVE_LOG_LEVEL: '?' }, { port: 'x' }).map((problem) => problem.split(' ')[0]),
    ['--port', 'CHECKVALVE_LOG_LEVEL'],
  );
});

test('master keys from the environment never print', () => {
  const config = readConfig({ environment: { CHECKVALVE_MASTER_KEY: `new:${KEY}` } });
  assert.equal(config.masterKeys?.[0]?.id, 'new');
  assert.doesNotMatch(JSON.stringify(config), /BwcHBwc/);
});
