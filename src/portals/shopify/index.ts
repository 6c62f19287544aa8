/** Shopify: the online parts shop, its draft-order invoices, and the counter (Shopify POS). */
import type { ApiAuth } from '../contract.ts';
import { definePortal } from '../contract.ts';
import { check } from './graphql.ts';
import { normalize } from './normalize.ts';
import { fetchOrders, pull } from './pull.ts';
import { type Settings, settings } from './settings.ts';
import { split } from './split.ts';
import { authenticate, recognizes } from './webhook.ts';

const TOKEN_HEADER = 'X-Shopify-Access-Token';

export const shopify = definePortal({
  id: 'shopify',
  name: 'Shopify',
  settings,
  relays: true,
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
    baseUrl: ({ apiBaseUrl, shopDomain }) => apiBaseUrl ?? `https://${shopDomain}`,
    auth,
    // Shopify counts points, not calls: 100 a second, of which a page of orders costs some sixty.
    requestsPerMinute: 100,
  },
  check,
  webhook: { recognizes, authenticate, acknowledge: { status: 200 } },
  split,
  normalize,
  fetch: fetchOrders,
  pull,
});

/** A permanent token of an app made in the admin, else the credentials of one from the Dev Dashboard. */
function auth({ accessToken, clientId, clientSecret, shopDomain, authBaseUrl }: Settings): ApiAuth {
  if (accessToken) return { kind: 'header', name: TOKEN_HEADER, value: accessToken };
  if (!clientId || !clientSecret) return { kind: 'none' };
  const base = authBaseUrl ?? `https://${shopDomain}`;
  return {
    kind: 'oauth2',
    client: {
      tokenUrl: `${base.replace(/\/+$/, '')}/admin/oauth/access_token`,
      clientId,
      clientSecret,
      clientAuthentication: 'form',
    },
    present: (token) => [TOKEN_HEADER, token],
  };
}
