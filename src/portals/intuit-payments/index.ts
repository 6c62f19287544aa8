/**
 * Intuit's own processor (QuickBooks Payments): charges and bank debits asked for by the ids that notices and
 * records of accounting name, and asked for again until their end is certain.
 */
import type { PortalApi } from '../contract.ts';
import { definePortal } from '../contract.ts';
import { Reauthorize } from '../kit/errors.ts';
import { authenticate, intuitAuth, intuitConsent, throttled } from '../kit/intuit.ts';
import { describeCompany } from '../kit/intuit-queries.ts';
import { errorsIn, fetchObjects } from './fetch.ts';
import { normalize } from './normalize.ts';
import { type Cursor, pull } from './pull.ts';
import {
  accountingBaseUrl,
  apiBaseUrl,
  companyOf,
  type IntuitPaymentsSettings,
  settings,
} from './settings.ts';
import { split } from './split.ts';
import { describeError } from './transactions.ts';
import { recognizes } from './webhook.ts';

const SCOPES = 'com.intuit.quickbooks.payment com.intuit.quickbooks.accounting';

/** Names the company, then asks the processor for a charge that cannot be: only who may ask is told that it is not. */
async function check(api: PortalApi, given: IntuitPaymentsSettings): Promise<string> {
  const company = await describeCompany(api, companyOf(given));
  const { status, body } = await api.request({
    path: '/quickbooks/v4/payments/charges/checkvalve',
    accept: [400, 401, 403, 404],
  });
  const [error] = errorsIn(body);
  if (status === 401 || status === 403) {
    const message = `${company} lets us read its accounting, but not its payments: let us in again by the consent page, with the scope com.intuit.quickbooks.payment`;
    throw new Reauthorize(message);
  }
  if (/^PMT-3/.test(error?.code ?? '')) {
    throw new Reauthorize(
      `${company} cannot take payments (${describeError(error ?? {})}): its merchant account must be set up`,
    );
  }
  return `${company}, with its payments`;
}

export const intuitPayments = definePortal<IntuitPaymentsSettings, Cursor>({
  id: 'intuit-payments',
  name: 'Intuit Payments',
  settings,
  tells: [
    'payment.pending',
    'payment.authorized',
    'payment.succeeded',
    'payment.failed',
    'payment.voided',
    'refund.succeeded',
    'refund.failed',
  ],
  api: {
    baseUrl: apiBaseUrl,
    otherBaseUrls: (given) => [accountingBaseUrl(given)],
    auth: intuitAuth,
    consent: intuitConsent(SCOPES),
    // Accounting allows 500 a minute for a company, the processor perhaps ten a second.
    requestsPerMinute: 400,
    throttled,
  },
  check,
  webhook: {
    recognizes,
    authenticate,
    acknowledge: { status: 200 },
    bodyLimitBytes: 2 * 1024 * 1024,
  },
  split,
  normalize,
  fetch: fetchObjects,
  pull,
});
