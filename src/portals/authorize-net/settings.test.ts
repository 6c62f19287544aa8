import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentials, originOf, settings } from './settings.ts';

const parse = (given: object) => settings.parse({ currency: 'USD', ...given });

test('the addresses are the live ones unless the sandbox or another address is asked for', () => {
  assert.equal(originOf(parse({})), 'https://api.authorize.net');
  assert.equal(originOf(parse({ environment: 'sandbox' })), 'https://apitest.authorize.net');
  assert.equal(originOf(parse({ apiBaseUrl: 'http://127.0.0.1:9' })), 'http://127.0.0.1:9');
});

test('the currency is asked for by name, because no document names it', () => {
  assert.match(
    String(settings.safeParse({}).error),
    /required; the currency of the merchant account/,
  );
  assert.throws(() => parse({ currency: 'usd' }), /not an ISO 4217 currency/);
});

test('half of a pair of credentials opens nothing', () => {
  assert.equal(credentials(parse({ apiLoginId: 'login' })), undefined);
  assert.equal(credentials(parse({ transactionKey: 'key' })), undefined);
  assert.equal(
    credentials(parse({ apiLoginId: 'login', transactionKey: 'key' }))?.apiLoginId,
    'login',
  );
});
