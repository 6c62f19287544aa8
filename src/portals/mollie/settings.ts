/** What a Mollie connection is told when it is made, in Mollie's own words. */
import { z } from 'zod';
import { type Secret, secret, secrets } from '../kit/secret.ts';

export const settings = z.object({
  apiKey: secret(
    'Mollie Dashboard > Developers > API keys: the Live API key (live_…), or the Test API key ' +
      '(test_…) of a test connection.',
  ).optional(),
  organizationToken: secret(
    'Mollie Dashboard > Developers > Organization access tokens (access_…) with payments.read, ' +
      'refunds.read and, for payouts, settlements.read. Used in place of the API key when given.',
  ).optional(),
  webhookSecret: secrets(
    'Shown once when the webhook is made under Mollie Dashboard > Developers > Webhooks. Only ' +
      'next-gen (signed) webhooks have one.',
  ).optional(),
  profileId: z
    .string()
    .trim()
    .regex(/^pfl_[A-Za-z0-9]+$/, 'a profile id looks like pfl_QkEhN94Ba')
    .optional()
    .meta({ description: 'Takes payments of this profile only (pfl_…).' }),
  testmode: z.union([z.boolean(), z.stringbool()]).default(false).meta({
    description: 'With an organization token: read test data. A test API key implies it.',
  }),
  payouts: z
    .enum(['settlements', 'payouts', 'none'])
    .optional()
    .meta({
      description:
        'Settlements and payouts tell of the same money: which of them to pull (needs the ' +
        'organization token) and to book. Unset: pull neither, book the one that is delivered.',
    }),
  fees: z
    .union([z.boolean(), z.stringbool()])
    .default(false)
    .meta({
      description:
        'Pull the fees Mollie keeps from the primary balance (the organization token then needs ' +
        'balances.read). Leave off when fees are invoiced.',
    }),
  lookBackDays: z.coerce
    .number()
    .int()
    .min(1)
    .max(400)
    .default(35)
    .meta({ description: 'How old a payment may be when a pull still re-reads it.' }),
  apiBaseUrl: z.url().default('https://api.mollie.com/v2'),
});
export type Settings = z.infer<typeof settings>;

/** The credential calls are made with; an organization token sees all that an API key sees. */
export function credential(of: Settings): Secret | undefined {
  return of.organizationToken ?? of.apiKey;
}

/**
 * The mode whose data is money (or play money) to this connection; undefined where its API key decides, which
 * sees one mode alone. Told without the key's text, because `normalize` reads settings without secrets.
 */
export function expectedMode(of: Settings): 'live' | 'test' | undefined {
  if (of.testmode) return 'test';
  return of.apiKey !== undefined && of.organizationToken === undefined ? undefined : 'live';
}
