import { useQuery } from '@tanstack/react-query';
import { connectionsQuery, portalsQuery } from '../api/queries.ts';

type Option = { readonly value: string; readonly label: string };
/** Payments entered by hand: the API's word for the firm's own side. */
const OWN = 'own';

export type PortalNames = {
  /** The portal's name as it spells it; its id until that is known. */
  nameOf(portal: string): string;
  /** The connection's own name, when there is one. */
  connectionName(connectionId: string): string | undefined;
  /** The connected portals and our own side, each once, and the one already chosen. */
  options(chosen: string | undefined): Option[];
};

/** What portals and connections are called. */
export function usePortalNames(): PortalNames {
  const portals = useQuery(portalsQuery()).data ?? [];
  const connections = useQuery(connectionsQuery()).data ?? [];
  const nameOf = (portal: string) =>
    portal === OWN ? 'Own records' : (portals.find(({ id }) => id === portal)?.name ?? portal);
  return {
    nameOf,
    connectionName: (connectionId) => connections.find(({ id }) => id === connectionId)?.name,
    options: (chosen) => {
      const connected = [...connections.map(({ portal }) => portal), OWN];
      return [...new Set(chosen === undefined ? connected : [...connected, chosen])]
        .map((portal) => ({ value: portal, label: nameOf(portal) }))
        .sort((left, right) => left.label.localeCompare(right.label));
    },
  };
}
