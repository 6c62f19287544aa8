/** A firm on Sage 50 without any bridge, on the shipped server: card payments go in by files, and out by files. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { simulateSage50 } from '../../simulators/sage-50.ts';
import { simulateStripe } from '../../simulators/stripe.ts';
import { eventually, type Firm, openFirm } from './firm.ts';

type Page<T> = { readonly data: readonly T[] };
type Connection = { readonly id: string; readonly webhookUrl: string };
type Delivery = {
  readonly topic: string;
  readonly state: string;
  readonly lastError: string | null;
  readonly system: { readonly kind: string };
};
type ImportFile = { readonly id: string; readonly name: string; readonly seen: number };
type Payment = { readonly id: string; readonly status: string };

const ORDER = {
  amountMinor: 123_910n,
  currency: 'USD',
  customer: { externalId: 'cus_1', name: 'Northfield', email: 'ap@n.example' },
  invoiceNumber: 'INV-1016',
};

test('a card payment is imported once, and so is its refund', async () => {
  await using firm = await openFirm();
  const stripe = await simulateStripe({ seed: 11 });
  const sage = await simulateSage50({ seed: 11, bridge: 'none' });
  const desk = await mkdtemp(join(tmpdir(), 'checkvalve-desk-'));
  try {
    const customerExternalId = sage.addCustomer(ORDER.customer, new Date());
    const { amountMinor, currency, invoiceNumber: number } = ORDER;
    sage.addInvoice({ number, customerExternalId, amountMinor, currency }, new Date());
    const { secretKey: _, ...listening } = stripe.settings;
    const processor = await connect(firm, 'stripe', 'source', listening);
    const books = await connect(firm, 'sage-50', 'books', sage.settings);
    const folder = join(firm.filesDirectory, books.id);
    await eventually('the folder', () => readdir(join(folder, 'in')).catch(() => undefined));
    const upload = async (name: string) => {
      await writeFile(join(desk, name), sage.exportFile());
      await firm.command('upload', books.id, join(desk, name));
    };
    const exportAll = async (name: string) => {
      // As the script of the documentation does: written beside, then renamed.
      await writeFile(join(folder, 'in', `${name}.part`), sage.exportFile());
      await rename(join(folder, 'in', `${name}.part`), join(folder, 'in', `${name}.csv`));
    };
    const tell = async () => {
      for (const notice of stripe.takeNotices()) {
        const { headers, body } = notice.sign(new Date());
        const url = `${firm.url()}${new URL(processor.webhookUrl).pathname}`;
        const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) });
        assert.ok(answer.ok, `${notice.label}: ${answer.status}`);
      }
    };
    const delivery = (topic: string, state: string) =>
      eventually(`${topic} is ${state}`, async () => {
        const { data } = await firm.call<Page<Delivery>>('GET', `/deliveries?state=${state}`);
        return data.find((one) => one.topic === topic && one.system.kind === 'books');
      });

    await upload('customers-and-invoices.csv');
    await eventually('the invoice', async () => {
      const { data } = await firm.call<Page<unknown>>('GET', '/invoices');
      return data.length > 0;
    });
    const charge = stripe.pay(ORDER, new Date());
    await tell();
    const waiting = await delivery('payment.applied', 'waiting');
    await firm.restart();
    await eventually('the plan', async () => {
      const { lastError } = await delivery('payment.applied', 'waiting');
      return lastError?.startsWith('it goes into the next import file');
    });
    assert.equal(waiting.state, 'waiting');

    const cut = JSON.parse(await firm.command('import-files', '--cut', '--json')) as ImportFile;
    const out = await eventually('the file in its folder', () =>
      readFile(join(folder, 'out', cut.name)).catch(() => undefined),
    );
    const body = await firm.call<Buffer>('GET', `/import-files/${cut.id}/content`);
    assert.deepEqual(out, body);
    const [imported] = sage.importFile(body.toString(), new Date());
    await exportAll('after-the-import');
    await delivery('payment.applied', 'done');

    stripe.refund?.(charge, ORDER.amountMinor, new Date());
    await tell();
    await delivery('refund.succeeded', 'waiting');
    await firm.command('import-files', '--cut');
    const listed = JSON.parse(await firm.command('import-files', '--json')) as ImportFile[];
    assert.deepEqual(
      listed.map(({ seen }) => seen),
      [0, 1],
    );
    const back = listed[0]?.name ?? '';
    await firm.command('import-files', '--download', back, '--to', join(desk, back));
    await assert.rejects(
      firm.command('import-files', '--download', back, '--to', join(desk, back)),
      /cannot be written/,
    );
    await assert.rejects(firm.command('import-files', '--cut'), /Nothing waits/);
    sage.importFile(await readFile(join(desk, back), 'utf8'), new Date());
    await upload('after-the-reversal.csv');
    await delivery('refund.succeeded', 'done');

    assert.deepEqual(
      sage.recordedPayments().map(({ externalId }) => externalId),
      [imported],
    );
    const { data: payments } = await firm.call<Page<Payment>>('GET', '/payments');
    assert.equal(payments.length, 1, 'its copy in Sage 50 is no second payment');
    assert.match(await firm.command('import-files'), new RegExp(`${back} .* 1 `));
    await firm.command('verify');
    await firm.command('rebuild', '--check');
  } finally {
    await rm(desk, { recursive: true });
    await stripe.close();
    await sage.close();
  }
});

function connect(
  firm: Firm,
  portal: string,
  role: string,
  settings: Readonly<Record<string, string>>,
): Promise<Connection> {
  return firm.call<Connection>('POST', '/connections', { portal, name: portal, role, settings });
}
