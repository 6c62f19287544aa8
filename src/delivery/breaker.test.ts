import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  admit,
  afterAttempt,
  type Breaker,
  breakerSchema,
  CLOSED,
  FAILURES_TO_OPEN,
} from './breaker.ts';

const NOW = new Date('2026-11-21T08:00:00.000Z');
const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

function failed(times: number): Breaker {
  let breaker: Breaker = CLOSED;
  for (let i = 0; i < times; i++) breaker = afterAttempt(breaker, false, NOW);
  return breaker;
}

test('opens at the fifth failure in a row, for half a minute', () => {
  assert.equal(failed(FAILURES_TO_OPEN - 1).state, 'closed');
  const open = failed(FAILURES_TO_OPEN);
  assert.deepEqual(open, { state: 'open', failures: 5, until: at(30).toISOString() });
  assert.equal(admit(open, at(29)).admit, 'none');
  assert.equal(admit(open, at(30)).admit, 'one');
});

test('lets one probe through, and another when the first was never heard of again', () => {
  const probing = admit(failed(FAILURES_TO_OPEN), at(30)).breaker;
  assert.equal(probing.state, 'half-open');
  assert.equal(admit(probing, at(31)).admit, 'none');
  assert.equal(admit(probing, at(330)).admit, 'one');
});

test('a good probe closes it; a failed one opens it for longer, ten minutes at most', () => {
  let breaker = failed(FAILURES_TO_OPEN);
  assert.deepEqual(afterAttempt(admit(breaker, at(30)).breaker, true, at(31)), CLOSED);
  const spans: number[] = [];
  let now = NOW;
  for (let i = 0; i < 8; i++) {
    now = new Date(now.getTime() + 3_600_000);
    breaker = afterAttempt(admit(breaker, now).breaker, false, now);
    if (breaker.state === 'open') spans.push((Date.parse(breaker.until) - now.getTime()) / 1000);
  }
  assert.deepEqual(spans, [60, 120, 240, 480, 600, 600, 600, 600]);
});

test('one success forgets the failures', () => {
  assert.deepEqual(afterAttempt(failed(FAILURES_TO_OPEN - 1), true, NOW), CLOSED);
});

test('whatever happens, it is storable and lets something through in the end', () => {
  const steps = fc.array(fc.record({ ok: fc.boolean(), seconds: fc.nat(2000) }), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (list) => {
      let breaker: Breaker = CLOSED;
      let now = NOW;
      for (const step of list) {
        now = new Date(now.getTime() + step.seconds * 1000);
        const admission = admit(breaker, now);
        breaker = admission.breaker;
        if (admission.admit !== 'none') breaker = afterAttempt(breaker, step.ok, now);
        assert.deepEqual(breakerSchema.parse(JSON.parse(JSON.stringify(breaker))), breaker);
      }
      assert.notEqual(admit(breaker, new Date(now.getTime() + 600_000)).admit, 'none');
    }),
  );
});
