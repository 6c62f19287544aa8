import assert from 'node:assert/strict';
import test from 'node:test';
import { somePayment } from '../../test/payments.ts';
import type { Page, Payment } from '../api/payment.ts';
import { mergeIntoPages, mergeIntoToday } from './merge-payments.ts';

const ALL = { status: null, portal: null };
const at = (minute: number) => `2026-11-21T08:${String(minute).padStart(2, '0')}:00.000Z`;
const payment = (number: number, sketch: Parameters<typeof somePayment>[1] = {}) =>
  somePayment(number, { receivedAt: at(number), ...sketch });
const updates = (...payments: Payment[]) => new Map(payments.map((one) => [one.id, one]));
const ids = (pages: readonly Page<Payment>[]) =>
  pages.map(({ data }) => data.map(({ id }) => Number(id.slice(4))));

const PAGES: readonly Page<Payment>[] = [
  { data: [payment(30), payment(20)], next: 'more' },
  { data: [payment(16), payment(10)], next: 'more' },
];

test('a new payment stands above the first that is not newer', () => {
  assert.deepEqual(ids(mergeIntoPages(PAGES, updates(payment(40), payment(25)), ALL)), [
    [40, 30, 25, 20],
    [16, 10],
  ]);
  assert.deepEqual(ids(mergeIntoPages(PAGES, updates(payment(12)), ALL)), [
    [30, 20],
    [16, 12, 10],
  ]);
});

test('of payments received in the same instant the last to arrive is on top', () => {
  const twins = updates(payment(41, { receivedAt: at(40) }), payment(42, { receivedAt: at(40) }));
  assert.deepEqual(ids(mergeIntoPages(PAGES, twins, ALL))[0], [42, 41, 30, 20]);
});

test('a payment below all that is loaded comes with its own page, but the last takes it', () => {
  assert.deepEqual(ids(mergeIntoPages(PAGES, updates(payment(5)), ALL)), ids(PAGES));
  const whole = [{ data: [payment(30)], next: null }];
  assert.deepEqual(ids(mergeIntoPages(whole, updates(payment(5)), ALL)), [[30, 5]]);
  assert.deepEqual(ids(mergeIntoPages([{ data: [], next: null }], updates(payment(5)), ALL)), [
    [5],
  ]);
});

test('a known payment is replaced where it stands', () => {
  const merged = mergeIntoPages(PAGES, updates(payment(16, { status: 'refunded' })), ALL);
  assert.deepEqual(ids(merged), ids(PAGES));
  assert.equal(merged[1]?.data[0]?.status, 'refunded');
  assert.equal(merged[0], PAGES[0]);
});

test('a payment that no longer fits the filter leaves, one that does not fit never comes', () => {
  const filter = { status: 'succeeded', portal: 'stripe' };
  const changes = updates(
    payment(20, { status: 'disputed' }),
    payment(50, { portal: 'mollie' }),
    payment(60),
  );
  assert.deepEqual(ids(mergeIntoPages(PAGES, changes, filter))[0], [60, 30]);
});

test('today takes what was received today, in its latest state', () => {
  const today = { payments: updates(payment(30, { status: 'pending' })), complete: true };
  const merged = mergeIntoToday(today, updates(payment(30), payment(2)), new Date(at(10)));
  assert.deepEqual([...merged.payments.keys()], ['pay_30']);
  assert.equal(merged.payments.get('pay_30')?.status, 'succeeded');
});
