/** What a QuickBooks Online connection needs, in Intuit's own words. */
import { z } from 'zod';
import { Reauthorize } from '../kit/errors.ts';
import { currency, environment, flag } from '../kit/fields.ts';
import { secret, secrets } from '../kit/secret.ts';

const PRODUCTION = 'https://quickbooks.api.intuit.com';
const TOKENS = 'https://oauth.platform.intuit.com';
const SANDBOX = 'https://sandbox-quickbooks.api.intuit.com';

const address = z.url({ protocol: /^https?$/ });

export const settings = z.object({
  clientId: z
    .string()
    .trim()
    .min(1)
    .describe('Client ID: developer.intuit.com > your app > Keys and credentials.'),
  clientSecret: secret('Client Secret: developer.intuit.com > your app > Keys and credentials.'),
  refreshToken: secret(
    'Refresh token from the OAuth 2.0 Playground. Not needed when somebody lets us in by the consent page.',
  ).optional(),
  realmId: z
    .string()
    .trim()
    .regex(/^\d+$/, 'is digits only')
    .optional()
    .describe(
      'Company ID: QuickBooks > Settings > Account and settings > Billing. The consent page tells it by itself.',
    ),
  verifierToken: secrets(
    'Verifier token: developer.intuit.com > your app > Webhooks > Show verifier token.',
  ).optional(),
  environment: environment(),
  apiBaseUrl: address.default(PRODUCTION),
  authBaseUrl: address.default(TOKENS),
  minorVersion: z.coerce.number().int().min(75).default(75),
  homeCurrency: currency(
    'Currency of records that name none: a company without multicurrency.',
  ).default('USD'),
  depositsArePayouts: flag(
    false,
    'Bank deposits entered in QuickBooks are payouts of this connection.',
  ),
  mirrorOnly: flag(false, 'Payments entered in QuickBooks by hand are never money here.'),
});
export type QuickBooksSettings = z.output<typeof settings>;

/**
 * What `normalize` reads: each has a meaning when absent, so that a body can be examined without a
 * connection.
 */
export type ReadingSettings = Partial<
  Pick<QuickBooksSettings, 'realmId' | 'homeCurrency' | 'depositsArePayouts'>
>;

/** The API's address; a sandbox company lives elsewhere unless an address was set. */
export function apiBaseUrl({ apiBaseUrl: set, environment }: QuickBooksSettings): string {
  return environment === 'sandbox' && set === PRODUCTION ? SANDBOX : set;
}

/** Where people let us in: another host than the one that issues tokens, unless an address was set. */
export function consentPage({ authBaseUrl }: QuickBooksSettings): string {
  const base = authBaseUrl === TOKENS ? 'https://appcenter.intuit.com' : authBaseUrl;
  return `${base.replace(/\/+$/, '')}/connect/oauth2`;
}

/** A path inside the connection's company. @throws Reauthorize before a company was chosen */
export function companyPath({ realmId }: QuickBooksSettings, rest: string): string {
  if (realmId === undefined) {
    throw new Reauthorize('no company is chosen yet: open the consent page of this connection');
  }
  return `/v3/company/${realmId}/${rest}`;
}
