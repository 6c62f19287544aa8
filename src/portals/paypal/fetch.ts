/** The objects that notices and lists only name, each by its own address. */
import type { FetchRequest, PortalApi } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';

const PATHS: Readonly<Record<string, string>> = {
  order: '/v2/checkout/orders',
  refund: '/v2/payments/refunds',
  dispute: '/v1/customer/disputes',
  invoice: '/v2/invoicing/invoices',
};

/** Addresses are built from ids: the links in PayPal's answers name hosts that vary. */
export async function fetchObjects(
  api: PortalApi,
  requests: readonly FetchRequest[],
): Promise<readonly { readonly request: FetchRequest; readonly body: Buffer }[]> {
  const found: { request: FetchRequest; body: Buffer }[] = [];
  for (const request of requests) {
    const path = Object.hasOwn(PATHS, request.entity) ? PATHS[request.entity] : undefined;
    if (!path) throw new WireMismatch(`a PayPal ${request.entity} cannot be fetched`);
    const { status, body } = await api.request({
      path: `${path}/${encodeURIComponent(request.id)}`,
      // Orders of another app are not shown; their captures are booked without a payer.
      accept: request.entity === 'order' ? [403, 404, 422] : [404, 422],
    });
    if (status < 300) found.push({ request, body });
  }
  return found;
}
