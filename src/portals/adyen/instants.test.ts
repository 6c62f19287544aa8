import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WireMismatch } from '../kit/errors.ts';
import { instantOf, reportInstant } from './instants.ts';

test('an eventDate is an instant with an offset', () => {
  assert.equal(instantOf('2026-11-04T16:12:09+01:00'), '2026-11-04T15:12:09.000Z');
  assert.equal(instantOf('2026-07-04T16:12:09+02:00'), '2026-07-04T14:12:09.000Z');
  assert.equal(instantOf('2026-07-04T16:12:09.25+02:00'), '2026-07-04T14:12:09.250Z');
  assert.equal(instantOf('2026-07-04T16:12:09.123456Z'), '2026-07-04T16:12:09.123Z');
  for (const wrong of ['', '2026-11-04', '2026-11-04T16:12:09', '2026-13-04T16:12:09Z', 'now']) {
    assert.throws(() => instantOf(wrong), WireMismatch, wrong);
  }
});

test('a report says in which zone its clock stands', () => {
  assert.equal(reportInstant('2026-11-09 00:00:00', 'CET'), '2026-11-08T23:00:00.000Z');
  assert.equal(reportInstant('2026-07-09 00:00:00', 'CEST'), '2026-07-08T22:00:00.000Z');
  assert.equal(reportInstant('2013-06-11 04:55:40', 'BST'), '2013-06-11T03:55:40.000Z');
  assert.equal(reportInstant('2026-07-09 08:30:00', 'PDT'), '2026-07-09T15:30:00.000Z');
  assert.equal(reportInstant('2026-07-09T08:30:00', 'UTC'), '2026-07-09T08:30:00.000Z');
  assert.throws(() => reportInstant('2026-07-09', 'CET'), WireMismatch);
  assert.throws(() => reportInstant('2026-07-09 08:30:00', ''), WireMismatch);
  assert.throws(() => reportInstant('2026-07-09 08:30:00', 'XYZT'), WireMismatch);
});

test('an IANA zone keeps its summer time, also around the change of the clocks', () => {
  const zone = 'America/Chicago';
  assert.equal(reportInstant('2026-07-01 08:30:00', zone), '2026-07-01T13:30:00.000Z');
  assert.equal(reportInstant('2026-12-01 08:30:00', zone), '2026-12-01T14:30:00.000Z');
  assert.equal(reportInstant('2026-03-08 01:59:59', zone), '2026-03-08T07:59:59.000Z');
  assert.equal(reportInstant('2026-03-08 03:00:00', zone), '2026-03-08T08:00:00.000Z');
  assert.equal(reportInstant('2026-11-01 00:30:00', zone), '2026-11-01T05:30:00.000Z');
  assert.equal(reportInstant('2026-11-01 02:30:00', zone), '2026-11-01T08:30:00.000Z');
  assert.equal(reportInstant('2026-07-01 08:30:00', 'Asia/Kolkata'), '2026-07-01T03:00:00.000Z');
});
