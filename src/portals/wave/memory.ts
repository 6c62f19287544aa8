/**
 * What the pull remembers of invoices, because Wave tells only how much is paid now: which were paid by others than
 * us, how often each fell back to nothing, its last change, and when our own payments were found removed from it.
 */
import { digestOf } from '../kit/documents.ts';

/**
 * An entry is `<digest of the id>:<falls>:<1 when paid>:<seconds of the last change>[:<milliseconds of emptiedAt>]`,
 * instants in base 36, newest last.
 */
export type Memory = readonly string[];

/** Keeps a cursor below 200 kB; an invoice long forgotten that falls to nothing is then not noticed. */
const MOST_ENTRIES = 5_000;

/** The states of invoices while a page is read. */
export type Remembering = {
  /** When nothing at all was paid of the invoice, though we had recorded something; by our own clock. */
  emptiedAt(id: string): Date | undefined;
  /**
   * How often the invoice has fallen to nothing, this state included; undefined for a state older than the last one
   * seen (a stale page).
   */
  see(invoice: {
    readonly id: string;
    readonly paid: boolean;
    readonly at: string;
    readonly emptiedAt?: Date;
  }): number | undefined;
  memory(): Memory;
};

type Seen = {
  readonly falls: number;
  readonly paid: boolean;
  readonly at: number;
  readonly emptiedAt: Date | undefined;
};

/** Opens a memory; what is seen is kept in a copy. */
export function remember(memory: Memory): Remembering {
  const known = new Map(memory.map(readEntry));
  return {
    emptiedAt: (id) => known.get(nameOf(id))?.emptiedAt,
    see({ id, paid, at, emptiedAt }) {
      const name = nameOf(id);
      const before = known.get(name);
      const seconds = Math.floor(Date.parse(at) / 1000);
      if (before && seconds < before.at) return undefined;
      const falls = (before?.falls ?? 0) + (before?.paid && !paid ? 1 : 0);
      const next = { falls, paid, at: seconds, emptiedAt: emptiedAt ?? before?.emptiedAt };
      known.delete(name);
      if (paid || falls > 0 || next.emptiedAt) known.set(name, next);
      return falls;
    },
    memory: () => [...known].slice(-MOST_ENTRIES).map(writeEntry),
  };
}

function nameOf(id: string): string {
  return digestOf(Buffer.from(id)).slice(0, 12);
}

function readEntry(entry: string): readonly [string, Seen] {
  const [name = '', falls = '0', paid = '0', at = '0', emptied] = entry.split(':');
  return [
    name,
    {
      falls: Number(falls),
      paid: paid === '1',
      at: Number.parseInt(at, 36),
      emptiedAt: emptied === undefined ? undefined : new Date(Number.parseInt(emptied, 36)),
    },
  ];
}

function writeEntry([name, { falls, paid, at, emptiedAt }]: readonly [string, Seen]): string {
  const entry = `${name}:${falls}:${paid ? 1 : 0}:${at.toString(36)}`;
  return emptiedAt ? `${entry}:${emptiedAt.getTime().toString(36)}` : entry;
}
