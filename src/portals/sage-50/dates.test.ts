/** Days and instants as Sage 50 and its PCs write them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WireMismatch } from '../kit/errors.ts';
import { type DateOrder, dayOf, instantOf, midnightOf, utcOf, writeDay } from './dates.ts';

describe('a day', () => {
  const TABLE: readonly (readonly [string, DateOrder, string])[] = [
    ['03/11/2026', 'dmy', '2026-11-03'],
    ['3/11/2026', 'dmy', '2026-11-03'],
    ['03/11/26', 'dmy', '2026-11-03'],
    ['03/11/2026 16:12:04', 'dmy', '2026-11-03'],
    ['2026-11-03', 'dmy', '2026-11-03'],
    ['11/3/26', 'mdy', '2026-11-03'],
    ['11/03/2026', 'mdy', '2026-11-03'],
    ['2026-11-03T00:00:00', 'ymd', '2026-11-03'],
    ['29/02/2028', 'dmy', '2028-02-29'],
  ];
  for (const [text, order, day] of TABLE) {
    test(`${text} is ${day} in the order ${order}`, () => assert.equal(dayOf(text, order), day));
  }

  const WRONG: readonly (readonly [string, DateOrder])[] = [
    ['11/30/2026', 'dmy'],
    ['30/11/2026', 'mdy'],
    ['29/02/2026', 'dmy'],
    ['2026-11-03', 'mdy'],
    ['03/11/2026', 'ymd'],
    ['03-Nov-26', 'dmy'],
    ['03/11-2026', 'dmy'],
    ['45964', 'dmy'],
    ['', 'dmy'],
    ['01/01/0001', 'dmy'],
    ['03/11/2026 25:00', 'dmy'],
  ];
  for (const [text, order] of WRONG) {
    test(`"${text}" is none in the order ${order}`, () => {
      assert.throws(() => dayOf(text, order), WireMismatch);
    });
  }

  test('is written as it is read', () => {
    for (const order of ['dmy', 'mdy', 'ymd'] as const) {
      assert.equal(dayOf(writeDay('2026-11-03', order), order), '2026-11-03');
    }
    assert.equal(writeDay('2026-11-03', 'dmy'), '03/11/2026');
  });
});

describe('an instant', () => {
  test('is that of the PC, in winter and in summer', () => {
    const london = (text: string) => instantOf(text, 'dmy', 'Europe/London');
    assert.equal(london('03/11/2026 16:12:04'), '2026-11-03T16:12:04.000Z');
    assert.equal(london('03/07/2026 16:12:04'), '2026-07-03T15:12:04.000Z');
    assert.equal(london('03/07/2026 9:12'), '2026-07-03T08:12:00.000Z');
    // On the day on which the clocks go back, before and after.
    assert.equal(london('25/10/2026 00:30:00'), '2026-10-24T23:30:00.000Z');
    assert.equal(london('25/10/2026 02:30:00'), '2026-10-25T02:30:00.000Z');
    assert.equal(london('03/07/2026'), '2026-07-02T23:00:00.000Z');
    assert.equal(midnightOf('2026-11-03', 'America/New_York'), '2026-11-03T05:00:00.000Z');
    assert.equal(midnightOf('2026-07-03', 'America/New_York'), '2026-07-03T04:00:00.000Z');
  });

  test('of the bridge is UTC and nothing else', () => {
    assert.equal(utcOf('2026-11-03T16:12:04Z', 'at'), '2026-11-03T16:12:04.000Z');
    assert.equal(utcOf('2026-11-03T16:12:04.1234567Z', 'at'), '2026-11-03T16:12:04.123Z');
    for (const text of ['2026-11-03T16:12:04', '2026-11-03', '03/11/2026 16:12:04', '']) {
      assert.throws(() => utcOf(text, 'modifiedAt'), /modifiedAt/);
    }
  });
});
