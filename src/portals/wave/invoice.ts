/** One invoice as it is now, by whichever way Wave's schema offers. */
import type { PortalApi } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { askWave, DoesNotFitSchema } from './graphql.ts';
import { invoiceQuery, invoicesQuery } from './queries.ts';
import { forgetPayments, schemaOf, type WaveSchema } from './schema.ts';
import { type InvoiceWithPayments, invoicePage, invoiceWithPayments, oneInvoice } from './wire.ts';

const PAGE_ROWS = 50;
/** Ends a list whose page count lies. */
const MOST_PAGES = 400;

export type CurrentInvoice = {
  readonly row: InvoiceWithPayments;
  /** What the business keeps its books in. */
  readonly homeCurrency: string;
};

/** Undefined when there is none of that id. @throws as `askWave` */
export async function readInvoice(
  api: PortalApi,
  where: { readonly businessId: string; readonly invoiceId: string },
): Promise<CurrentInvoice | undefined> {
  const schema = await schemaOf(api);
  try {
    return await readWith(api, where, schema);
  } catch (error) {
    if (!(error instanceof DoesNotFitSchema) || schema.payments === '') throw error;
    forgetPayments(api, schema);
    return readWith(api, where, { ...schema, payments: '' });
  }
}

async function readWith(
  api: PortalApi,
  { businessId, invoiceId }: Parameters<typeof readInvoice>[1],
  { payments, oneInvoice: isOffered }: WaveSchema,
): Promise<CurrentInvoice | undefined> {
  if (!isOffered) return findInList(api, { businessId, invoiceId, payments, sorted: true });
  try {
    const variables = { businessId, invoiceId };
    const body = await askWave(api, { query: invoiceQuery({ payments }), variables });
    const { business } = readWire(oneInvoice, parseExactJson(body)).data;
    return current(business?.invoice, business?.currency?.code);
  } catch (error) {
    if (!(error instanceof DoesNotFitSchema)) throw error;
    return findInList(api, { businessId, invoiceId, payments, sorted: true });
  }
}

/** The list from its last change on; without that order, where the schema does not know it. */
async function findInList(
  api: PortalApi,
  wanted: {
    readonly businessId: string;
    readonly invoiceId: string;
    readonly payments: string;
    readonly sorted: boolean;
  },
): Promise<CurrentInvoice | undefined> {
  const { businessId, invoiceId, payments, sorted } = wanted;
  const query = invoicesQuery({ sorted, payments });
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    let body: Buffer;
    try {
      const variables = { businessId, page, pageSize: PAGE_ROWS };
      body = await askWave(api, { query, variables });
    } catch (error) {
      if (!sorted || !(error instanceof DoesNotFitSchema)) throw error;
      return findInList(api, { ...wanted, sorted: false });
    }
    const { business } = readWire(invoicePage, parseExactJson(body)).data;
    const { edges = [], pageInfo } = business?.invoices ?? {};
    const found = edges.find(({ node }) => (node as { id?: unknown } | null)?.id === invoiceId);
    if (found) {
      return current(readWire(invoiceWithPayments, found.node), business?.currency?.code);
    }
    if (edges.length === 0 || page >= (pageInfo?.totalPages ?? MOST_PAGES)) return undefined;
  }
  return undefined;
}

function current(
  row: InvoiceWithPayments | null | undefined,
  homeCurrency: string | null | undefined,
): CurrentInvoice | undefined {
  if (!row) return undefined;
  if (!homeCurrency) throw new WireMismatch('business.currency.code: missing');
  return { row, homeCurrency };
}
