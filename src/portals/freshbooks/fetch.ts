/** Objects that callbacks named, and callbacks that introduced themselves. */
import type { Fetched, FetchRequest, PortalApi } from '../contract.ts';
import { printVerbatim } from '../kit/documents.ts';
import { Rejected } from '../kit/errors.ts';
import { Secret } from '../kit/secret.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { WITH_NAMES } from './pull.ts';
import { accountingPath, callbacksPath, type FreshBooksSettings } from './settings.ts';
import { callbackAnswer } from './wire.ts';

const PATHS: Readonly<Record<string, string>> = {
  payment: 'payments/payments',
  'deleted-payment': 'payments/payments',
  invoice: 'invoices/invoices',
  client: 'users/clients',
};

/** Reads one object after the other; what does not exist yields nothing. */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
  settings: FreshBooksSettings,
): Promise<readonly Fetched[]> {
  const found: Fetched[] = [];
  for (const request of requests) {
    if (request.entity === 'callback') {
      found.push(...(await verifyCallback(api, request, settings)));
      continue;
    }
    const body = await readNamed(api, request, settings);
    if (body) found.push({ request, body });
  }
  return found;
}

/** The object at that path, or undefined when there is none. @throws Rejected for any other refusal */
export async function readObject(
  api: PortalApi,
  path: string,
  query: Readonly<Record<string, string | readonly string[]>> = {},
): Promise<Buffer | undefined> {
  const { status, body } = await api.request({ path, query, accept: [404, 422] });
  if (status < 300) return body;
  const text = body.subarray(0, 2000).toString('utf8');
  if (status === 404 || /not found/i.test(text)) return undefined;
  throw new Rejected(`reading ${path} answered ${status}`, { status, body: text });
}

async function readNamed(
  api: PortalApi,
  { entity, id }: FetchRequest,
  settings: FreshBooksSettings,
): Promise<Buffer | undefined> {
  const folder = PATHS[entity];
  if (folder === undefined) return undefined;
  const isPayment = folder === PATHS.payment;
  const path = accountingPath(settings, `${folder}/${encodeURIComponent(id)}`);
  const body = await readObject(api, path, isPayment ? WITH_NAMES : {});
  if (body || entity !== 'deleted-payment') return body;
  return printVerbatim({ gonePayment: { id } });
}

/**
 * Anyone can post a verifier, so FreshBooks is asked: it knows the callback only if it is our account's, and takes
 * only the verifier that it sent itself. A wrong one changes nothing; the right one is the key of that callback.
 */
async function verifyCallback(
  api: PortalApi,
  request: FetchRequest,
  settings: FreshBooksSettings,
): Promise<readonly Fetched[]> {
  const [id = '', ...rest] = request.id.split(':');
  const verifier = rest.join(':');
  const path = callbacksPath(settings, encodeURIComponent(id));
  if (!(await readObject(api, path))) return [];
  const { status, body } = await api.request({
    method: 'PUT',
    path,
    json: { callback: { callback_id: Number(id), verifier } },
    accept: [400, 404, 422],
  });
  if (status >= 300) return [];
  const { callbackid, verified, event, uri } = readWire(callbackAnswer, parseExactJson(body))
    .response.result.callback;
  // Without the rest of the answer, which is not documented and may hold the verifier.
  const told = { response: { result: { callback: { callbackid, verified, event, uri } } } };
  const isKept = verified && /^[^\s,]+$/.test(verifier);
  return [
    {
      request,
      body: Buffer.from(JSON.stringify(told)),
      ...(isKept ? { learned: { setting: 'verifiers', secret: new Secret(verifier) } } : {}),
    },
  ];
}
