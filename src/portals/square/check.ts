/** Proves the credentials and names the account, and says which permissions are missing. */
import { z } from 'zod';
import type { ApiCall, PortalApi } from '../contract.ts';
import { Rejected } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { invoiceSearch } from './fetch.ts';
import type { SquareSettings } from './settings.ts';

const locations = z.object({
  locations: z
    .array(
      z.object({
        id: z.string(),
        merchant_id: z.string().nullish(),
        business_name: z.string().nullish(),
        name: z.string().nullish(),
      }),
    )
    .nullish(),
});

/** @throws Rejected when payments may not be read, or the token is another seller's */
export async function check(api: PortalApi, settings: SquareSettings): Promise<string> {
  if (settings.refreshToken && !(settings.applicationId && settings.applicationSecret)) {
    throw new Rejected('refreshToken needs applicationId and applicationSecret', {
      status: 400,
      body: '',
    });
  }
  const answer = await api.request({ path: '/v2/locations', accept: [403] });
  if (answer.status === 403) {
    throw new Rejected('MERCHANT_PROFILE_READ is missing: locations cannot be read', {
      status: 403,
      body: '',
    });
  }
  const found = readWire(locations, parseExactJson(answer.body)).locations ?? [];
  const [main] = found;
  const seller = main?.merchant_id;
  if (settings.merchantId && seller && seller !== settings.merchantId) {
    throw new Rejected(`the token is of seller ${seller}, not of ${settings.merchantId}`, {
      status: 403,
      body: seller,
    });
  }
  const missing = await missingPermissions(api, main?.id);
  if (missing.includes('PAYMENTS_READ')) {
    throw new Rejected('PAYMENTS_READ is missing: payments cannot be read', {
      status: 403,
      body: '',
    });
  }
  const name = main?.business_name || main?.name || 'without a name';
  const where = `${found.length} ${found.length === 1 ? 'location' : 'locations'}`;
  const lacks = missing.length === 0 ? '' : `; missing permissions: ${missing.join(', ')}`;
  return `Square seller ${name}${seller ? ` (${seller})` : ''}, ${where}${lacks}`;
}

async function missingPermissions(
  api: PortalApi,
  location: string | undefined,
): Promise<readonly string[]> {
  const one = { limit: '1' };
  const probes: readonly (readonly [string, ApiCall])[] = [
    ['PAYMENTS_READ', { path: '/v2/payments', query: one }],
    ['DISPUTES_READ', { path: '/v2/disputes' }],
    ['PAYOUTS_READ', { path: '/v2/payouts', query: one }],
    ['CUSTOMERS_READ', { path: '/v2/customers', query: one }],
    ...(location === undefined
      ? []
      : [
          ['INVOICES_READ', invoiceSearch({ location })] as const,
          ['ORDERS_READ', orderSearch(location)] as const,
        ]),
  ];
  const missing: string[] = [];
  for (const [permission, call] of probes) {
    const { status } = await api.request({ ...call, accept: [403] });
    if (status === 403) missing.push(permission);
  }
  return missing;
}

function orderSearch(location: string): ApiCall {
  return {
    method: 'POST',
    path: '/v2/orders/search',
    json: { location_ids: [location], limit: 1 },
  };
}
