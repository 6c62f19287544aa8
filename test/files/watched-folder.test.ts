/** A bank statement dropped into a folder of the shipped server. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, openFirm } from './firm.ts';

const CAMT = readFileSync(
  new URL('../../src/portals/generic/fixtures/file-bank-camt053.in.xml', import.meta.url),
);

type Page<T> = { readonly data: readonly T[] };
type Connection = {
  readonly id: string;
  readonly health: { readonly state: string };
  readonly failedFiles: readonly { readonly name: string; readonly because: string }[];
};

test('becomes payments, whenever the server dies, and what is no statement is told to people', async () => {
  await using firm = await openFirm();
  const body = { portal: 'generic', name: 'Bank', settings: {} };
  const { id } = await firm.call<Connection>('POST', '/connections', body);
  const folder = join(firm.filesDirectory, id);
  await eventually('the folder', () => readdir(join(folder, 'in')).catch(() => undefined));
  await writeFile(join(folder, 'in', 'statement.xml'), CAMT);
  await writeFile(join(folder, 'in', 'empty.xml'), '');
  await firm.restart();
  const payments = await eventually('the statement', async () => {
    const { data } = await firm.call<Page<{ amount: unknown }>>('GET', '/payments');
    return data.length > 0 && data;
  });
  const done = await eventually('the end of it', async () => {
    const names = await readdir(join(folder, 'done'));
    return names.length > 0 && names;
  });
  assert.match(String(done), /^\d{4}-\d\d-\d\d-statement\.xml$/);
  const connection = await eventually('the failure', async () => {
    const now = await firm.call<Connection>('GET', `/connections/${id}`);
    return now.failedFiles.length > 0 && now;
  });
  assert.equal(connection.health.state, 'failing');
  assert.equal(connection.failedFiles[0]?.name, 'empty.xml');
  assert.match(connection.failedFiles[0]?.because ?? '', /the file is empty/);
  assert.match(await firm.command('connections'), /failing/);
  await assert.rejects(firm.command('doctor'), ({ message }: Error) => {
    assert.match(message, /files can be put into .*\/in\./);
    assert.match(message, /was not taken in.*empty\.xml: the file is empty/);
    return true;
  });
  const again = await firm.command('upload', id, join(folder, 'done', String(done)));
  assert.match(again, / 0 new, 4 known/);
  const { data: after } = await firm.call<Page<unknown>>('GET', '/payments');
  assert.equal(after.length, payments.length);
});
