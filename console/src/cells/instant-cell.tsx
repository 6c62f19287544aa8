/** An instant, everywhere the same: in the reader's zone, in UTC on hover. */

import { formatInstant, formatUtc } from '../format/instant.ts';
import { useDay } from '../format/use-day.ts';

export function InstantCell({ at }: { at: string | null }) {
  const day = useDay();
  if (at === null) return <span className="cv-nothing">–</span>;
  return (
    <time className="cv-instant" dateTime={at} title={formatUtc(at)}>
      {formatInstant(at, day)}
    </time>
  );
}
