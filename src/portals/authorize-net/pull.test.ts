import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { ApiCall, PortalApi } from '../contract.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { fetchObjects } from './api.ts';
import { check } from './check.ts';
import { type Cursor, pull } from './pull.ts';
import { settings } from './settings.ts';

const NOW = new Date('2026-11-20T12:00:00.000Z');
const connected = settings.parse({
  currency: 'USD',
  apiLoginId: 'login',
  transactionKey: 'key',
});
const OK = { messages: { resultCode: 'Ok', message: [{ code: 'I00001', text: 'Successful.' }] } };
const NONE = { messages: { resultCode: 'Ok', message: [{ code: 'I00004', text: 'None.' }] } };
const refusal = (code: string) => ({
  messages: { resultCode: 'Error', message: [{ code, text: 'No.' }] },
});

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));

type Request = { readonly name: string; readonly fields: Record<string, unknown> };

/** An API that answers each call by what `answer` makes of it, with the byte order mark of the real one. */
function scripted(answer: (request: Request) => object): { api: PortalApi; asked: Request[] } {
  const asked: Request[] = [];
  const api: PortalApi = {
    async request(call: ApiCall) {
      const [[name, fields]] = Object.entries((call.json ?? { [call.path]: {} }) as object) as [
        [string, Record<string, unknown>],
      ];
      const request = { name, fields };
      asked.push(request);
      const body = Buffer.from(`\ufeff${JSON.stringify(answer(request))}`);
      return { status: 200, headers: {}, body };
    },
  };
  return { api, asked };
}

/** Pulls until there is no more; resolves to the cursor and the bodies. */
async function round(api: PortalApi, from: Cursor, now = NOW) {
  const bodies: Buffer[] = [];
  let cursor = from;
  for (let pages = 0; pages < 100; pages += 1) {
    const page = await pull.page(api, cursor, { settings: connected, now });
    bodies.push(...page.bodies);
    cursor = JSON.parse(JSON.stringify(page.next)) as Cursor;
    if (!page.more) return { cursor, bodies, reached: page.reached };
  }
  throw new Error('the round does not end');
}

const row = (transId: string, transactionStatus: string, accountType = 'Visa') => ({
  transId,
  transactionStatus,
  accountType,
  settleAmount: 1.5,
});
const batch = (batchId: string, settledAt: string, more: object = {}) => ({
  batchId,
  settlementTimeUTC: settledAt,
  settlementState: 'settledSuccessfully',
  paymentMethod: 'creditCard',
  statistics: [{ accountType: 'Visa', chargeAmount: 1.5, chargebackCount: 0 }],
  ...more,
});

