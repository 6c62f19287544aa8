import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { businessDay } from './business-day.ts';

/** Reasoned from the zones' rules: an instant, a zone, the day it is there. */
const TABLE = [
  ['2026-11-21T07:00:00.000Z', 'UTC', '2026-11-21'],
  ['2026-11-21T05:59:59.999Z', 'America/Chicago', '2026-11-20'],
  ['2026-11-21T06:00:00.000Z', 'America/Chicago', '2026-11-21'],
  // Clocks go forward on 8 March: midnight is at 06:00 UTC before and at 05:00 UTC after.
  ['2026-03-08T05:59:59.999Z', 'America/Chicago', '2026-03-07'],
  ['2026-03-08T06:00:00.000Z', 'America/Chicago', '2026-03-08'],
  ['2026-03-09T04:59:59.999Z', 'America/Chicago', '2026-03-08'],
  ['2026-03-09T05:00:00.000Z', 'America/Chicago', '2026-03-09'],
  // Clocks go back on 1 November: the day has 25 hours.
  ['2026-11-01T05:00:00.000Z', 'America/Chicago', '2026-11-01'],
  ['2026-11-02T05:59:59.999Z', 'America/Chicago', '2026-11-01'],
  ['2026-11-02T06:00:00.000Z', 'America/Chicago', '2026-11-02'],
  // Half-hour and quarter-hour zones.
  ['2026-11-20T18:29:59.999Z', 'Asia/Kolkata', '2026-11-20'],
  ['2026-11-20T18:30:00.000Z', 'Asia/Kolkata', '2026-11-21'],
  ['2026-11-20T18:14:59.999Z', 'Asia/Kathmandu', '2026-11-20'],
  ['2026-11-20T18:15:00.000Z', 'Asia/Kathmandu', '2026-11-21'],
  ['2026-07-01T02:29:59.999Z', 'America/St_Johns', '2026-06-30'],
  ['2026-07-01T02:30:00.000Z', 'America/St_Johns', '2026-07-01'],
  // Both sides of the date line, a new year and a leap day.
  ['2026-12-31T10:00:00.000Z', 'Pacific/Kiritimati', '2027-01-01'],
  ['2027-01-01T10:59:59.999Z', 'Pacific/Pago_Pago', '2026-12-31'],
  ['2028-02-29T23:30:00.000Z', 'Europe/London', '2028-02-29'],
  ['2028-02-29T23:30:00.000Z', 'Europe/Berlin', '2028-03-01'],
] as const;

describe('the day of an instant', () => {
  for (const [instant, zone, day] of TABLE) {
    test(`${instant} is ${day} in ${zone}`, () => assert.equal(businessDay(instant, zone), day));
  }
});

test('an unknown zone is an error', () => {
  assert.throws(() => businessDay('2026-11-21T07:00:00.000Z', 'Mars/Olympus'), RangeError);
});

test('days never run backwards and are at most one apart from UTC', () => {
  const instant = fc.date({
    min: new Date('2020-01-01T00:00:00Z'),
    max: new Date('2040-01-01T00:00:00Z'),
    noInvalidDate: true,
  });
  const zone = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
  fc.assert(
    fc.property(instant, zone, fc.integer({ min: 0, max: 172_800_000 }), (at, name, laterMs) => {
      const day = businessDay(at.toISOString(), name);
      const later = businessDay(new Date(at.getTime() + laterMs).toISOString(), name);
      assert.ok(day <= later);
      assert.match(day, /^\d{4}-\d{2}-\d{2}$/);
      const apart = Date.parse(day) - Date.parse(at.toISOString().slice(0, 10));
      assert.ok(Math.abs(apart) <= 86_400_000);
    }),
    { numRuns: 300 },
  );
});
