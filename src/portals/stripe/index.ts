/** Stripe: cards, bank debits, wallets, Terminal, and invoices written in Stripe. */

import { z } from 'zod';
import { definePortal, type PortalApi } from '../contract.ts';
import { Rejected } from '../kit/errors.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import { fetchObjects } from './fetch.ts';
import { normalize } from './normalize.ts';
import { EVERY_SECONDS, OVERLAP_SECONDS, pullPage, start } from './pull.ts';
import { type StripeSettings, settings } from './settings.ts';
import { authenticate, recognizes } from './signature.ts';
import { split } from './split.ts';

const account = z.object({
  id: z.string(),
  business_profile: z.object({ name: z.string().nullish() }).nullish(),
});

export const stripe = definePortal({
  id: 'stripe',
  name: 'Stripe',
  settings,
  tells: [
    'invoice.upserted',
    'invoice.voided',
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
    baseUrl: ({ apiBaseUrl }) => apiBaseUrl,
    auth: ({ secretKey }) => (secretKey ? { kind: 'bearer', token: secretKey } : { kind: 'none' }),
    headers: () => ({ 'stripe-version': '2026-10-28.endive' }),
    // A sandbox allows 25 requests a second, live mode 25 for one endpoint; some is left to the
    // firm.
    requestsPerMinute: 1200,
  },
  check,
  webhook: { recognizes, authenticate, acknowledge: { status: 200 } },
  split,
  normalize,
  fetch: fetchObjects,
  pull: {
    everySeconds: EVERY_SECONDS,
    overlapSeconds: OVERLAP_SECONDS,
    possible: ({ secretKey }) => secretKey !== undefined,
    start,
    page: pullPage,
  },
});

/** A restricted key may read events without being allowed to read its own account. */
async function check(api: PortalApi, { accountId }: StripeSettings): Promise<string> {
  const answer = await api.request({ path: '/v1/account', accept: [403] });
  if (answer.status === 403) {
    await api.request({ path: '/v1/events', query: { limit: '1' } });
    return 'A Stripe account whose name this restricted key may not read';
  }
  const { id, business_profile } = readWire(account, parseJson(answer.body));
  if (accountId !== undefined && accountId !== id) {
    throw new Rejected(`the key belongs to ${id}, not to ${accountId}`, { status: 200, body: id });
  }
  return `Stripe account ${business_profile?.name ?? id} (${id})`;
}
