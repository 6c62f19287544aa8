/** What every portal of Intuit shares: the app, its consent, the signature of its notices, and instants. */
import { z } from 'zod';
import type { ApiAnswer, ApiAuth, Consent, Notice, Verdict } from '../contract.ts';
import { authenticateBody } from './body-signature.ts';
import { WireMismatch } from './errors.ts';
import { environment } from './fields.ts';
import { type Secret, secret, secrets } from './secret.ts';

/** The hosts of QuickBooks accounting. */
export const ACCOUNTING = {
  production: 'https://quickbooks.api.intuit.com',
  sandbox: 'https://sandbox-quickbooks.api.intuit.com',
} as const;
const TOKENS = 'https://oauth.platform.intuit.com';
const CONSENT = 'https://appcenter.intuit.com';
/** The header by which Intuit signs notices, whatever they are about. */
export const SIGNATURE = 'intuit-signature';

/** An address of the portal that may be replaced: sandboxes, proxies, tests. */
export const address = z.url({ protocol: /^https?$/ });

/** The settings of a connection that say who we are to Intuit, and which company it is. */
export const intuitApp = {
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
  authBaseUrl: address.default(TOKENS),
};

type App = {
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly refreshToken?: Secret | undefined;
  readonly authBaseUrl: string;
};

/** A host of Intuit; a sandbox company lives at another one, unless an address was set. */
export function hostOf(
  given: { readonly set: string; readonly environment: 'production' | 'sandbox' },
  hosts: { readonly production: string; readonly sandbox: string },
): string {
  const moved = given.environment === 'sandbox' && given.set === hosts.production;
  return moved ? hosts.sandbox : given.set;
}

export function intuitAuth({ authBaseUrl, clientId, clientSecret, refreshToken }: App): ApiAuth {
  return {
    kind: 'oauth2',
    client: {
      tokenUrl: `${authBaseUrl.replace(/\/+$/, '')}/oauth2/v1/tokens/bearer`,
      clientId,
      clientSecret,
      grant: 'refresh_token',
      ...(refreshToken ? { refreshToken } : {}),
    },
  };
}

/** Consent in the browser for these scopes; the way back names the company that the person chose. */
export function intuitConsent(scope: string): Consent<Pick<App, 'authBaseUrl'>> {
  return {
    page: ({ authBaseUrl }) => ({ url: consentPage(authBaseUrl), parameters: { scope } }),
    fromRedirect: realmOf,
    refreshTokenDays: 100,
  };
}

/** People let us in at another host than the one that issues tokens, unless an address was set. */
function consentPage(authBaseUrl: string): string {
  const base = authBaseUrl === TOKENS ? CONSENT : authBaseUrl;
  return `${base.replace(/\/+$/, '')}/connect/oauth2`;
}

function realmOf(query: URLSearchParams): Readonly<Record<string, string>> {
  const realmId = query.get('realmId') ?? '';
  if (!/^\d+$/.test(realmId))
    throw new WireMismatch('realmId: missing in the way back from Intuit');
  return { realmId };
}

/** Accounting tells that it was asked too often by words, under whatever status. */
export function throttled({ status, body }: ApiAnswer): boolean {
  return status >= 400 && body.includes('ThrottleExceeded');
}

/** The verifier token belongs to the app, so a genuine notice may still be another company's. */
export function authenticate(
  notice: Notice,
  { verifierToken }: { readonly verifierToken?: readonly Secret[] | undefined },
): Verdict {
  return authenticateBody(notice, {
    header: SIGNATURE,
    keys: verifierToken,
    setting: 'verifierToken',
  });
}

/**
 * An instant with its offset (`-07:00`, `-0700` or `Z`, up to nine fractional digits) in UTC.
 * @throws WireMismatch without an offset: a local time would be read in the zone of this machine.
 */
export function readInstant(text: string, path: string): string {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:?\d\d)$/.exec(text);
  const [, local = '', offset = ''] = match ?? [];
  const instant = new Date(`${local}${offset.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')}`);
  if (!match || Number.isNaN(instant.getTime())) {
    throw new WireMismatch(`${path}: "${text}" is not an instant with its offset`);
  }
  return instant.toISOString();
}
