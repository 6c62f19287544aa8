import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { openBrowser } from './browser.ts';

test('the browser runs a page of this machine and reaches no other', async () => {
  const server = createServer((_request, reply) => {
    reply.setHeader('content-type', 'text/html; charset=utf-8');
    reply.end(
      '<!doctype html><h1></h1><script>document.querySelector("h1").textContent = 6 * 7</script>',
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await using browser = await openBrowser();
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    assert.equal(await page.locator('h1').textContent(), '42');
    await assert.rejects(page.goto('https://example.com/'), /ERR_NAME_NOT_RESOLVED/);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
