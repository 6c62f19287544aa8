/** The simulation's own time: nothing in a run reads the machine's clock. */

export type VirtualClock = {
  /** The instant now; looking at it costs no time, so that events can share a second. */
  at(): Date;
  /** The clock given to the engine: each look costs a second, so no rate limit makes the run wait. */
  readonly look: () => Date;
  pass(ms: number): void;
  /** Passes the time until then; an instant that has gone by changes nothing. */
  passUntil(ms: number): void;
};

export function virtualClock(start: string): VirtualClock {
  let nowMs = Date.parse(start);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return {
    at: () => new Date(nowMs),
    look: () => {
      pass(1000);
      return new Date(nowMs);
    },
    pass,
    passUntil: (ms) => {
      if (ms > nowMs) nowMs = ms;
    },
  };
}
