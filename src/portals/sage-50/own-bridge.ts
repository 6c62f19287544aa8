/** The bridge of our own contract: what changed since a place, page by page. */
import type { PortalApi } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { utcOf } from './dates.ts';
import { requireDataset } from './facts.ts';
import type { Sage50Settings } from './settings.ts';
import { page as wirePage } from './wire.ts';

const PAGE_ROWS = 200;
const OVERLAP_MS = 600_000;
/** Deletions and entries dated back are found by reading so far again, about once a day. */
const LONG_MS = 60 * 86_400_000;
const LONG_EVERY_MS = 20 * 3_600_000;

type Seen = { readonly number: string; readonly at: string };

export type BridgeCursor = {
  readonly bridge: 'own';
  readonly dataset: string;
  /** The round under way: the bridge's own cursor, where the round began, and what it met. */
  readonly round?: {
    readonly since: string;
    readonly beganAt: string;
    readonly metLatest: boolean;
    readonly latest: Seen | null;
  };
  /** The transaction that was changed last, when the last round ended. */
  readonly latest: Seen | null;
  readonly longAt: string | null;
};

export type Place = {
  readonly api: PortalApi;
  readonly settings: Sage50Settings;
  readonly now: Date;
  readonly from: string;
};
export type Page<C> = {
  readonly bodies: readonly Buffer[];
  readonly next: C;
  readonly more: boolean;
};

export async function readReceipts(
  place: Place,
  known: BridgeCursor | undefined,
): Promise<Page<BridgeCursor>> {
  const { api, settings } = place;
  const { dataset } = settings;
  const before: BridgeCursor = known ?? { bridge: 'own', dataset, latest: null, longAt: null };
  const cursor = before.round ? before : beginRound(place, before);
  const { round } = cursor;
  if (!round) throw new RangeError('a round that did not begin');
  const { body } = await api.request({
    path: 'v1/receipts',
    query: { since: round.since, limit: String(PAGE_ROWS) },
  });
  const answer = readWire(wirePage, parseExactJson(body));
  requireDataset(answer.dataset, settings);
  const { receipts, hasMore } = answer;
  const latest = receipts.reduce(laterOf, round.latest);
  const metLatest =
    round.metLatest || receipts.some(({ tranNumber }) => tranNumber === cursor.latest?.number);
  const bodies = receipts.length > 0 ? [body] : [];
  if (hasMore) {
    const since = answer.nextCursor;
    if (!since || since === round.since) {
      throw new WireMismatch('nextCursor: leads nowhere, although hasMore is true');
    }
    return {
      bodies,
      more: true,
      next: { ...cursor, round: { ...round, since, metLatest, latest } },
    };
  }
  requireSameData(cursor, { ...round, metLatest });
  const { round: _, ...ended } = cursor;
  return { bodies, more: false, next: { ...ended, latest: latestOf(latest, cursor.latest) } };
}

/** The bridge's cursor for everything that changed after an instant. */
export function cursorFrom(instant: string | Date): string {
  return `${new Date(instant).toISOString().slice(0, 19)}Z|0`;
}

/** From where the last round ended, less an overlap; once a day from much farther back. */
function beginRound({ from, now }: Place, cursor: BridgeCursor): BridgeCursor {
  const { latest, longAt } = cursor;
  const isFirst = longAt === null;
  const isLong = !isFirst && now.getTime() - Date.parse(longAt) > LONG_EVERY_MS;
  const sinceMs = isFirst
    ? Date.parse(from)
    : isLong
      ? Math.max(Date.parse(from), now.getTime() - LONG_MS)
      : Date.parse(latest?.at ?? from) - OVERLAP_MS;
  const beganAt = new Date(sinceMs).toISOString();
  return {
    ...cursor,
    longAt: isFirst || isLong ? now.toISOString() : longAt,
    round: { since: cursorFrom(beganAt), beganAt, metLatest: false, latest: null },
  };
}

/**
 * What was changed last before is met again in every round, changed or not. Where it is gone, a backup was restored
 * or the year begun anew, and numbers may mean other transactions now. @throws WireMismatch
 */
function requireSameData(
  { latest, dataset }: BridgeCursor,
  round: { readonly beganAt: string; readonly metLatest: boolean },
): void {
  if (latest === null || round.metLatest || latest.at < round.beganAt) return;
  throw new WireMismatch(
    `transaction ${latest.number} of the data "${dataset}" is gone from the bridge without being deleted: was a backup restored? Then numbers are used anew; give another dataset and read from the day of the restore, else read again from that day`,
  );
}

function laterOf(
  latest: Seen | null,
  { tranNumber, modifiedAt }: { readonly tranNumber: string; readonly modifiedAt: string },
): Seen {
  const seen = { number: tranNumber, at: utcOf(modifiedAt, 'modifiedAt') };
  return latest === null || seen.at >= latest.at ? seen : latest;
}

function latestOf(left: Seen | null, right: Seen | null): Seen | null {
  if (left === null || right === null) return left ?? right;
  return left.at >= right.at ? left : right;
}
