/** What a payment does not say itself: its order, the invoice of that order, and its customer. */
import { z } from 'zod';
import type { ApiCall, FetchRequest, PortalApi } from '../contract.ts';
import { parseVerbatim, printVerbatim } from '../kit/documents.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import * as wire from './wire.ts';

type Fetched = { readonly request: FetchRequest; readonly body: Buffer };

/** Most invoices of one customer are few; where the customer is not known, only the newest are looked through. */
const PAGES_OF_CUSTOMER = 20;
const PAGES_OF_LOCATION = 3;

/**
 * Fetches what exists of `requests`: a payment with what hangs on it, or the payments of an order. What our
 * permissions do not reach (403) is left out.
 */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
): Promise<readonly Fetched[]> {
  const fetched: Fetched[] = [];
  for (const request of requests) {
    const bodies = await fetchOne(api, request);
    fetched.push(...bodies.map((body) => ({ request, body })));
  }
  return fetched;
}

async function fetchOne(api: PortalApi, { entity, id }: FetchRequest): Promise<readonly Buffer[]> {
  if (entity === 'payment') return paymentInContext(api, id);
  if (entity !== 'order') throw new WireMismatch(`a Square ${entity} cannot be fetched`);
  const order = await readOptional(api, 'orders', id, orderAnswer);
  if (!order) return [];
  const paymentIds = (order.value.order.tenders ?? []).flatMap((tender) => {
    const paymentId = tender.payment_id || tender.id;
    return paymentId ? [paymentId] : [];
  });
  const bodies: Buffer[] = [];
  for (const paymentId of new Set(paymentIds)) {
    bodies.push(...(await paymentInContext(api, paymentId)));
  }
  return bodies.length > 0 ? bodies : [order.body];
}

const orderAnswer = z.object({ order: wire.order });
const invoiceAnswer = z.object({
  invoices: z.array(z.object({ id: z.string(), order_id: z.string().nullish() })).nullish(),
  cursor: z.string().nullish(),
});
const paymentAnswer = z.object({ payment: wire.payment });
const customerAnswer = z.object({ customer: wire.customer });

/** One document of four answers, each as it was written; `order` is there even when there is none. */
async function paymentInContext(api: PortalApi, id: string): Promise<readonly Buffer[]> {
  const answer = await api.request({ path: pathOf('payments', id), accept: [404] });
  if (answer.status === 404) return [];
  const { payment } = readWire(paymentAnswer, parseExactJson(answer.body));
  const { order_id: orderId, location_id: ofPayment } = payment;
  const order = orderId ? await readOptional(api, 'orders', orderId, orderAnswer) : undefined;
  const customerId = payment.customer_id || order?.value.order.customer_id || undefined;
  const location = order?.value.order.location_id || ofPayment || undefined;
  const invoice =
    orderId && location
      ? await invoiceOfOrder(api, { order: orderId, location, customer: customerId })
      : undefined;
  const customer = customerId
    ? await readOptional(api, 'customers', customerId, customerAnswer)
    : undefined;
  return [
    printVerbatim({
      ...members(answer.body),
      order: order ? members(order.body).order : null,
      ...(invoice === undefined ? {} : { invoice }),
      ...(customer ? { customer: members(customer.body).customer } : {}),
    }),
  ];
}

/** Undefined for what does not exist or what our permissions do not reach. */
async function readOptional<T>(
  api: PortalApi,
  collection: string,
  id: string,
  shape: z.ZodType<T>,
): Promise<{ readonly value: T; readonly body: Buffer } | undefined> {
  const answer = await api.request({ path: pathOf(collection, id), accept: [403, 404] });
  if (answer.status !== 200) return undefined;
  return { value: readWire(shape, parseExactJson(answer.body)), body: answer.body };
}

/** Invoices cannot be searched by their order: those of its customer, newest first, are looked through. */
async function invoiceOfOrder(
  api: PortalApi,
  of: { readonly order: string; readonly location: string; readonly customer: string | undefined },
): Promise<unknown> {
  const pages = of.customer ? PAGES_OF_CUSTOMER : PAGES_OF_LOCATION;
  let cursor: string | undefined;
  for (let page = 0; page < pages; page += 1) {
    const { status, body } = await api.request({
      ...invoiceSearch({ ...of, cursor }),
      accept: [403, 404],
    });
    if (status !== 200) return undefined;
    const answer = readWire(invoiceAnswer, parseExactJson(body));
    const index = (answer.invoices ?? []).findIndex((one) => one.order_id === of.order);
    if (index >= 0) return (members(body).invoices as readonly unknown[])[index];
    cursor = answer.cursor || undefined;
    if (!cursor) return undefined;
  }
  return undefined;
}

/** A page of a location's invoices, newest first; Square takes one location at a time. */
export function invoiceSearch(of: {
  readonly location: string;
  readonly customer?: string | undefined;
  readonly cursor?: string | undefined;
}): ApiCall {
  return {
    method: 'POST',
    path: '/v2/invoices/search',
    json: {
      query: {
        filter: {
          location_ids: [of.location],
          ...(of.customer === undefined ? {} : { customer_ids: [of.customer] }),
        },
        sort: { field: 'INVOICE_SORT_DATE', order: 'DESC' },
      },
      limit: 100,
      ...(of.cursor === undefined ? {} : { cursor: of.cursor }),
    },
  };
}

function pathOf(collection: string, id: string): string {
  return `/v2/${collection}/${encodeURIComponent(id)}`;
}

/** The members of an answer, each to be written again as it came. */
function members(body: Buffer): Readonly<Record<string, unknown>> {
  return parseVerbatim(body) as Readonly<Record<string, unknown>>;
}
