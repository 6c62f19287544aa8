/** The live page in a real browser, against an API from fixtures. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, type TestContext } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { CONSOLE_ROOT, ensureConsoleBuilt } from '../src/api/console-build.ts';
import { openBrowser } from '../test/support/browser.ts';
import type { Payment } from './src/api/payment.ts';
import { type ApiServer, KEY, ORIGINAL, openApiServer } from './test/api-server.ts';
import { release, somePayment } from './test/payments.ts';

const SOON_MS = 5_000;
const quiet = { info() {}, warn() {} };

let parent: string;
let dist: string;
let browser: Browser;

before(async () => {
  parent = await mkdtemp(join(tmpdir(), 'checkvalve-console-'));
  dist = join(parent, 'dist');
  const built = await ensureConsoleBuilt(quiet, { root: CONSOLE_ROOT, dist });
  assert.equal(built.outcome, 'built');
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await rm(parent, { recursive: true, force: true });
});

type Visit = { readonly page: Page; readonly server: ApiServer };

/**
 * A fresh server with these payments and a browser at the address, signed in unless it says
 * otherwise.
 */
async function visit(
  t: TestContext,
  payments: Payment[],
  options: { path?: string; hash?: string; width?: number; failing?: number } = {},
): Promise<Visit> {
  const server = await openApiServer(dist);
  t.after(() => server.close());
  server.payments = payments;
  server.failing = options.failing ?? null;
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: 800 },
    locale: 'en-US',
    timezoneId: 'America/Chicago',
  });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(SOON_MS);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // A failed answer is logged by the browser itself; everything else is ours.
    const ours = !message.text().startsWith('Failed to load resource');
    if (ours && ['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  t.after(() => assert.deepEqual(complaints, []));
  await page.goto(`${server.url}${options.path ?? '/'}${options.hash ?? `#key=${KEY}`}`);
  return { page, server };
}

const rows = (page: Page) => page.getByRole('table', { name: 'Payments' }).locator('tbody tr');
const row = (page: Page, text: string) => rows(page).filter({ hasText: text });
const settle = (page: Page) =>
  page
    .getByRole('status')
    .filter({ hasText: /^Live$/ })
    .waitFor();

test('a pasted key signs in, a wrong one is told apart, signing out forgets', async (t) => {
  const { page } = await visit(t, [somePayment(1)], { hash: ' ' });
  await page.getByText('./bin/checkvalve api-key create --name me --role owner').waitFor();
  const key = page.getByLabel('API key', { exact: true });
  await key.fill('ck_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').filter({ hasText: 'does not accept this key' }).waitFor();

  await key.fill(KEY);
  await key.press('Enter');
  await row(page, 'Acme Foundry').waitFor();
  await page.reload();
  await row(page, 'Acme Foundry').waitFor();

  await page.getByRole('button', { name: 'Sign out' }).click();
  await key.waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});

test('a key in the address signs in and leaves the address', async (t) => {
  const { page } = await visit(t, [somePayment(1)], { path: '/?portal=stripe' });
  await row(page, 'Acme Foundry').waitFor();
  assert.equal(page.url().replace(/^[^/]+\/\/[^/]+/, ''), '/payments?portal=stripe');

  await page.goto(`${page.url()}#key=ck_revoked`);
  await page.getByRole('alert').filter({ hasText: 'does not accept this key' }).waitFor();
  assert.ok(!page.url().includes('ck_revoked'));
});

test('a row says what came in, for what, and what it released', async (t) => {
  const { page } = await visit(t, [
    somePayment(2, {
      unapplied: { amount: '75.00', currency: 'USD' },
      releases: [release(9, 'service.release', 'work-order', 'WO-1042')],
    }),
    somePayment(1, { amount: '12000', currency: 'JPY', status: 'failed', customer: null }),
  ]);
  const first = row(page, 'INV-2002');
  await first.waitFor();
  for (const text of ['Succeeded', '$1,075.00', 'Acme Foundry', '$75.00 unapplied', 'Stripe']) {
    await first.getByText(text, { exact: true }).waitFor();
  }
  await first.getByText('Service released WO-1042').waitFor();
  assert.match((await first.locator('time').getAttribute('title')) ?? '', /UTC$/);
  await row(page, 'Unknown payer').getByText('¥12,000').waitFor();

  const today = page.getByRole('region', { name: 'Today' });
  await today.getByText('$1,075.00').waitFor();
  await today.getByText('1 payment', { exact: true }).waitFor();
  await today.getByText('waiting for a decision').waitFor();
});

test('a streamed payment appears, changes and is counted without a reload', async (t) => {
  const { page, server } = await visit(t, [somePayment(1)]);
  await row(page, 'INV-2001').waitFor();
  await settle(page);
  server.stream(somePayment(2, { status: 'pending', allocations: [], amount: '300.00' }));
  await rows(page).first().getByText('Pending').waitFor();
  assert.equal(await rows(page).count(), 2);

  const released = [release(3, 'parts.dispatch', 'parts-order', 'PO-31')];
  server.stream(somePayment(2, { amount: '300.00', releases: released }));
  await rows(page).first().getByText('Parts dispatched PO-31').waitFor();
  await rows(page).first().getByText('Succeeded').waitFor();
  assert.equal(await rows(page).count(), 2);
  await page.getByRole('region', { name: 'Today' }).getByText('$1,375.00').waitFor();
});

test('a broken stream is said, resumed after its last event, and nothing is missed', async (t) => {
  const { page, server } = await visit(t, []);
  await settle(page);
  server.stream(somePayment(1));
  await row(page, 'INV-2001').waitFor();
  server.cutStreams();
  await page.getByRole('status').filter({ hasText: 'Reconnecting' }).waitFor();
  server.payments.unshift(somePayment(2));
  await row(page, 'INV-2002').waitFor();
  await settle(page);
  assert.deepEqual(server.resumedAfter, [undefined, '41']);
});

test('filters live in the address and survive a reload', async (t) => {
  const { page, server } = await visit(t, [
    somePayment(3, { status: 'failed', portal: 'mollie' }),
    somePayment(2),
    somePayment(1, { customer: null }),
  ]);
  await row(page, 'INV-2003').waitFor();
  await page.getByRole('combobox', { name: 'Status' }).click();
  await page.getByRole('option', { name: 'Succeeded' }).click();
  await page.getByRole('combobox', { name: 'Portal' }).click();
  await page.getByRole('option', { name: 'Stripe' }).click();
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.getByRole('searchbox', { name: 'Search payments' }).fill('acme');
  await page.waitForURL(/\?status=succeeded&portal=stripe&text=acme$/);
  await page.reload();
  await row(page, 'INV-2002').waitFor();
  assert.equal(await rows(page).count(), 1);

  await settle(page);
  server.stream(somePayment(2, { status: 'disputed' }));
  await page.getByText('No payment matches these filters').waitFor();
  await page.getByRole('button', { name: 'Clear filters' }).last().click();
  await row(page, 'INV-2003').waitFor();
  assert.ok(page.url().endsWith('/payments'));
});

test('the panel opens by keyboard, leads to the bytes, and gives the focus back', async (t) => {
  const { page, server } = await visit(t, [somePayment(2), somePayment(1)]);
  const link = row(page, 'INV-2001').getByRole('link');
  await rows(page).first().getByRole('link').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\?payment=pay_1$/);

  const panel = page.getByRole('complementary', { name: 'Payment' });
  await panel.getByText('The payment names invoice INV-2001.').waitFor();
  await panel.getByText('unapplied-cash:cus_4').first().waitFor();
  await panel.getByText('Payment released to Dispatch board').waitFor();
  await panel.getByRole('button', { name: 'Original bytes of doc_71' }).click();
  await panel.getByText(ORIGINAL).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    panel.getByRole('link', { name: 'Download' }).click(),
  ]);
  assert.equal(download.suggestedFilename(), 'doc_71');

  await settle(page);
  server.stream(somePayment(1, { status: 'disputed' }));
  await panel.getByText('Disputed').first().waitFor();

  await page.keyboard.press('Escape');
  await panel.waitFor({ state: 'detached' });
  assert.ok(await link.evaluate((element) => element === document.activeElement));
});

