/** Braintree: cards, PayPal, Venmo and bank debits through PayPal's gateway. */
import { definePortal } from '../contract.ts';
import { fetchObjects } from './fetch.ts';
import { normalize } from './normalize.ts';
import { check, pull } from './pull.ts';
import { apiAddress, settings } from './settings.ts';
import { split } from './split.ts';
import { authenticate, BODY_LIMIT_BYTES, handshake, recognizes } from './webhook.ts';

export const braintree = definePortal({
  id: 'braintree',
  name: 'Braintree',
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
  ],
  api: {
    baseUrl: apiAddress,
    auth: ({ publicKey, privateKey }) => ({ kind: 'basic', user: publicKey, password: privateKey }),
    // Fixes what the API answers, whatever Braintree changes later.
    headers: () => ({ 'Braintree-Version': '2019-01-01' }),
    // Braintree publishes no limit; this leaves a shop's own calls room.
    requestsPerMinute: 300,
  },
  check,
  webhook: {
    recognizes,
    authenticate,
    handshake,
    acknowledge: { status: 200 },
    bodyLimitBytes: BODY_LIMIT_BYTES,
  },
  split,
  normalize,
  fetch: fetchObjects,
  pull,
});
