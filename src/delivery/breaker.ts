/** A circuit breaker as a pure state machine, stored with the system it protects. */
import { z } from 'zod';

/**
 * `closed`: deliveries flow; `failures` counts those since the last success. `open`: none is
 * sent before `until`. `half-open`: one probe is under way; when it is never heard of again,
 * another may start at `until`.
 */
export const breakerSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('closed'), failures: z.int().min(0) }),
  z.object({ state: z.literal('open'), failures: z.int().min(0), until: z.iso.datetime() }),
  z.object({ state: z.literal('half-open'), failures: z.int().min(0), until: z.iso.datetime() }),
]);
export type Breaker = z.output<typeof breakerSchema>;

export const CLOSED: Breaker = { state: 'closed', failures: 0 };

/** Failures in a row that open it. */
export const FAILURES_TO_OPEN = 5;
const FIRST_OPEN_MS = 30_000;
const LONGEST_OPEN_MS = 10 * 60_000;
/** Longer than any attempt can take. */
const PROBE_MS = 5 * 60_000;

export type Admission =
  | { readonly admit: 'all'; readonly breaker: Breaker }
  | { readonly admit: 'one'; readonly breaker: Breaker }
  | { readonly admit: 'none'; readonly breaker: Breaker; readonly until: Date };

/** What may be sent at `now`, and the state to store before sending. */
export function admit(breaker: Breaker, now: Date): Admission {
  if (breaker.state === 'closed') return { admit: 'all', breaker };
  const until = new Date(breaker.until);
  if (now < until) return { admit: 'none', breaker, until };
  return {
    admit: 'one',
    breaker: { state: 'half-open', failures: breaker.failures, until: later(now, PROBE_MS) },
  };
}

/**
 * The state after an attempt. Each failed probe doubles the time it stays open, up to ten
 * minutes.
 */
export function afterAttempt(breaker: Breaker, ok: boolean, now: Date): Breaker {
  if (ok) return CLOSED;
  const failures = breaker.failures + 1;
  if (breaker.state === 'closed' && failures < FAILURES_TO_OPEN)
    return { state: 'closed', failures };
  // An attempt that was under way when it opened says nothing new.
  if (breaker.state === 'open') return breaker;
  const doublings = Math.min(failures - FAILURES_TO_OPEN, 10);
  const openMs = Math.min(FIRST_OPEN_MS * 2 ** Math.max(doublings, 0), LONGEST_OPEN_MS);
  return { state: 'open', failures, until: later(now, openMs) };
}

function later(now: Date, ms: number): string {
  return new Date(now.getTime() + ms).toISOString();
}
