/** Authorize.Net: a gateway to card processors and eCheck, told by signed webhooks and read by its reporting API. */
import { definePortal } from '../contract.ts';
import { fetchObjects } from './api.ts';
import { check } from './check.ts';
import { normalize } from './normalize.ts';
import { pull } from './pull.ts';
import { credentials, originOf, settings } from './settings.ts';
import { authenticate, recognizes } from './signature.ts';
import { split } from './split.ts';

export const authorizeNet = definePortal({
  id: 'authorize-net',
  name: 'Authorize.Net',
  settings,
  payoutNames: ['Authorize.Net', 'Authnet'],
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
  ],
  api: {
    baseUrl: originOf,
    // The REST API takes the pair as HTTP Basic; the JSON API looks for it inside the body.
    auth: (of) => {
      const proof = credentials(of);
      if (!proof) return { kind: 'none' };
      return { kind: 'basic', user: proof.apiLoginId, password: proof.transactionKey };
    },
    // No limit is published; one call at a time at this pace leaves the firm's own checkout room.
    requestsPerMinute: 120,
  },
  check,
  webhook: { recognizes, authenticate, acknowledge: { status: 200 } },
  split,
  normalize,
  fetch: fetchObjects,
  pull,
});
