/**
 * Zoho Books: webhooks of workflow rules that tell or name a payment, the lists walked, payments recorded.
 */
import { z } from 'zod';
import type { ConsentAccount, PortalApi } from '../contract.ts';
import { definePortal } from '../contract.ts';
import { Reauthorize } from '../kit/errors.ts';
import { parseJson, readWire, wireDecimal } from '../kit/wire.ts';
import { books } from './books.ts';
import { fetchObjects, throttled } from './fetch.ts';
import { normalize } from './normalize.ts';
import { type Cursor, pull } from './pull.ts';
import {
  accountsServer,
  apiBaseUrl,
  dataCentreOf,
  inOrganization,
  settings,
  type ZohoBooksSettings,
} from './settings.ts';
import { split } from './split.ts';
import { authenticate, recognizes } from './webhook.ts';

const SCOPES = [
  'ZohoBooks.customerpayments.READ',
  'ZohoBooks.customerpayments.CREATE',
  'ZohoBooks.customerpayments.UPDATE',
  'ZohoBooks.customerpayments.DELETE',
  'ZohoBooks.invoices.READ',
  'ZohoBooks.contacts.READ',
  'ZohoBooks.settings.READ',
];

const organizations = z.object({
  organizations: z.array(z.object({ organization_id: wireDecimal, name: z.string() })),
});

/** The organizations that the token opens. */
async function accounts(api: PortalApi): Promise<readonly ConsentAccount[]> {
  const { body } = await api.request({ path: '/books/v3/organizations' });
  return readWire(organizations, parseJson(body)).organizations.map((one) => ({
    label: one.name,
    settings: { organizationId: one.organization_id },
  }));
}

async function check(api: PortalApi, connection: ZohoBooksSettings): Promise<string> {
  const { organization_id: id } = inOrganization(connection);
  const own = (await accounts(api)).find((one) => one.settings.organizationId === id);
  if (!own) throw new Reauthorize(`this token does not open organization ${id}`);
  return `Zoho Books organization ${own.label} (${id})`;
}

export const zohoBooks = definePortal<ZohoBooksSettings, Cursor>({
  id: 'zoho-books',
  name: 'Zoho Books',
  settings,
  tells: [
    'payment.succeeded',
    'payment.failed',
    'payment.voided',
    'refund.succeeded',
    'invoice.upserted',
    'invoice.voided',
    'customer.upserted',
  ],
  api: {
    baseUrl: apiBaseUrl,
    auth: ({ clientId, clientSecret, refreshToken, ...connection }) => ({
      kind: 'oauth2',
      client: {
        tokenUrl: `${accountsServer({ clientId, clientSecret, ...connection })}/oauth/v2/token`,
        clientId,
        clientSecret,
        clientAuthentication: 'form',
        grant: 'refresh_token',
        ...(refreshToken ? { refreshToken } : {}),
      },
      present: (token) => ['authorization', `Zoho-oauthtoken ${token}`],
    }),
    consent: {
      page: (connection) => ({
        url: `${accountsServer(connection)}/oauth/v2/auth`,
        // Without the last two Zoho gives no refresh token.
        parameters: { scope: SCOPES.join(','), access_type: 'offline', prompt: 'consent' },
      }),
      fromRedirect: dataCentreOf,
      accounts,
    },
    // 100 a minute per organization are allowed; the rest is left to its other apps.
    requestsPerMinute: 80,
    throttled,
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
