/** Payments that reach Sage 50 by files which a bookkeeper imports: once, whatever happens on the way. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sql } from '../../src/db/database.ts';
import { type Office, openOffice, type StoredFile } from './office.ts';

const DAY = 24 * 60;

const lines = ({ body }: StoredFile) => body.toString().trimEnd().split('\r\n').slice(1);
const states = async (office: Office) =>
  (await office.deliveries()).map(({ topic, state }) => `${topic} ${state}`);
const reason = async (office: Office) =>
  (await office.deliveries()).find(({ state }) => state !== 'done')?.because;

/** Lets time pass until the file is there. */
async function written(office: Office): Promise<StoredFile> {
  await office.drain();
  office.wait(16);
  await office.drain();
  const file = (await office.files()).at(-1);
  assert.ok(file);
  return file;
}

test('a payment is gathered, written, imported, exported, and known as recorded; so is its reversal', async () => {
  await using office = await openOffice();
  await office.pay(1);
  const { sent } = await office.drain();
  assert.equal(sent, 0, 'nothing went anywhere');
  assert.match(
    (await reason(office)) ?? '',
    /it goes into the next import file, at 2026-11-21T23:15/,
  );
  assert.deepEqual(await office.files(), []);
  office.wait(70);
  await office.drain();
  const [file, ...others] = await office.files();
  assert.ok(file);
  assert.deepEqual(others, []);
  assert.match(file.name, /^2026-11-22-1-[0-9a-f]{8}\.csv$/, 'by the firm’s day');
  assert.match(lines(file).join(), /^SA,.*,CV-test01-pay_\d,.*INV INV-1,100\.00,/);
  assert.equal(await reason(office), `written into ${file.name}, which nobody has imported yet`);
  const [imported] = office.import(file);
  await office.exportAll();
  await office.drain();
  assert.deepEqual(await states(office), ['payment.applied done']);
  const [known] = await office.db.query<{ name: string }>(
    sql`select external_id as name from identities
        where kind = 'payment' and connection_id = ${office.connectionId}`,
  );
  assert.equal(known?.name, imported);
  assert.equal(office.sage.recordedPayments().length, 1);

  office.wait(DAY);
  await office.refund(1);
  const back = await written(office);
  assert.equal(back.number, 2);
  assert.match(lines(back).join(), /^SP,.*,23\/11\/2026,CV-test01-pay_\d-R,.*,100\.00,/);
  office.import(back);
  await office.exportAll();
  await office.drain();
  assert.deepEqual(await states(office), ['payment.applied done', 'refund.succeeded done']);
  office.wait(DAY);
  await office.drain();
  assert.equal((await office.files()).length, 2);
  await office.check();
});

describe('files', () => {
  test('gather what comes within a quarter of an hour, and number what comes later', async () => {
    await using office = await openOffice({ invoices: 3 });
    await office.pay(1);
    await office.drain();
    office.wait(10);
    await office.pay(2);
    await office.drain();
    office.wait(6);
    await office.drain();
    await office.pay(3);
    await written(office);
    const files = await office.files();
    assert.deepEqual(
      files.map((file) => [file.number, lines(file).length]),
      [
        [1, 2],
        [2, 1],
      ],
    );
    const attempts = (await office.deliveries()).map((one) => one.attempts);
    assert.deepEqual(attempts, [0, 0, 0], 'waiting is no failure');
    const [row] = await office.db.query(sql`select count(*) from delivery_attempts`);
    assert.deepEqual(row, { count: 0n });
  });

  test('are cut at once when a person asks, and only when something waits', async () => {
    await using office = await openOffice({ invoices: 2 });
    assert.equal(await office.cut(), undefined);
    await office.pay(1);
    await office.pay(2);
    const file = await office.cut();
    assert.equal(file?.deliveries.size, 2);
    assert.equal(await office.cut(), undefined);
    assert.match((await reason(office)) ?? '', new RegExp(`written into ${file?.name}`));
    await office.drain();
    office.wait(60);
    await office.drain();
    assert.equal((await office.files()).length, 1);
  });

  test('and their rows are never changed', async () => {
    await using office = await openOffice();
    await office.pay(1);
    await office.cut();
    const { db } = office;
    await assert.rejects(db.execute(sql`update import_files set body = 'x'`), /only learns/);
    await assert.rejects(db.execute(sql`delete from import_files`), /append-only/);
    await assert.rejects(db.execute(sql`update import_file_entries set mark = ''`), /append-only/);
    const download = sql`update import_files set first_downloaded_at = now()`;
    await db.execute(download);
    await assert.rejects(db.execute(download), /only learns/);
  });

  test('do not hold what they cannot say: a person is asked', async () => {
    await using office = await openOffice();
    office.bill(2, 'EUR');
    await office.exportAll();
    await office.pay(1);
    await office.pay(2, { currency: 'EUR' });
    assert.equal(lines(await written(office)).length, 1);
    assert.equal((await office.files()).length, 1);
    const [waiting, parked] = await office.deliveries();
    assert.equal(waiting?.state, 'waiting');
    assert.equal(parked?.state, 'parked');
    assert.match(parked?.because ?? '', /is in EUR: an import needs its exchange rate/);
  });
});

