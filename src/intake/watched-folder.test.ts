import assert from 'node:assert/strict';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { NotUploadable } from './upload.ts';
import {
  type Folder,
  findLeft,
  folderOf,
  keepDone,
  keepFailed,
  lookInto,
  openFolder,
  readTaken,
  type Taken,
  take,
  takeUp,
} from './watched-folder.ts';

const NOW = new Date('2026-11-21T08:00:00.000Z');
const NOBODY = 65_534;
const limit = {
  bytes: 100,
  tooLarge: (bytes: number) => new NotUploadable('too-large', `${bytes} bytes`),
};

let base: string;
let count = 0;
let folder: Folder;
before(async () => {
  base = await mkdtemp(join(tmpdir(), 'checkvalve-folder-'));
});
after(() => rm(base, { recursive: true }));
beforeEach(async () => {
  count += 1;
  folder = folderOf(base, `con_${count}`);
  await openFolder(folder);
});

const put = (name: string, text = 'text') => writeFile(join(folder.in, name), text);
const by = (token = 'a', now = NOW) => ({ token, now });

async function takeOnly(): Promise<Taken> {
  const [waiting, ...others] = await lookInto(folder);
  assert.ok(waiting);
  assert.deepEqual(others, []);
  const taken = await take(folder, waiting, by());
  assert.ok(taken);
  return taken;
}

describe('what lies in it', () => {
  test('is seen, but for what is unfinished, hidden, or a directory', async () => {
    for (const name of ['a.csv', 'b.tmp', 'c.PART', 'd.filepart', '.e', '~$f.xlsx', 'Thumbs.db']) {
      await put(name);
    }
    await mkdir(join(folder.in, 'archive'));
    assert.deepEqual(
      (await lookInto(folder)).map(({ name }) => name),
      ['a.csv'],
    );
  });

  test('has another state when its size or its time changes', async () => {
    await put('a.csv', 'one');
    const state = async () => (await lookInto(folder))[0]?.state;
    const first = await state();
    assert.equal(await state(), first);
    await put('a.csv', 'one more');
    const second = await state();
    assert.notEqual(second, first);
    await utimes(join(folder.in, 'a.csv'), NOW, NOW);
    assert.notEqual(await state(), second);
  });

  test('may have any name', async () => {
    const name = 'Kontoauszug März 2026 – Überweisungen 💶 (1).csv';
    await put(name);
    const taken = await takeOnly();
    assert.equal(taken.name, name);
    assert.equal((await readTaken(taken, limit))?.toString(), 'text');
    await keepDone(folder, taken, { day: '2026-11-21', remarks: [] });
    assert.deepEqual(await readdir(folder.done), [`2026-11-21-${name}`]);
  });

  test('may have a name of bytes that are no text', async () => {
    const place = Buffer.from(`${folder.in}/`);
    await writeFile(Buffer.concat([place, Buffer.from([0xe4, 0x2e, 0x78])]), 'text');
    const taken = await takeOnly();
    assert.equal((await readTaken(taken, limit))?.toString(), 'text');
    assert.equal(await keepDone(folder, taken, { day: 'd', remarks: [] }), 'd-\u{fffd}.x');
    await writeFile(Buffer.concat([place, Buffer.alloc(250, 0xe4)]), 'text');
    assert.equal((await readTaken(await takeOnly(), limit))?.toString(), 'text');
  });
});

describe('taking', () => {
  test('has one winner', async () => {
    await put('a.csv');
    const [waiting] = await lookInto(folder);
    assert.ok(waiting);
    const tokens = Array.from({ length: 20 }, (_, at) => `n${at}`);
    const taken = await Promise.all(tokens.map((token) => take(folder, waiting, by(token))));
    assert.equal(taken.filter((one) => one !== undefined).length, 1);
    assert.equal((await readdir(folder.taking)).length, 1, 'the losers leave nothing');
  });

  test('what was left by a dead process is taken up once, after its time', async () => {
    await put('a.csv');
    await takeOnly();
    const later = new Date(NOW.getTime() + 120_000);
    assert.deepEqual(await findLeft(folder, new Date(later.getTime() - 1)), []);
    const [left = ''] = await findLeft(folder, later);
    const again = await Promise.all(['x', 'y'].map((one) => takeUp(folder, left, by(one, later))));
    const [mine, ...others] = again.filter((one) => one !== undefined);
    assert.equal(mine?.name, 'a.csv');
    assert.deepEqual(others, []);
    assert.deepEqual(await findLeft(folder, later), [], 'it is somebody’s again');
  });

  test('a claim without a file goes away', async () => {
    await mkdir(join(folder.taking, '0-x'));
    assert.equal(await takeUp(folder, '0-x', by()), undefined);
    assert.deepEqual(await readdir(folder.taking), []);
  });

  test('who was believed dead and finishes nevertheless moves nothing', async () => {
    await put('a.csv');
    const slow = await takeOnly();
    const later = new Date(NOW.getTime() + 120_000);
    const [left = ''] = await findLeft(folder, later);
    const mine = await takeUp(folder, left, by('b', later));
    assert.ok(mine);
    assert.equal(await keepDone(folder, slow, { day: 'd', remarks: [] }), undefined);
    assert.equal(await keepDone(folder, mine, { day: 'd', remarks: [] }), 'd-a.csv');
    assert.deepEqual(await readdir(folder.done), ['d-a.csv']);
    assert.deepEqual(await readdir(folder.taking), []);
  });
});

