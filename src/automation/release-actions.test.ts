import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { entitlementRecord, workOrderRecord } from '../intake/own-document.ts';
import { ENTITLEMENT_ACTIONS, WORK_ORDER_ACTIONS } from './release-actions.ts';

const SCHEMA = readFileSync(
  new URL('../../migrations/0001_foundation.sql', import.meta.url),
  'utf8',
);

/** The values that a table's column accepts. */
function accepted(table: string): readonly string[] {
  const [, body = ''] = SCHEMA.split(`create table ${table} (`);
  const [, list = ''] = /kind text not null check \(kind in \(([^)]*)\)\)/.exec(body) ?? [];
  return [...list.matchAll(/'([^']+)'/g)].map(([, value = '']) => value);
}

test('every kind of work order that can be stored has its action', () => {
  const kinds = Object.keys(WORK_ORDER_ACTIONS).sort();
  assert.deepEqual(kinds, accepted('work_orders').toSorted());
  assert.deepEqual(kinds, [...workOrderRecord.shape.workOrderKind.options].sort());
});

test('every kind of entitlement that can be stored has its action', () => {
  const kinds = Object.keys(ENTITLEMENT_ACTIONS).sort();
  assert.deepEqual(kinds, accepted('entitlements').toSorted());
  const records = entitlementRecord.shape.kind.options.map((kind) => kind.split('.')[0]);
  assert.deepEqual(kinds, records.sort());
});

test('the five things a payment unlocks are named by what is done', () => {
  const actions = new Set([
    ...Object.values(WORK_ORDER_ACTIONS),
    ...Object.values(ENTITLEMENT_ACTIONS),
  ]);
  assert.deepEqual([...actions].sort(), [
    'contract.trigger',
    'parts.dispatch',
    'repair.approve',
    'service.release',
    'warranty.activate',
  ]);
});
