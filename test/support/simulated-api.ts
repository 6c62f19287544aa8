/** For tests of portals: the API of a simulated portal, opened as the engine opens one. */
import type { SimulatedPortal } from '../../simulators/contract.ts';
import type { ApiAnswer, ApiCall, FetchRequest, PortalApi } from '../../src/portals/contract.ts';
import type { CanonicalEvent } from '../../src/portals/events.ts';
import { findPortal } from '../../src/portals/index.ts';
import { apiOptions, portalApi } from '../../src/portals/kit/http.ts';
import { memoryTokenStore, type TokenStore, tokenSource } from '../../src/portals/kit/oauth.ts';

/** Stands between us and each answer: it may change the call, lose the answer, or answer by itself. */
export type Meddle = (
  call: ApiCall,
  send: (call?: ApiCall) => Promise<ApiAnswer>,
) => Promise<ApiAnswer>;

export type SimulatedApi = {
  readonly api: PortalApi;
  readonly settings: unknown;
  /** What was asked, in order; log-ins and tokens are not among it. */
  readonly calls: ApiCall[];
  readonly store: TokenStore;
};

/** Without pace, with a clock that stands at `now` unless it is told to move. */
export function simulatedApi(
  simulated: Pick<SimulatedPortal, 'portal' | 'settings'>,
  options: {
    readonly now: () => Date;
    /** Settings in place of the simulator's. */
    readonly change?: Readonly<Record<string, unknown>>;
    readonly meddle?: Meddle;
  },
): SimulatedApi {
  const portal = findPortal(simulated.portal);
  if (!portal?.api) throw new Error(`${simulated.portal} has no API`);
  const settings = portal.settings.parse({ ...simulated.settings, ...options.change });
  const store = memoryTokenStore();
  const clock = options.now;
  const real = portalApi({
    ...apiOptions(portal.api, settings, (client) => tokenSource({ store, client, clock })),
    requestsPerMinute: 600_000,
    clock,
  });
  const meddle = options.meddle ?? ((_call, send) => send());
  const calls: ApiCall[] = [];
  const api: PortalApi = {
    request(call) {
      calls.push(call);
      return meddle(call, (changed = call) => real.request(changed));
    },
  };
  return { api, settings, calls, store };
}

/** What a body becomes by way of split and normalize: its events, and what it asks to be fetched. */
export function readBody(
  {
    id,
    body,
    settings,
  }: { readonly id: string; readonly body: Buffer; readonly settings: unknown },
  receivedAt: Date,
): { readonly events: readonly CanonicalEvent[]; readonly requests: readonly FetchRequest[] } {
  const portal = findPortal(id);
  if (!portal) throw new Error(`${id} is no portal`);
  const read = portal
    .split(body, {})
    .map((part) => portal.normalize({ body: part.body, headers: {}, receivedAt }, settings));
  return {
    events: read.flatMap((one) => ('events' in one ? one.events : [])),
    requests: read.flatMap((one) => ('fetch' in one ? (one.fetch ?? []) : [])),
  };
}
