/** Callbacks that introduce themselves: what FreshBooks itself makes of the verifier they bring. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulateFreshBooks } from '../../../simulators/freshbooks.ts';
import { type Meddle, simulatedApi } from '../../../test/support/simulated-api.ts';
import { RetryLater } from '../kit/errors.ts';
import { fetchObjects } from './fetch.ts';
import type { FreshBooksSettings } from './settings.ts';

const NOW = new Date('2026-11-04T15:00:00.000Z');

async function connect(meddle?: Meddle) {
  const account = await simulateFreshBooks({ seed: 7 });
  const opened = simulatedApi(account, { now: () => NOW, ...(meddle ? { meddle } : {}) });
  const settings = opened.settings as FreshBooksSettings;
  const { callbackid, verifier } = account.registerCallback('payment');
  return {
    account,
    callbackid,
    verifier,
    ask: (id: string) => fetchObjects(opened.api, [{ entity: 'callback', id }], settings),
    [Symbol.asyncDispose]: () => account.close(),
  };
}

test('the verifier that FreshBooks takes is learned, and what is stored does not hold it', async () => {
  await using connection = await connect();
  const { account, callbackid, verifier, ask } = connection;
  for (let time = 0; time < 2; time += 1) {
    const [found, ...others] = await ask(`${callbackid}:${verifier}`);
    assert.deepEqual(others, []);
    assert.equal(found?.learned?.setting, 'verifiers');
    assert.equal(found?.learned?.secret.reveal(), verifier);
    assert.ok(!String(found?.body).includes(verifier));
    assert.equal(JSON.parse(String(found?.body)).response.result.callback.verified, true);
  }
  assert.ok(account.isVerified(callbackid));
});

test('a verifier that was made up, of another callback or of none, teaches nothing', async () => {
  await using connection = await connect();
  const { account, callbackid, verifier, ask } = connection;
  const other = account.registerCallback('invoice');
  for (const id of [
    `${callbackid}:guessed`,
    `${callbackid}:${other.verifier}`,
    `${callbackid}:`,
    `9999:${verifier}`,
  ]) {
    assert.deepEqual(await ask(id), [], id);
  }
  assert.ok(!account.isVerified(callbackid) && !account.isVerified(other.callbackid));
});

test('nothing is learned of an answer that does not say verified, or that was lost', async () => {
  const answering = (change: object): Meddle => {
    return async (call, send) => {
      const answer = await send();
      if (call.method !== 'PUT') return answer;
      const told = JSON.parse(answer.body.toString());
      Object.assign(told.response.result.callback, change);
      return { ...answer, body: Buffer.from(JSON.stringify(told)) };
    };
  };
  await using unverified = await connect(answering({ verified: false }));
  const [found] = await unverified.ask(`${unverified.callbackid}:${unverified.verifier}`);
  assert.equal(found?.learned, undefined);

  await using telling = await connect(answering({ verifier: 'fbvt_secret' }));
  const [told] = await telling.ask(`${telling.callbackid}:${telling.verifier}`);
  assert.ok(!String(told?.body).includes('fbvt_secret'));

  await using lost = await connect(async (call, send) => {
    const answer = await send();
    if (call.method === 'PUT') throw new RetryLater('lost');
    return answer;
  });
  await assert.rejects(lost.ask(`${lost.callbackid}:${lost.verifier}`), RetryLater);
});
