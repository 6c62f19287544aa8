/** What a connection to Intuit's own processor needs, in Intuit's words. */
import { z } from 'zod';
import { ACCOUNTING, address, hostOf, intuitApp } from '../kit/intuit.ts';
import type { Company } from '../kit/intuit-queries.ts';

/** The hosts of the processor's API; one token opens it and accounting. */
const PAYMENTS = {
  production: 'https://api.intuit.com',
  sandbox: 'https://sandbox.api.intuit.com',
} as const;

/** The processor serves merchants in the United States and Canada only. */
export const CURRENCIES = ['USD', 'CAD'] as const;

export const settings = z.object({
  ...intuitApp,
  apiBaseUrl: address.default(PAYMENTS.production),
  accountingBaseUrl: address.default(ACCOUNTING.production),
  minorVersion: z.coerce.number().int().min(75).default(75),
  homeCurrency: z
    .enum(CURRENCIES)
    .default('USD')
    .describe('Currency of what names none: USD, or CAD for a Canadian company.'),
});
export type IntuitPaymentsSettings = z.output<typeof settings>;

/** What `normalize` reads; each has a meaning when absent. */
export type ReadingSettings = Partial<Pick<IntuitPaymentsSettings, 'realmId' | 'homeCurrency'>>;

/** The address of the processor's API. */
export function apiBaseUrl({ apiBaseUrl: set, environment }: IntuitPaymentsSettings): string {
  return hostOf({ set, environment }, PAYMENTS);
}

/** The address of accounting, where the same token is good. */
export function accountingBaseUrl(given: IntuitPaymentsSettings): string {
  return hostOf({ set: given.accountingBaseUrl, environment: given.environment }, ACCOUNTING);
}

/** The connection's company, whose objects are read by absolute addresses. */
export function companyOf(given: IntuitPaymentsSettings): Company {
  const { realmId, minorVersion } = given;
  return { realmId, minorVersion, accountingBaseUrl: accountingBaseUrl(given) };
}
