/** What a connection to Square needs to know, in Square's own words. */
import { z } from 'zod';
import { baseUrl, environment, flag } from '../kit/fields.ts';
import { secret, secrets } from '../kit/secret.ts';

const HOSTS = {
  production: 'https://connect.squareup.com',
  sandbox: 'https://connect.squareupsandbox.com',
} as const;

/** What an application must be permitted to do for us. */
export const SCOPES = [
  'MERCHANT_PROFILE_READ',
  'PAYMENTS_READ',
  'ORDERS_READ',
  'INVOICES_READ',
  'CUSTOMERS_READ',
  'DISPUTES_READ',
  'PAYOUTS_READ',
] as const;

/** Every setting may be absent, so that a webhook can be connected before Square shows its key. */
export const settings = z.object({
  signatureKey: secrets(
    'Developer Console > your app > Webhooks > Subscriptions > your subscription > Signature key.',
  ).optional(),
  notificationUrl: z
    .string()
    .trim()
    .regex(/^https?:\/\/\S+$/, 'is not a web address')
    .optional()
    .meta({
      description:
        'Notification URL of the webhook subscription, letter for letter as it is registered at ' +
        'Square (with or without a slash at its end): it is part of what is signed.',
    }),
  accessToken: secret(
    'Developer Console > your app > Credentials > Access token (of your own account). Needed to ' +
      'pull, and for invoice numbers and names of payers.',
  ).optional(),
  applicationId: z.string().trim().min(1).optional().meta({
    description:
      'Developer Console > your app > OAuth > Application ID (sq0idp-…), in place of an access token.',
  }),
  applicationSecret: secret(
    'Developer Console > your app > OAuth > Application secret, in place of an access token.',
  ).optional(),
  refreshToken: secret(
    'refresh_token of the code flow, when another seller permitted your app; the scopes needed are ' +
      `${SCOPES.join(', ')}. Not needed when somebody lets us in by the consent page.`,
  ).optional(),
  merchantId: z
    .string()
    .trim()
    .min(1)
    .optional()
    .meta({
      description:
        'Merchant ID of the seller. Only for an app that several sellers use: deliveries about ' +
        'any other seller are refused.',
    }),
  importInvoices: flag(
    false,
    'Take over the invoices written in Square, for firms that bill with Square Invoices.',
  ),
  recordedPayments: flag(
    true,
    'Take cash and external payments (checks, transfers) that staff only recorded in Square.',
  ),
  environment: environment(),
  apiBaseUrl: baseUrl('Address of the API, in place of the one of the environment.'),
  authBaseUrl: baseUrl('Address that issues tokens, in place of the one of the environment.'),
});

export type SquareSettings = z.output<typeof settings>;

export function apiBaseUrl({ apiBaseUrl: given, environment: of }: SquareSettings): string {
  return given ?? HOSTS[of];
}

/** Where `/oauth2/token` is: Square issues tokens on the host of its API. */
export function authBaseUrl(of: SquareSettings): string {
  return (of.authBaseUrl ?? apiBaseUrl(of)).replace(/\/+$/, '');
}

/** True when the API can be asked; told without the text of secrets. */
export function hasCredentials(of: SquareSettings): boolean {
  const isClient = of.applicationId !== undefined && of.applicationSecret !== undefined;
  return of.accessToken !== undefined || of.refreshToken !== undefined || isClient;
}
