/** What a Xero connection needs, in Xero's own words. */
import { z } from 'zod';
import { Reauthorize } from '../kit/errors.ts';
import { flag } from '../kit/fields.ts';
import { secret, secrets } from '../kit/secret.ts';

const TOKENS = 'https://identity.xero.com';
const CONSENT = 'https://login.xero.com';

/** What apps made since March 2026 may ask for; older ones know `accounting.transactions` instead. */
const GRANULAR_SCOPES = [
  'offline_access',
  'accounting.payments',
  'accounting.invoices.read',
  'accounting.contacts.read',
  'accounting.banktransactions',
  'accounting.settings.read',
].join(' ');

const address = z.url({ protocol: /^https?$/ });

export const settings = z.object({
  clientId: z
    .string()
    .trim()
    .min(1)
    .describe('Client id: developer.xero.com > My Apps > your app > Configuration.'),
  clientSecret: secret(
    'Client secret: developer.xero.com > My Apps > your app > Configuration > Generate a secret.',
  ),
  refreshToken: secret(
    'Refresh token of a consent given elsewhere. Not needed when somebody lets us in by the consent page.',
  ).optional(),
  tenantId: z
    .string()
    .trim()
    .min(1)
    .optional()
    .describe('Tenant ID of the organisation. Chosen after the consent page by itself.'),
  webhookKey: secrets(
    'Webhooks key: developer.xero.com > My Apps > your app > Webhooks.',
  ).optional(),
  paymentAccount: z
    .string()
    .trim()
    .min(1)
    .optional()
    .describe(
      'Code or AccountID of the bank account into which payments are recorded: Accounting > Chart of accounts. It must allow payments.',
    ),
  scopes: z
    .string()
    .trim()
    .min(1)
    .default(GRANULAR_SCOPES)
    .describe(
      'Scopes that the consent page asks for. An app made before March 2026 may need accounting.transactions instead of the granular ones.',
    ),
  customConnection: flag(
    false,
    'The app is a custom connection: one organisation of your own, without consent page and refresh token.',
  ),
  apiBaseUrl: address.default('https://api.xero.com'),
  authBaseUrl: address.default(TOKENS),
  mirrorOnly: flag(false, 'Payments entered in Xero by hand are never money here.'),
});
export type XeroSettings = z.output<typeof settings>;

/** What `normalize` reads, so that a body can be examined without a connection. */
export type ReadingSettings = Partial<Pick<XeroSettings, 'tenantId'>>;

/** Where people let us in: another host than the one that issues tokens, unless an address was set. */
export function consentPage({ authBaseUrl }: XeroSettings): string {
  const base = authBaseUrl === TOKENS ? CONSENT : authBaseUrl;
  return `${base.replace(/\/+$/, '')}/identity/connect/authorize`;
}

/** A path of the accounting API. @throws Reauthorize before an organisation was chosen */
export function accountingPath({ tenantId, customConnection }: XeroSettings, rest: string): string {
  // A custom connection is bound to its one organisation and needs no header to say which.
  if (tenantId === undefined && !customConnection) {
    throw new Reauthorize(
      'no organisation is chosen yet: open the consent page of this connection',
    );
  }
  return `/api.xro/2.0/${rest}`;
}
