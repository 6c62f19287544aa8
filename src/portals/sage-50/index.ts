/** Sage 50, a program on the firm's PC: by a bridge beside it, by what that pushes, and by exported files. */
import type { ApiAuth } from '../contract.ts';
import { definePortal } from '../contract.ts';
import { books } from './books.ts';
import { check } from './check.ts';
import { normalize } from './normalize.ts';
import { type Cursor, pull } from './pull.ts';
import { type Sage50Settings, settings } from './settings.ts';
import { split } from './split.ts';
import { authenticate, recognizes } from './webhook.ts';

/** Nothing is ever called there: without a bridge there is no pull, and what asks is refused before. */
const NOWHERE = 'http://sage-50.invalid';

export const sage50 = definePortal<Sage50Settings, Cursor>({
  id: 'sage-50',
  name: 'Sage 50',
  settings,
  tells: [
    'payment.succeeded',
    'payment.voided',
    'refund.succeeded',
    'refund.failed',
    'invoice.upserted',
    'invoice.voided',
    'customer.upserted',
  ],
  api: {
    baseUrl: ({ apiBaseUrl }) => apiBaseUrl ?? NOWHERE,
    certificates: ({ bridgeCertificate }) => bridgeCertificate,
    auth: authorization,
    // A PC on which people work, and which reads its whole audit trail for many a question.
    requestsPerMinute: 120,
  },
  check,
  webhook: {
    recognizes,
    authenticate,
    acknowledge: { status: 200 },
    bodyLimitBytes: 1024 * 1024,
  },
  uploadLimitBytes: 10 * 1024 * 1024,
  split: (body) => split(body),
  normalize,
  pull,
  books,
});

/** The open-source bridge asks for no key; one in front of it may. */
function authorization({ bridge, apiKey, authToken }: Sage50Settings): ApiAuth {
  if (bridge === 'hyperaccounts' && authToken) {
    return { kind: 'header', name: 'AuthToken', value: authToken };
  }
  return apiKey && bridge !== 'none'
    ? { kind: 'header', name: 'X-Api-Key', value: apiKey }
    : { kind: 'none' };
}
