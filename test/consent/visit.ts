/** What a person does in the browser to let us in: shared by the tests of this folder. */
import type { Browser, Page } from 'playwright-core';
import type { TestServer } from '../../src/api/test-server.ts';

const LOOKS = 1200;
const LOOK_MS = 25;

/** A page for which the public address leads to the server under test, as DNS would. */
export async function openPage(browser: Browser, server: TestServer): Promise<Page> {
  const page = await browser.newPage();
  await page.route(`${server.app.config.publicUrl}/**`, async (route) => {
    const request = route.request();
    const { pathname, search } = new URL(request.url());
    const body = request.postData();
    const answer = await fetch(`${server.url}${pathname}${search}`, {
      method: request.method(),
      headers: { 'content-type': request.headers()['content-type'] ?? 'text/plain' },
      ...(body === null ? {} : { body }),
    });
    await route.fulfill({
      status: answer.status,
      contentType: answer.headers.get('content-type') ?? 'text/plain',
      body: await answer.text(),
    });
  });
  return page;
}

/** @throws when it does not come to hold within half a minute */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let look = 0; look < LOOKS; look += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error('it did not happen in time');
}
