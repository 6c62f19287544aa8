/** What a connection to Chargebee needs to know, in Chargebee's own words. */
import { z } from 'zod';
import { baseUrl, flag, timeZone } from '../kit/fields.ts';
import { secret, secrets } from '../kit/secret.ts';

const FIND_API_KEY =
  'Settings > Configure Chargebee > API Keys and Webhooks > API Keys: a read-only key is enough. ' +
  'Needed to pull what webhooks missed and to read invoices as they stand.';
const FIND_WEBHOOK_PASSWORD =
  'The password that you chose for basic authentication under Settings > Configure Chargebee > ' +
  'API Keys and Webhooks > Webhooks. Chargebee signs nothing: without it no delivery is believed.';

/** Every setting may be absent, so that webhooks can be connected before an API key is made. */
export const settings = z
  .object({
    site: z
      .string()
      .trim()
      .toLowerCase()
      .regex(/^[a-z0-9][a-z0-9-]*$/, 'is the first part of the site address, such as airworks')
      .optional()
      .meta({
        description:
          'The site: airworks of https://airworks.chargebee.com, airworks-test for its test site. ' +
          'A test site is a connection of its own.',
      }),
    apiKey: secret(FIND_API_KEY).optional(),
    webhookUser: z
      .string()
      .trim()
      .min(1)
      .optional()
      .meta({ description: 'The user name that you chose for basic authentication.' }),
    webhookPassword: secrets(FIND_WEBHOOK_PASSWORD).optional(),
    importInvoices: flag(
      true,
      'Take over the invoices and customers kept in Chargebee. Off for a firm that writes its ' +
        'invoices elsewhere and only collects through Chargebee.',
    ),
    poNumberHolds: z
      .enum(['both', 'purchaseOrder', 'workOrder'])
      .default('both')
      .meta({
        description:
          'What the PO number of an invoice holds: purchase orders, work orders, or now one now ' +
          'the other (both).',
      }),
    timeZone: timeZone('IANA time zone of the site: issue and due dates are read in it.'),
    apiBaseUrl: baseUrl(
      'For sites in other regions (their own domain, ending in /api/v2). Default: ' +
        'https://{site}.chargebee.com/api/v2.',
    ),
  })
  .refine(
    ({ apiKey, site, apiBaseUrl }) => apiKey === undefined || (site ?? apiBaseUrl) !== undefined,
    { path: ['site'], error: 'required with an API key: the site that the key belongs to' },
  );

export type ChargebeeSettings = z.output<typeof settings>;

/** Where the API of the site is. A site is one host; live and test sites differ by their name. */
export function apiAddress({ site, apiBaseUrl }: ChargebeeSettings): string {
  return apiBaseUrl ?? `https://${site ?? 'site-not-set'}.chargebee.com/api/v2`;
}
