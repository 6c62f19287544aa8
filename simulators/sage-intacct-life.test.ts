/** The life of one payment at a simulated company, with what goes wrong on the way, by either API. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sageIntacct } from '../src/portals/sage-intacct/index.ts';
import {
  APIS,
  cheque,
  connect,
  fill,
  minutes,
  NOW,
  pullRound,
} from '../src/portals/sage-intacct/simulated-connection.ts';
import { loseFirstAnswer, tellLifeOfRecord } from '../test/support/life-of-record.ts';

for (const api of APIS) {
  test(`connected, pulled, recorded once though the answer was lost, read back, session ended: ${api}`, async () => {
    const meddle = loseFirstAnswer(
      ({ body, path }) => /<create>/.test(body?.text ?? '') || /\/payment$/.test(path),
    );
    await using connection = await connect({ api, forgetRate: 0.1, meddle });
    const last = await tellLifeOfRecord<Awaited<ReturnType<typeof pullRound>>>({
      portal: 'sage-intacct',
      connection,
      simulated: connection.company,
      books: fill(connection.company),
      receivedOn: '2026-11-20',
      pull: (minute, before) => pullRound(connection, { ...before, at: minutes(minute) }),
    });
    assert.deepEqual((await pullRound(connection, { ...last, at: minutes(20) })).events, []);
  });
}

describe('the simulated company is as strict as the real one', () => {
  const call = async (address: string, body: string, type = 'application/xml') => {
    const answer = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    return { status: answer.status, text: await answer.text() };
  };

  test('envelopes are of its schema, and sessions of its endpoint alone', async () => {
    let sent = { path: '', text: '' };
    await using connection = await connect({
      meddle: (one, send) => {
        sent = { path: one.path, text: one.body?.text ?? '' };
        return send();
      },
    });
    const { company, settings } = connection;
    const { customer, invoice } = fill(company);
    company.enterPayment(cheque(customer, invoice), NOW);
    await sageIntacct.check?.(connection.api, settings);
    const gateway = `${settings.apiBaseUrl}/xmlgw.phtml`;
    const wrong = await call(gateway, `<request>${sent.text}</request>`);
    assert.match(wrong.text, /XL03000003/);
    assert.equal((await call(gateway, 'x', 'text/xml')).status, 400);
    assert.equal((await call(gateway, 'x', 'text/xml')).status, 400);
    assert.equal(sent.path, 'xmlgw.phtml');
    assert.notEqual(new URL(company.endpoint).port, new URL(gateway).port);
    // What was sent in a session went to the endpoint: had it gone to the gateway, it would have been refused.
    const auth = sageIntacct.api?.auth(settings);
    if (auth?.kind !== 'session') assert.fail('no session');
    const { session, baseUrl } = await auth.open(async (login) => {
      const { text } = await call(gateway, login.body?.text ?? '');
      return { status: 200, headers: {}, body: Buffer.from(text) };
    });
    const attached = auth.attach(
      { path: 'xmlgw.phtml', body: { type: 'application/xml', text: sent.text } },
      session,
    );
    const text = attached.body?.text ?? '';
    assert.match((await call(gateway, text)).text, /GW-0011.*moved/);
    assert.match((await call(`${baseUrl}/xmlgw.phtml`, text)).text, /<data listtype="ARPYMT"/);
  });
});
