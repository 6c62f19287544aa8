/** Fetching the objects that a document only names. */

import { z } from 'zod';
import type { FetchRequest, PortalApi } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import { idOf, invoicePayment } from './wire.ts';

type Fetched = { readonly request: FetchRequest; readonly body: Buffer };

/** Where each entity is read, and what must be expanded so that nothing more needs to be asked. */
const ENTITIES: ReadonlyMap<string, { readonly path: string; readonly expand: readonly string[] }> =
  new Map([
    [
      'payment_intent',
      { path: '/v1/payment_intents', expand: ['latest_charge.balance_transaction'] },
    ],
    ['charge', { path: '/v1/charges', expand: ['balance_transaction'] }],
    ['refund', { path: '/v1/refunds', expand: ['failure_balance_transaction'] }],
    ['dispute', { path: '/v1/disputes', expand: [] }],
    [
      'payout',
      { path: '/v1/payouts', expand: ['balance_transaction', 'failure_balance_transaction'] },
    ],
    ['balance_transaction', { path: '/v1/balance_transactions', expand: ['source'] }],
    ['invoice', { path: '/v1/invoices', expand: [] }],
    ['invoice_payment', { path: '/v1/invoice_payments', expand: ['invoice'] }],
  ]);

/**
 * More pages than any invoice has part payments; a longer list is an answer we do not understand.
 */
const PAGES_MAX = 50;

const invoicePaymentsPage = z.object({
  data: z.array(invoicePayment),
  has_more: z.boolean(),
});

/**
 * Fetches what exists of `requests`; `invoice_payments` also brings the payments that its records
 * name.
 */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
): Promise<readonly Fetched[]> {
  const fetched: Fetched[] = [];
  for (const request of requests) {
    if (request.entity === 'invoice_payments')
      fetched.push(...(await fetchPaymentsOf(api, request)));
    else fetched.push(...(await fetchOne(api, request)));
  }
  return fetched;
}

async function fetchOne(api: PortalApi, request: FetchRequest): Promise<readonly Fetched[]> {
  const entity = ENTITIES.get(request.entity);
  if (!entity) throw new WireMismatch(`there is no entity "${request.entity}" to fetch`);
  const answer = await api.request({
    path: `${entity.path}/${encodeURIComponent(request.id)}`,
    query: { 'expand[]': entity.expand },
    accept: [404],
  });
  return answer.status === 404 ? [] : [{ request, body: answer.body }];
}

/**
 * The invoice's payments, then the money itself. A list cannot be expanded deeply enough to bring
 * the fee of each payment, so the PaymentIntents follow as documents of their own, ahead of what
 * refers to them.
 */
async function fetchPaymentsOf(api: PortalApi, request: FetchRequest): Promise<readonly Fetched[]> {
  const pages: Fetched[] = [];
  const payments = new Map<string, FetchRequest>();
  let after: string | undefined;
  for (let count = 0; count < PAGES_MAX; count++) {
    const { body, status } = await api.request({
      path: '/v1/invoice_payments',
      query: {
        invoice: request.id,
        limit: '100',
        'expand[]': ['data.invoice'],
        ...(after && { starting_after: after }),
      },
      accept: [404],
    });
    if (status === 404) return [];
    pages.push({ request, body });
    const { data, has_more } = readWire(invoicePaymentsPage, parseJson(body));
    for (const { payment, status: state } of data) {
      const entity = payment.type;
      const id = idOf(entity === 'charge' ? payment.charge : payment.payment_intent);
      if (state === 'paid' && id !== null) payments.set(id, { entity, id });
    }
    after = data.at(-1)?.id;
    if (!has_more || after === undefined) {
      const money: Fetched[] = [];
      for (const payment of payments.values()) money.push(...(await fetchOne(api, payment)));
      return [...money, ...pages];
    }
  }
  throw new WireMismatch(`invoice ${request.id} has more than ${PAGES_MAX} pages of payments`);
}
