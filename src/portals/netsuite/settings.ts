/** What a NetSuite account needs, in NetSuite's own words, and which of the three ways to sign in is chosen. */
import { z } from 'zod';
import { Reauthorize } from '../kit/errors.ts';
import { baseUrl, currency, flag, timeZone } from '../kit/fields.ts';
import { type Secret, secret, secrets } from '../kit/secret.ts';

const text = z.string().trim().min(1);
const CERTIFICATE = 'For signing in by certificate (OAuth 2.0, client credentials).';
const TOKENS = 'For signing in by access tokens (TBA), which NetSuite gives up in 2028.';
const CONSENT = 'For the consent page (OAuth 2.0, authorization code).';

/** What each way needs, and what it has alone. */
const WAYS = {
  certificate: {
    needs: ['clientId', 'certificateId', 'privateKey'],
    alone: ['certificateId', 'privateKey'],
  },
  tokens: {
    needs: ['consumerKey', 'consumerSecret', 'tokenId', 'tokenSecret'],
    alone: ['consumerKey', 'consumerSecret', 'tokenId', 'tokenSecret'],
  },
  consent: { needs: ['clientId', 'clientSecret'], alone: ['clientSecret', 'refreshToken'] },
} as const;

const fields = z.object({
  accountId: text
    .toUpperCase()
    .transform((id) => id.replaceAll('-', '_'))
    .refine((id) => /^[A-Z0-9]+(_[A-Z0-9]+)*$/.test(id), 'looks like 1234567 or 1234567_SB1')
    .describe('Account ID: Setup > Company > Company Information. A sandbox ends in _SB1.'),
  clientId: text
    .optional()
    .describe(
      `Client ID: shown once when the integration is saved, Setup > Integration > Manage Integrations. ${CERTIFICATE} Or for the consent page.`,
    ),
  certificateId: text
    .optional()
    .describe(
      `Certificate ID of the mapping: Setup > Integration > Manage Authentication > OAuth 2.0 Client Credentials (M2M) Setup. ${CERTIFICATE}`,
    ),
  privateKey: secret(
    `Private key (PEM) of the certificate uploaded there: RSA of 3072 bits or more, or EC P-256, P-384, P-521. ${CERTIFICATE}`,
  ).optional(),
  clientSecret: secret(
    `Client Secret: shown once beside the Client ID when the integration is saved. ${CONSENT} Leave it out with a certificate.`,
  ).optional(),
  refreshToken: secret(
    `Refresh token of a consent given elsewhere. ${CONSENT} Not needed when somebody lets us in by that page.`,
  ).optional(),
  consumerKey: text
    .optional()
    .describe(`Consumer Key: shown once when the integration is saved. ${TOKENS}`),
  consumerSecret: secret(
    `Consumer Secret: shown once beside the Consumer Key. ${TOKENS}`,
  ).optional(),
  tokenId: text
    .optional()
    .describe(`Token ID: shown once, Setup > Users/Roles > Access Tokens > New. ${TOKENS}`),
  tokenSecret: secret(`Token Secret: shown once beside the Token ID. ${TOKENS}`).optional(),
  nudgeSecret: secrets(
    'Text of the API secret that the script signs with: Setup > Company > Preferences > API Secrets. See docs/setup/netsuite.md.',
  ).optional(),
  accountTimeZone: timeZone('')
    .default('America/Los_Angeles')
    .describe(
      'IANA time zone in which queries show times: that of the user we sign in as, Home > Set Preferences, else of the company. The check compares it with the account.',
    ),
  singleCurrency: currency('The one currency of the account.')
    .optional()
    .describe(
      'Only for an account without the feature Multiple Currencies, whose records name none: its currency, such as USD. Leave it out otherwise.',
    ),
  depositAccount: z
    .string()
    .trim()
    .regex(/^\d+$/, 'is the internal id, digits only')
    .optional()
    .describe(
      'Internal ID of the bank account into which payments are recorded: Lists > Accounting > Accounts. Undeposited funds when absent.',
    ),
  paymentMethodColumn: z
    .enum(['none', 'paymentmethod', 'paymentoption'])
    .default('none')
    .describe(
      'Where queries find how a payment was made; accounts differ. none: it is not asked for.',
    ),
  depositsArePayouts: flag(false, 'Bank deposits made in NetSuite are payouts of this connection.'),
  apiBaseUrl: baseUrl(
    'Address of SuiteTalk, in place of https://{account}.suitetalk.api.netsuite.com.',
  ),
  authBaseUrl: baseUrl('Address of token endpoint and consent page, in place of NetSuite’s two.'),
  mirrorOnly: flag(false, 'Payments entered in NetSuite by hand are never money here.'),
});

