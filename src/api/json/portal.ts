/** What a portal can do and what its settings are. */
import { z } from 'zod';
import { settingsSchema } from '../../intake/connection-settings.ts';
import type { Portal } from '../../portals/contract.ts';

export const portalJson = z
  .object({
    id: z.string(),
    name: z.string(),
    roles: z.array(z.enum(['source', 'books'])),
    capabilities: z.object({
      webhook: z.boolean(),
      fetch: z.boolean(),
      pull: z.boolean(),
      check: z.boolean(),
      recordPayments: z.boolean(),
    }),
    settings: z.looseObject({}).meta({ description: 'JSON Schema; secrets say "secret": true.' }),
  })
  .meta({ id: 'Portal' });
export type PortalJson = z.output<typeof portalJson>;

export function showPortal(portal: Portal): PortalJson {
  return {
    id: portal.id,
    name: portal.name,
    roles: portal.books ? ['source', 'books'] : ['source'],
    capabilities: {
      webhook: portal.webhook !== undefined,
      fetch: portal.fetch !== undefined,
      pull: portal.pull !== undefined,
      check: portal.check !== undefined,
      recordPayments: portal.books !== undefined,
    },
    settings: { ...settingsSchema(portal) },
  };
}
