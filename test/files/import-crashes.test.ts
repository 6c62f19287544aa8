/** Whatever breaks between planning and marking as done: a payment is in one file, and done when it is seen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../simulators/random.ts';
import { type Database, type Queryable, sql } from '../../src/db/database.ts';
import { type Office, openOffice, type StoredFile } from './office.ts';

const SEEDS = Array.from({ length: 6 }, (_, at) => at + 1);
const PAYMENTS = 8;
const ROUNDS = 24;
/** About as many as a drain takes that cuts a file. */
const MOST_STATEMENTS = 70;

class Killed extends Error {
  override readonly name = 'Killed';
}

/** The database as a process sees it that dies after so many statements: before one of them, or just after it. */
function dying(real: Database, statements: number, afterwards: boolean): Database {
  let left = statements;
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    if (left < 0) throw new Killed();
    left -= 1;
    if (left < 0 && !afterwards) throw new Killed();
    const result = await work();
    if (left < 0) throw new Killed();
    return result;
  };
  const stepping = (tx: Queryable): Queryable => ({
    query: (statement) => step(() => tx.query(statement)),
    execute: (statement) => step(() => tx.execute(statement)),
  });
  return {
    ...real,
    ...stepping(real),
    // A death after the last statement may still come before the commit or after it.
    transaction: (work) => step(() => real.transaction((tx) => work(stepping(tx)))),
  };
}

type Entry = { readonly paymentId: bigint; readonly entry: string; readonly number: number };
const entriesOf = (office: Office) =>
  office.db.query<Entry>(
    sql`select e.payment_id as "paymentId", e.entry, f.number
        from import_file_entries e
        join import_files f on f.organization_id = e.organization_id and f.id = e.file_id
        order by f.number, e.position`,
  );

/** What must hold at any moment, whatever died before. */
async function holds(
  office: Office,
  before: readonly StoredFile[],
): Promise<readonly StoredFile[]> {
  const files = await office.files();
  assert.deepEqual(files.slice(0, before.length), before, 'no file changes or vanishes');
  assert.deepEqual(
    files.map(({ number }) => number),
    files.map((_, at) => at + 1),
  );
  const entries = await entriesOf(office);
  for (const file of files) {
    const marks = file.body.toString().match(/CV-test01-pay_\d+(-R)?(?=,CHECKVALVE)/g) ?? [];
    const wanted = entries
      .filter(({ number }) => number === file.number)
      .map(
        ({ paymentId, entry }) => `CV-test01-pay_${paymentId}${entry === 'payment' ? '' : '-R'}`,
      );
    assert.deepEqual(marks, wanted, 'the file says what its entries say');
  }
  return files;
}

for (const seed of SEEDS) {
  test(`story ${seed}`, async () => {
    const random = seededRandom(seed);
    await using office = await openOffice({ invoices: PAYMENTS });
    let files: readonly StoredFile[] = [];
    const imported = new Set<number>();
    const seen = new Set<number>();
    let paid = 0;
    let refunded = 0;
    const importOne = (): void => {
      const file = files.find(({ number }) => !imported.has(number));
      if (!file) return;
      office.import(file);
      imported.add(file.number);
    };
    const exportAll = async (): Promise<void> => {
      await office.exportAll();
      for (const number of imported) seen.add(number);
    };
    /** Done is exactly what was seen, once somebody has drained to the end after it. */
    const doneWhenSeen = async (strictly: boolean): Promise<void> => {
      const rows = await office.db.query<{ number: number; state: string }>(
        sql`select f.number, d.state from import_file_entries e
            join import_files f on f.organization_id = e.organization_id and f.id = e.file_id
            join deliveries d on d.organization_id = e.organization_id and d.id = e.delivery_id`,
      );
      for (const { number, state } of rows) {
        if (state === 'done') assert.ok(seen.has(number), `${number} is done unseen`);
        else if (strictly) assert.ok(!seen.has(number), `${number} was seen and is ${state}`);
      }
    };

    const node = () => dying(office.db, random.between(0, MOST_STATEMENTS), random.chance(0.5));

    for (let round = 0; round < ROUNDS; round += 1) {
      const actions = [
        async () => {
          if (paid < PAYMENTS) await office.pay(++paid);
        },
        async () => {
          if (refunded < paid) await office.refund(++refunded);
        },
        async () => importOne(),
        exportAll,
        async () => void (await office.cut(node()).catch(onlyKilled)),
        async () => office.wait(random.between(1, 120)),
      ];
      await random.pick(actions)();
      // Two nodes at once; the death of one is nothing to the other.
      const nodes = Array.from({ length: random.between(1, 2) }, node);
      await Promise.all(nodes.map((one) => office.drain(one).catch(onlyKilled)));
      files = await holds(office, files);
      await doneWhenSeen(false);
    }
    // Leases end, and everybody does their work.
    while (paid < PAYMENTS) await office.pay(++paid);
    for (let round = 0; round < 6; round += 1) {
      office.wait(16);
      await Promise.all([office.drain(), office.drain()]);
      files = await holds(office, files);
      while (files.some(({ number }) => !imported.has(number))) importOne();
      await exportAll();
      await Promise.all([office.drain(), office.drain()]);
    }
    office.wait(61);
    await office.drain();
    await doneWhenSeen(true);
    const open = (await office.deliveries()).filter(({ state }) => state !== 'done');
    assert.deepEqual(open, []);
    const entries = await entriesOf(office);
    const payments = entries.filter(({ entry }) => entry === 'payment').length;
    assert.equal(office.sage.recordedPayments().length, payments);
    assert.ok(payments + refunded >= PAYMENTS, 'what was never written had gone back');
    await office.check();
  });
}

function onlyKilled(error: unknown): void {
  if (!(error instanceof Killed)) throw error;
}

for (const afterwards of [false, true]) {
  test(`a death ${afterwards ? 'after' : 'before'} each statement of a drain that cuts and marks`, async () => {
    const most = 120;
    await using office = await openOffice({ invoices: most });
    let files: readonly StoredFile[] = [];
    let paid = 0;
    for (let statements = 0; ; statements += 1) {
      assert.ok(statements < most, 'a drain comes to its end');
      // There is always one to be written, and one to be marked as done.
      const waiting = (await office.deliveries()).filter(({ state }) => state !== 'done');
      if (waiting.length <= 1) await office.pay(++paid);
      office.wait(16);
      const killed = await office.drain(dying(office.db, statements, afterwards)).then(
        () => false,
        (error: unknown) => {
          onlyKilled(error);
          return true;
        },
      );
      const before = files.length;
      files = await holds(office, files);
      for (const file of files.slice(before)) office.import(file);
      await office.exportAll();
      if (!killed) break;
    }
    office.wait(16);
    await office.drain();
    for (const file of (await office.files()).slice(files.length)) office.import(file);
    await office.exportAll();
    await office.drain();
    const entries = await entriesOf(office);
    assert.equal(entries.length, paid);
    assert.equal(office.sage.recordedPayments().length, paid);
    assert.ok((await office.deliveries()).every(({ state }) => state === 'done'));
    await office.check();
  });
}