/** Exactly one way to sign in, and all that it needs: a mixture would leave open which one is meant. */
export const settings = fields.superRefine((given, context) => {
  const refuse = (field: string, message: string) =>
    context.addIssue({ code: 'custom', path: [field], message });
  const isGiven = (field: keyof typeof given) => given[field] !== undefined;
  const chosen = Object.values(WAYS).filter(({ alone }) => alone.some(isGiven));
  const [way, other] = chosen;
  if (!way) return refuse('clientId', `nothing says how to sign in. ${CHOICE}`);
  if (other) {
    const both = [way, other].map(({ alone }) => alone.find(isGiven));
    return refuse(
      both[1] ?? '',
      `${both.join(' and ')} are of different ways to sign in. ${CHOICE}`,
    );
  }
  if (way === WAYS.tokens && isGiven('clientId')) {
    return refuse('clientId', `is not for access tokens; those have a consumerKey. ${CHOICE}`);
  }
  for (const field of way.needs) {
    if (!isGiven(field)) refuse(field, `is missing to sign in with ${way.needs.join(', ')}`);
  }
});
const CHOICE =
  'Choose one: by certificate with clientId, certificateId and privateKey; by access tokens with consumerKey, ' +
  'consumerSecret, tokenId and tokenSecret; or by the consent page with clientId and clientSecret.';

export type NetSuiteSettings = z.output<typeof settings>;

/** What `normalize` reads; each has a meaning when absent. */
export type ReadingSettings = Partial<
  Pick<NetSuiteSettings, 'accountId' | 'accountTimeZone' | 'singleCurrency' | 'depositsArePayouts'>
>;

export type SignIn =
  | {
      readonly way: 'certificate';
      readonly clientId: string;
      readonly certificateId: string;
      readonly privateKey: Secret;
    }
  | {
      readonly way: 'tokens';
      readonly consumerKey: string;
      readonly consumerSecret: Secret;
      readonly tokenId: string;
      readonly tokenSecret: Secret;
    }
  | {
      readonly way: 'consent';
      readonly clientId: string;
      readonly clientSecret: Secret;
      readonly refreshToken: Secret | undefined;
    };

/** The way that the settings choose. @throws Reauthorize when they choose none, which the schema refuses */
export function signInOf(given: NetSuiteSettings): SignIn {
  const { clientId, certificateId, privateKey, clientSecret, refreshToken } = given;
  const { consumerKey, consumerSecret, tokenId, tokenSecret } = given;
  if (clientId !== undefined && certificateId !== undefined && privateKey) {
    return { way: 'certificate', clientId, certificateId, privateKey };
  }
  if (consumerKey !== undefined && consumerSecret && tokenId !== undefined && tokenSecret) {
    return { way: 'tokens', consumerKey, consumerSecret, tokenId, tokenSecret };
  }
  if (clientId !== undefined && clientSecret) {
    return { way: 'consent', clientId, clientSecret, refreshToken };
  }
  throw new Reauthorize(CHOICE);
}

/** `1234567_SB1` is `1234567-sb1` in host names. */
function hostOf(accountId: string, service: string): string {
  return `https://${accountId.toLowerCase().replaceAll('_', '-')}.${service}.netsuite.com`;
}

export function suiteTalkUrl({ apiBaseUrl, accountId }: NetSuiteSettings): string {
  return apiBaseUrl ?? hostOf(accountId, 'suitetalk.api');
}

/** Where tokens are issued; also the audience of the client's assertion. */
export function tokenUrl({ authBaseUrl, accountId }: NetSuiteSettings): string {
  const base = authBaseUrl ?? hostOf(accountId, 'suitetalk.api');
  return `${base.replace(/\/+$/, '')}/services/rest/auth/oauth2/v1/token`;
}

export function consentUrl({ authBaseUrl, accountId }: NetSuiteSettings): string {
  const base = authBaseUrl ?? hostOf(accountId, 'app');
  return `${base.replace(/\/+$/, '')}/app/login/oauth2/authorize.nl`;
}
