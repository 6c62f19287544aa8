/** How a person lets us into any portal by its consent page: connect, ask, allow, perhaps choose. */
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import type { SimulatedPortal } from '../../simulators/contract.ts';
import type { TestServer } from '../../src/api/test-server.ts';
import { openPage } from './visit.ts';

export type LettingIn = {
  readonly simulated: Pick<SimulatedPortal, 'portal' | 'role' | 'settings'>;
  /** The settings that nobody enters, because the consent tells them or a person chooses them. */
  readonly brings: readonly string[];
  /** The account to be chosen, where the consent opens several. */
  readonly chooses?: string;
};

/** The connection's id and the address that the person was sent to. Every step is looked at on the way. */
export async function letIn(
  { server, browser }: { readonly server: TestServer; readonly browser: Browser },
  { simulated, brings, chooses }: LettingIn,
): Promise<{ readonly id: string; readonly address: string }> {
  const unknown = ['refreshToken', ...brings];
  const settings = Object.fromEntries(
    Object.entries(simulated.settings).filter(([name]) => !unknown.includes(name)),
  );
  const { portal, role } = simulated;
  const body = { portal, name: 'Ours', role, settings };
  const made = await server.call('POST', '/api/v1/connections', { body });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { id } = made.body;
  const early = await server.call('POST', `/api/v1/connections/${id}/test`);
  assert.match(JSON.stringify(early.body), /consent page/, 'it says what is to be done');
  const asked = await server.call('POST', `/api/v1/connections/${id}/consent`);
  assert.equal(asked.status, 201, JSON.stringify(asked.body));
  const page = await openPage(browser, server);
  await page.goto(asked.body.url);
  await page.getByRole('link', { name: 'Allow' }).click();
  if (chooses !== undefined) await page.getByRole('button', { name: chooses }).click();
  await page.getByRole('heading', { name: 'Connected' }).waitFor();
  await page.close();
  const connected = await server.call('GET', `/api/v1/connections/${id}`);
  for (const name of brings) {
    assert.equal(connected.body.settings[name], simulated.settings[name], name);
  }
  return { id, address: asked.body.url };
}

/** What the connection says of itself when it is tested. */
export async function tested(server: TestServer, id: string): Promise<string> {
  const { body } = await server.call('POST', `/api/v1/connections/${id}/test`);
  return JSON.stringify(body);
}
