/** Letting us into a Sage Intacct company by REST from a real browser; by XML nobody is asked. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { type SageIntacctSimulator, simulateSageIntacct } from '../../simulators/sage-intacct.ts';
import { startTestServer, type TestServer } from '../../src/api/test-server.ts';
import { openBrowser } from '../support/browser.ts';
import { openPage } from './visit.ts';

let server: TestServer;
let browser: Browser;
let company: SageIntacctSimulator;
before(async () => {
  server = await startTestServer();
  browser = await openBrowser();
  company = await simulateSageIntacct({ seed: 4870, api: 'rest' });
});
after(async () => {
  await browser?.close();
  await company?.close();
  await server?.[Symbol.asyncDispose]();
});

describe('Sage Intacct by consent', () => {
  it('asks for offline access, and keeps what comes back', async () => {
    const { refreshToken: _, ...settings } = company.settings;
    const body = { portal: 'sage-intacct', name: 'Our books', role: 'books', settings };
    const made = await server.call('POST', '/api/v1/connections', { body });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { id } = made.body;
    const early = await server.call('POST', `/api/v1/connections/${id}/test`);
    assert.match(JSON.stringify(early.body), /consent page/);
    const asked = await server.call('POST', `/api/v1/connections/${id}/consent`);
    assert.equal(asked.status, 201, JSON.stringify(asked.body));
    assert.equal(new URL(asked.body.url).searchParams.get('scope'), 'offline_access');
    const page = await openPage(browser, server);
    await page.goto(asked.body.url);
    await page.getByRole('link', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'Connected' }).waitFor();
    company.expireAccessTokens();
    const { body: tested } = await server.call('POST', `/api/v1/connections/${id}/test`);
    assert.match(JSON.stringify(tested), /Sage Intacct REST by consent/);
  });

  it('is not offered for the XML gateway, where a user signs in', async () => {
    const xml = await simulateSageIntacct({ seed: 4871 });
    const body = { portal: 'sage-intacct', name: 'XML', role: 'books', settings: xml.settings };
    const made = await server.call('POST', '/api/v1/connections', { body });
    const asked = await server.call('POST', `/api/v1/connections/${made.body.id}/consent`);
    assert.ok(asked.status >= 400, JSON.stringify(asked.body));
    assert.match(
      JSON.stringify(asked.body),
      /not connected by consent, or not with these settings/,
    );
    await server.call('DELETE', `/api/v1/connections/${made.body.id}`);
    await xml.close();
  });
});
