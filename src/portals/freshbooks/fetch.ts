/** Objects that callbacks named, and callbacks that introduced themselves. */
import type { FetchRequest, PortalApi } from '../contract.ts';
import { printVerbatim } from '../kit/documents.ts';
import { Rejected } from '../kit/errors.ts';
import { WITH_NAMES } from './pull.ts';
import { accountingPath, callbacksPath, type FreshBooksSettings } from './settings.ts';

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
): Promise<{ request: FetchRequest; body: Buffer }[]> {
  const found: { request: FetchRequest; body: Buffer }[] = [];
  for (const request of requests) {
    const body =
      request.entity === 'callback'
        ? await verifyCallback(api, request.id, settings)
        : await readNamed(api, request, settings);
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
 * only the verifier that it sent itself. A wrong one changes nothing.
 */
async function verifyCallback(
  api: PortalApi,
  named: string,
  settings: FreshBooksSettings,
): Promise<Buffer | undefined> {
  const [id = '', ...rest] = named.split(':');
  const path = callbacksPath(settings, encodeURIComponent(id));
  if (!(await readObject(api, path))) return undefined;
  const { status, body } = await api.request({
    method: 'PUT',
    path,
    json: { callback: { callback_id: Number(id), verifier: rest.join(':') } },
    accept: [400, 404, 422],
  });
  return status < 300 ? body : undefined;
}
