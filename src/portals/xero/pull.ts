/** Reading Xero: everything once since an instant, then what changed since the round before. */
import type { Portal } from '../contract.ts';
import { Reauthorize, Rejected } from '../kit/errors.ts';
import { type Listed, listChanged, modifiedSince, type Place } from './listing.ts';
import type { XeroSettings } from './settings.ts';

const OVERLAP_SECONDS = 300;

/** Read in this order; payments before what a connection may lack the permission for. */
const PULLED = ['Contacts', 'Invoices', 'Payments', 'Prepayments', 'Overpayments'] as const;
type Pulled = (typeof PULLED)[number];

/** What apps of small firms are seldom allowed to read; without it the rest is read all the same. */
const OPTIONAL: readonly Pulled[] = ['Prepayments', 'Overpayments'];

export type Cursor = {
  /** Everything of that list before this instant has been read. */
  readonly readUntil: Readonly<Record<Pulled, string>>;
  readonly round: {
    readonly beganAt: string;
    readonly left: readonly Pulled[];
    /** Null at the beginning of a list. */
    readonly place: Place | null;
  } | null;
};

export const pull: NonNullable<Portal<XeroSettings, Cursor>['pull']> = {
  // Five calls a round, 720 a day: the smallest daily allowance holds, and webhooks ask in between.
  everySeconds: 600,
  overlapSeconds: OVERLAP_SECONDS,
  start: (from) => ({
    readUntil: Object.fromEntries(PULLED.map((one) => [one, from.toISOString()])) as Record<
      Pulled,
      string
    >,
    round: null,
  }),
  async page(api, cursor, { settings, now }) {
    const round = cursor.round ?? { beganAt: now.toISOString(), left: PULLED, place: null };
    const [resource, ...rest] = round.left;
    if (!resource) throw new RangeError('a round of no lists');
    const place = round.place ?? beginning(cursor.readUntil[resource]);
    const listed = await listOrSkip(
      () => listChanged(api, resource, { place, settings }),
      resource,
    );
    const bodies = listed?.body ? [listed.body] : [];
    if (listed?.following) {
      return {
        bodies,
        next: { ...cursor, round: { ...round, place: listed.following } },
        more: true,
      };
    }
    // What was refused is read from where it stands, once it is allowed.
    const readUntil = listed
      ? { ...cursor.readUntil, [resource]: round.beganAt }
      : cursor.readUntil;
    if (rest.length > 0) {
      const next = { readUntil, round: { ...round, left: rest, place: null } };
      return { bodies, next, more: true };
    }
    return {
      bodies,
      next: { readUntil, round: null },
      more: false,
      reached: new Date(round.beganAt),
    };
  },
};

function beginning(readUntil: string): Place {
  return { since: modifiedSince(Date.parse(readUntil) - OVERLAP_SECONDS * 1000), page: 1 };
}

/** Undefined where the permission is missing: the lists before it were answered with the same token. */
async function listOrSkip(
  list: () => Promise<Listed>,
  resource: Pulled,
): Promise<Listed | undefined> {
  try {
    return await list();
  } catch (error) {
    const forbidden =
      error instanceof Reauthorize || (error instanceof Rejected && error.status === 403);
    if (forbidden && OPTIONAL.includes(resource)) return undefined;
    throw error;
  }
}
