/** What a PayPal connection is told when it is made, in PayPal's own words. */
import { z } from 'zod';
import { baseUrl, environment, flag, nameList } from '../kit/fields.ts';
import { secret } from '../kit/secret.ts';

const APIS = {
  production: 'https://api-m.paypal.com',
  sandbox: 'https://api-m.sandbox.paypal.com',
} as const;

/** Everything may be absent, so that the connection's address exists before PayPal gives the webhook its id. */
export const settings = z
  .object({
    environment: environment(),
    webhookId: nameList(
      [],
      'Developer Dashboard > Apps & Credentials > your REST app > Webhooks: the Webhook ID beside ' +
        'the URL. Signatures are checked with it.',
    ),
    clientId: z
      .string()
      .trim()
      .min(1)
      .optional()
      .meta({
        description:
          'Developer Dashboard > Apps & Credentials > your REST app: Client ID. Needed, with the ' +
          'secret, to pull, for payers, and when a signature can only be verified by PayPal.',
      }),
    clientSecret: secret(
      'Developer Dashboard > Apps & Credentials > your REST app: Secret. The app needs ' +
        'Transaction Search, Customer disputes and, for invoices, Invoicing among its features.',
    ).optional(),
    importInvoices: flag(
      false,
      'Take over the invoices written in PayPal, for firms that bill with PayPal Invoicing.',
    ),
    lookBackDays: z.coerce
      .number()
      .int()
      .min(1)
      .max(365)
      .default(30)
      .meta({
        description:
          'How old a transaction may be when a pull still re-reads it: PayPal lists no changes, ' +
          'only transactions by their first day.',
      }),
    apiBaseUrl: baseUrl('The API in place of the one of the environment.'),
    authBaseUrl: baseUrl('Where tokens are issued, in place of the API.'),
    trustedCertificate: z
      .string()
      .trim()
      .startsWith('-----BEGIN CERTIFICATE-----')
      .optional()
      .meta({
        description:
          'For tests: a PEM certificate that signs deliveries in place of a public root. Only ' +
          'together with an `apiBaseUrl` on this machine.',
      }),
  })
  .refine((given) => given.trustedCertificate === undefined || testOrigin(given) !== undefined, {
    path: ['trustedCertificate'],
    message: 'is for tests alone: it needs an apiBaseUrl on this machine',
  });
export type Settings = z.infer<typeof settings>;

/** Where the API is called. */
export function apiBaseUrl(of: Pick<Settings, 'apiBaseUrl' | 'environment'>): string {
  return of.apiBaseUrl ?? APIS[of.environment];
}

/** Whether the API may be called at all; told without the secret's text. */
export function hasCredentials(of: Settings): boolean {
  return of.clientId !== undefined && of.clientSecret !== undefined;
}

/** The origin of an API on this machine, whose certificates are believed as PayPal's own; undefined when live. */
export function testOrigin(of: { readonly apiBaseUrl?: string | undefined }): string | undefined {
  if (of.apiBaseUrl === undefined) return undefined;
  const { hostname, origin } = new URL(of.apiBaseUrl);
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname) ? origin : undefined;
}