test('a payment that does not exist is said in the panel', async (t) => {
  const { page } = await visit(t, [somePayment(1)], { path: '/payments?payment=pay_404' });
  await page.getByText('There is no payment with this id.').waitFor();
});

test('on a phone the panel is a dialog and nothing sticks out', async (t) => {
  const { page } = await visit(t, [somePayment(1)], { width: 360 });
  await row(page, 'INV-2001').getByRole('link').click();
  const panel = page.getByRole('dialog', { name: 'Payment' });
  await panel.getByText('The payment names invoice INV-2001.').waitFor();
  const overflow = () =>
    page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.equal(await overflow(), 0);
  await panel.getByRole('button', { name: 'Close payment' }).click();
  await panel.waitFor({ state: 'hidden' });
  assert.equal(await overflow(), 0);
});

test('a failing API is told, and tried again on request', async (t) => {
  const { page, server } = await visit(t, [somePayment(1)], { failing: 500 });
  const alert = page.getByRole('alert').filter({ hasText: 'The payments could not be read' });
  await alert.getByText('Answered 500 by the test.').waitFor();
  server.failing = null;
  await alert.getByRole('button', { name: 'Try again' }).click();
  await row(page, 'INV-2001').waitFor();
});

test('an empty list says how payments come to be', async (t) => {
  const { page } = await visit(t, []);
  await page.getByText('No payments yet').waitFor();
  await page.getByText('./bin/checkvalve demo').waitFor();
});

