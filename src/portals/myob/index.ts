/** MYOB AccountRight and MYOB Business: receipts, invoices and customers pulled, payments recorded. */
import { z } from 'zod';
import type { ApiAnswer, PortalApi } from '../contract.ts';
import { definePortal } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { parseExactJson } from '../kit/wire.ts';
import { books } from './books.ts';
import { normalize } from './normalize.ts';
import { type Cursor, pull } from './pull.ts';
import { callHeaders, filePath, type MyobSettings, settings } from './settings.ts';
import { split } from './split.ts';
import { errorAnswer, PATHS } from './wire.ts';

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The company file that the person chose; MYOB tells it only where `prompt=consent` was asked. */
function companyFileOf(query: URLSearchParams): Readonly<Record<string, string>> {
  const companyFileId = query.get('businessId') ?? '';
  if (!GUID.test(companyFileId)) {
    throw new WireMismatch('businessId: missing in the way back from MYOB');
  }
  return { companyFileId };
}

/** A spent daily quota is answered 403, which must not pass for a lost permission. */
function throttled({ status, body }: ApiAnswer): boolean {
  return status === 403 && firstError(body.toString('utf8'))?.Name === 'RateLimitError';
}

function firstError(text: string) {
  try {
    const parsed = errorAnswer.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data.Errors[0] : undefined;
  } catch {
    return undefined;
  }
}

const company = z.object({ CompanyName: z.string().nullish() });

/** Reads each list once, so that a permission that is missing is named. */
async function check(api: PortalApi, connection: MyobSettings): Promise<string> {
  const needed = [
    [PATHS.CustomerPayment, 'sme-sales'],
    [PATHS.Customer, 'sme-contacts-customer'],
  ] as const;
  for (const [path, scope] of needed) {
    try {
      await api.request({ path: filePath(connection, `${path}?$top=1`) });
    } catch (error) {
      if (!(error instanceof Rejected) || error.status !== 403) throw error;
      const said = firstError(error.body)?.Message ?? 'access denied';
      const message = `MYOB does not let us read ${path} (${said}): the scope ${scope} is missing, or the file's user may not`;
      throw new Rejected(message, { status: error.status, body: error.body });
    }
  }
  const path = filePath(connection, 'Company');
  const { status, body } = await api.request({ path, accept: [403, 404] });
  const told = status === 200 ? company.safeParse(parseExactJson(body)).data?.CompanyName : null;
  return `MYOB company file ${told ?? ''} (${connection.companyFileId})`.replace('  ', ' ');
}

export const myob = definePortal<MyobSettings, Cursor>({
  id: 'myob',
  name: 'MYOB',
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
    auth: ({ authBaseUrl, clientId, clientSecret, refreshToken, scopes }) => ({
      kind: 'oauth2',
      client: {
        tokenUrl: `${authBaseUrl.replace(/\/+$/, '')}/oauth2/v1/authorize`,
        clientId,
        clientSecret,
        grant: 'refresh_token',
        clientAuthentication: 'form',
        parameters: { scope: scopes },
        ...(refreshToken ? { refreshToken } : {}),
      },
    }),
    consent: {
      page: ({ authBaseUrl, scopes }) => ({
        url: `${authBaseUrl.replace(/\/+$/, '')}/oauth2/account/authorize`,
        // Without the prompt MYOB does not tell which company file was chosen.
        parameters: { scope: scopes, prompt: 'consent' },
      }),
      fromRedirect: companyFileOf,
      refreshTokenDays: 7,
    },
    headers: callHeaders,
    // Eight a second are allowed for a key; the rest is left to the firm's other apps.
    requestsPerMinute: 300,
    throttled,
  },
  check,
  split: (body) => split(body),
  normalize,
  pull,
  books,
});
