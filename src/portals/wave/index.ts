/** Wave: invoices polled over GraphQL; what they say was paid is a payment, unless we recorded it there. */
import { definePortal } from '../contract.ts';
import { accounts, check } from './account.ts';
import { books } from './books.ts';
import { normalize } from './normalize.ts';
import { type Cursor, pull } from './pull.ts';
import { settings, type WaveSettings } from './settings.ts';
import { split } from './split.ts';

export const wave = definePortal<WaveSettings, Cursor>({
  id: 'wave',
  name: 'Wave',
  settings,
  tells: [
    'payment.succeeded',
    'payment.voided',
    'invoice.upserted',
    'invoice.voided',
    'customer.upserted',
  ],
  api: {
    baseUrl: ({ apiBaseUrl }) => apiBaseUrl,
    auth: ({ accessToken, authBaseUrl, clientId, clientSecret, refreshToken, redirectUri }) =>
      accessToken
        ? { kind: 'bearer', token: accessToken }
        : {
            kind: 'oauth2',
            client: {
              tokenUrl: `${authBaseUrl.replace(/\/+$/, '')}/oauth2/token/`,
              clientId: clientId ?? '',
              ...(clientSecret ? { clientSecret } : {}),
              grant: 'refresh_token',
              clientAuthentication: 'form',
              ...(refreshToken ? { refreshToken } : {}),
              ...(redirectUri ? { parameters: { redirect_uri: redirectUri } } : {}),
            },
          },
    consent: {
      page: ({ authBaseUrl, scopes }) => ({
        url: `${authBaseUrl.replace(/\/+$/, '')}/oauth2/authorize/`,
        parameters: { scope: scopes },
      }),
      accounts,
    },
    // About 60 a minute are allowed.
    requestsPerMinute: 50,
  },
  check,
  split,
  normalize,
  pull,
  books,
});
