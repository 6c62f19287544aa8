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
  api: {
    baseUrl: (of) => of.apiBaseUrl,
    auth: { kind: 'bearer', token: credential },
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
