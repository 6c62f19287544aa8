/** Documents that nudges named, by one query for many. */
import type { FetchRequest, PortalApi } from '../contract.ts';
import { readWire } from '../kit/wire.ts';
import { keyFilters, listPath, numbersFor, readPage, readPaidInvoices } from './listing.ts';
import { invoiceEntity, invoiceId } from './references.ts';
import type { BusinessOneSettings } from './settings.ts';
import { recordsBody, recordsIn } from './split.ts';
import { ENTITIES, type Entity, type ListedPayment, listedPayment } from './wire.ts';

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
    for (const filter of keyFilters(keys)) {
      for (const { id, records } of await readSome(api, { entity, filter }, settings)) {
        const request = wanted.get(id);
        if (request) found.push({ request, body: recordsBody(records) });
      }
    }
  }
  return found;
}

async function readSome(
  api: PortalApi,
  { entity, filter }: { readonly entity: Entity; readonly filter: string },
  settings: BusinessOneSettings,
): Promise<readonly { readonly id: string; readonly records: readonly unknown[] }[]> {
  const { body, rows } = await readPage(api, listPath({ entity, filter }, settings));
  if (entity !== 'IncomingPayments') {
    const records = recordsIn(body, entity);
    return rows.map((row, place) => ({ id: idOf(entity, row), records: [records[place]] }));
  }
  const listed = rows.map((row) => readWire(listedPayment, row));
  const { records: invoices, numbers } = await readPaidInvoices(api, listed, settings);
  const payments = recordsIn(body, entity, (place) => {
    const payment = listed[place];
    return payment ? numbersFor(payment, numbers) : {};
  });
  return listed.map((payment, place) => ({
    id: String(payment.DocEntry),
    records: [...invoicesOf(payment, invoices), payments[place]],
  }));
}

/** Of all invoices looked up those that one payment pays. */
function invoicesOf(payment: ListedPayment, invoices: readonly unknown[]): readonly unknown[] {
  const paid = new Set(
    payment.PaymentInvoices.flatMap((line) => {
      const entity = invoiceEntity(line);
      return entity === undefined ? [] : [invoiceId(entity, line.DocEntry)];
    }),
  );
  return invoices.filter((record) => {
    const [[entity, row] = []] = Object.entries(record as Record<string, unknown>);
    const id = idOf(entity as Entity, row);
    return paid.has(entity === 'DownPayments' ? `dp:${id}` : id);
  });
}

/** Numbers are raw JSON text in records that keep their digits. */
function idOf(entity: Entity, row: unknown): string {
  const { CardCode, DocEntry } = row as Readonly<Record<string, unknown>>;
  const id = entity === 'BusinessPartners' ? CardCode : DocEntry;
  return typeof id === 'object' && id !== null && 'rawJSON' in id ? String(id.rawJSON) : String(id);
}
