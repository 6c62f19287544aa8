/** What a Shopify connection is told when it is made, in Shopify's own words. */
import { z } from 'zod';
import { baseUrl, environment, flag, nameList } from '../kit/fields.ts';
import { type Secret, secret, secrets } from '../kit/secret.ts';

const SHOP = /^[a-z0-9][a-z0-9-]*\.myshopify\.com$/;

export const settings = z.object({
  shopDomain: z
    .string({ error: 'required; the shop as name.myshopify.com' })
    .trim()
    .toLowerCase()
    .transform((text) => text.replace(/^https?:\/\//, '').replace(/\/.*$/, ''))
    .refine((text) => SHOP.test(text), 'looks like name.myshopify.com')
    .meta({
      description:
        'Admin > Settings > Domains: the one ending in .myshopify.com, not the public one.',
    }),
  webhookSecret: secrets(
    'For webhooks made under Admin > Settings > Notifications > Webhooks: the key shown below the list. For ' +
      'webhooks of an app: its client secret (shpss_…).',
  ).optional(),
  accessToken: secret(
    'Admin > Settings > Apps > Develop apps > your app > API credentials: the Admin API access token (shpat_…) ' +
      'with read_orders, read_customers and, for payouts, fees and disputes, read_shopify_payments_payouts and ' +
      'read_shopify_payments_disputes. Apps made since 2026 have client credentials instead.',
  ).optional(),
  clientId: z
    .string()
    .trim()
    .min(1)
    .optional()
    .meta({ description: 'Dev Dashboard > your app > Settings > Credentials: Client ID.' }),
  clientSecret: secret(
    'Dev Dashboard > your app > Settings > Credentials: Secret (shpss_…). It signs the webhooks of the app, too.',
  ).optional(),
  environment: environment(),
  invoiceAttributes: nameList(
    ['invoice_number', 'invoice'],
    "Order attributes (the cart's note attributes) that hold the invoice number.",
  ),
  workOrderAttributes: nameList(
    ['work_order', 'work_order_number'],
    'Order attributes that hold the work order.',
  ),
  poNumberNamesWorkOrder: flag(
    true,
    'The PO number of an order may be a work order: look for one of that number as well.',
  ),
  apiVersion: z
    .string()
    .trim()
    .regex(/^\d{4}-(01|04|07|10)$|^unstable$/, 'looks like 2026-10')
    .default('2026-10')
    .meta({ description: 'Version of the Admin API to ask; Shopify supports each for a year.' }),
  apiBaseUrl: baseUrl('Address of the Admin API, in place of https://{shopDomain}.'),
  authBaseUrl: baseUrl('Address that issues tokens, in place of https://{shopDomain}.'),
});
export type Settings = z.output<typeof settings>;

/** The keys deliveries may be signed with: those of the shop, and the app's own. */
export function signingKeys({ webhookSecret = [], clientSecret }: Settings): readonly Secret[] {
  return clientSecret ? [...webhookSecret, clientSecret] : webhookSecret;
}

/** True when the Admin API can be asked. Told without the text of secrets. */
export function canAsk({ accessToken, clientId, clientSecret }: Settings): boolean {
  return accessToken !== undefined || (clientId !== undefined && clientSecret !== undefined);
}
