/** What a pasted body would become, before anything is connected. */
import { z } from 'zod';
import { settingsToTry, tryBody } from '../../intake/try-body.ts';
import { findPortal } from '../../portals/index.ts';
import { idParams } from '../ids.ts';
import { notFound } from '../problems.ts';
import type { Api } from '../routing.ts';
import { orProblem } from './connections.ts';

const attempt = z.strictObject({
  body: z.string().meta({ description: 'The body as the portal sends it, as text.' }),
  headers: z.record(z.string(), z.string()).default({}),
  settings: z.record(z.string(), z.unknown()).default({}).meta({
    description: 'Those that reading depends on; placeholders stand in for the rest.',
  }),
});

const reasons = z.array(z.object({ reason: z.string() }));
const tried = z
  .object({
    events: z.array(z.looseObject({})).meta({ description: 'Amounts are in minor units.' }),
    ignored: reasons,
    quarantined: reasons,
    fetch: z.array(z.object({ entity: z.string(), id: z.string() })),
  })
  .meta({ id: 'Tried' });

/** The same as `checkvalve normalize`. */
export function registerTryBody(api: Api, now: () => Date): void {
  api.post(
    '/portals/:id/normalize',
    {
      config: { access: 'configure' },
      schema: {
        tags: ['connections'],
        summary: 'Show what a body of the portal would become. Stores nothing.',
        params: idParams,
        body: attempt,
        response: { 200: tried },
      },
    },
    async ({ params, body: given }) => {
      const portal = findPortal(params.id);
      if (!portal) throw notFound(`Portal ${params.id}`);
      const settings = await orProblem((async () => settingsToTry(portal, given.settings))());
      const headers = Object.fromEntries(
        Object.entries(given.headers).map(([name, value]) => [name.toLowerCase(), value]),
      );
      const body = Buffer.from(given.body);
      const { events, ignored, quarantined, fetch } = tryBody(portal, settings, {
        headers,
        body,
        receivedAt: now(),
      });
      return {
        events: [...events],
        ignored: [...ignored],
        quarantined: [...quarantined],
        fetch: [...fetch],
      };
    },
  );
}
