/** Whose business it is: the proof of the credentials, and the choice after the consent page. */
import type { ConsentAccount, PortalApi } from '../contract.ts';
import { Reauthorize, Rejected } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { askWave } from './graphql.ts';
import { ASSET_ACCOUNTS, BUSINESSES } from './queries.ts';
import type { WaveSettings } from './settings.ts';
import { accountPage, businessPage } from './wire.ts';

const PAGE_ROWS = 50;
/** More businesses than one person keeps; ends a list whose page count lies. */
const MOST_PAGES = 10;

type Business = { readonly id: string; readonly name: string };

/**
 * Names the business, and the accounts to record payments into before one is chosen.
 * @throws Reauthorize with those that the token opens when none of them is chosen
 */
export async function check(
  api: PortalApi,
  { businessId, paymentAccountId }: WaveSettings,
): Promise<string> {
  const businesses = await businessesOf(api);
  const chosen = businesses.find(({ id }) => id === businessId);
  if (!chosen) {
    const list = businesses.map(({ id, name }) => `${name} (${id})`).join(', ') || 'none';
    throw new Reauthorize(`businessId is none of the businesses that the token opens: ${list}`);
  }
  const business = `Wave business ${chosen.name} (${chosen.id})`;
  const accounts = paymentAccountId === undefined ? await assetAccounts(api, chosen.id) : [];
  return accounts.length === 0
    ? business
    : `${business}; to record payments, set paymentAccountId to one of ${accounts.join(', ')}`;
}

/** By name and id; none where the scopes or the schema do not let us ask. */
async function assetAccounts(api: PortalApi, businessId: string): Promise<readonly string[]> {
  try {
    const variables = { businessId, page: 1, pageSize: PAGE_ROWS };
    const body = await askWave(api, { query: ASSET_ACCOUNTS, variables });
    const { business } = readWire(accountPage, parseExactJson(body)).data;
    return (business?.accounts.edges ?? []).map(({ node }) => `${node.name ?? '?'} (${node.id})`);
  } catch (error) {
    if (error instanceof Rejected) return [];
    throw error;
  }
}

/** Every business that the consent opens, each with the setting that chooses it. */
export async function accounts(api: PortalApi): Promise<readonly ConsentAccount[]> {
  const businesses = await businessesOf(api);
  return businesses.map(({ id, name }) => ({ label: name, settings: { businessId: id } }));
}

async function businessesOf(api: PortalApi): Promise<readonly Business[]> {
  const found: Business[] = [];
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const variables = { page, pageSize: PAGE_ROWS };
    const body = await askWave(api, { query: BUSINESSES, variables });
    const { pageInfo, edges } = readWire(businessPage, parseExactJson(body)).data.businesses;
    found.push(
      ...edges.map(({ node }) => ({
        id: node.id,
        name: [node.name ?? node.id, node.currency?.code].filter(Boolean).join(', '),
      })),
    );
    if (edges.length === 0 || page >= (pageInfo?.totalPages ?? 1)) break;
  }
  return found;
}