async function refusal(taken: Taken): Promise<NotUploadable> {
  const error = await readTaken(taken, limit).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof NotUploadable, String(error));
  return error;
}

describe('reading', () => {
  test('a link is not followed', async () => {
    const secret = join(base, `secret-${count}`);
    await writeFile(secret, 'secret');
    await symlink(secret, join(folder.in, 'a.csv'));
    const taken = await takeOnly();
    assert.match((await refusal(taken)).message, /link/);
    await keepFailed(folder, taken, 'Because.');
    assert.equal(await readFile(secret, 'utf8'), 'secret');
  });

  test('a file over the limit is not read', async () => {
    await put('a.csv', 'x'.repeat(101));
    assert.equal((await refusal(await takeOnly())).because, 'too-large');
  });

  test('a file that may not be read says so', async () => {
    await put('a.csv');
    await chmod(join(folder.in, 'a.csv'), 0);
    const taken = await takeOnly();
    await chmod(base, 0o755);
    await chmod(taken.directory, 0o755);
    const isRoot = process.geteuid?.() === 0;
    // Root may read everything.
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      assert.match((await refusal(taken)).message, /not allowed/);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  test('a file that is being written to again is left for later', async () => {
    await put('a.csv', 'half');
    const taken = await takeOnly();
    await writeFile(join(taken.directory, 'a.csv'), 'half and half');
    assert.equal(await readTaken(taken, limit), undefined);
  });
});

describe('keeping', () => {
  const keep = async (text: string, because = '') => {
    await put('a.csv', text);
    const taken = await takeOnly();
    return because === ''
      ? keepDone(folder, taken, { day: '2026-11-21', remarks: [] })
      : keepFailed(folder, taken, because);
  };

  test('replaces nothing: the same name gets a number', async () => {
    assert.equal(await keep('one'), '2026-11-21-a.csv');
    assert.equal(await keep('two'), '2026-11-21-a-2.csv');
    assert.equal(await keep('three'), '2026-11-21-a-3.csv');
    assert.equal(await readFile(join(folder.done, '2026-11-21-a-2.csv'), 'utf8'), 'two');
  });

  test('says why beside a file that failed', async () => {
    await keep('one', 'It is empty.');
    await keep('two', 'It is odd.');
    assert.deepEqual((await readdir(folder.failed)).sort(), [
      'a-2.csv',
      'a-2.csv.why.txt',
      'a.csv',
      'a.csv.why.txt',
    ]);
    const why = await readFile(join(folder.failed, 'a-2.csv.why.txt'), 'utf8');
    assert.equal(why, 'It is odd.\n');
    assert.deepEqual(await readdir(folder.taking), []);
  });

  test('shortens a name that has no room for a day and a number', async () => {
    const name = `${'ä'.repeat(125)}.csv`;
    for (const text of ['one', 'two']) {
      await put(name, text);
      await keepDone(folder, await takeOnly(), { day: '2026-11-21', remarks: ['Odd.'] });
    }
    const names = await readdir(folder.done);
    assert.equal(names.length, 4);
    assert.ok(names.every((one) => Buffer.byteLength(one) <= 255));
  });
});

test('a folder that is a link is refused', async () => {
  const linked = folderOf(base, 'con_linked');
  await mkdir(linked.path);
  await symlink(tmpdir(), linked.in);
  await assert.rejects(openFolder(linked), /is no directory/);
});
