/** What a connection must say, and what its tables mean. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settings, zoneOf } from './settings.ts';

const LEAST = { dataset: 'AIRCOMP-2026', baseCurrency: 'GBP' };

function problems(given: Readonly<Record<string, unknown>>): readonly string[] {
  const result = settings.safeParse({ ...LEAST, ...given });
  return (result.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('files need the name of the data and its currency; each bridge what it is asked with', () => {
  assert.deepEqual(problems({}), []);
  assert.equal(settings.safeParse({ baseCurrency: 'GBP' }).success, false);
  assert.equal(settings.safeParse({ dataset: 'D' }).success, false);
  assert.deepEqual(problems({ bridge: 'own' }), [
    'apiBaseUrl: required for the bridge own',
    'apiKey: required for the bridge own',
  ]);
  const apiBaseUrl = 'http://sage-pc:5000';
  assert.deepEqual(problems({ bridge: 'oss', apiBaseUrl }), []);
  assert.deepEqual(problems({ bridge: 'hyperaccounts', apiBaseUrl }), [
    'authToken: required for the bridge hyperaccounts',
  ]);
});

test('the US edition needs its zone and has no bridge but our own', () => {
  const apiBaseUrl = 'http://sage-pc:5000';
  assert.deepEqual(problems({ edition: 'us' }), ['timeZone: required for the US edition']);
  const us = { edition: 'us', timeZone: 'America/Chicago' };
  assert.deepEqual(problems({ ...us, bridge: 'own', apiBaseUrl, apiKey: 'k' }), []);
  assert.deepEqual(problems({ ...us, bridge: 'oss', apiBaseUrl }), [
    'bridge: oss knows the UK edition only',
  ]);
  assert.equal(zoneOf(settings.parse({ ...LEAST, ...us })), 'America/Chicago');
  assert.equal(zoneOf(settings.parse(LEAST)), 'Europe/London');
});

test('tables are read from text or a record, and a wrong entry is named', () => {
  const { currencyTable, bankMethods } = settings.parse({
    ...LEAST,
    currencyTable: '2=EUR, 3 = USD',
    bankMethods: { '1200': 'ach' },
  });
  assert.deepEqual(currencyTable, { '2': 'EUR', '3': 'USD' });
  assert.deepEqual(bankMethods, { '1200': 'ach' });
  const presets = settings.parse(LEAST).bankMethods;
  assert.deepEqual(presets, { '1200': 'bank', '1230': 'cash', '1240': 'card' });
  assert.match(problems({ currencyTable: '2=ZZZ' }).join(), /"2=ZZZ" is not of the form 2=EUR/);
  assert.match(problems({ currencyTable: 'EUR' }).join(), /"EUR" is not of the form/);
  assert.match(problems({ bankMethods: '1200=barter' }).join(), /1200=barter/);
});
