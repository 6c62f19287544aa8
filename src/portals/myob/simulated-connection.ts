/** What the tests of this folder share: a simulated company file and a connection to it. */
import assert from 'node:assert/strict';
import {
  type MyobSimulator,
  type MyobSimulatorOptions,
  simulateMyob,
} from '../../../simulators/myob.ts';
import type { ApiAnswer, ApiCall, PortalApi } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { portalApi } from '../kit/http.ts';
import { memoryTokenStore, tokenSource } from '../kit/oauth.ts';
import { myob } from './index.ts';
import type { Cursor } from './pull.ts';
import type { MyobSettings } from './settings.ts';

export const NOW = new Date('2026-10-14T04:00:00.000Z');
export const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);
export const days = (count: number) => minutes(count * 24 * 60);

type Meddle = (call: ApiCall, send: () => Promise<ApiAnswer>) => Promise<ApiAnswer>;

/** A simulated file, connected as the engine connects one; `meddle` stands between us and each answer. */
export async function connect(
  options: Partial<MyobSimulatorOptions> & { readonly meddle?: Meddle } = {},
) {
  const { meddle = (_call, send) => send(), ...simulated } = options;
  const file = await simulateMyob({ seed: 7, ...simulated });
  const settings = myob.settings.parse(file.settings) as MyobSettings;
  const { api: definition } = myob;
  const auth = definition?.auth(settings);
  if (definition === undefined || auth?.kind !== 'oauth2') assert.fail('not OAuth');
  const calls: ApiCall[] = [];
  const store = memoryTokenStore();
  const real = portalApi({
    baseUrl: definition.baseUrl(settings),
    authorization: {
      kind: 'oauth2',
      tokens: tokenSource({ store, client: auth.client, clock: () => NOW }),
    },
    headers: definition.headers?.(settings) ?? {},
    requestsPerMinute: 600_000,
    ...(definition.throttled ? { throttled: definition.throttled } : {}),
  });
  const api: PortalApi = {
    request(call) {
      calls.push(call);
      return meddle(call, () => real.request(call));
    },
  };
  return { file, settings, api, calls, store, [Symbol.asyncDispose]: () => file.close() };
}
export type Connection = Awaited<ReturnType<typeof connect>>;

/** Events of a body by way of split and normalize. */
export function read(body: Buffer, settings: unknown): readonly CanonicalEvent[] {
  return myob.split(body, {}).flatMap((document) => {
    const result = myob.normalize({ body: document.body, headers: {}, receivedAt: NOW }, settings);
    return 'events' in result ? result.events : [];
  });
}

/** Pulls until the round is over; documents that were there before tell nothing again, as in the engine. */
export async function pullRound(
  { api, settings }: Pick<Connection, 'api' | 'settings'>,
  given: { readonly cursor?: Cursor; readonly at: Date; readonly stored?: Set<string> },
) {
  const { at, stored = new Set<string>() } = given;
  const { pull } = myob;
  assert.ok(pull);
  let cursor: unknown = given.cursor ?? pull.start(days(-5));
  const events: CanonicalEvent[] = [];
  for (;;) {
    const page = await pull.page(api, cursor, { settings, now: at });
    for (const document of page.bodies.flatMap((body) => myob.split(body, {}))) {
      if (stored.has(document.key)) continue;
      stored.add(document.key);
      events.push(...read(document.body, settings));
    }
    cursor = JSON.parse(JSON.stringify(page.next));
    if (!page.more) return { events, cursor: cursor as Cursor, stored, reached: page.reached };
  }
}

/** One customer with one open invoice. */
export function fill(file: MyobSimulator, currency = 'USD') {
  const customer = file.addCustomer({ name: "O'Brien & Sons", email: 'ap@ob.example' }, NOW);
  const invoice = file.addInvoice(
    {
      number: '00000145',
      customerExternalId: customer,
      amountMinor: 123910n,
      currency,
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
  method: 'Cheque',
  reference: 'CHK-4471',
  invoices: [{ externalId: invoice, amountMinor }],
});
