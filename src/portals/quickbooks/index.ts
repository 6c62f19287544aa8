/**
 * QuickBooks Online: notices that name an object, the object fetched, changes pulled, payments
 * recorded.
 */
import { definePortal } from '../contract.ts';
import { authenticate, intuitAuth, intuitConsent, throttled } from '../kit/intuit.ts';
import { isAccountingNotice } from '../kit/intuit-notices.ts';
import { describeCompany } from '../kit/intuit-queries.ts';
import { books } from './books.ts';
import { normalize } from './normalize.ts';
import { type Cursor, fetchObjects, pull } from './pull.ts';
import { apiBaseUrl, type QuickBooksSettings, settings } from './settings.ts';
import { split } from './split.ts';

export const quickbooks = definePortal<QuickBooksSettings, Cursor>({
  id: 'quickbooks',
  name: 'QuickBooks Online',
  settings,
  tells: [
    'invoice.voided',
    'payout.paid',
    'payment.succeeded',
    'payment.voided',
    'refund.succeeded',
    'invoice.upserted',
    'customer.upserted',
  ],
  api: {
    baseUrl: apiBaseUrl,
    auth: intuitAuth,
    consent: intuitConsent('com.intuit.quickbooks.accounting'),
    // 500 a minute per company are allowed; the rest is left to people's other apps.
    requestsPerMinute: 400,
    throttled,
  },
  check: describeCompany,
  webhook: {
    recognizes: isAccountingNotice,
    authenticate,
    acknowledge: { status: 200 },
    bodyLimitBytes: 2 * 1024 * 1024,
  },
  split,
  normalize,
  fetch: fetchObjects,
  pull,
  books,
});
