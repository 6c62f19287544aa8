/** How a firm connects one portal: by its settings, and where the portal has a consent page by a person there. */
import assert from 'node:assert/strict';
import type { SimulatedPortal } from '../../simulators/contract.ts';
import type { ConnectionJson } from '../../src/api/json/connection.ts';
import type { Firm } from './firm.ts';

export type Consent = {
  /** The setting that names the account, where we learn it by the consent. */
  readonly tells?: string;
  /** The account to choose, where the consent opens several. */
  readonly choose?: string;
};

export type Connecting = {
  readonly name: string;
  readonly consent?: Consent | undefined;
  /** Settings that nobody enters. */
  readonly without?: readonly string[];
};

/** The id of the new connection. */
export async function connect(
  firm: Firm,
  { portal, role, settings: all }: Pick<SimulatedPortal, 'portal' | 'role' | 'settings'>,
  { name, consent, without = [] }: Connecting,
): Promise<string> {
  const brought = consent ? ['refreshToken', consent.tells] : [];
  const known = Object.entries(all).filter(([each]) => ![...brought, ...without].includes(each));
  const settings = Object.fromEntries(known);
  const asked = { portal, name, role, settings };
  const { id } = await firm.call<ConnectionJson>('POST', '/connections', asked);
  if (!consent) return id;
  const { url } = await firm.call<{ url: string }>('POST', `/connections/${id}/consent`);
  const page = await (await firm.browser()).newPage();
  await page.goto(url);
  await page.getByRole('link', { name: 'Allow' }).click();
  if (consent.choose) await page.getByRole('button', { name: consent.choose }).click();
  await page.getByRole('heading', { name: 'Connected' }).waitFor();
  await page.close();
  if (consent.tells === undefined) return id;
  const connection = await firm.call<ConnectionJson>('GET', `/connections/${id}`);
  assert.equal(connection.settings[consent.tells], all[consent.tells], consent.tells);
  return id;
}
