/** What a connection to Authorize.Net is told when it is made, in the words of its Merchant Interface. */
import { z } from 'zod';
import { baseUrl, currency, environment } from '../kit/fields.ts';
import { type Secret, secret, secrets } from '../kit/secret.ts';

const BASE_URLS = {
  production: 'https://api.authorize.net',
  sandbox: 'https://apitest.authorize.net',
} as const;

/**
 * The signature key alone lets webhooks post; login id and transaction key together open the API, which
 * knows the rest: customer, invoice, which payment a refund gives back, returns and chargebacks.
 */
export const settings = z.object({
  currency: currency(
    'the currency of the merchant account (USD, CAD, GBP …): Authorize.Net names none in its documents.',
  ),
  signatureKey: secrets(
    'Account > Settings > API Credentials & Keys > New Signature Key: 128 characters, pasted as they ' +
      'are shown. Proves webhooks.',
  ).optional(),
  apiLoginId: z
    .string()
    .trim()
    .min(1)
    .optional()
    .meta({
      description:
        'Account > Settings > API Credentials & Keys: the API Login ID. Needed, together with the ' +
        'transaction key, for details, refunds, returns and chargebacks.',
    }),
  transactionKey: secret(
    'Account > Settings > API Credentials & Keys > New Transaction Key (16 characters). Account > ' +
      'Settings > Transaction Details API must be enabled, too.',
  ).optional(),
  payouts: z
    .enum(['none', 'batches'])
    .default('none')
    .meta({
      description:
        'batches: book the net of each settled batch as paid out to the bank. Only an approximation: ' +
        'the bank deposit is made by the card processor, perhaps later and less its fees.',
    }),
  lookBackDays: z.coerce
    .number()
    .int()
    .min(1)
    .max(400)
    .default(120)
    .meta({ description: 'How old an eCheck may be when a pull still looks for its return.' }),
  environment: environment(),
  apiBaseUrl: baseUrl('In place of api.authorize.net or apitest.authorize.net.'),
});
export type Settings = z.infer<typeof settings>;

export type Credentials = { readonly apiLoginId: string; readonly transactionKey: Secret };

/** Both halves, or undefined: then nothing can be asked and webhooks alone must do. */
export function credentials({ apiLoginId, transactionKey }: Settings): Credentials | undefined {
  return apiLoginId && transactionKey ? { apiLoginId, transactionKey } : undefined;
}

/** The origin that both of its APIs share. */
export function originOf({ apiBaseUrl, environment: place }: Settings): string {
  return apiBaseUrl ?? BASE_URLS[place];
}