describe('a round', () => {
  const start = pull.start(new Date('2026-10-21T12:00:00.000Z'));
  const quiet = { ...start, since: '2026-11-20T11:45:00.000Z', lookedBackAt: NOW.toISOString() };

  test('reads the unsettled list, then the batches of the last days, and ends where it began', async () => {
    const { api, asked } = scripted(({ name, fields }) => {
      if (name === 'getUnsettledTransactionListRequest')
        return {
          transactions: [row('1', 'capturedPendingSettlement')],
          totalNumInResultSet: 1,
          ...OK,
        };
      if (name === 'getSettledBatchListRequest')
        return { batchList: [batch('77', '2026-11-19T23:40:51.017Z')], ...OK };
      assert.equal(fields.batchId, '77');
      return { transactions: [row('2', 'settledSuccessfully')], totalNumInResultSet: 1, ...OK };
    });
    const { cursor, bodies, reached } = await round(api, quiet);
    assert.deepEqual(
      asked.map(({ name }) => name),
      [
        'getUnsettledTransactionListRequest',
        'getSettledBatchListRequest',
        'getTransactionListRequest',
      ],
    );
    assert.equal(bodies.length, 3);
    assert.ok(
      bodies.every((body) => body[0] === '{'.charCodeAt(0)),
      'without the byte order mark',
    );
    assert.deepEqual([cursor.since, cursor.round, reached], [NOW.toISOString(), null, NOW]);
    assert.equal(asked[1]?.fields.firstSettlementDate, '2026-11-17T11:45:00Z');
    assert.equal(asked[1]?.fields.lastSettlementDate, '2026-11-20T12:00:00Z');
  });

  test('asks with every member in the order of the documented requests', async () => {
    const documented: Readonly<Record<string, string>> = {
      getTransactionListRequest: 'api-list-payments-request.json',
      getSettledBatchListRequest: 'api-settled-batches-request.json',
      getTransactionDetailsRequest: 'api-transaction-details-request.json',
    };
    const { api, asked } = scripted(({ name }) =>
      name === 'getSettledBatchListRequest'
        ? { batchList: [batch('77', '2026-11-19T23:40:51.017Z')], ...OK }
        : { ...OK, transaction: {} },
    );
    await round(api, quiet);
    await fetchObjects(api, [{ entity: 'transaction', id: '5' }], connected);
    for (const { name, fields } of asked) {
      const sample = documented[name];
      if (!sample) continue;
      const order = Object.keys(Object.values(JSON.parse(fixture(sample).toString()))[0] as object);
      const ours = Object.keys(fields);
      assert.deepEqual(
        ours,
        order.filter((member) => ours.includes(member)),
        name,
      );
      assert.deepEqual(fields.merchantAuthentication, { name: 'login', transactionKey: 'key' });
    }
  });

  test('goes on by page numbers until the total is reached', async () => {
    const pages: unknown[] = [];
    const { api } = scripted(({ name, fields }) => {
      if (name !== 'getUnsettledTransactionListRequest') return NONE;
      pages.push(fields.paging);
      const rows = [row(String(pages.length), 'capturedPendingSettlement')];
      return { transactions: rows, totalNumInResultSet: 2001, ...OK };
    });
    await round(api, quiet);
    assert.deepEqual(
      pages,
      ['1', '2', '3'].map((offset) => ({ limit: '1000', offset })),
    );
  });

  test('an empty account costs two calls and leaves nothing behind', async () => {
    const { api, asked } = scripted(() => NONE);
    const { bodies } = await round(api, quiet);
    assert.deepEqual([bodies.length, asked.length], [0, 2]);
  });

  test('reads again what waited for capture or review and is in no list any more', async () => {
    let left = false;
    const { api, asked } = scripted(({ name }) => {
      if (name === 'getTransactionDetailsRequest') return { transaction: { transId: '9' }, ...OK };
      if (name !== 'getUnsettledTransactionListRequest') return NONE;
      const rows = [row('8', 'FDSPendingReview'), row('9', 'authorizedPendingCapture')];
      return { transactions: left ? rows.slice(0, 1) : rows, totalNumInResultSet: 2, ...OK };
    });
    const first = await round(api, quiet);
    assert.deepEqual(first.cursor.waiting, ['8', '9']);
    left = true;
    const second = await round(api, first.cursor);
    const details = asked.filter(({ name }) => name === 'getTransactionDetailsRequest');
    assert.deepEqual(
      details.map(({ fields }) => fields.transId),
      ['9'],
    );
    assert.equal(second.bodies.length, 2);
    assert.deepEqual(second.cursor.waiting, ['8']);
  });
});

describe('looking back', () => {
  const since = '2026-11-20T11:45:00.000Z';
  const old = '2026-09-02T23:40:00.000Z';
  const due: Cursor = {
    first: '2026-01-01T00:00:00.000Z',
    since,
    lookedBackAt: '2026-11-19T11:00:00.000Z',
    waiting: [],
    round: null,
  };

  function world() {
    return scripted(({ name, fields }) => {
      if (name === 'getSettledBatchListRequest') {
        const inside = (at: string) =>
          at >= String(fields.firstSettlementDate) && at <= String(fields.lastSettlementDate);
        const all = [
          batch('1', '2026-09-01T23:40:00.000Z'),
          batch('2', old, { paymentMethod: 'eCheck', statistics: [] }),
          batch('3', old, {
            statistics: [{ accountType: 'Visa', chargebackCount: 1, chargeAmount: 2.5 }],
          }),
        ];
        const found = all.filter((one) => inside(one.settlementTimeUTC));
        return found.length > 0 ? { batchList: found, ...OK } : NONE;
      }
      if (name === 'getTransactionListRequest') {
        const mine = fields.batchId === '2' ? row('20', 'x', 'eCheck') : row('30', 'x', 'Visa');
        const others = row('31', 'x', 'MasterCard');
        return { transactions: [mine, others], totalNumInResultSet: 2, ...OK };
      }
      return name === 'getTransactionDetailsRequest' ? { transaction: fields, ...OK } : NONE;
    });
  }

  test('reads 120 days of batches in windows, and the details of what may still change', async () => {
    const { api, asked } = world();
    const { cursor } = await round(api, due);
    const windows = asked.filter(({ name }) => name === 'getSettledBatchListRequest');
    assert.deepEqual(
      windows.map(({ fields }) => [fields.firstSettlementDate, fields.lastSettlementDate]),
      [
        ['2026-07-23T12:00:00Z', '2026-08-22T12:00:00Z'],
        ['2026-08-22T12:00:00Z', '2026-09-21T12:00:00Z'],
        ['2026-09-21T12:00:00Z', '2026-10-21T12:00:00Z'],
        ['2026-10-21T12:00:00Z', '2026-11-20T12:00:00Z'],
      ],
    );
    const ask = (name: string, member: string) =>
      asked.filter((one) => one.name === name).map(({ fields }) => fields[member]);
    assert.deepEqual(ask('getTransactionListRequest', 'batchId'), ['2', '3']);
    assert.deepEqual(ask('getTransactionDetailsRequest', 'transId'), ['20', '30']);
    assert.equal(cursor.lookedBackAt, NOW.toISOString());
  });

  test('happens once a day', async () => {
    const { api, asked } = world();
    const { cursor } = await round(api, { ...due, lookedBackAt: '2026-11-19T12:00:01.000Z' });
    assert.equal(asked.filter(({ name }) => name === 'getSettledBatchListRequest').length, 1);
    assert.equal(cursor.lookedBackAt, '2026-11-19T12:00:01.000Z');
  });

  test('never reaches behind the beginning of the connection', async () => {
    const { api, asked } = world();
    await round(api, pull.start(new Date('2026-11-10T00:00:00.000Z')));
    const [window] = asked.filter(({ name }) => name === 'getSettledBatchListRequest');
    assert.equal(window?.fields.firstSettlementDate, '2026-11-07T00:00:00Z');
  });
});

