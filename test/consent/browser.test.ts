/** Letting us in from a real browser: consent, the way back, the account, and the first pull. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { type QuickBooksSimulator, simulateQuickBooks } from '../../simulators/quickbooks.ts';
import { startTestServer, type TestServer } from '../../src/api/test-server.ts';
import { sql } from '../../src/db/database.ts';
import { openBrowser } from '../support/browser.ts';
import { openPage, until } from './visit.ts';

let server: TestServer;
let browser: Browser;
let company: QuickBooksSimulator;
before(async () => {
  server = await startTestServer();
  browser = await openBrowser();
  company = await simulateQuickBooks({ seed: 4870 });
});
after(async () => {
  await browser?.close();
  await company?.close();
  await server?.[Symbol.asyncDispose]();
});

async function connect(): Promise<string> {
  const { refreshToken: _, realmId: __, ...settings } = company.settings;
  const body = { portal: 'quickbooks', name: 'Our books', role: 'books', settings };
  const made = await server.call('POST', '/api/v1/connections', { body });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body.id;
}

async function askFor(id: string): Promise<string> {
  const asked = await server.call('POST', `/api/v1/connections/${id}/consent`);
  assert.equal(asked.status, 201, JSON.stringify(asked.body));
  return asked.body.url;
}

describe('QuickBooks by consent', () => {
  it('connects the company that the person chose, and pulls', async () => {
    const customer = company.addCustomer({ name: 'Northgate', email: 'ap@x.example' }, new Date());
    company.addInvoice(
      { number: 'INV-7', customerExternalId: customer, amountMinor: 12_500n, currency: 'USD' },
      new Date(),
    );
    const id = await connect();
    const before = await server.call('POST', `/api/v1/connections/${id}/test`);
    assert.match(JSON.stringify(before.body), /consent page/);
    const page = await openPage(browser, server);
    await page.goto(await askFor(id));
    await page.getByRole('link', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'Connected' }).waitFor();
    assert.match((await page.textContent('main')) ?? '', /Our books is connected to QuickBooks/);
    const { body } = await server.call('GET', `/api/v1/connections/${id}`);
    assert.equal(body.settings.realmId, company.settings.realmId);
    await until(async () => {
      const [row] = await server.app.database.query(
        sql`select from invoices where number = 'INV-7'`,
      );
      return row !== undefined;
    });
    const { body: tested } = await server.call('POST', `/api/v1/connections/${id}/test`);
    assert.match(JSON.stringify(tested), /QuickBooks company Simulated Air Service/);
  });

  it('consent again keeps the connection and what it knows', async () => {
    const [{ id }] = (await server.call('GET', '/api/v1/connections')).body.data;
    const documents = await count();
    const page = await openPage(browser, server);
    await page.goto(await askFor(id));
    await page.getByRole('link', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'Connected' }).waitFor();
    assert.ok((await count()) >= documents);
    assert.equal((await server.call('GET', '/api/v1/connections')).body.data.length, 1);
  });

  it('a consent that was denied, used twice or invented connects nothing', async () => {
    const id = await connect();
    const page = await openPage(browser, server);
    await page.goto(await askFor(id));
    await page.getByRole('link', { name: 'Deny' }).click();
    await page.getByRole('heading', { name: 'Not connected' }).waitFor();
    assert.match((await page.textContent('main')) ?? '', /The user denied access/);
    await page.goto(await askFor(id));
    const allow = await page.getByRole('link', { name: 'Allow' }).getAttribute('href');
    await page.goto(allow ?? '');
    await page.getByRole('heading', { name: 'Connected' }).waitFor();
    for (const address of [
      allow ?? '',
      `${server.app.config.publicUrl}/oauth/callback?state=x&code=y`,
    ]) {
      await page.goto(address);
      await page.getByRole('heading', { name: 'Not connected' }).waitFor();
      assert.match((await page.textContent('main')) ?? '', /not known, was used, or came too late/);
    }
  });

  it('is refused where there is nothing to consent to, and to those who may not configure', async () => {
    const body = { portal: 'stripe', name: 'Cards', settings: {} };
    const { body: made } = await server.call('POST', '/api/v1/connections', { body });
    const asked = await server.call('POST', `/api/v1/connections/${made.id}/consent`);
    assert.equal(asked.status, 409);
    assert.equal(asked.body.code, 'no-consent');
    const key = await server.keyFor('bookkeeper');
    const id = made.id;
    const refused = await server.call('POST', `/api/v1/connections/${id}/consent`, { key });
    assert.equal(refused.status, 403);
  });
});

async function count(): Promise<number> {
  const [row] = await server.app.database.query<{ count: bigint }>(
    sql`select count(*) as count from documents`,
  );
  return Number(row?.count);
}
