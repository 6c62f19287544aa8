/** Transactions, refunds and disputes that a notice named without telling enough. */
import { z } from 'zod';
import type { FetchRequest, PortalApi } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import { askGraphql } from './graphql.ts';
import { DISPUTE_BY_ID, GLOBAL_ID, PAYMENT_BY_ID } from './queries.ts';

/** What an entity may be in Braintree; a payment of which only the id is known is looked for as both. */
const TYPES: ReadonlyMap<string, readonly string[]> = new Map([
  ['transaction', ['TRANSACTION']],
  ['refund', ['REFUND']],
  ['payment', ['TRANSACTION', 'REFUND']],
  ['dispute', ['DISPUTE']],
]);

const globalId = z.object({ data: z.object({ idFromLegacyId: z.string() }) });
const node = z.object({ data: z.object({ node: z.looseObject({}).nullable() }) });

/** Notices know legacy ids only, so each object takes two calls: its global id, then itself. */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
): Promise<readonly { readonly request: FetchRequest; readonly body: Buffer }[]> {
  const found: { request: FetchRequest; body: Buffer }[] = [];
  for (const request of requests) {
    const types = TYPES.get(request.entity);
    if (!types) throw new WireMismatch(`a Braintree ${request.entity} cannot be fetched`);
    for (const type of types) {
      const body = await fetchNode(api, { legacyId: request.id, type });
      if (!body) continue;
      found.push({ request, body });
      break;
    }
  }
  return found;
}

async function fetchNode(
  api: PortalApi,
  variables: { readonly legacyId: string; readonly type: string },
): Promise<Buffer | undefined> {
  const named = await askGraphql(api, { query: GLOBAL_ID, variables });
  if (!named) return undefined;
  const id = readWire(globalId, parseJson(named)).data.idFromLegacyId;
  const query = variables.type === 'DISPUTE' ? DISPUTE_BY_ID : PAYMENT_BY_ID;
  const body = await askGraphql(api, { query, variables: { id } });
  if (!body) return undefined;
  const { data } = readWire(node, parseJson(body));
  return data.node && Object.keys(data.node).length > 0 ? body : undefined;
}
