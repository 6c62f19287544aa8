/** What a clock on a wall shows, as an instant: portals write days and times without saying where. */

/**
 * The instant at which clocks in `timeZone` show `wall` (`YYYY-MM-DDTHH:mm:ss`), in UTC with milliseconds. Of an hour
 * that comes twice one of both is taken, one that is left out is read with the offset beside it.
 * @throws RangeError for what is no time or no IANA zone
 */
export function wallTime(wall: string, timeZone: string): string {
  const asUtc = Date.parse(`${wall}Z`);
  // The offset before the clock is changed may differ from the one after: the second look settles it.
  const guess = asUtc - offsetMs(asUtc, timeZone);
  return new Date(asUtc - offsetMs(guess, timeZone)).toISOString();
}

/** How far ahead of UTC the clocks of an IANA zone are at an instant. @throws RangeError */
function offsetMs(at: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    .formatToParts(new Date(at))
    .find(({ type }) => type === 'timeZoneName');
  const [, sign, hours = '0', minutes = '0'] =
    /^GMT(?:([+-])(\d\d):(\d\d))?/.exec(parts?.value ?? '') ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
