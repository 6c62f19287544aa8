/** What a portal can do and what its settings are. */
import { z } from 'zod';
import { settingsSchema } from '../../intake/connection-settings.ts';
import { CAPABILITIES, type Capability, capabilitiesOf } from '../../portals/capabilities.ts';
import type { Portal } from '../../portals/contract.ts';

export const portalJson = z
  .object({
    id: z.string(),
    name: z.string(),
    roles: z.array(z.enum(['source', 'books'])),
    capabilities: z.record(
      z.enum(Object.keys(CAPABILITIES) as [Capability, ...Capability[]]),
      z.boolean(),
    ),
    settings: z.looseObject({}).meta({ description: 'JSON Schema; secrets say "secret": true.' }),
  })
  .meta({ id: 'Portal' });
export type PortalJson = z.output<typeof portalJson>;

export function showPortal(portal: Portal): PortalJson {
  return {
    id: portal.id,
    name: portal.name,
    roles: portal.books ? ['source', 'books'] : ['source'],
    capabilities: capabilitiesOf(portal),
    settings: { ...settingsSchema(portal) },
  };
}
