/** Oracle NetSuite: transactions and customers pulled by SuiteQL, hastened by a script of ours, payments recorded. */
import type { ApiAnswer, ApiAuth } from '../contract.ts';
import { definePortal } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { clientAssertion } from './assertion.ts';
import { books } from './books.ts';
import { check } from './check.ts';
import { fetchRecords } from './fetch.ts';
import { normalize } from './normalize.ts';
import { accountOf } from './notice.ts';
import { type Cursor, pull } from './pull.ts';
import { authorizationHeader } from './request-signature.ts';
import {
  consentUrl,
  type NetSuiteSettings,
  settings,
  signInOf,
  suiteTalkUrl,
  tokenUrl,
} from './settings.ts';
import { split } from './split.ts';
import { authenticate, recognizes } from './webhook.ts';

function auth(given: NetSuiteSettings): ApiAuth {
  const client = signInOf(given);
  const url = tokenUrl(given);
  switch (client.way) {
    case 'certificate':
      return {
        kind: 'oauth2',
        client: {
          tokenUrl: url,
          clientId: client.clientId,
          grant: 'client_credentials',
          assertion: (now) => clientAssertion(client, url, now),
        },
      };
    case 'tokens':
      return {
        kind: 'signed',
        sign: (call) => ({ authorization: authorizationHeader(client, given.accountId, call) }),
      };
    case 'consent': {
      const { clientId, clientSecret, refreshToken } = client;
      return {
        kind: 'oauth2',
        client: {
          tokenUrl: url,
          clientId,
          clientSecret,
          grant: 'refresh_token',
          ...(refreshToken ? { refreshToken } : {}),
        },
      };
    }
  }
}

/** Whoever has several accounts chooses one on the page; it must be the one that the settings name. */
function sameAccount(
  query: URLSearchParams,
  { accountId }: NetSuiteSettings,
): Readonly<Record<string, string>> {
  const company = query.get('company') ?? accountId;
  if (accountOf(company) === accountId) return {};
  throw new WireMismatch(`company: consent was given in account ${company}, not in ${accountId}`);
}

/** More calls at once than the account allows are answered 429, or 400 with this code. */
function throttled({ status, body }: ApiAnswer): boolean {
  return status === 400 && body.includes('SSS_REQUEST_LIMIT_EXCEEDED');
}

export const netsuite = definePortal<NetSuiteSettings, Cursor>({
  id: 'netsuite',
  name: 'Oracle NetSuite',
  settings,
  tells: [
    'payment.pending',
    'payment.succeeded',
    'payment.voided',
    'refund.succeeded',
    'refund.failed',
    'payout.paid',
    'payout.failed',
    'invoice.upserted',
    'invoice.voided',
    'customer.upserted',
  ],
  api: {
    baseUrl: suiteTalkUrl,
    auth,
    consent: {
      page: (given) => ({ url: consentUrl(given), parameters: { scope: 'rest_webservices' } }),
      pkce: true,
      fromRedirect: sameAccount,
      refreshTokenDays: 7,
    },
    // No number is published; what is limited is how many run at once, for all integrations of the account together.
    requestsPerMinute: 120,
    throttled,
  },
  check,
  webhook: {
    recognizes,
    authenticate,
    acknowledge: { status: 200 },
    bodyLimitBytes: 64 * 1024,
  },
  split: (body) => split(body),
  normalize,
  fetch: fetchRecords,
  pull,
  books,
});
