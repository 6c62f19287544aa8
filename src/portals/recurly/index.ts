/** Recurly: subscriptions and recurring service contracts (API v3, v2021-02-25). */
import { definePortal } from '../contract.ts';
import { Secret } from '../kit/secret.ts';
import { normalize } from './normalize.ts';
import { check, fetchObjects, pull } from './pull.ts';
import { apiAddress, settings } from './settings.ts';
import { split } from './split.ts';
import { authenticate, recognizes } from './webhook.ts';

export const recurly = definePortal({
  id: 'recurly',
  name: 'Recurly',
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
    // Without a version Recurly answers 406.
    headers: () => ({ accept: 'application/vnd.recurly.v2021-02-25' }),
    // A sandbox site allows 400; some is left to the firm.
    requestsPerMinute: 300,
  },
  check,
  webhook: { recognizes, authenticate, acknowledge: { status: 200 } },
  split,
  normalize,
  fetch: fetchObjects,
  pull,
});
