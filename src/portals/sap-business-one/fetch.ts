/** Documents that nudges named, by one query for many. */
import type { FetchRequest, PortalApi } from '../contract.ts';
import { readWire } from '../kit/wire.ts';
import { type Page, paidIds, paymentRecords, readByKeys, readPaidInvoices } from './listing.ts';
import { invoiceId } from './references.ts';
import type { BusinessOneSettings } from './settings.ts';
import { recordsBody, recordsIn } from './split.ts';
import { ENTITIES, type Entity, type InvoiceEntity, listedPayment } from './wire.ts';

type Found = { readonly request: FetchRequest; readonly body: Buffer };

/** What does not exist (yet) yields nothing. A payment comes with the invoices that it pays. */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
  settings: BusinessOneSettings,
): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const entity of ENTITIES) {
    const wanted = new Map(
      requests.filter((one) => one.entity === entity).map((one) => [one.id, one]),
    );
    const keys = [...wanted.keys()].map((id) => (entity === 'BusinessPartners' ? id : Number(id)));
    for (const page of await readByKeys(api, { entity, keys }, settings)) {
      for (const { id, records } of await recordsOf(api, { entity, page }, settings)) {
        const request = wanted.get(id);
        if (request) found.push({ request, body: recordsBody(records) });
      }
    }
  }
  return found;
}

async function recordsOf(
  api: PortalApi,
  { entity, page }: { readonly entity: Entity; readonly page: Page },
  settings: BusinessOneSettings,
): Promise<readonly { readonly id: string; readonly records: readonly unknown[] }[]> {
  const { body, rows } = page;
  if (entity !== 'IncomingPayments') {
    const records = recordsIn(body, entity);
    return rows.map((row, place) => ({ id: idOf(entity, row), records: [records[place]] }));
  }
  const listed = rows.map((row) => readWire(listedPayment, row));
  const paid = await readPaidInvoices(api, listed, settings);
  const payments = paymentRecords(body, { entity, listed, paid });
  return listed.map((payment, place) => {
    const ids = paidIds(payment);
    const invoices = paid.records.filter((record) => ids.includes(invoiceIn(record)));
    return { id: String(payment.DocEntry), records: [...invoices, payments[place]] };
  });
}

function invoiceIn(record: unknown): string {
  const [[entity, row] = []] = Object.entries(record as Record<string, unknown>);
  return invoiceId(entity as InvoiceEntity, Number(idOf(entity as Entity, row)));
}

/** Numbers are raw JSON text in records that keep their digits. */
function idOf(entity: Entity, row: unknown): string {
  const { CardCode, DocEntry } = row as Readonly<Record<string, unknown>>;
  const id = entity === 'BusinessPartners' ? CardCode : DocEntry;
  return typeof id === 'object' && id !== null && 'rawJSON' in id ? String(id.rawJSON) : String(id);
}
