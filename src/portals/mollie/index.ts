/** Mollie: European checkout, payment links and SEPA direct debit (API v2). */
import { definePortal } from '../contract.ts';
import { normalize } from './normalize.ts';
import { check, fetchObjects, pull } from './pull.ts';
import { credential, settings } from './settings.ts';
import { split } from './split.ts';
import { authenticate, recognizes } from './webhook.ts';

export const mollie = definePortal({
  id: 'mollie',
  name: 'Mollie',
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
    'payout.paid',
    'payout.failed',
  ],
  api: {
    baseUrl: (of) => of.apiBaseUrl,
    auth: (of) => {
      const token = credential(of);
      return token ? { kind: 'bearer', token } : { kind: 'none' };
    },
    // Mollie publishes no limit; this leaves a shop's own checkout calls room.
    requestsPerMinute: 120,
  },
  check,
  webhook: {
    recognizes,
    authenticate,
    // 200 for unknown ids too, so that ids cannot be probed.
    acknowledge: { status: 200 },
  },
  split,
  normalize,
  fetch: fetchObjects,
  pull,
});
