/** What a QuickBooks Online connection needs, in Intuit's own words. */
import { z } from 'zod';
import { currency, flag } from '../kit/fields.ts';
import { ACCOUNTING, address, hostOf, intuitApp } from '../kit/intuit.ts';

export const settings = z.object({
  ...intuitApp,
  apiBaseUrl: address.default(ACCOUNTING.production),
  minorVersion: z.coerce.number().int().min(75).default(75),
  homeCurrency: currency(
    'Currency of records that name none: a company without multicurrency.',
  ).default('USD'),
  depositsArePayouts: flag(
    false,
    'Bank deposits entered in QuickBooks are payouts of this connection.',
  ),
  mirrorOnly: flag(false, 'Payments entered in QuickBooks by hand are never money here.'),
});
export type QuickBooksSettings = z.output<typeof settings>;

/**
 * What `normalize` reads: each has a meaning when absent, so that a body can be examined without a
 * connection.
 */
export type ReadingSettings = Partial<
  Pick<QuickBooksSettings, 'realmId' | 'homeCurrency' | 'depositsArePayouts'>
>;

/** The API's address; a sandbox company lives elsewhere unless an address was set. */
export function apiBaseUrl({ apiBaseUrl: set, environment }: QuickBooksSettings): string {
  return hostOf({ set, environment }, ACCOUNTING);
}
