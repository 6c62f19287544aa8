/** Zoho Books from a real browser: the data centre comes with the way back, the only organization is taken. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { simulateZohoBooks, type ZohoBooksSimulator } from '../../simulators/zoho-books.ts';
import { startTestServer, type TestServer } from '../../src/api/test-server.ts';
import { openBrowser } from '../support/browser.ts';
import { openPage } from './visit.ts';

let server: TestServer;
let browser: Browser;
let organization: ZohoBooksSimulator;
before(async () => {
  server = await startTestServer();
  browser = await openBrowser();
  organization = await simulateZohoBooks({ seed: 4870 });
});
after(async () => {
  await browser?.close();
  await organization?.close();
  await server?.[Symbol.asyncDispose]();
});

describe('Zoho Books by consent', () => {
  it('connects the organization that the consent opens', async () => {
    const { refreshToken: _, organizationId, ...settings } = organization.settings;
    const body = { portal: 'zoho-books', name: 'Our books', role: 'books', settings };
    const made = await server.call('POST', '/api/v1/connections', { body });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { id } = made.body;
    const early = await server.call('POST', `/api/v1/connections/${id}/test`);
    assert.match(JSON.stringify(early.body), /consent page/);
    const asked = await server.call('POST', `/api/v1/connections/${id}/consent`);
    assert.equal(asked.status, 201, JSON.stringify(asked.body));
    const page = await openPage(browser, server);
    await page.goto(asked.body.url);
    await page.getByRole('link', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'Connected' }).waitFor();
    const { body: connected } = await server.call('GET', `/api/v1/connections/${id}`);
    assert.equal(connected.settings.organizationId, organizationId);
    const { body: tested } = await server.call('POST', `/api/v1/connections/${id}/test`);
    assert.match(JSON.stringify(tested), /Zoho Books organization Simulated Air Services/);
  });
});
