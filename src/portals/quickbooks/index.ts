/**
 * QuickBooks Online: notices that name an object, the object fetched, changes pulled, payments
 * recorded.
 */
import { z } from 'zod';
import type { Notice, PortalApi, Verdict } from '../contract.ts';
import { definePortal } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { hmac, sameBytes } from '../kit/hmac.ts';
import type { Secret } from '../kit/secret.ts';
import { AUTHENTIC, likelyMistake, refused } from '../kit/verdict.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import { books } from './books.ts';
import { normalize } from './normalize.ts';
import { type Cursor, fetchObjects, pull } from './pull.ts';
import {
  apiBaseUrl,
  companyPath,
  consentPage,
  type QuickBooksSettings,
  settings,
} from './settings.ts';
import { split } from './split.ts';

const SIGNATURE = 'intuit-signature';

/** The verifier token belongs to the app, so a genuine notice may still be another company's. */
function authenticate(notice: Notice, { verifierToken }: QuickBooksSettings): Verdict {
  const signature = notice.headers[SIGNATURE];
  if (signature === undefined || signature === '') {
    return refused('signature-missing', `no ${SIGNATURE} header`);
  }
  if (!/^[A-Za-z0-9+/]{43}=$/.test(signature)) {
    return refused('signature-malformed', `${SIGNATURE} is not the base64 of 32 bytes`);
  }
  const claimed = Buffer.from(signature, 'base64');
  const keys = verifierToken ?? [];
  const fits = (key: Secret | string | Buffer, body: Buffer): boolean =>
    sameBytes(hmac('sha256', key, body), claimed);
  if (keys.some((key) => fits(key, notice.body))) return AUTHENTIC;
  const mistake = likelyMistake({ keys, body: notice.body, setting: 'verifierToken', fits });
  return refused('signature-wrong', mistake);
}

/** Intuit Payments is told by the same header; only accounting's two forms are ours. */
function recognizes({ headers, body }: Notice): boolean {
  if (headers[SIGNATURE] === undefined) return false;
  const text = body.toString('utf8');
  return /^\s*\{\s*"eventNotifications"\s*:/.test(text) || /"type"\s*:\s*"qbo\./.test(text);
}

/** The company that the person chose on Intuit's page. */
function realmOf(query: URLSearchParams): Readonly<Record<string, string>> {
  const realmId = query.get('realmId') ?? '';
  if (!/^\d+$/.test(realmId))
    throw new WireMismatch('realmId: missing in the way back from Intuit');
  return { realmId };
}

const company = z.object({
  CompanyInfo: z.object({ CompanyName: z.string() }),
});

async function check(api: PortalApi, connection: QuickBooksSettings): Promise<string> {
  const { realmId, minorVersion } = connection;
  const { body } = await api.request({
    path: companyPath(connection, `companyinfo/${realmId}`),
    query: { minorversion: String(minorVersion) },
  });
  const { CompanyInfo } = readWire(company, parseJson(body));
  return `QuickBooks company ${CompanyInfo.CompanyName} (${realmId})`;
}

export const quickbooks = definePortal<QuickBooksSettings, Cursor>({
  id: 'quickbooks',
  name: 'QuickBooks Online',
  settings,
  tells: [
    'invoice.voided',
    'payout.paid',
    'payment.succeeded',
    'payment.voided',
    'refund.succeeded',
    'invoice.upserted',
    'customer.upserted',
  ],
  api: {
    baseUrl: apiBaseUrl,
    auth: ({ authBaseUrl, clientId, clientSecret, refreshToken }) => ({
      kind: 'oauth2',
      client: {
        tokenUrl: `${authBaseUrl.replace(/\/+$/, '')}/oauth2/v1/tokens/bearer`,
        clientId,
        clientSecret,
        grant: 'refresh_token',
        ...(refreshToken ? { refreshToken } : {}),
      },
    }),
    consent: {
      page: (connection) => ({
        url: consentPage(connection),
        parameters: { scope: 'com.intuit.quickbooks.accounting' },
      }),
      fromRedirect: realmOf,
      refreshTokenDays: 100,
    },
    // 500 a minute per company are allowed; the rest is left to people's other apps.
    requestsPerMinute: 400,
    throttled: ({ status, body }) => status >= 400 && body.includes('ThrottleExceeded'),
  },
  check,
  webhook: {
    recognizes,
    authenticate,
    acknowledge: { status: 200 },
    bodyLimitBytes: 2 * 1024 * 1024,
  },
  split,
  normalize,
  fetch: fetchObjects,
  pull,
  books,
});
