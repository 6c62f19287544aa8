import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountsServer, apiBaseUrl, dataCentreOf, settings } from './settings.ts';

const least = { clientId: 'client', clientSecret: 'secret' };
const back = (server: string) => new URLSearchParams({ code: 'c', 'accounts-server': server });

test('each data centre has its own API and accounts server', () => {
  const india = settings.parse({ ...least, dataCentre: 'in' });
  assert.equal(apiBaseUrl(india), 'https://www.zohoapis.in');
  assert.equal(accountsServer(india), 'https://accounts.zoho.in');
  const canada = settings.parse({ ...least, dataCentre: 'ca' });
  assert.equal(apiBaseUrl(canada), 'https://www.zohoapis.ca');
  assert.equal(accountsServer(canada), 'https://accounts.zohocloud.ca');
});

test('the way back from consent names the data centre, and only known servers are believed', () => {
  const connection = settings.parse(least);
  assert.deepEqual(dataCentreOf(back('https://accounts.zoho.eu'), connection), {
    dataCentre: 'eu',
  });
  assert.deepEqual(dataCentreOf(back('https://accounts.zoho.com'), connection), {});
  assert.deepEqual(dataCentreOf(new URLSearchParams({ code: 'c' }), connection), {});
  for (const server of ['https://accounts.zoho.eu.evil.example', 'http://accounts.zoho.eu', '']) {
    assert.throws(() => dataCentreOf(back(server), connection), /accounts-server/);
  }
  const own = settings.parse({ ...least, authBaseUrl: 'http://127.0.0.1:9' });
  assert.deepEqual(dataCentreOf(back('http://127.0.0.1:9'), own), {});
  assert.throws(() => dataCentreOf(back('https://accounts.zoho.eu'), own), /accounts-server/);
});
