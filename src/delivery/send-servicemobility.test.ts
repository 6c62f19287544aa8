import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  type ServiceMobilitySimulator,
  simulateServiceMobility,
} from '../../simulators/servicemobility.ts';
import { exampleState } from './example-state.ts';
import { NoAnswer, type OutboundAnswer, openOutbound, type Post } from './outbound.ts';
import { serviceMobilitySender } from './send-servicemobility.ts';
import { serviceMobilityObject } from './servicemobility-object.ts';
import { type ServiceMobilitySettings, serviceMobilitySettings } from './system-settings.ts';

const NOW = new Date('2026-11-21T08:00:00.000Z');
const outbound = openOutbound();
let host: ServiceMobilitySimulator;
let settings: ServiceMobilitySettings;

before(async () => {
  host = await simulateServiceMobility({ seed: 11 });
  settings = serviceMobilitySettings.parse(host.systemSettings);
});
after(async () => {
  outbound.close();
  await host.close();
});

function bodyFor(workOrder: string, externalId: string): Buffer {
  const state = exampleState('payment.succeeded', {
    workOrders: [workOrder],
    payment: { externalId },
  });
  const mapped = serviceMobilityObject(state, settings);
  assert.ok('body' in mapped);
  return mapped.body;
}

function open(post: Post = outbound.post, now: () => Date = () => NOW) {
  const sender = serviceMobilitySender({ post, now });
  return (body: Buffer, mayHaveArrived = false) =>
    sender.send({ systemId: 'sys_1', settings }, { body, mayHaveArrived });
}

describe('against a ServiceMobility host', () => {
  test('logs in once for many, and the objects arrive', async () => {
    const send = open();
    const logins = host.loginCount();
    const results = await Promise.all(
      ['ch_1', 'ch_2', 'ch_3'].map((id) => send(bodyFor('ORD-1', id))),
    );
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['done', 'done', 'done'],
    );
    assert.equal(host.loginCount(), logins + 1);
    assert.equal(host.received().length, 3);
    assert.match(host.received()[0]?.text ?? '', /"Amount":1075,/);
  });

  test('logs in once more when the token no longer counts', async () => {
    const send = open();
    await send(bodyFor('ORD-2', 'ch_4'));
    const logins = host.loginCount();
    host.expireTokens();
    const results = await Promise.all(['ch_5', 'ch_6'].map((id) => send(bodyFor('ORD-2', id))));
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['done', 'done'],
    );
    assert.ok(host.loginCount() - logins <= 2);
  });

  test('400, 404, 409 and 410 are for a person, with what was answered', async () => {
    const send = open();
    for (const status of [400, 404, 409, 410]) {
      host.answerWith('ORD-3', status);
      const result = await send(bodyFor('ORD-3', 'ch_7'));
      assert.equal(result.outcome, 'park');
      assert.ok('status' in result && result.status === status);
      assert.match(result.excerpt ?? '', /about:blank/);
    }
  });

  test('a conflict on a repeat of our own says that the first arrived', async () => {
    host.answerWith('ORD-4', 409);
    assert.equal((await open()(bodyFor('ORD-4', 'ch_8'), true)).outcome, 'done');
  });

  test('5xx and 429 are tried again', async () => {
    for (const status of [500, 503, 429]) {
      host.answerWith('ORD-5', status);
      assert.equal((await open()(bodyFor('ORD-5', 'ch_9'))).outcome, 'retry');
    }
  });
});

describe('against answers of every kind', () => {
  const answer = (status: number, body: unknown = {}, headers = {}): OutboundAnswer => ({
    status,
    headers,
    body: Buffer.from(JSON.stringify(body)),
  });
  const token = (exp: number) => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'HS256' })}.${part({ iat: 0, exp })}.x`;
  };
  const nowSeconds = NOW.getTime() / 1000;

  /** Answers log-ins with a token of a minute and a half, objects with `status`. */
  function script(status: number, headers = {}) {
    const calls: string[] = [];
    const post: Post = async ({ url }) => {
      calls.push(new URL(url).pathname.split('/').at(-1) ?? '');
      return url.endsWith('/createjwt')
        ? answer(200, { token: token(nowSeconds + 90) })
        : answer(status, {}, headers);
    };
    return { post, calls };
  }

  test('a token is used until a minute before it expires', async () => {
    const { post, calls } = script(200);
    let now = NOW;
    const send = open(post, () => now);
    await send(bodyFor('A', '1'));
    now = new Date(NOW.getTime() + 29_000);
    await send(bodyFor('A', '2'));
    now = new Date(NOW.getTime() + 30_000);
    await send(bodyFor('A', '3'));
    assert.deepEqual(calls, ['createjwt', 'Charge', 'Charge', 'createjwt', 'Charge']);
  });

  test('a second 401 is not followed by a third attempt', async () => {
    const { post, calls } = script(401);
    assert.equal((await open(post)(bodyFor('A', '1'))).outcome, 'retry');
    assert.deepEqual(calls, ['createjwt', 'Charge', 'createjwt', 'Charge']);
  });

  test('waits as long as it is asked to', async () => {
    const result = await open(script(503, { 'retry-after': '120' }).post)(bodyFor('A', '1'));
    assert.ok(result.outcome === 'retry' && result.afterMs === 120_000);
  });

  test('a refused log-in and silence are tried again, without showing a token', async () => {
    const refused = await open(async () => answer(401, { title: 'no' }))(bodyFor('A', '1'));
    assert.ok(refused.outcome === 'retry' && /user name/.test(refused.because));
    const odd = await open(async () => answer(200, { token: 7 }))(bodyFor('A', '1'));
    assert.ok(odd.outcome === 'retry' && odd.excerpt === '');
    const silent = await open(() => Promise.reject(new NoAnswer('nothing')))(bodyFor('A', '1'));
    assert.ok(silent.outcome === 'retry' && silent.because === 'nothing');
  });
});
