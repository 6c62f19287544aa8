/** Calls to the JSON API, which answers everything with 200 and says in the body what went wrong. */
import type { FetchRequest, PortalApi } from '../contract.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import { credentials, type Settings } from './settings.ts';
import { member, messagesWire, withoutBom } from './wire.ts';

const PATH = '/xml/v1/request.api';
const NOT_FOUND = 'E00040';

/** Wrong or missing credentials and permissions: only a person can help, and until then nothing is given up. */
const NOT_ALLOWED: ReadonlyMap<string, string> = new Map([
  ['E00005', 'check transactionKey'],
  ['E00006', 'check apiLoginId'],
  ['E00007', 'check apiLoginId and transactionKey, and whether they are of the sandbox'],
  ['E00008', 'the merchant account is not active'],
  ['E00009', 'the account is in test mode, where this cannot be asked'],
  ['E00010', 'this API user lacks the permission'],
  ['E00011', 'enable Account > Settings > Transaction Details API in the Merchant Interface'],
]);

/** Passing faults: an error on their side, too busy, maintenance. */
const PASSING: readonly string[] = ['E00001', 'E00053', 'E00104'];

/** Pages of lists are asked for in full; `offset` counts pages, from 1. */
export const PAGE_SIZE = 1000;
export const paging = (page: number) => ({ limit: String(PAGE_SIZE), offset: String(page) });

/**
 * The answer's bytes without their byte order mark. `fields` must be in the order of Authorize.Net's XML schema,
 * against which JSON is checked. @throws RetryLater, Reauthorize, Rejected, WireMismatch
 */
export async function ask(
  api: PortalApi,
  settings: Settings,
  call: { readonly request: string; readonly fields: Readonly<Record<string, unknown>> },
): Promise<Buffer> {
  const proof = credentials(settings);
  if (!proof)
    throw new Reauthorize('apiLoginId and transactionKey are both needed to ask anything');
  const merchantAuthentication = {
    name: proof.apiLoginId,
    transactionKey: proof.transactionKey.reveal(),
  };
  const answer = await api.request({
    method: 'POST',
    path: PATH,
    json: { [call.request]: { merchantAuthentication, ...call.fields } },
  });
  const body = withoutBom(answer.body);
  const { resultCode, message } = readWire(messagesWire, member(parseJson(body), 'messages'));
  if (resultCode === 'Ok') return body;
  const { code, text } = message[0] ?? { code: 'no code', text: '' };
  const said = `${call.request}: ${code} ${text}`;
  if (PASSING.includes(code)) throw new RetryLater(said);
  const remedy = NOT_ALLOWED.get(code);
  if (remedy !== undefined) throw new Reauthorize(`${said} (${remedy})`);
  throw new Rejected(said, { status: answer.status, body: code });
}

/** A transaction's details; undefined when there is none of that id. */
export async function askTransaction(
  api: PortalApi,
  settings: Settings,
  transId: string,
): Promise<Buffer | undefined> {
  try {
    return await ask(api, settings, {
      request: 'getTransactionDetailsRequest',
      fields: { transId },
    });
  } catch (error) {
    if (error instanceof Rejected && error.body === NOT_FOUND) return undefined;
    throw error;
  }
}

/** The transactions that notices and lists named. */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
  settings: Settings,
): Promise<readonly { readonly request: FetchRequest; readonly body: Buffer }[]> {
  const found: { request: FetchRequest; body: Buffer }[] = [];
  for (const request of requests) {
    if (request.entity !== 'transaction') {
      throw new WireMismatch(`an Authorize.Net ${request.entity} cannot be fetched`);
    }
    const body = await askTransaction(api, settings, request.id);
    if (body) found.push({ request, body });
  }
  return found;
}
