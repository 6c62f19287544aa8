import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import { openTestBooks } from '../../test/support/books.ts';
import { testDatabase } from '../../test/support/database.ts';
import { sql } from '../db/database.ts';
import { InvalidSettings } from '../intake/connection-settings.ts';
import { createSealer } from '../intake/sealing.ts';
import { CLOSED } from './breaker.ts';
import { createSystem, loadSystem, updateSystem } from './systems.ts';
import { newSigningSecret } from './webhook-signature.ts';

const sealer = createSealer([{ id: 'test', key: createSecretKey(Buffer.alloc(32, 1)) }]);
const secret = newSigningSecret();
const settings = {
  url: 'https://erp.example.com/hook',
  signingSecret: secret,
  topics: 'payment.succeeded, payment.released',
};

test('a system is kept with its secret sealed, changed and opened again', async () => {
  await using database = await testDatabase();
  await using books = await openTestBooks(database.url);
  const { organizationId, db } = books;
  const ctx = { tx: db, sealer };
  const { id } = await createSystem(ctx, {
    organizationId,
    kind: 'webhook',
    name: 'ERP',
    settings,
  });
  const [row] = await db.query<{ publicSettings: unknown }>(
    sql`select public_settings as "publicSettings" from systems where id = ${id}`,
  );
  assert.deepEqual(row?.publicSettings, {
    url: settings.url,
    signingSecret: '[secret]',
    topics: ['payment.succeeded', 'payment.released'],
  });
  const where = { organizationId, id };
  const url = 'https://erp.example.com/other';
  await db.execute(
    sql`update systems set breaker = '{"state":"closed","failures":3}' where id = ${id}`,
  );
  assert.ok(await updateSystem(ctx, { ...where, enabled: false, settings: { url } }));
  const system = await loadSystem(ctx, where);
  assert.ok(system?.kind === 'webhook');
  assert.deepEqual([system.settings.url, system.enabled, system.breaker], [url, false, CLOSED]);
  assert.deepEqual(
    system.settings.signingSecret.map((one) => one.reveal()),
    [secret],
  );
  assert.deepEqual(system.settings.topics, ['payment.succeeded', 'payment.released']);
  assert.equal(await loadSystem(ctx, { organizationId, id: 'sys_other' }), undefined);
  assert.equal(await updateSystem(ctx, { organizationId, id: 'sys_other' }), false);
});

test('settings that do not fit are refused by name', async () => {
  await using database = await testDatabase();
  await using books = await openTestBooks(database.url);
  const { organizationId } = books;
  for (const [field, change] of [
    ['signingSecret', { signingSecret: 'short' }],
    ['url', { url: 'ftp://erp.example.com' }],
    ['url', { url: 'https://me:pw@erp.example.com' }],
    ['topic', { topic: 'x' }],
  ] as const) {
    await assert.rejects(
      createSystem(
        { tx: books.db, sealer },
        { organizationId, kind: 'webhook', name: 'x', settings: { ...settings, ...change } },
      ),
      (error) => error instanceof InvalidSettings && error.fields[0]?.field === field,
    );
  }
});
