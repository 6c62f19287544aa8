/** Proves the credentials and says what else stands in the way of payments being learned. */
import { z } from 'zod';
import type { PortalApi } from '../contract.ts';
import { Rejected } from '../kit/errors.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import { ask } from './api.ts';
import type { Settings } from './settings.ts';
import { withoutBom } from './wire.ts';

const merchant = z.object({
  merchantName: z.string().nullish(),
  currencies: z.array(z.string()).nullish(),
});
const webhooks = z.array(z.object({ name: z.string().nullish(), status: z.string() }));

/**
 * Names the merchant, insists on the permission to read transactions, and tells of webhooks that Authorize.Net
 * switched off, as it does silently once deliveries kept failing.
 * @throws Reauthorize, Rejected, RetryLater
 */
export async function check(api: PortalApi, settings: Settings): Promise<string> {
  const { merchantName, currencies } = await askMerchant(api, settings);
  if (currencies && currencies.length > 0 && !currencies.includes(settings.currency)) {
    const said = `the account takes ${currencies.join(', ')}, not ${settings.currency}: check currency`;
    throw new Rejected(said, { status: 200, body: said });
  }
  await ask(api, settings, {
    request: 'getUnsettledTransactionListRequest',
    fields: {
      sorting: { orderBy: 'submitTimeUTC', orderDescending: true },
      paging: { limit: '1', offset: '1' },
    },
  });
  const account = `Authorize.Net account ${merchantName ?? settings.apiLoginId} in ${settings.currency}`;
  return `${account}; ${await describeWebhooks(api)}`;
}

/** Not every API user may read it, and nothing but the name and the currencies depends on it. */
async function askMerchant(
  api: PortalApi,
  settings: Settings,
): Promise<Partial<z.infer<typeof merchant>>> {
  try {
    const body = await ask(api, settings, { request: 'getMerchantDetailsRequest', fields: {} });
    return readWire(merchant, parseJson(body));
  } catch (error) {
    if (error instanceof Rejected) return {};
    throw error;
  }
}

async function describeWebhooks(api: PortalApi): Promise<string> {
  const { status, body } = await api.request({ path: '/rest/v1/webhooks', accept: [403, 404] });
  const list = status === 200 ? webhooks.safeParse(parseJson(withoutBom(body))) : undefined;
  if (!list?.success) return 'its webhooks could not be listed';
  const off = list.data.filter((one) => one.status.toLowerCase() !== 'active');
  if (off.length > 0) {
    const names = off.map(({ name }) => name ?? 'without a name').join(', ');
    return `WARNING: switched off at Authorize.Net, so nothing is delivered: webhook ${names}`;
  }
  return `active webhooks: ${list.data.length}`;
}
