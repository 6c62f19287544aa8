/** What the tests of this folder share: a simulated organisation and a connection to it. */
import assert from 'node:assert/strict';
import {
  simulateXero,
  type XeroSimulator,
  type XeroSimulatorOptions,
} from '../../../simulators/xero.ts';
import type { ApiCall, FetchRequest, PortalApi } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { portalApi } from '../kit/http.ts';
import { memoryTokenStore, tokenSource } from '../kit/oauth.ts';
import { xero } from './index.ts';
import type { XeroSettings } from './settings.ts';

export const NOW = new Date('2026-10-14T16:00:00.000Z');
export const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);

/** A simulated organisation, connected as the engine connects one; `calls` lists what was asked. */
export async function connect(
  options: Partial<XeroSimulatorOptions> & { readonly change?: Record<string, string> } = {},
) {
  const organisation = await simulateXero({ seed: 7, ...options });
  const settings = xero.settings.parse({
    ...organisation.settings,
    ...options.change,
  }) as XeroSettings;
  const { api: definition } = xero;
  const auth = definition?.auth(settings);
  if (definition === undefined || auth?.kind !== 'oauth2') assert.fail('not OAuth');
  const calls: ApiCall[] = [];
  const real = portalApi({
    baseUrl: definition.baseUrl(settings),
    authorization: {
      kind: 'oauth2',
      tokens: tokenSource({ store: memoryTokenStore(), client: auth.client, clock: () => NOW }),
    },
    ...(definition.headers ? { headers: definition.headers(settings) } : {}),
    requestsPerMinute: 600_000,
  });
  const api: PortalApi = {
    request(call) {
      calls.push(call);
      return real.request(call);
    },
  };
  return { organisation, settings, api, calls, [Symbol.asyncDispose]: () => organisation.close() };
}

/** Events of a body by way of split and normalize, with what was asked to be fetched. */
export function read(body: Buffer, settings: unknown) {
  const events: CanonicalEvent[] = [];
  const requests: FetchRequest[] = [];
  for (const document of xero.split(body, {})) {
    const part = { body: document.body, headers: {}, receivedAt: NOW };
    const result = xero.normalize(part, settings);
    if ('events' in result) events.push(...result.events);
    if ('fetch' in result) requests.push(...(result.fetch ?? []));
  }
  return { events, requests };
}

/** One customer with one open invoice of 1,239.10. */
export function fill(organisation: XeroSimulator, number = 'INV-1016') {
  const customer = organisation.addCustomer({ name: 'Red Rock', email: 'a@rock.example' }, NOW);
  const invoice = organisation.addInvoice(
    {
      number,
      customerExternalId: customer,
      amountMinor: 123_910n,
      currency: 'USD',
      workOrder: 'WO-20881',
    },
    NOW,
  );
  return { customer, invoice };
}

/** A cheque a bookkeeper enters for that invoice. */
export const cheque = (customer: string, invoice: string, amountMinor = 5500n) => ({
  customerExternalId: customer,
  amountMinor,
  currency: 'USD',
  method: 'Check',
  reference: 'CHK-4471',
  invoices: [{ externalId: invoice, amountMinor }],
});
