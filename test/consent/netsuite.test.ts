/** Letting us into a NetSuite account from a real browser; and the ways that need nobody's consent. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { simulateNetSuite } from '../../simulators/netsuite.ts';
import { startTestServer, type TestServer } from '../../src/api/test-server.ts';
import { openBrowser } from '../support/browser.ts';
import { openPage } from './visit.ts';

let server: TestServer;
let browser: Browser;
before(async () => {
  server = await startTestServer();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

async function connect(settings: Readonly<Record<string, string>>) {
  const body = { portal: 'netsuite', name: 'Our books', role: 'books', settings };
  const made = await server.call('POST', '/api/v1/connections', { body });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body.id as string;
}

describe('NetSuite by consent', () => {
  it('lets us into the account, with a code that only its verifier redeems', async () => {
    const account = await simulateNetSuite({ seed: 4872, way: 'consent' });
    try {
      const { refreshToken: _, ...settings } = account.settings;
      const id = await connect(settings);
      const early = await server.call('POST', `/api/v1/connections/${id}/test`);
      assert.match(JSON.stringify(early.body), /consent page/);
      const asked = await server.call('POST', `/api/v1/connections/${id}/consent`);
      assert.equal(asked.status, 201, JSON.stringify(asked.body));
      assert.match(asked.body.url, /\/app\/login\/oauth2\/authorize\.nl\?.*code_challenge=/);
      const page = await openPage(browser, server);
      await page.goto(asked.body.url);
      await page.getByRole('link', { name: 'Allow' }).click();
      await page.getByRole('heading', { name: 'Connected' }).waitFor();
      const { body: tested } = await server.call('POST', `/api/v1/connections/${id}/test`);
      assert.match(
        JSON.stringify(tested),
        /NetSuite account \d+_SB1, signed in by the consent page/,
      );
    } finally {
      await account.close();
    }
  });

  it('asks nobody where a certificate or tokens are given, and can move from one to the other', async () => {
    const old = await simulateNetSuite({ seed: 4873, way: 'tokens' });
    const account = await simulateNetSuite({ seed: 4873, way: 'certificate' });
    try {
      const id = await connect(old.settings);
      const asked = await server.call('POST', `/api/v1/connections/${id}/consent`);
      assert.match(
        JSON.stringify(asked.body),
        /not connected by consent, or not with these settings/,
      );
      const path = `/api/v1/connections/${id}`;
      const mixed = await server.call('PATCH', path, { body: { settings: account.settings } });
      assert.match(JSON.stringify(mixed.body), /are of different ways to sign in/);
      const none = { consumerKey: null, consumerSecret: null, tokenId: null, tokenSecret: null };
      const moved = await server.call('PATCH', path, {
        body: { settings: { ...account.settings, ...none } },
      });
      assert.equal(moved.status, 200, JSON.stringify(moved.body));
      const again = await server.call('POST', `${path}/consent`);
      assert.match(
        JSON.stringify(again.body),
        /not connected by consent, or not with these settings/,
      );
      const tested = await server.call('POST', `${path}/test`);
      assert.match(JSON.stringify(tested.body), /signed in by certificate/);
    } finally {
      await old.close();
      await account.close();
    }
  });
});
