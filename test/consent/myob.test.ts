/** Letting us into a MYOB company file from a real browser: the way back alone tells which file it is. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { type MyobSimulator, simulateMyob } from '../../simulators/myob.ts';
import { startTestServer, type TestServer } from '../../src/api/test-server.ts';
import { openBrowser } from '../support/browser.ts';
import { openPage } from './visit.ts';

let server: TestServer;
let browser: Browser;
let file: MyobSimulator;
before(async () => {
  server = await startTestServer();
  browser = await openBrowser();
  file = await simulateMyob({ seed: 4870 });
});
after(async () => {
  await browser?.close();
  await file?.close();
  await server?.[Symbol.asyncDispose]();
});

describe('MYOB by consent', () => {
  it('connects the company file that the person chose', async () => {
    const { refreshToken: _, companyFileId, ...settings } = file.settings;
    const body = { portal: 'myob', name: 'Our books', role: 'books', settings };
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
    assert.equal(connected.settings.companyFileId, companyFileId);
    const { body: tested } = await server.call('POST', `/api/v1/connections/${id}/test`);
    assert.match(JSON.stringify(tested), /MYOB company file Simulated Air Services/);
  });
});
