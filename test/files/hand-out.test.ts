/** Import files in the folders where people take them from. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { downloadImportFile } from '../../src/delivery/fetch-import-file.ts';
import { handOutFiles } from '../../src/delivery/hand-out-files.ts';
import { openOffice } from './office.ts';

const temporary = () => mkdtemp(join(tmpdir(), 'checkvalve-files-'));

test('a file is put into each directory once, and not when it was downloaded or imported before', async () => {
  await using office = await openOffice({ invoices: 3 });
  const { db: database, now, organizationId, connectionId } = office;
  const [here, elsewhere, late] = await Promise.all([temporary(), temporary(), temporary()]);
  const log = pino({ level: 'silent' });
  const handOut = (filesDirectory: string) => handOutFiles({ database, now, log, filesDirectory });
  const out = (directory: string) =>
    readdir(join(directory, connectionId, 'out')).catch(() => [] as string[]);
  await handOut(here);
  assert.deepEqual(await readdir(here), [], 'nothing is made for nothing');

  await office.pay(1);
  const first = await office.cut();
  assert.ok(first);
  await Promise.all(Array.from({ length: 6 }, () => handOut(here)));
  await handOut(elsewhere);
  assert.deepEqual(await out(here), [first.name]);
  assert.deepEqual(await out(elsewhere), [first.name]);
  const bytes = await readFile(join(here, connectionId, 'out', first.name));
  assert.deepEqual(bytes, (await office.files())[0]?.body);

  await rm(join(here, connectionId, 'out', first.name));
  await handOut(here);
  assert.deepEqual(await out(here), [], 'who took it may have imported it');

  await office.pay(2);
  const second = await office.cut();
  assert.ok(second);
  await downloadImportFile({ database, now }, { organizationId, id: second.id, actor: 'test' });
  await handOut(here);
  assert.deepEqual(await out(here), []);

  const [file] = await office.files();
  assert.ok(file);
  office.import(file);
  await office.exportAll();
  await office.drain();
  await handOut(late);
  assert.deepEqual(await out(late), [], 'the books show it already');

  await office.pay(3);
  await office.cut();
  await rm(join(here, connectionId, 'out'), { recursive: true });
  await symlink(elsewhere, join(here, connectionId, 'out'));
  await assert.rejects(handOut(here), /is no directory/);
  for (const directory of [here, elsewhere, late]) await rm(directory, { recursive: true });
});
