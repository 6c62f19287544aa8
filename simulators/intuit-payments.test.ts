/** The simulated processor by itself: tokens, two hosts, strictness, seeds and truth. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { simulateIntuitPayments } from './intuit-payments.ts';

const AT = new Date('2026-10-14T16:00:00.000Z');
const later = (hours: number) => new Date(AT.getTime() + hours * 3_600_000);
const order = {
  amountMinor: 121_045n,
  currency: 'USD',
  customer: { externalId: 'c1', name: 'Rock', email: 'a@rock.example' },
  invoiceNumber: '1016',
};

type Processor = Awaited<ReturnType<typeof simulateIntuitPayments>>;

async function token({ settings }: Processor): Promise<string> {
  const { clientId, clientSecret, authBaseUrl, refreshToken = '' } = settings;
  const answer = await fetch(`${authBaseUrl}/oauth2/v1/tokens/bearer`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }),
  });
  return String(((await answer.json()) as Record<string, unknown>).access_token);
}

function asking({ settings }: Processor, access: string) {
  return async (path: string, host: 'apiBaseUrl' | 'accountingBaseUrl' = 'apiBaseUrl') => {
    const answer = await fetch(`${settings[host]}${path}`, {
      headers: { authorization: `Bearer ${access}` },
    });
    const text = await answer.text();
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    return { status: answer.status, body, text };
  };
}

test('each host answers what is its own, to one token', async () => {
  const processor = await simulateIntuitPayments({ seed: 3 });
  try {
    const access = await token(processor);
    const ask = asking(processor, access);
    const id = processor.pay(order, AT);
    const charge = `/quickbooks/v4/payments/charges/${id}`;
    const company = `/v3/company/${processor.settings.realmId}/payment/${processor.recordOf(id)}`;
    assert.equal((await ask(charge)).body.status, 'CAPTURED');
    const recorded = await ask(company, 'accountingBaseUrl');
    assert.match(recorded.text, new RegExp(`"CCTransId":"${id}"`));
    assert.equal((await ask(charge, 'accountingBaseUrl')).status, 403);
    assert.equal((await ask(company)).status, 404);
    assert.equal((await ask('/quickbooks/v4/payments/charges')).status, 404, 'nothing is listed');
    assert.equal((await ask(`/quickbooks/v4/payments/echecks/${id}`)).status, 400);
    assert.equal((await ask(`${charge}/refunds/${id}`)).status, 404);
    assert.equal((await asking(processor, 'other')(charge)).status, 401);
    processor.expireAccessTokens();
    assert.equal((await ask(charge)).status, 401);
  } finally {
    await processor.close();
  }
});

test('a charge settles within a day, is undone before, and refunded in parts or whole', async () => {
  const processor = await simulateIntuitPayments({ seed: 5 });
  try {
    const ask = asking(processor, await token(processor));
    const read = async (id: string) => (await ask(`/quickbooks/v4/payments/charges/${id}`)).body;
    const parts = processor.pay(order, AT);
    const undone = processor.pay(order, AT);
    const authorized = processor.authorize(order, AT);
    processor.void(undone, later(1));
    assert.throws(() => processor.void(undone, later(1)), /cannot be undone/);
    assert.throws(() => processor.capture(authorized, AT, 200_000n), /not so much/);
    processor.capture(authorized, later(2), 1_000n);
    assert.throws(() => processor.capture(authorized, AT), /cannot be captured/);
    const refund = processor.refund(parts, 1_045n, later(30));
    assert.throws(() => processor.void(parts, later(31)), /cannot be undone/);
    assert.equal((await read(parts)).status, 'SETTLED', 'a refund in part leaves it as it is');
    const path = `/quickbooks/v4/payments/charges/${parts}/refunds/${refund}`;
    assert.partialDeepStrictEqual((await ask(path)).body, { type: 'REFUND', status: 'ISSUED' });
    processor.refund(parts, 120_000n, later(32));
    assert.throws(() => processor.refund(parts, 1n, later(33)), /left to refund/);
    assert.equal((await read(parts)).status, 'REFUNDED');
    assert.partialDeepStrictEqual((await read(authorized)).captureDetail, {
      created: '2026-10-14T18:00:00Z',
    });
    const facts = processor
      .truth()
      .map(({ status, amountMinor, refundedMinor }) => [status, amountMinor, refundedMinor]);
    assert.deepEqual(facts, [
      ['succeeded', 121_045n, 121_045n],
      ['voided', 121_045n, 0n],
      ['succeeded', 1_000n, 0n],
    ]);
  } finally {
    await processor.close();
  }
});

test('what is undone instead of refunded is told with a date of one digit', async () => {
  for (let seed = 1; seed < 30; seed += 1) {
    const processor = await simulateIntuitPayments({ seed });
    const may = new Date('2026-05-03T10:59:23.000Z');
    const id = processor.pay(order, may);
    const refund = processor.refund(id, 121_045n, may);
    const ask = asking(processor, await token(processor));
    const { body } = await ask(`/quickbooks/v4/payments/charges/${id}/refunds/${refund}`);
    await processor.close();
    if (body.type !== 'VOID') continue;
    assert.equal(body.created, '2026-5-3T10:59:23Z');
    assert.equal(processor.truth()[0]?.status, 'voided');
    return;
  }
  assert.fail('no seed undoes a charge');
});

test('the same seed tells the same story, another seed another', async () => {
  const story = async (seed: number) => {
    const processor = await simulateIntuitPayments({ seed });
    processor.refund(processor.pay(order, AT), 45n, AT);
    processor.begin(order, AT);
    await processor.close();
    const bodies = processor.takeNotices().map((one) => one.sign(AT).body.toString());
    return { bodies, truth: processor.truth() };
  };
  assert.deepEqual(await story(5), await story(5));
  assert.notDeepEqual((await story(5)).bodies, (await story(6)).bodies);
});

test('every notice is signed by its bytes; only PaymentCreated goes to the address of all portals', async () => {
  for (const subscribed of ['accounting', 'created', 'both'] as const) {
    const processor = await simulateIntuitPayments({ seed: 8, subscribed });
    await processor.close();
    processor.pay(order, AT);
    const sent = processor.takeNotices();
    assert.deepEqual(processor.takeNotices(), [], 'taken once');
    for (const one of sent) {
      const { headers, body } = one.sign(AT);
      const key = processor.settings.verifierToken ?? '';
      const signature = createHmac('sha256', key).update(body).digest('base64');
      assert.equal(headers['intuit-signature'], signature);
      assert.equal(one.addressed ?? false, !body.includes('PaymentCreated'));
    }
    const created = sent.filter(({ addressed }) => !addressed).length;
    assert.equal(created, subscribed === 'accounting' ? 0 : 1);
    assert.equal(sent.length > created, subscribed !== 'created');
  }
});