describe('a file that nobody imports', () => {
  test('is asked about after three days; a retry writes nothing anew, an export is the answer', async () => {
    await using office = await openOffice();
    await office.pay(1);
    const file = await written(office);
    for (let hour = 0; hour < 71; hour += 1) {
      office.wait(60);
      await office.drain();
    }
    assert.deepEqual(await states(office), ['payment.applied waiting']);
    office.wait(60);
    await office.drain();
    assert.deepEqual(await states(office), ['payment.applied parked']);
    assert.match((await reason(office)) ?? '', new RegExp(`^import ${file.name} into these books`));
    await office.retry();
    await office.drain();
    assert.deepEqual(await states(office), ['payment.applied parked']);
    office.import(file);
    await office.exportAll();
    await office.drain();
    assert.deepEqual(await states(office), ['payment.applied done'], 'nobody had to retry it');
    assert.equal((await office.files()).length, 1);
  });

  test('keeps back the reversal of its payment until it is imported', async () => {
    await using office = await openOffice();
    await office.pay(1);
    const file = await written(office);
    await office.refund(1);
    office.wait(DAY);
    await office.drain();
    assert.equal((await office.files()).length, 1);
    assert.deepEqual(await states(office), ['payment.applied waiting', 'refund.succeeded waiting']);
    office.import(file);
    await office.exportAll();
    await office.drain();
    const back = (await office.files()).at(-1);
    assert.equal(back?.number, 2);
    assert.ok(back);
    office.import(back);
    await office.exportAll();
    await office.drain();
    assert.deepEqual(await states(office), ['payment.applied done', 'refund.succeeded done']);
    await office.check();
  });
});

test('a row that was changed before it was imported is a person’s, until it is corrected there', async () => {
  await using office = await openOffice();
  await office.pay(1);
  const file = await written(office);
  const changed = Buffer.from(file.body.toString().replace(',100.00,', ',90.00,'));
  const [imported = ''] = office.import({ ...file, body: changed });
  await office.exportAll();
  await office.drain();
  assert.deepEqual(await states(office), ['payment.applied parked']);
  assert.match((await reason(office)) ?? '', /as 90\.00 USD, and .* says 100\.00 USD/);
  office.wait(60);
  office.sage.correct(imported, 10_000n, office.now());
  await office.exportAll();
  await office.drain();
  assert.deepEqual(await states(office), ['payment.applied done']);
});

describe('what need not be written', () => {
  test('is money that went back before its file was cut', async () => {
    await using office = await openOffice();
    await office.pay(1);
    await office.drain();
    await office.refund(1);
    office.wait(60);
    await office.drain();
    assert.deepEqual(await office.files(), []);
    assert.deepEqual(await states(office), []);
  });

  test('is the reversal of what somebody deleted in the books', async () => {
    await using office = await openOffice();
    await office.pay(1);
    const file = await written(office);
    const [imported = ''] = office.import(file);
    await office.exportAll();
    await office.drain();
    office.wait(60);
    office.sage.remove(imported, office.now());
    await office.exportAll();
    await office.refund(1);
    office.wait(60);
    await office.drain();
    assert.deepEqual(await states(office), ['payment.applied done', 'refund.succeeded done']);
    assert.equal((await office.files()).length, 1);
  });

  test('but what somebody corrected under another number stands, and is taken back', async () => {
    await using office = await openOffice();
    await office.pay(1);
    const [imported = ''] = office.import(await written(office));
    await office.exportAll();
    await office.drain();
    office.wait(60);
    office.sage.correct(imported, 9_900n, office.now());
    await office.exportAll();
    await office.refund(1);
    office.wait(60);
    await office.drain();
    assert.equal((await office.files()).length, 2);
  });

  test('is part of a payment that went back: that is the bookkeeper’s decision', async () => {
    await using office = await openOffice();
    await office.pay(1);
    office.import(await written(office));
    await office.exportAll();
    await office.drain();
    await office.refund(1, '40.00');
    office.wait(60);
    await office.drain();
    assert.equal((await office.files()).length, 1);
    assert.deepEqual(await states(office), ['payment.applied done']);
  });
});