test('older payments come on request, and the text filter says what it searched', async (t) => {
  const many = Array.from({ length: 130 }, (_, index) => somePayment(130 - index));
  const { page } = await visit(t, many, { path: '/payments?text=INV-2005' });
  await page.getByText('Searched the 100 newest payments.').waitFor();
  await page.getByRole('button', { name: 'Search older payments' }).click();
  await row(page, 'INV-2005').waitFor();
  assert.equal(await rows(page).count(), 1);
});

const importFile = (number: number, more: Partial<ApiServer['importFiles'][number]> = {}) => ({
  id: `imp_${number}`,
  systemId: 'sys_books',
  name: `2026-11-2${number}-${number}-0a1b2c3d.csv`,
  createdAt: `2026-11-2${number}T08:00:00.000Z`,
  firstDownloadedAt: null,
  seen: 0,
  entries: [{}, {}, {}],
  ...more,
});

test('import files are listed once there are any, downloaded, and known as downloaded', async (t) => {
  const { page, server } = await visit(t, [somePayment(1)]);
  await row(page, 'INV-2001').waitFor();
  assert.equal(await page.getByRole('link', { name: 'Import files' }).count(), 0);
  server.importFiles = [importFile(2), importFile(1, { seen: 3 })];
  await page.reload();
  await page.getByRole('link', { name: 'Import files' }).click();
  const files = page.getByRole('table', { name: 'Import files' }).locator('tbody tr');
  await files.first().getByText('2026-11-22-2-0a1b2c3d.csv').waitFor();
  await files.first().getByText('0 of 3 seen').waitFor();
  await files.last().getByText('all 3 seen').waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    files.first().getByRole('button').click(),
  ]);
  assert.equal(download.suggestedFilename(), '2026-11-22-2-0a1b2c3d.csv');
  await files.first().getByText('Download again').waitFor();
  // Somebody else's key, or a file that is gone: the reason stands beside the button.
  server.importFiles = [];
  await files.last().getByRole('button').click();
  await page.getByRole('alert').getByText('Answered 403 by the test.').waitFor();
});

test('without import files their page says how they come to be, and a failure is told', async (t) => {
  const { page, server } = await visit(t, [], { path: '/import-files', width: 360 });
  await page.getByText('No import file has been written').waitFor();
  server.failing = 500;
  await page.reload();
  const alert = page.getByRole('alert').filter({ hasText: 'The import files could not be read' });
  await alert.getByText('Answered 500 by the test.').waitFor();
  server.failing = null;
  server.importFiles = [importFile(1)];
  await alert.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('2026-11-21-1-0a1b2c3d.csv').waitFor();
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - window.innerWidth,
  );
  assert.equal(overflow, 0, 'on a phone nothing sticks out');
});
