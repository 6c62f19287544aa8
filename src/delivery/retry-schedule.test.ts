import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SERVICEMOBILITY_SCHEDULE, STANDARD_SCHEDULE, waitMs } from './retry-schedule.ts';

const schedules = fc.constantFrom(STANDARD_SCHEDULE, SERVICEMOBILITY_SCHEDULE);
const chances = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('each wait lies between its base and its base lengthened by the jitter', () => {
  fc.assert(
    fc.property(
      schedules,
      fc.integer({ min: 1, max: 60 }),
      chances,
      (schedule, failures, chance) => {
        const base = schedule.waitsSeconds[failures - 1];
        const wait = waitMs(schedule, { failures, chance });
        if (base === undefined) return assert.equal(wait, undefined);
        assert.ok(wait !== undefined && wait >= base * 1000);
        assert.ok(wait <= Math.ceil(base * 1000 * (1 + schedule.jitter)));
      },
    ),
  );
});

test('waits never get shorter, and the schedule spans days', () => {
  for (const { waitsSeconds } of [STANDARD_SCHEDULE, SERVICEMOBILITY_SCHEDULE]) {
    assert.deepEqual(
      [...waitsSeconds].sort((a, b) => a - b),
      waitsSeconds,
    );
    const days = waitsSeconds.reduce((sum, one) => sum + one, 0) / 86_400;
    assert.ok(days > 4 && days < 6, String(days));
  }
  assert.equal(SERVICEMOBILITY_SCHEDULE.waitsSeconds.at(0), 30);
  assert.equal(SERVICEMOBILITY_SCHEDULE.waitsSeconds.at(-1), 6 * 3600);
});

test('what the receiver asks for only lengthens the wait, up to a day', () => {
  fc.assert(
    fc.property(schedules, chances, fc.nat(), (schedule, chance, askedMs) => {
      const plain = waitMs(schedule, { failures: 1, chance }) ?? 0;
      const wait = waitMs(schedule, { failures: 1, chance, askedMs }) ?? 0;
      assert.equal(wait, Math.max(plain, Math.min(askedMs, 86_400_000)));
    }),
  );
});
