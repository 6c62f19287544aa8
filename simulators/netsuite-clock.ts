/** The clock of a simulated account, which queries show without saying where it hangs. */

const clocks = new Map<string, Intl.DateTimeFormat>();

/** `2026-11-03 08:12:01` in an IANA time zone. */
export function wallTime(at: Date, zone: string): string {
  let clock = clocks.get(zone);
  if (!clock) {
    clock = new Intl.DateTimeFormat('sv-SE', {
      timeZone: zone,
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    clocks.set(zone, clock);
  }
  return clock.format(at);
}
