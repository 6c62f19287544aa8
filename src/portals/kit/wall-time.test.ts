import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wallTime } from './wall-time.ts';

test('days begin where they begin, also when clocks were changed that night', () => {
  const midnight = (day: string, zone: string) => wallTime(`${day}T00:00:00`, zone);
  assert.equal(midnight('2026-10-14', 'UTC'), '2026-10-14T00:00:00.000Z');
  assert.equal(midnight('2026-10-14', 'Asia/Kolkata'), '2026-10-13T18:30:00.000Z');
  assert.equal(midnight('2026-10-14', 'America/Los_Angeles'), '2026-10-14T07:00:00.000Z');
  // Summer time ends in Berlin on the 25th of October 2026, and begins on the 29th of March.
  assert.equal(midnight('2026-10-25', 'Europe/Berlin'), '2026-10-24T22:00:00.000Z');
  assert.equal(midnight('2026-10-26', 'Europe/Berlin'), '2026-10-25T23:00:00.000Z');
  assert.equal(midnight('2026-03-30', 'Europe/Berlin'), '2026-03-29T22:00:00.000Z');
  // In Beirut it begins at midnight, which is left out.
  assert.match(midnight('2026-03-29', 'Asia/Beirut'), /^2026-03-2[89]T2[123]:00/);
});

test('what is no time or no zone is refused', () => {
  assert.throws(() => wallTime('2026-13-14T00:00:00', 'UTC'), RangeError);
  assert.throws(() => wallTime('2026-10-14T00:00:00', 'Mars/Olympus'), RangeError);
});
