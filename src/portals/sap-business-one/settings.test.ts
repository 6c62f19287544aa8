/** What a person may enter, and what is refused with a reason. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { sapBusinessOne } from './index.ts';
import { type BusinessOneSettings, codeOf, isoOf } from './settings.ts';

const least = JSON.parse(readFileSync(new URL('fixtures/contract.json', import.meta.url), 'utf8'))
  .settings as Record<string, string>;
const parse = (change: Record<string, string> = {}) =>
  sapBusinessOne.settings.parse({ ...least, ...change }) as BusinessOneSettings;
const certificate = readFileSync(
  new URL('../kit/fixtures/own-server.pem', import.meta.url),
  'utf8',
);

describe('the address', () => {
  test('is the server’s, however much of the path was pasted with it', () => {
    const { baseUrl } = sapBusinessOne.api ?? assert.fail('no API');
    const base = 'https://b1.example.com:50000';
    for (const path of ['', '/', '/b1s', '/b1s/v1', '/b1s/v2/']) {
      assert.equal(baseUrl(parse({ apiBaseUrl: base + path })), `${base}/b1s/v2`);
    }
    assert.equal(baseUrl(parse({ serviceLayerVersion: 'v1' })), `${base}/b1s/v1`);
    assert.throws(() => parse({ serviceLayerVersion: 'v3' }), /serviceLayerVersion/);
    assert.throws(() => parse({ apiBaseUrl: 'b1.example.com' }), /https:\/\/b1/);
  });
});

describe('the certificate', () => {
  test('is handed to the connection as it is, and must be one', () => {
    const { certificates } = sapBusinessOne.api ?? assert.fail('no API');
    assert.equal(certificates?.(parse()), undefined);
    assert.equal(certificates?.(parse({ certificateAuthority: certificate })), certificate.trim());
    assert.throws(() => parse({ certificateAuthority: '/etc/ssl/b1.pem' }), /PEM/);
  });
});

describe('currencies', () => {
  test('lead both ways', () => {
    const given = parse({ currencies: ' $=USD , US$ = USD, £=GBP,' });
    assert.deepEqual(
      [...given.currencies],
      [
        ['$', 'USD'],
        ['US$', 'USD'],
        ['£', 'GBP'],
      ],
    );
    assert.equal(isoOf('£', given), 'GBP');
    assert.equal(codeOf('USD', given), '$');
    assert.equal(codeOf('EUR', given), 'EUR');
    for (const odd of ['$', '$=usd', '$=ZZZ', 'DOLLAR=USD', '$:USD']) {
      assert.throws(() => parse({ currencies: odd }), /\$=USD/, odd);
    }
  });
});

test('fields of one’s own begin with U_', () => {
  for (const name of ['syncIdField', 'workOrderField']) {
    assert.throws(() => parse({ [name]: 'SyncId' }), /U_SyncId/);
    assert.throws(() => parse({ [name]: "U_X' or 1 eq 1" }), /U_SyncId/);
  }
  assert.throws(() => parse({ invoiceNumberField: 'DocEntry' }), /DocNum/);
});
