/** What a Zoho Books connection needs, in Zoho's own words. */
import { z } from 'zod';
import { Reauthorize, WireMismatch } from '../kit/errors.ts';
import { currency, flag, timeZone } from '../kit/fields.ts';
import { secret, secrets } from '../kit/secret.ts';

/** Each data centre has an API and an accounts server of its own; nothing of one is known to another. */
const DATA_CENTRES = {
  us: { api: 'https://www.zohoapis.com', accounts: 'https://accounts.zoho.com' },
  eu: { api: 'https://www.zohoapis.eu', accounts: 'https://accounts.zoho.eu' },
  in: { api: 'https://www.zohoapis.in', accounts: 'https://accounts.zoho.in' },
  au: { api: 'https://www.zohoapis.com.au', accounts: 'https://accounts.zoho.com.au' },
  jp: { api: 'https://www.zohoapis.jp', accounts: 'https://accounts.zoho.jp' },
  cn: { api: 'https://www.zohoapis.com.cn', accounts: 'https://accounts.zoho.com.cn' },
  sa: { api: 'https://www.zohoapis.sa', accounts: 'https://accounts.zoho.sa' },
  ca: { api: 'https://www.zohoapis.ca', accounts: 'https://accounts.zohocloud.ca' },
  uk: { api: 'https://www.zohoapis.uk', accounts: 'https://accounts.zoho.uk' },
} as const;

type DataCentre = keyof typeof DATA_CENTRES;
const NAMES = Object.keys(DATA_CENTRES) as DataCentre[];

const address = z.url({ protocol: /^https?$/ });

export const settings = z.object({
  clientId: z.string().trim().min(1).describe('Client ID: api-console.zoho.com > your client.'),
  clientSecret: secret('Client Secret: api-console.zoho.com > your client > Client Secret.'),
  refreshToken: secret(
    'Refresh token of a self client. Not needed when somebody lets us in by the consent page.',
  ).optional(),
  organizationId: z
    .string()
    .trim()
    .regex(/^\d+$/, 'is digits only')
    .optional()
    .describe('Organization ID: Zoho Books > your organization name > Manage Organizations.'),
  webhookSecret: secrets(
    'Secret: Zoho Books > Settings > Automation > Workflow Actions > Webhooks > your webhook.',
  ).optional(),
  dataCentre: z
    .enum(NAMES)
    .default('us')
    .describe('Where the organization lives, as the address of Zoho Books ends.'),
  apiBaseUrl: address.default(DATA_CENTRES.us.api),
  authBaseUrl: address.default(DATA_CENTRES.us.accounts),
  timeZone: timeZone(
    'IANA time zone of the organization, in which days without a time are read: Settings > Organization Profile.',
  ),
  accountId: z
    .string()
    .trim()
    .regex(/^\d+$/, 'is digits only')
    .optional()
    .describe(
      'ID of the account into which our payments are recorded: the end of its address under Accountant > Chart of Accounts. Zoho chooses when absent.',
    ),
  uniqueField: z
    .string()
    .trim()
    .regex(/^cf_\w+$/, 'begins with cf_')
    .optional()
    .describe(
      'API name (cf_…) of a custom field of payments received that prevents duplicate values. With it Zoho itself keeps a payment once.',
    ),
  homeCurrency: currency('Currency of a payment that was deleted before it was read.').default(
    'USD',
  ),
  mirrorOnly: flag(false, 'Payments entered in Zoho Books by hand are never money here.'),
});
export type ZohoBooksSettings = z.output<typeof settings>;

/** What `normalize` reads; each has a meaning when absent. */
export type ReadingSettings = Partial<
  Pick<ZohoBooksSettings, 'organizationId' | 'homeCurrency' | 'timeZone'>
>;

/** The API's address: that of the data centre unless another was set. */
export function apiBaseUrl({ apiBaseUrl: set, dataCentre }: ZohoBooksSettings): string {
  return set === DATA_CENTRES.us.api ? DATA_CENTRES[dataCentre].api : set;
}

/** The accounts server, which asks for consent and issues tokens, without a slash at its end. */
export function accountsServer({ authBaseUrl: set, dataCentre }: ZohoBooksSettings): string {
  const base = set === DATA_CENTRES.us.accounts ? DATA_CENTRES[dataCentre].accounts : set;
  return base.replace(/\/+$/, '');
}

/**
 * The data centre that the way back from Zoho names. Code and client secret are sent to it next, so that only
 * Zoho's own servers, or the one that was set, are believed.
 * @throws WireMismatch for any other server
 */
export function dataCentreOf(
  query: URLSearchParams,
  connection: ZohoBooksSettings,
): Readonly<Record<string, string>> {
  const named = query.get('accounts-server')?.replace(/\/+$/, '');
  if (named === undefined || named === accountsServer(connection)) return {};
  const dataCentre = NAMES.find((name) => DATA_CENTRES[name].accounts === named);
  if (dataCentre === undefined || connection.authBaseUrl !== DATA_CENTRES.us.accounts) {
    throw new WireMismatch(`accounts-server: ${named} is no accounts server of Zoho known here`);
  }
  return { dataCentre };
}

/** The query that every call inside the organization needs. @throws Reauthorize before one was chosen */
export function inOrganization({ organizationId }: ZohoBooksSettings): Record<string, string> {
  if (organizationId === undefined) {
    throw new Reauthorize(
      'no organization is chosen yet: open the consent page of this connection',
    );
  }
  return { organization_id: organizationId };
}
