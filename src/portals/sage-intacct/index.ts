/**
 * Sage Intacct: payments pulled by `readByQuery` or the REST query service, nudges of triggers, payments recorded.
 */
import type { ApiAuth } from '../contract.ts';
import { definePortal } from '../contract.ts';
import { check } from './account.ts';
import { books } from './books.ts';
import { fetchObjects } from './fetch.ts';
import { gatewaySession, throttled } from './gateway.ts';
import { normalize } from './normalize.ts';
import { type Cursor, pull } from './pull.ts';
import { invalidToken } from './rest.ts';
import { baseUrlOf, type SageIntacctSettings, settings } from './settings.ts';
import { split } from './split.ts';
import { authenticate, BODY_LIMIT_BYTES, recognizes } from './webhook.ts';

export const sageIntacct = definePortal<SageIntacctSettings, Cursor>({
  id: 'sage-intacct',
  name: 'Sage Intacct',
  settings,
  tells: [
    'payment.pending',
    'payment.succeeded',
    'payment.voided',
    'invoice.upserted',
    'invoice.voided',
    'customer.upserted',
  ],
  api: {
    baseUrl: baseUrlOf,
    auth: (connection) =>
      connection.api === 'xml' ? gatewaySession(connection) : restAccess(connection),
    consent: {
      page: ({ authBaseUrl }) => ({
        url: `${authBaseUrl.replace(/\/+$/, '')}/oauth2/authorize`,
        // Without it no refresh token comes back.
        parameters: { scope: 'offline_access' },
      }),
    },
    headers: ({ api, entity }) => ({
      ...(api === 'xml' ? { accept: 'application/xml' } : {}),
      ...(api === 'rest' && entity !== undefined ? { 'x-ia-api-param-entity': entity } : {}),
    }),
    // No number is documented; what is too much is answered and waited for.
    requestsPerMinute: 300,
    throttled,
  },
  check,
  webhook: {
    recognizes,
    authenticate,
    acknowledge: { status: 200 },
    bodyLimitBytes: BODY_LIMIT_BYTES,
  },
  split: (body) => split(body),
  normalize,
  fetch: fetchObjects,
  pull,
  books,
});

/** An app that signs in by itself names the user; otherwise a person lets us in. */
function restAccess(connection: SageIntacctSettings): ApiAuth {
  const { authBaseUrl, clientId = '', clientSecret, refreshToken, username } = connection;
  return {
    kind: 'oauth2',
    client: {
      tokenUrl: `${authBaseUrl.replace(/\/+$/, '')}/oauth2/token`,
      clientId,
      ...(clientSecret ? { clientSecret } : {}),
      ...(refreshToken ? { refreshToken } : {}),
      grant: username === undefined ? 'refresh_token' : 'client_credentials',
      clientAuthentication: 'form',
      ...(username === undefined ? {} : { parameters: { username } }),
    },
    refused: invalidToken,
  };
}