describe('answers of the API', () => {
  const fetched = (answer: object) =>
    fetchObjects(scripted(() => answer).api, [{ entity: 'transaction', id: '1' }], connected);

  test('refusals become the causes that the engine knows', async () => {
    for (const code of ['E00005', 'E00006', 'E00007', 'E00008', 'E00010']) {
      await assert.rejects(fetched(refusal(code)), Reauthorize, code);
    }
    for (const code of ['E00001', 'E00053', 'E00104']) {
      await assert.rejects(fetched(refusal(code)), RetryLater, code);
    }
    for (const code of ['E00003', 'E00013', 'E99999']) {
      await assert.rejects(fetched(refusal(code)), Rejected, code);
    }
    await assert.rejects(fetched(refusal('E00011')), /enable .* Transaction Details API/);
    await assert.rejects(fetched({}), WireMismatch);
  });

  test('a transaction that is not found brings no document', async () => {
    assert.deepEqual(await fetched(JSON.parse(fixture('error-not-found.in.json').toString())), []);
  });

  test('nothing is asked without credentials, and nothing else can be fetched', async () => {
    const { api, asked } = scripted(() => OK);
    const alone = settings.parse({ currency: 'USD', apiLoginId: 'login' });
    assert.equal(pull.possible?.(alone), false);
    await assert.rejects(
      fetchObjects(api, [{ entity: 'transaction', id: '1' }], alone),
      Reauthorize,
    );
    await assert.rejects(
      fetchObjects(api, [{ entity: 'batch', id: '1' }], connected),
      WireMismatch,
    );
    assert.deepEqual(asked, []);
  });
});

describe('check', () => {
  const merchant = { merchantName: 'Northfield', currencies: ['USD'] };
  const answering = (webhooks: object, details: object = { ...merchant, ...OK }) =>
    scripted(({ name }) => {
      if (name === '/rest/v1/webhooks') return webhooks;
      return name === 'getMerchantDetailsRequest' ? details : OK;
    }).api;

  test('names the account and its webhooks', async () => {
    const told = await check(answering([{ name: 'sync', status: 'active' }]), connected);
    assert.equal(told, 'Authorize.Net account Northfield in USD; active webhooks: 1');
  });

  test('tells of a webhook that was switched off', async () => {
    const told = await check(answering([{ name: 'sync', status: 'inactive' }]), connected);
    assert.match(told, /switched off .* webhook sync/);
  });

  test('refuses an account of another currency', async () => {
    const euro = { currencies: ['EUR'], ...OK };
    await assert.rejects(check(answering([], euro), connected), /takes EUR, not USD/);
  });

  test('does without the name where the API user may not read it', async () => {
    const told = await check(answering({}, refusal('E00044')), connected);
    assert.match(told, /account login in USD; its webhooks could not be listed/);
  });
});
