import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { type QuickBooksSimulator, simulateQuickBooks } from './quickbooks.ts';
import { readStatement, runStatement } from './quickbooks-query.ts';

const AT = new Date('2026-10-14T16:00:00.000Z');
const order = {
  amountMinor: 121045n,
  currency: 'USD',
  customer: { externalId: 'c1', name: 'Rock', email: 'a@rock.example' },
  invoiceNumber: '1016',
  workOrder: 'WO-1',
};

async function token(company: QuickBooksSimulator, refreshToken: string) {
  const { clientId, clientSecret, authBaseUrl } = company.settings;
  const answer = await fetch(`${authBaseUrl}/oauth2/v1/tokens/bearer`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }),
  });
  const body = (await answer.json()) as Record<string, string>;
  return {
    status: answer.status,
    access: body.access_token ?? '',
    refresh: body.refresh_token ?? '',
    error: body.error,
  };
}

test('tokens rotate; each is honoured until its successor is used', async () => {
  const company = await simulateQuickBooks({ seed: 3 });
  try {
    const configured = company.settings.refreshToken ?? '';
    const first = await token(company, configured);
    assert.notEqual(first.refresh, configured);
    const second = await token(company, configured);
    assert.equal(second.status, 200, 'its successor may be lost');
    assert.equal((await token(company, second.refresh)).status, 200);
    assert.equal((await token(company, configured)).error, 'invalid_grant');
    const { apiBaseUrl, realmId } = company.settings;
    const get = (access: string, realm = realmId) =>
      fetch(`${apiBaseUrl}/v3/company/${realm}/companyinfo/${realm}`, {
        headers: { authorization: `Bearer ${access}` },
      });
    assert.equal((await get(first.access)).status, 200);
    assert.equal((await get(first.access, '1')).status, 403);
    company.expireAccessTokens();
    assert.equal((await get(first.access)).status, 401);
  } finally {
    await company.close();
  }
});

test('the same seed tells the same story, another seed another', async () => {
  const story = async (seed: number) => {
    const company = await simulateQuickBooks({ seed });
    company.pay(order, AT);
    await company.close();
    const bodies = company.takeNotices().map((one) => one.sign(AT).body.toString());
    const { apiBaseUrl: _, authBaseUrl: __, ...settings } = company.settings;
    return { bodies, settings, truth: company.truth() };
  };
  assert.deepEqual(await story(5), await story(5));
  assert.notDeepEqual((await story(5)).bodies, (await story(6)).bodies);
});

test('truth follows what people do, and refuses what cannot be', async () => {
  const company = await simulateQuickBooks({ seed: 4 });
  await company.close();
  const kept = company.pay(order, AT);
  const voided = company.pay({ ...order, amountMinor: 5n, currency: 'JPY' }, AT);
  const removed = company.pay(order, AT);
  company.refund(kept, 45n, AT);
  company.void(voided, AT);
  company.remove(removed, AT);
  assert.throws(() => company.refund(kept, 121045n, AT), /left to refund/);
  assert.throws(() => company.void(voided, AT), /voided already/);
  assert.throws(() => company.remove(removed, AT), /does not exist/);
  const facts = company.truth().map(({ externalId, status, amountMinor, refundedMinor }) => ({
    externalId,
    status,
    amountMinor,
    refundedMinor,
  }));
  assert.deepEqual(facts, [
    { externalId: kept, status: 'succeeded', amountMinor: 121045n, refundedMinor: 45n },
    { externalId: voided, status: 'voided', amountMinor: 5n, refundedMinor: 0n },
    { externalId: removed, status: 'voided', amountMinor: 121045n, refundedMinor: 0n },
  ]);
});

test('notices carry the documented shapes and a signature of their bytes', async () => {
  for (const notices of ['legacy', 'cloud-events'] as const) {
    const company = await simulateQuickBooks({ seed: 8, notices });
    await company.close();
    company.void(company.pay(order, AT), AT);
    const sent = company.takeNotices();
    assert.deepEqual(company.takeNotices(), [], 'taken once');
    for (const one of sent) {
      const { headers, body } = one.sign(AT);
      const key = company.settings.verifierToken ?? '';
      const signature = createHmac('sha256', key).update(body).digest('base64');
      assert.equal(headers['intuit-signature'], signature);
    }
    const last = sent.at(-1)?.sign(AT).body.toString() ?? '';
    assert.match(last, notices === 'legacy' ? /"operation":"Void"/ : /"qbo\.payment\.void\.v1"/);
  }
});

describe('the query language', () => {
  const rows = ['07:00:00-07:00', '15:00:00Z', '09:00:00-07:00'].map((time, index) => ({
    Id: String(index + 1),
    Name: index === 1 ? "O'Hara" : 'Rock',
    MetaData: { CreateTime: `2026-10-14T${time}`, LastUpdatedTime: `2026-10-14T${time}` },
  }));
  const ids = (text: string) => {
    const statement = readStatement(text);
    assert.ok(statement, text);
    return runStatement(statement, rows)
      .map(({ Id }) => Id)
      .join('');
  };
  const since = "MetaData.LastUpdatedTime >= '2026-10-14T15:00:00Z'";

  test('conditions, order and pages', () => {
    assert.equal(ids('SELECT * FROM Payment'), '123');
    assert.equal(
      ids(`select * from Payment where ${since} orderby MetaData.LastUpdatedTime`),
      '23',
    );
    assert.equal(ids(`select * from Payment where ${since} and Name = 'Rock'`), '3');
    assert.equal(ids("select * from Payment where Name = 'O\\'Hara'"), '2');
    assert.equal(ids("select * from Payment where Id in ('1', '3')"), '13');
    assert.equal(ids('select * from Payment startposition 2 maxresults 1'), '2');
    assert.equal(ids("select * from Payment where Id < '2'"), '1');
  });

  test('what it does not know is refused', () => {
    for (const text of [
      '',
      'delete from Payment',
      'select Id from Payment where',
      'select * from',
    ]) {
      assert.equal(readStatement(text), undefined, text);
    }
    assert.equal(readStatement("select * from Payment where Id like '1%'"), undefined);
  });
});
