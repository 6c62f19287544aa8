/** When a failed delivery is tried again: a list of waits, each lengthened a little by chance. */

export type RetrySchedule = {
  /**
   * The wait after the first failure, the second, and so on; when it is used up the delivery is
   * parked.
   */
  readonly waitsSeconds: readonly number[];
  /** The share by which chance may lengthen a wait, so that many failures do not return at once. */
  readonly jitter: number;
};

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** Four days and a half: long enough for a weekend outage of the receiving system. */
export const STANDARD_SCHEDULE: RetrySchedule = {
  waitsSeconds: [
    5,
    30,
    2 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
    24 * HOUR,
  ],
  jitter: 0.2,
};

/** ServiceMobility asks for waits between half a minute and six hours. */
export const SERVICEMOBILITY_SCHEDULE: RetrySchedule = {
  waitsSeconds: [
    30,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    3 * HOUR,
    ...Array<number>(16).fill(6 * HOUR),
  ],
  jitter: 0.2,
};

/** A receiver may ask for patience, but not for more than a day of it. */
const LONGEST_ASKED_MS = 24 * HOUR * 1000;

/**
 * The wait before the next attempt, or undefined when `failures` used up the schedule. `chance`
 * is in [0, 1); `askedMs` is what the receiver asked for (`Retry-After`), which only ever
 * lengthens the wait.
 */
export function waitMs(
  schedule: RetrySchedule,
  attempt: {
    readonly failures: number;
    readonly chance: number;
    readonly askedMs?: number | undefined;
  },
): number | undefined {
  const seconds = schedule.waitsSeconds[attempt.failures - 1];
  if (seconds === undefined) return undefined;
  const wait = Math.round(seconds * 1000 * (1 + schedule.jitter * attempt.chance));
  return Math.max(wait, Math.min(attempt.askedMs ?? 0, LONGEST_ASKED_MS));
}
