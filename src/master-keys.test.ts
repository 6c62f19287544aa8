import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadMasterKeys, parseMasterKeys } from './master-keys.ts';

const FIRST = Buffer.alloc(32, 1).toString('base64');
const SECOND = Buffer.alloc(32, 2).toString('base64');

test('the first key is current; without an id a key is named by its hash', () => {
  const keys = parseMasterKeys(`2026:${FIRST}, ${SECOND}\n# retired in May\n`);
  assert.deepEqual(
    keys.map((key) => key.id),
    ['2026', parseMasterKeys(SECOND)[0]?.id],
  );
  assert.deepEqual(keys[0]?.key.export(), Buffer.alloc(32, 1));
});

for (const [what, text] of [
  ['nothing', ' , '],
  ['too few bytes', Buffer.alloc(31).toString('base64')],
  ['too many bytes', Buffer.alloc(33).toString('base64')],
  ['letters outside base64', `!${FIRST.slice(1)}`],
  ['an id with a space', `a b:${FIRST}`],
  ['the same id twice', `a:${FIRST},a:${SECOND}`],
] as const) {
  test(`refuses ${what} without showing it`, () => {
    assert.throws(
      () => parseMasterKeys(text),
      ({ message }: Error) => !message.includes(FIRST.slice(4)),
    );
  });
}

test('the key file is made once, for its owner only, and never replaced', async (t) => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'checkvalve-keys-'));
  t.after(() => rm(dataDirectory, { recursive: true }));
  const config = { masterKeys: undefined, dataDirectory };
  const starts = await Promise.all([1, 2, 3].map(() => loadMasterKeys(config)));
  assert.equal(new Set(starts.map((keys) => keys[0]?.id)).size, 1);
  const path = join(dataDirectory, 'master.key');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await writeFile(path, 'damaged');
  await assert.rejects(loadMasterKeys(config), /master\.key must be base64/);
  assert.equal(await readFile(path, 'utf8'), 'damaged');
});
