/** Square: payments in person, by phone and online, and Square Invoices. */
import type { ApiAuth } from '../contract.ts';
import { definePortal } from '../contract.ts';
import { check } from './check.ts';
import { fetchObjects } from './fetch.ts';
import { normalize } from './normalize.ts';
import { type Cursor, pull } from './pull.ts';
import { apiBaseUrl, authBaseUrl, SCOPES, type SquareSettings, settings } from './settings.ts';
import { authenticate, recognizes } from './signature.ts';
import { split } from './split.ts';

/** The version this portal is written for; webhooks keep the one of their subscription. */
const VERSION = '2026-09-16';

function auth(of: SquareSettings): ApiAuth {
  const { accessToken, applicationId, applicationSecret, refreshToken } = of;
  if (accessToken && !refreshToken) return { kind: 'bearer', token: accessToken };
  if (!applicationId || !applicationSecret) return { kind: 'none' };
  return {
    kind: 'oauth2',
    client: {
      tokenUrl: `${authBaseUrl(of)}/oauth2/token`,
      clientId: applicationId,
      clientSecret: applicationSecret,
      clientAuthentication: 'json',
      grant: 'refresh_token',
      ...(refreshToken ? { refreshToken } : {}),
    },
  };
}

export const square = definePortal<SquareSettings, Cursor>({
  id: 'square',
  name: 'Square',
  settings,
  payoutNames: ['Square', 'SQ *'],
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
    'payout.failed',
  ],
  api: {
    baseUrl: apiBaseUrl,
    auth,
    consent: {
      page: (of) => ({
        url: `${authBaseUrl(of)}/oauth2/authorize`,
        // The seller is asked to log in, even who is logged in as somebody else.
        parameters: { scope: SCOPES.join(' '), session: 'false' },
      }),
    },
    headers: () => ({ 'square-version': VERSION }),
    // Square publishes no limit; this leaves the firm's own tills and shops room.
    requestsPerMinute: 300,
  },
  check,
  webhook: { recognizes, authenticate, acknowledge: { status: 200 } },
  split,
  normalize,
  fetch: fetchObjects,
  pull,
});
