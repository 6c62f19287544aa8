/** Intuit's processor from a real browser: consent with both scopes, the company told by the way back, and a pull. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import {
  type IntuitPaymentsSimulator,
  simulateIntuitPayments,
} from '../../simulators/intuit-payments.ts';
import { startTestServer, type TestServer } from '../../src/api/test-server.ts';
import { sql } from '../../src/db/database.ts';
import { openBrowser } from '../support/browser.ts';
import { openPage, until } from './visit.ts';

let server: TestServer;
let browser: Browser;
let processor: IntuitPaymentsSimulator;
before(async () => {
  server = await startTestServer();
  browser = await openBrowser();
  processor = await simulateIntuitPayments({ seed: 4872 });
});
after(async () => {
  await browser?.close();
  await processor?.close();
  await server?.[Symbol.asyncDispose]();
});

describe('Intuit Payments by consent', () => {
  it('connects the company that the person chose, and pulls from both hosts', async () => {
    const customer = { externalId: 'cus_1', name: 'Northgate', email: 'ap@x.example' };
    const order = { amountMinor: 12_500n, currency: 'USD', customer, invoiceNumber: 'INV-7' };
    const paymentId = processor.pay(order, new Date());
    const { refreshToken: _, realmId, ...settings } = processor.settings;
    const body = { portal: 'intuit-payments', name: 'Cards', role: 'source', settings };
    const made = await server.call('POST', '/api/v1/connections', { body });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { id } = made.body;
    const early = await server.call('POST', `/api/v1/connections/${id}/test`);
    assert.match(JSON.stringify(early.body), /consent page/);
    const asked = await server.call('POST', `/api/v1/connections/${id}/consent`);
    assert.equal(asked.status, 201, JSON.stringify(asked.body));
    assert.match(
      asked.body.url,
      /scope=com\.intuit\.quickbooks\.payment\+com\.intuit\.quickbooks\.accounting/,
    );
    const page = await openPage(browser, server);
    await page.goto(asked.body.url);
    await page.getByRole('link', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'Connected' }).waitFor();
    const connection = await server.call('GET', `/api/v1/connections/${id}`);
    assert.equal(connection.body.settings.realmId, realmId);
    await until(async () => {
      const [row] = await server.app.database.query(
        sql`select from payments where external_id = ${paymentId} and received_minor = 12500`,
      );
      return row !== undefined;
    });
    const tested = await server.call('POST', `/api/v1/connections/${id}/test`);
    assert.match(JSON.stringify(tested.body), /Simulated Air Service .*with its payments/);
  });
});
