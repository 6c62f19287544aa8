/** Downloading the reports that Adyen announces. */
import type { FetchRequest, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { type AdyenSettings, canFetchReports, reportsBaseUrl } from './settings.ts';
import type { Item } from './wire.ts';

/** Every report lies below this path of the customer area. */
const REPORTS_PATH = '/reports/download/';
const REPORT = 'report';

/**
 * The path of an announced report. Its address stands in `reason`, which nobody signed, so it must lead to the
 * customer area of this connection and to the file whose name is signed. @throws WireMismatch
 */
export function reportPath(item: Item, settings: AdyenSettings): string {
  const { reason, merchantAccountCode, pspReference } = item;
  const base = new URL(reportsBaseUrl(settings));
  const usual = `${REPORTS_PATH}MerchantAccount/${encodeURIComponent(merchantAccountCode)}/`;
  const url = URL.parse(reason || `${usual}${encodeURIComponent(pspReference)}`, base.href);
  if (url === null || url.origin !== base.origin || url.username !== '' || url.password !== '') {
    throw new WireMismatch(`reason: the report is not at ${base.origin}, where it is expected`);
  }
  const file = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  if (!url.pathname.startsWith(REPORTS_PATH) || decoded(file) !== pspReference) {
    throw new WireMismatch(`reason: its address is not that of the report ${pspReference}`);
  }
  return url.pathname;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export function requestOf(path: string): FetchRequest {
  return { entity: REPORT, id: path };
}

/** The reports as CSV; one that is gone yields nothing. */
export async function fetchReports(
  api: PortalApi,
  requests: readonly FetchRequest[],
): Promise<readonly { readonly request: FetchRequest; readonly body: Buffer }[]> {
  const fetched: { request: FetchRequest; body: Buffer }[] = [];
  for (const request of requests) {
    if (request.entity !== REPORT || !request.id.startsWith(REPORTS_PATH)) {
      throw new WireMismatch(`there is no ${request.entity} "${request.id}" to fetch`);
    }
    const answer = await api.request({ path: request.id, headers: CSV, accept: [404] });
    if (answer.status !== 404) fetched.push({ request, body: answer.body });
  }
  return fetched;
}

const CSV = { accept: 'text/csv, */*' };

/** No report has this name: the question is whether we may ask. */
const NO_REPORT = 'settlement_detail_report_batch_0.csv';

/**
 * Asks for a report that does not exist: "not found" is said only to those who may read reports.
 * @throws Rejected when the credentials are good and lack the role.
 */
export async function check(api: PortalApi, settings: AdyenSettings): Promise<string> {
  if (!canFetchReports(settings)) {
    return 'Adyen is listened to; without `reportApiKey` (or user and password) fees and payouts stay unknown';
  }
  const { host } = new URL(reportsBaseUrl(settings));
  const [account = 'AnyAccount'] = settings.merchantAccounts;
  const path = `${REPORTS_PATH}MerchantAccount/${encodeURIComponent(account)}/${NO_REPORT}`;
  const answer = await api.request({ path, headers: CSV, accept: [403, 404] });
  if (answer.status !== 403) return `Reports of ${host} may be downloaded`;
  if (settings.merchantAccounts.length > 0) {
    throw new Rejected(`the user lacks the role Merchant Report for ${account}`, {
      status: 403,
      body: answer.body.toString('utf8', 0, 500),
    });
  }
  return `${host} knows the report user; whether it has the role Merchant Report shows with the first report`;
}
