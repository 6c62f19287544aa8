/** FreshBooks: payments pulled by the day of their change, callbacks that name objects, payments recorded. */
import { definePortal } from '../contract.ts';
import { accounts, check } from './account.ts';
import { books } from './books.ts';
import { fetchObjects } from './fetch.ts';
import { normalize } from './normalize.ts';
import { type Cursor, pull } from './pull.ts';
import { consentPage, type FreshBooksSettings, SCOPES, settings } from './settings.ts';
import { split } from './split.ts';
import { authenticate, BODY_LIMIT_BYTES, conceal, recognizes } from './webhook.ts';

export const freshbooks = definePortal<FreshBooksSettings, Cursor>({
  id: 'freshbooks',
  name: 'FreshBooks',
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
    baseUrl: ({ apiBaseUrl }) => apiBaseUrl,
    auth: ({ authBaseUrl, clientId, clientSecret, refreshToken, redirectUri }) => ({
      kind: 'oauth2',
      client: {
        tokenUrl: `${authBaseUrl.replace(/\/+$/, '')}/auth/oauth/token`,
        clientId,
        clientSecret,
        grant: 'refresh_token',
        clientAuthentication: 'json',
        ...(refreshToken ? { refreshToken } : {}),
        ...(redirectUri ? { parameters: { redirect_uri: redirectUri } } : {}),
      },
    }),
    consent: {
      page: (connection) => ({ url: consentPage(connection), parameters: { scope: SCOPES } }),
      accounts,
    },
    headers: () => ({ accept: 'application/json', 'api-version': 'alpha' }),
    // FreshBooks names no figure; this has room for people's other apps.
    requestsPerMinute: 120,
  },
  check,
  webhook: {
    recognizes,
    authenticate,
    acknowledge: { status: 200 },
    bodyLimitBytes: BODY_LIMIT_BYTES,
    conceal,
  },
  split,
  normalize,
  fetch: fetchObjects,
  pull,
  books,
});
