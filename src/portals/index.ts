/** Every portal, each named once; a test keeps this list equal to the folders beside it. */
import type { Portal } from './contract.ts';

export const portals: readonly Portal[] = [];

const byId = new Map(portals.map((portal) => [portal.id, portal]));

/** The portal of that id, or undefined when there is none. */
export function findPortal(id: string): Portal | undefined {
  return byId.get(id);
}
