/** What a connection to Recurly needs to know, in Recurly's own words. */
import { z } from 'zod';
import { baseUrl, currency, flag, timeZone } from '../kit/fields.ts';
import { secret, secrets } from '../kit/secret.ts';

const FIND_API_KEY =
  'Integrations > API Credentials > Private API Keys: a read-only key is enough. JSON webhooks name ' +
  'no amounts, so without it they cannot be booked; XML ones are then believed as they stand.';
const FIND_WEBHOOK_SECRET =
  'Integrations > Webhooks > the JSON endpoint > Secret key, as its text (it looks like hexadecimal).';
const FIND_WEBHOOK_PASSWORD =
  'The password that you chose for HTTP authentication under Integrations > Webhooks > the endpoint. ' +
  'XML webhooks are not signed: without it none of them is believed.';

const MOST_TOLERANCE_MINUTES = 7 * 24 * 60;

/** Every setting may be absent, so that webhooks can be connected before an API key is made. */
export const settings = z.object({
  apiKey: secret(FIND_API_KEY).optional(),
  region: z
    .enum(['us', 'eu'])
    .default('us')
    .meta({ description: 'us, or eu for a site in the European data centre.' }),
  webhookSecret: secrets(FIND_WEBHOOK_SECRET).optional(),
  webhookUser: z
    .string()
    .trim()
    .min(1)
    .optional()
    .meta({ description: 'The user name that you chose for HTTP authentication of the endpoint.' }),
  webhookPassword: secrets(FIND_WEBHOOK_PASSWORD).optional(),
  toleranceMinutes: z.coerce
    .number()
    .int()
    .min(1)
    .max(MOST_TOLERANCE_MINUTES)
    .default(5)
    .meta({
      description:
        'How many minutes the time in a signature may be away from ours. Recurly does not say whether ' +
        'a delivery that it repeats is signed anew: raise it when repeated ones are refused as stale.',
    }),
  siteId: z.string().trim().min(1).optional().meta({
    description:
      '`site_id` of JSON webhooks. When set, those of another site (the sandbox) are refused.',
  }),
  currency: currency(
    'The currency of the site, for XML webhooks, which name none. Only used without an API key.',
  ).optional(),
  importInvoices: flag(
    true,
    'Take over the invoices and accounts kept in Recurly. Off for a firm that writes its invoices ' +
      'elsewhere and only collects through Recurly.',
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
    'Default: https://v3.recurly.com, https://v3.eu.recurly.com for the region eu.',
  ),
});

export type RecurlySettings = z.output<typeof settings>;

/** Where the API is. Live and sandbox sites share it: the key decides which site answers. */
export function apiAddress({ region, apiBaseUrl }: RecurlySettings): string {
  return apiBaseUrl ?? `https://v3${region === 'eu' ? '.eu' : ''}.recurly.com`;
}
