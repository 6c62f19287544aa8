/** Chargebee: service plans and recurring billing (API v2). */
import { definePortal } from '../contract.ts';
import { Secret } from '../kit/secret.ts';
import { normalize } from './normalize.ts';
import { check, fetchObjects, pull } from './pull.ts';
import { apiAddress, settings } from './settings.ts';
import { split } from './split.ts';
import { authenticate, recognizes } from './webhook.ts';

export const chargebee = definePortal({
  id: 'chargebee',
  name: 'Chargebee',
  settings,
  relays: true,
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
    'invoice.upserted',
    'invoice.voided',
    'customer.upserted',
  ],
  api: {
    baseUrl: apiAddress,
    // The key is the user, and the password is empty.
    auth: ({ apiKey }) =>
      apiKey
        ? { kind: 'basic', user: apiKey.reveal(), password: new Secret('') }
        : { kind: 'none' },
    // A starter or test site allows about 150; some is left to the firm.
    requestsPerMinute: 120,
    throttled: ({ status, body }) => status >= 400 && body.includes('api_request_limit_exceeded'),
  },
  check,
  webhook: { recognizes, authenticate, acknowledge: { status: 200 } },
  split,
  normalize,
  fetch: fetchObjects,
  pull,
});
