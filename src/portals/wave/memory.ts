/**
 * What the pull remembers of invoices, because Wave tells only how much is paid now: which were paid, how often
 * each fell back to nothing, and its last change.
 */
import { digestOf } from '../kit/documents.ts';

/** An entry is `<digest of the id>:<falls>:<1 when paid>:<seconds of the last change, base 36>`, newest last. */
export type Memory = readonly string[];

/** Keeps a cursor below 200 kB; an invoice long forgotten that falls to nothing is then not noticed. */
const MOST_ENTRIES = 5_000;

/** The states of invoices while a page is read. */
export type Remembering = {
  /**
   * How often the invoice has fallen to nothing, this state included; undefined for a state older than the last one
   * seen (a stale page).
   */
  see(invoice: {
    readonly id: string;
    readonly paid: boolean;
    readonly at: string;
  }): number | undefined;
  memory(): Memory;
};

/** Opens a memory; what is seen is kept in a copy. */
export function remember(memory: Memory): Remembering {
  const known = new Map(
    memory.map((entry) => {
      const [name = '', falls = '0', paid = '0', at = '0'] = entry.split(':');
      const seen = { falls: Number(falls), paid: paid === '1', at: Number.parseInt(at, 36) };
      return [name, seen] as const;
    }),
  );
  return {
    see({ id, paid, at }) {
      const name = digestOf(Buffer.from(id)).slice(0, 12);
      const before = known.get(name);
      const seconds = Math.floor(Date.parse(at) / 1000);
      if (before && seconds < before.at) return undefined;
      const falls = (before?.falls ?? 0) + (before?.paid && !paid ? 1 : 0);
      known.delete(name);
      if (paid || falls > 0) known.set(name, { falls, paid, at: seconds });
      return falls;
    },
    memory: () =>
      [...known]
        .slice(-MOST_ENTRIES)
        .map(
          ([name, { falls, paid, at }]) => `${name}:${falls}:${paid ? 1 : 0}:${at.toString(36)}`,
        ),
  };
}
