import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiAnswer, ApiCall, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { check, fetchReports } from './fetch.ts';
import { adyen } from './index.ts';
import { settings as settingsSchema } from './settings.ts';

const CSV = Buffer.from('Psp Reference,Type\n');
const path =
  '/reports/download/MerchantAccount/AirworksRepairUS/settlement_detail_report_batch_4.csv';

function apiOf(status: number): { readonly api: PortalApi; readonly calls: ApiCall[] } {
  const calls: ApiCall[] = [];
  const api: PortalApi = {
    async request(call): Promise<ApiAnswer> {
      calls.push(call);
      if (status !== 200 && !call.accept?.includes(status)) {
        throw new Rejected(`answered ${status}`, { status, body: '' });
      }
      return { status, headers: {}, body: CSV };
    },
  };
  return { api, calls };
}

test('a report is downloaded as CSV; one that is gone yields nothing', async () => {
  const request = { entity: 'report', id: path };
  const { api, calls } = apiOf(200);
  assert.deepEqual(await fetchReports(api, [request]), [{ request, body: CSV }]);
  assert.equal(calls[0]?.path, path);
  assert.match(calls[0]?.headers?.accept ?? '', /csv/);
  assert.deepEqual(await fetchReports(apiOf(404).api, [request]), []);
  await assert.rejects(fetchReports(apiOf(403).api, [request]), Rejected);
});

test('nothing but reports can be asked for', async () => {
  for (const request of [
    { entity: 'payment', id: path },
    { entity: 'report', id: 'https://evil.example/reports/download/x.csv' },
    { entity: 'report', id: '/ca/services/DisputeService/v30' },
  ]) {
    await assert.rejects(fetchReports(apiOf(200).api, [request]), WireMismatch);
  }
});

test('the check says what the credentials are good for', async () => {
  const given = { environment: 'sandbox', merchantAccounts: 'AirworksRepairUS' };
  const withKey = settingsSchema.parse({ ...given, reportApiKey: 'x' });
  const found = apiOf(404);
  assert.equal(await check(found.api, withKey), 'Reports of ca-test.adyen.com may be downloaded');
  assert.match(
    found.calls[0]?.path ?? '',
    /^\/reports\/download\/MerchantAccount\/AirworksRepairUS\//,
  );
  await assert.rejects(check(apiOf(403).api, withKey), /Merchant Report/);
  const anyAccount = settingsSchema.parse({ reportApiKey: 'x' });
  assert.match(await check(apiOf(403).api, anyAccount), /first report/);
  const none = apiOf(500);
  assert.match(await check(none.api, settingsSchema.parse({})), /fees and payouts stay unknown/);
  assert.equal(none.calls.length, 0);
});

test('credentials go to the customer area by key, or by user and password', () => {
  const { api } = adyen;
  assert.ok(api);
  const parsed = (given: Readonly<Record<string, string>>) => adyen.settings.parse(given);
  assert.equal(api.baseUrl(parsed({})), 'https://ca-live.adyen.com');
  assert.equal(api.baseUrl(parsed({ environment: 'sandbox' })), 'https://ca-test.adyen.com');
  assert.equal(api.auth(parsed({})).kind, 'none');
  assert.equal(api.auth(parsed({ reportUser: 'report_1' })).kind, 'none');
  assert.equal(api.auth(parsed({ reportUser: 'report_1', reportPassword: 'x' })).kind, 'basic');
  const byKey = api.auth(parsed({ reportApiKey: 'x', reportUser: 'y', reportPassword: 'z' }));
  assert.ok(byKey.kind === 'header');
  assert.equal(byKey.name, 'X-API-Key');
});

test('the acknowledgement is the one that every configuration understands', () => {
  const { acknowledge } = adyen.webhook ?? {};
  assert.ok(acknowledge && typeof acknowledge !== 'function');
  assert.deepEqual([acknowledge.status, acknowledge.body], [200, '[accepted]']);
});
