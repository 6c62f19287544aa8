/** Adyen: cards, bank debits and wallets by standard webhooks; fees and payouts by the settlement report. */
import { definePortal } from '../contract.ts';
import { check, fetchReports } from './fetch.ts';
import { normalize } from './normalize.ts';
import { type AdyenSettings, reportsBaseUrl, settings } from './settings.ts';
import { authenticate, recognizes } from './signature.ts';
import { split } from './split.ts';

export const adyen = definePortal({
  id: 'adyen',
  name: 'Adyen',
  settings,
  tells: [
    'payment.pending',
    'payment.authorized',
    'payment.succeeded',
    'payment.failed',
    'payment.voided',
    'payment.referenced',
    'refund.succeeded',
    'refund.failed',
    'dispute.opened',
    'dispute.won',
    'dispute.lost',
    'payout.paid',
  ],
  api: {
    baseUrl: reportsBaseUrl,
    auth: authorization,
    // Adyen publishes no limit; a report a batch is little, and the customer area is for people.
    requestsPerMinute: 60,
  },
  check,
  webhook: {
    recognizes,
    authenticate,
    // Older webhooks count nothing else as accepted; newer ones look at the status only.
    acknowledge: { status: 200, headers: { 'content-type': 'text/plain' }, body: '[accepted]' },
  },
  split,
  normalize,
  fetch: fetchReports,
});

function authorization({ reportApiKey, reportUser, reportPassword }: AdyenSettings) {
  if (reportApiKey) return { kind: 'header', name: 'X-API-Key', value: reportApiKey } as const;
  if (reportUser === undefined || !reportPassword) return { kind: 'none' } as const;
  return { kind: 'basic', user: reportUser, password: reportPassword } as const;
}
