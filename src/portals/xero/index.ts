/**
 * Xero: payments pulled by `If-Modified-Since`, events that name what changed, payments recorded against invoices.
 */
import { definePortal } from '../contract.ts';
import { accounts, check } from './account.ts';
import { books } from './books.ts';
import { fetchObjects } from './fetch.ts';
import { normalize } from './normalize.ts';
import { type Cursor, pull } from './pull.ts';
import { consentPage, settings, type XeroSettings } from './settings.ts';
import { split } from './split.ts';
import { authenticate, handshake, recognizes } from './webhook.ts';

export const xero = definePortal<XeroSettings, Cursor>({
  id: 'xero',
  name: 'Xero',
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
    auth: ({ authBaseUrl, clientId, clientSecret, refreshToken, customConnection, scopes }) => ({
      kind: 'oauth2',
      client: {
        tokenUrl: `${authBaseUrl.replace(/\/+$/, '')}/connect/token`,
        clientId,
        clientSecret,
        grant: customConnection ? 'client_credentials' : 'refresh_token',
        ...(refreshToken ? { refreshToken } : {}),
        ...(customConnection ? { parameters: { scope: withoutOffline(scopes) } } : {}),
      },
    }),
    consent: {
      page: (connection) => ({
        url: consentPage(connection),
        parameters: { scope: connection.scopes },
      }),
      accounts,
      refreshTokenDays: 60,
    },
    // Without it Xero answers in XML.
    headers: ({ tenantId }) => ({
      accept: 'application/json',
      ...(tenantId === undefined ? {} : { 'xero-tenant-id': tenantId }),
    }),
    // 60 a minute are allowed for each organisation; the rest is left to its other apps.
    requestsPerMinute: 55,
  },
  check,
  webhook: {
    recognizes,
    authenticate,
    handshake,
    acknowledge: { status: 200 },
    bodyLimitBytes: 2 * 1024 * 1024,
  },
  split,
  normalize,
  fetch: fetchObjects,
  pull,
  books,
});

/** A custom connection gets no refresh token and may not ask for one. */
function withoutOffline(scopes: string): string {
  return scopes
    .split(/\s+/)
    .filter((scope) => scope !== 'offline_access')
    .join(' ');
}
