/** Which accounts a consent opened, and what the connection may do there. */
import type { ConsentAccount, PortalApi } from '../contract.ts';
import { Reauthorize } from '../kit/errors.ts';
import { parseExactJson, parseJson, readWire } from '../kit/wire.ts';
import { accountingPath, callbacksPath, type FreshBooksSettings } from './settings.ts';
import { rowBodies } from './split.ts';
import { callback, me } from './wire.ts';

/** The businesses to choose from. */
export async function accounts(api: PortalApi): Promise<readonly ConsentAccount[]> {
  const { body } = await api.request({ path: '/auth/api/v1/users/me' });
  return readWire(me, parseJson(body)).response.business_memberships.flatMap(({ business }) =>
    business.account_id
      ? [
          {
            label: business.name || business.account_id,
            settings: { accountId: business.account_id },
          },
        ]
      : [],
  );
}

const NEEDED = [
  ['payments/payments', 'user:payments:read'],
  ['invoices/invoices', 'user:invoices:read'],
  ['users/clients', 'user:clients:read'],
] as const;

/** @throws Reauthorize when no account is chosen, the consent ended, or a scope is missing */
export async function check(api: PortalApi, settings: FreshBooksSettings): Promise<string> {
  const missing: string[] = [];
  for (const [path, scope] of NEEDED) {
    const { status } = await api.request({
      path: accountingPath(settings, path),
      query: { page: '1', per_page: '1' },
      accept: [403],
    });
    if (status === 403) missing.push(scope);
  }
  if (missing.length > 0) {
    throw new Reauthorize(`FreshBooks refuses ${missing.join(', ')}: give consent to these scopes`);
  }
  const open = await accounts(api);
  const account = open.find((one) => one.settings.accountId === settings.accountId);
  const name = account ? `${account.label} (${settings.accountId})` : settings.accountId;
  return [`FreshBooks account ${name}`, ...(await unverified(api, settings))].join('; ');
}

/** Callbacks that wait for their verifier stay silent without a word: FreshBooks is asked to send it again. */
async function unverified(api: PortalApi, settings: FreshBooksSettings): Promise<string[]> {
  const { status, body } = await api.request({
    path: callbacksPath(settings),
    accept: [401, 403, 404],
  });
  if (status >= 400) return [];
  const notes: string[] = [];
  for (const row of rowBodies(body, 'callbacks')) {
    const { response } = parseExactJson(row) as {
      readonly response: { readonly result: { readonly callback: unknown } };
    };
    const { callbackid, event, verified } = readWire(callback, response.result.callback);
    if (verified) continue;
    await api.request({
      method: 'PUT',
      path: callbacksPath(settings, callbackid),
      json: { callback: { callback_id: Number(callbackid), resend: true } },
      accept: [400, 403, 404, 422],
    });
    notes.push(`callback ${callbackid} for ${event} was not verified, its verifier is sent again`);
  }
  return notes;
}
