import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { connectDatabase, type Database } from '../db/database.ts';
import { createConnection } from './connections.ts';
import { notesAbout, notesOf } from './recording-notes.ts';
import { createSealer } from './sealing.ts';

const organizationId = 1;
let testing: TestDatabase;
let database: Database;
before(async () => {
  testing = await testDatabase();
  database = connectDatabase(testing.url, { poolSize: 2 });
});
after(async () => {
  await database.close();
  await testing[Symbol.asyncDispose]();
});

async function connect(name: string): Promise<string> {
  const sealer = createSealer([{ id: 'k', key: createSecretKey(randomBytes(32)) }]);
  const given = { organizationId, portal: 'stripe', name, role: 'source', actor: 'test' } as const;
  const settings = { webhookSecret: 'whsec_0123456789' };
  return (await createConnection({ database, sealer }, { ...given, settings })).id;
}

const keptAt = new Date('2026-11-21T08:00:00.000Z');
const now = () => keptAt;

test('a note replaces the one about the same, and is found by payment and by what it is about', async () => {
  const [connectionId, other] = [await connect('one'), await connect('another')];
  const of = (id: string, paymentId: string) =>
    notesOf({ database, now }, { organizationId, connectionId: id, paymentId });
  await of(connectionId, 'pay_1').keep('inv-1', 'begun');
  await of(connectionId, 'pay_1').keep('inv-1', 'done');
  await of(connectionId, 'pay_1').keep('inv-2', 'begun');
  await of(connectionId, 'pay_2').keep('inv-1', 'of another payment');
  await of(other, 'pay_1').keep('inv-1', 'of another connection');
  assert.deepEqual(await of(connectionId, 'pay_1').kept(), [
    { paymentId: 'pay_1', about: 'inv-1', text: 'done', keptAt },
    { paymentId: 'pay_1', about: 'inv-2', text: 'begun', keptAt },
  ]);
  assert.deepEqual(await notesAbout(database, { organizationId, connectionId }, ['inv-1', 'x']), [
    { paymentId: 'pay_1', about: 'inv-1', text: 'done', keptAt },
    { paymentId: 'pay_2', about: 'inv-1', text: 'of another payment', keptAt },
  ]);
});

test('of payments at the same time one is first about an invoice, and the others are told which', async () => {
  const connectionId = await connect('raced for');
  const inTheWay = ({ text }: { readonly text: string }) => text === 'begun';
  const of = (number: number) =>
    notesOf({ database, now }, { organizationId, connectionId, paymentId: `pay_${number}` });
  for (let round = 0; round < 20; round += 1) {
    const about = `inv-${round}`;
    const raced = await Promise.all(
      [1, 2, 3].map((number) => of(number).keepUnless(about, 'begun', inTheWay)),
    );
    const winners = raced.flatMap((hindrance, index) => (hindrance ? [] : [index + 1]));
    assert.equal(winners.length, 1, about);
    const [winner = 0] = winners;
    for (const hindrance of raced.filter((one) => one !== undefined)) {
      assert.equal(hindrance.paymentId, `pay_${winner}`);
    }
    // Its own note is not in its way, and once it is done nobody is.
    assert.equal(await of(winner).keepUnless(about, 'done', inTheWay), undefined);
    assert.equal(await of((winner % 3) + 1).keepUnless(about, 'begun', inTheWay), undefined);
  }
});
