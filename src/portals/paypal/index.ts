/** PayPal: checkout, cards through PayPal, subscriptions and invoices, in both generations of its API. */
import { definePortal } from '../contract.ts';
import { fetchObjects } from './fetch.ts';
import { normalize } from './normalize.ts';
import { check, pull } from './pull.ts';
import { apiBaseUrl, type Settings, settings } from './settings.ts';
import { split } from './split.ts';
import { ask, authenticate, recognizes } from './webhook.ts';

export const paypal = definePortal({
  id: 'paypal',
  name: 'PayPal',
  settings,
  tells: [
    'payment.pending',
    'payment.authorized',
    'payment.succeeded',
    'payment.failed',
    'payment.voided',
    'refund.succeeded',
    'refund.failed',
    'dispute.opened',
    'dispute.won',
    'dispute.lost',
    'payout.paid',
    'payout.failed',
  ],
  api: {
    baseUrl: (of: Settings) => apiBaseUrl(of),
    auth: (of: Settings) =>
      of.clientId !== undefined && of.clientSecret !== undefined
        ? {
            kind: 'oauth2',
            client: {
              tokenUrl: `${(of.authBaseUrl ?? apiBaseUrl(of)).replace(/\/+$/, '')}/v1/oauth2/token`,
              clientId: of.clientId,
              clientSecret: of.clientSecret,
            },
          }
        : { kind: 'none' },
    // PayPal publishes no limit and blocks bursts.
    requestsPerMinute: 240,
  },
  check,
  webhook: { recognizes, authenticate, ask, acknowledge: { status: 200 } },
  split,
  normalize,
  fetch: fetchObjects,
  pull,
});
