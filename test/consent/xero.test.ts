/** Xero from a real browser: consent, the organisation chosen among several, and the first pull. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { simulateXero, type XeroSimulator } from '../../simulators/xero.ts';
import { startTestServer, type TestServer } from '../../src/api/test-server.ts';
import { sql } from '../../src/db/database.ts';
import { openBrowser } from '../support/browser.ts';
import { openPage, until } from './visit.ts';

let server: TestServer;
let browser: Browser;
let organisation: XeroSimulator;
before(async () => {
  server = await startTestServer();
  browser = await openBrowser();
  organisation = await simulateXero({ seed: 4871, furtherOrganisations: ['Demo Company (NZ)'] });
});
after(async () => {
  await browser?.close();
  await organisation?.close();
  await server?.[Symbol.asyncDispose]();
});

describe('Xero by consent', () => {
  it('connects the organisation that the person chose among several, and pulls', async () => {
    const customer = organisation.addCustomer(
      { name: 'Northgate', email: 'ap@x.example' },
      new Date(),
    );
    organisation.addInvoice(
      { number: 'INV-7', customerExternalId: customer, amountMinor: 12_500n, currency: 'USD' },
      new Date(),
    );
    const { refreshToken: _, tenantId, ...settings } = organisation.settings;
    const body = { portal: 'xero', name: 'Our books', role: 'books', settings };
    const made = await server.call('POST', '/api/v1/connections', { body });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { id } = made.body;
    const early = await server.call('POST', `/api/v1/connections/${id}/test`);
    assert.match(JSON.stringify(early.body), /consent page/);
    const asked = await server.call('POST', `/api/v1/connections/${id}/consent`);
    assert.equal(asked.status, 201, JSON.stringify(asked.body));
    assert.match(asked.body.url, /scope=offline_access\+accounting\.payments/);
    const page = await openPage(browser, server);
    await page.goto(asked.body.url);
    await page.getByRole('link', { name: 'Allow' }).click();
    await page.getByRole('button', { name: 'Simulated Air Services Ltd' }).click();
    await page.getByRole('heading', { name: 'Connected' }).waitFor();
    const connection = await server.call('GET', `/api/v1/connections/${id}`);
    assert.equal(connection.body.settings.tenantId, tenantId);
    await until(async () => {
      const [row] = await server.app.database.query(
        sql`select from invoices where number = 'INV-7'`,
      );
      return row !== undefined;
    });
    const tested = await server.call('POST', `/api/v1/connections/${id}/test`);
    assert.match(JSON.stringify(tested.body), /Xero organisation Simulated Air Services Ltd/);
  });
});
