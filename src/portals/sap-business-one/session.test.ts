/** The log-in of the Service Layer, in its documented shapes and at a simulated balancer. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { ApiAnswer, ApiCall } from '../contract.ts';
import { Reauthorize, RetryLater } from '../kit/errors.ts';
import { sapBusinessOne } from './index.ts';
import { sessionOf } from './session.ts';
import type { BusinessOneSettings } from './settings.ts';
import { connect, fill } from './simulated-connection.ts';

const read = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const json = (name: string) => JSON.parse(read(name).toString());
const settings = sapBusinessOne.settings.parse(
  json('contract.json').settings,
) as BusinessOneSettings;
const documented = json('login-response-headers.json').headers['Set-Cookie'] as string[];

async function logIn(answer: Partial<ApiAnswer>): Promise<{ session: string; call: ApiCall }> {
  let call: ApiCall | undefined;
  const { session } = await sessionOf(settings).open(async (asked) => {
    call = asked;
    return { status: 200, headers: {}, body: read('login-response.json'), ...answer };
  });
  return { session: session.reveal(), call: call ?? assert.fail('nothing was asked') };
}

describe('the log-in', () => {
  test('is as documented, and both cookies go with every call', async () => {
    const { session, call } = await logIn({ cookies: documented });
    assert.equal(call.path, 'Login');
    assert.deepEqual(call.json, {
      CompanyDB: 'SBODEMOUS',
      UserName: 'payments-sync',
      Password: 'EXAMPLE-ONLY',
    });
    assert.equal(session, 'B1SESSION=6d3c1f20-0f5a-11f1-8000-0050569d1b2c; ROUTEID=.node1');
  });

  test('a server without balancer sends one cookie, and some proxies none', async () => {
    const alone = 'B1SESSION=6d3c1f20-0f5a-11f1-8000-0050569d1b2c';
    assert.equal((await logIn({ cookies: documented.slice(0, 1) })).session, alone);
    assert.equal((await logIn({})).session, alone);
    assert.equal(
      (await logIn({ cookies: ['ROUTEID=.node2; path=/b1s'] })).session,
      `${alone}; ROUTEID=.node2`,
    );
  });

  test('refused in any status is a matter for a person; what is no answer of the Service Layer passes', async () => {
    const refused = (status: number, name: string) => logIn({ status, body: read(name) });
    for (const status of [400, 401, 403, 500]) {
      await assert.rejects(
        refused(status, 'error-login-v1.in.json'),
        (error) => error instanceof Reauthorize && /SLD \(-304\)/.test(error.message),
      );
    }
    await assert.rejects(
      logIn({ status: 500, body: Buffer.from('{"error":"internal"}') }),
      RetryLater,
    );
  });

  test('is over by 401, or by 301 in either version; other refusals leave it', () => {
    const ended = (status: number, name: string) =>
      sessionOf(settings).ended({ status, headers: {}, body: read(name) });
    assert.equal(ended(401, 'error-session-v1.in.json'), true);
    assert.equal(ended(401, 'error-session-v2.in.json'), true);
    assert.equal(ended(400, 'error-session-v2.in.json'), true);
    assert.equal(ended(401, 'error-login-v1.in.json'), true);
    assert.equal(ended(400, 'error-validation-v1.in.json'), false);
    assert.equal(ended(200, 'login-response.json'), false);
  });
});

describe('at a balancer', () => {
  test('many calls need one log-in; a lost session one more', async () => {
    await using connection = await connect();
    const { company, api } = connection;
    fill(company);
    const ask = () => api.request({ path: 'Invoices?$select=DocEntry' });
    await Promise.all([ask(), ask(), ask()]);
    assert.equal(company.logIns(), 1);
    company.expireAccessTokens();
    await ask();
    await ask();
    assert.equal(company.logIns(), 2);
  });

  test('a call without its route soon reaches a node that does not know the session', async () => {
    await using connection = await connect();
    const { company, settings: real } = connection;
    const cookies: string[] = [];
    const reply = await fetch(`${real.apiBaseUrl}/b1s/v2/Login`, {
      method: 'POST',
      body: JSON.stringify({
        CompanyDB: real.companyDb,
        UserName: real.userName,
        Password: real.password.reveal(),
      }),
    });
    cookies.push(...reply.headers.getSetCookie().map((one) => one.split(';')[0] ?? ''));
    assert.equal(cookies.length, 2);
    const statuses = async (cookie: string) => {
      const found = new Set<number>();
      for (let call = 0; call < 20; call += 1) {
        const path = `${real.apiBaseUrl}/b1s/v2/Invoices`;
        found.add((await fetch(path, { headers: { cookie } })).status);
      }
      return [...found].sort();
    };
    assert.deepEqual(await statuses(cookies.join('; ')), [200]);
    assert.deepEqual(await statuses(cookies[0] ?? ''), [200, 401]);
    assert.equal(company.logIns(), 1);
  });

  test('a wrong password is told once, by name, and not tried again in the same breath', async () => {
    await using connection = await connect({ change: { password: 'wrong' } });
    const { company, api, settings: wrong } = connection;
    await assert.rejects(
      async () => sapBusinessOne.check?.(api, wrong),
      (error) => error instanceof Reauthorize && /payments-sync to SBODEMOUS/.test(error.message),
    );
    assert.equal(company.requestCount(), 1);
  });
});
