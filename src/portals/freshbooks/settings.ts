/** What a FreshBooks connection needs, in FreshBooks' own words. */
import { z } from 'zod';
import { Reauthorize } from '../kit/errors.ts';
import { flag } from '../kit/fields.ts';
import { secret, secrets } from '../kit/secret.ts';

const API = 'https://api.freshbooks.com';

/** What is read and written; scopes are mandatory, and their absence answers 403. */
export const SCOPES = [
  'user:profile:read',
  'user:payments:read',
  'user:payments:write',
  'user:invoices:read',
  'user:clients:read',
].join(' ');

const address = z.url({ protocol: /^https?$/ });

export const settings = z.object({
  clientId: z
    .string()
    .trim()
    .min(1)
    .describe('Client ID: my.freshbooks.com > Settings > Developer Portal > your app.'),
  clientSecret: secret(
    'Client secret: my.freshbooks.com > Settings > Developer Portal > your app.',
  ),
  refreshToken: secret(
    'Refresh token of a consent given elsewhere, for one use. Not needed when somebody lets us in by the consent page.',
  ).optional(),
  accountId: z
    .string()
    .trim()
    .regex(/^[A-Za-z0-9]+$/, 'is letters and digits only, such as zDmNq')
    .optional()
    .describe('Account id of the business, such as zDmNq. The consent page tells it by itself.'),
  verifiers: secrets(
    'Verifiers of the callbacks, which FreshBooks sends when one is registered and are then learned by themselves. To be entered only for callbacks that were verified elsewhere before.',
  ).optional(),
  redirectUri: address
    .optional()
    .describe('Redirect URI of the app, if FreshBooks asks for it when tokens are refreshed.'),
  apiBaseUrl: address.default(API),
  authBaseUrl: address.default(API),
  mirrorOnly: flag(false, 'Payments entered in FreshBooks by hand are never money here.'),
});
export type FreshBooksSettings = z.output<typeof settings>;

/** What `normalize` reads; absent before an account is chosen. */
export type ReadingSettings = Partial<Pick<FreshBooksSettings, 'accountId'>>;

/** Where people let us in: another host than the one that issues tokens, unless an address was set. */
export function consentPage({ authBaseUrl }: FreshBooksSettings): string {
  const base = authBaseUrl === API ? 'https://auth.freshbooks.com' : authBaseUrl;
  return `${base.replace(/\/+$/, '')}/oauth/authorize`;
}

/** A path of the accounting API. @throws Reauthorize before an account was chosen */
export function accountingPath(settings: FreshBooksSettings, rest: string): string {
  return `/accounting/account/${accountOf(settings)}/${rest}`;
}

/** A path of the callbacks' API. @throws Reauthorize before an account was chosen */
export function callbacksPath(settings: FreshBooksSettings, id = ''): string {
  return `/events/account/${accountOf(settings)}/events/callbacks${id && `/${id}`}`;
}

function accountOf({ accountId }: FreshBooksSettings): string {
  if (accountId !== undefined) return accountId;
  throw new Reauthorize('no account is chosen yet: open the consent page of this connection');
}
