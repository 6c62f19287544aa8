import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { ApiCall, PortalApi } from '../contract.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { fetchObjects } from './fetch.ts';
import { type Cursor, check, pull } from './pull.ts';
import { settings } from './settings.ts';

const NOW = new Date('2026-11-21T12:00:00.000Z');
const ours = settings.parse({ publicKey: 'a', privateKey: 'b' });

type Asked = {
  readonly query: string;
  readonly variables: {
    readonly after?: string | null;
    readonly input?: Readonly<Record<string, unknown>>;
    readonly [name: string]: unknown;
  };
};

/** An API that answers what `answer` makes of each question, and remembers the questions. */
function asking(answer: (asked: Asked, index: number) => unknown) {
  const asked: Asked[] = [];
  const api: PortalApi = {
    async request(call: ApiCall) {
      assert.equal(call.path, '/graphql');
      assert.equal(call.method, 'POST');
      const index = asked.push(call.json as Asked) - 1;
      const body = answer(call.json as Asked, index);
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(body)) };
    },
  };
  return { api, asked };
}

const page = ({ query }: Asked, endCursor: string | null = null) => {
  const list = query.includes('disputes(') ? 'disputes' : 'payments';
  return {
    data: {
      search: { [list]: { pageInfo: { hasNextPage: endCursor !== null, endCursor }, edges: [] } },
    },
  };
};

async function round(cursor: Cursor, now = NOW) {
  const { api, asked } = asking((one) => page(one));
  for (let pages = 0; pages < 100; pages += 1) {
    const { next, more, reached } = await pull.page(api, cursor, { settings: ours, now });
    cursor = next;
    if (!more) return { cursor, asked, reached };
  }
  throw new Error('the round does not end');
}

/** What a question asked for: the transition, or the other criteria. */
const criterion = ({ variables: { input = {} } }: Asked): string =>
  Object.entries(input)
    .map(([name, value]) => (name === 'statusTransition' ? Object.keys(value as object)[0] : name))
    .join('+');

const PASSED = [
  'authorizedAt',
  'submittedForSettlementAt',
  'settledAt',
  'failedAt',
  'processorDeclinedAt',
  'gatewayRejectedAt',
  'voidedAt',
  'authorizationExpiredAt',
  'createdAt',
];

describe('a round', () => {
  test('asks for each transition with overlap, then for what no transition tells', async () => {
    const { asked, cursor, reached } = await round(pull.start(new Date('2026-11-21T11:00:00Z')));
    assert.deepEqual(asked.map(criterion), [
      ...PASSED,
      'status+createdAt',
      'settledAt+paymentMethod',
      'effectiveDate',
    ]);
    assert.deepEqual(asked[0]?.variables.input, {
      statusTransition: {
        authorizedAt: {
          greaterThanOrEqualTo: '2026-11-21T10:00:00.000Z',
          lessThanOrEqualTo: '2026-11-21T12:00:00.000Z',
        },
      },
    });
    assert.deepEqual(asked[11]?.variables.input, {
      effectiveDate: { greaterThanOrEqualTo: '2026-10-17', lessThanOrEqualTo: '2026-11-22' },
    });
    assert.equal(cursor.since, NOW.toISOString());
    assert.deepEqual(reached, NOW);
  });

  test('looks for returned debits a few times a day', async () => {
    const first = await round(pull.start(new Date('2026-11-21T11:00:00Z')));
    const soon = await round(first.cursor, new Date('2026-11-21T12:05:00Z'));
    assert.ok(!soon.asked.map(criterion).includes('settledAt+paymentMethod'));
    const later = await round(soon.cursor, new Date('2026-11-21T18:05:00Z'));
    assert.ok(later.asked.map(criterion).includes('settledAt+paymentMethod'));
  });

  test('after an outage reads week by week', async () => {
    const { asked, cursor } = await round(pull.start(new Date('2026-11-01T00:00:00Z')));
    const windows = asked.filter((one) => criterion(one) === 'settledAt');
    assert.equal(windows.length, 3);
    assert.equal(asked.filter((one) => criterion(one) === 'effectiveDate').length, 1);
    assert.equal(cursor.since, NOW.toISOString());
  });

  test('turns pages within a fixed window, and a cut-off round resumes', async () => {
    const start = pull.start(new Date('2026-11-21T11:00:00Z'));
    const { api, asked } = asking((one, index) => page(one, index === 0 ? 'next' : null));
    const first = await pull.page(api, start, { settings: ours, now: NOW });
    const later = new Date('2026-11-21T13:00:00Z');
    const second = await pull.page(api, JSON.parse(JSON.stringify(first.next)), {
      settings: ours,
      now: later,
    });
    assert.deepEqual(
      asked.map(({ variables }) => variables.after),
      [null, 'next'],
    );
    assert.deepEqual(asked[0]?.variables.input, asked[1]?.variables.input);
    assert.equal((second.next as Cursor).step, 'submittedForSettlementAt');
    const stuck = asking((one) => page(one, 'next'));
    await assert.rejects(
      pull.page(stuck.api, first.next, { settings: ours, now: NOW }),
      WireMismatch,
    );
  });
});

describe('errors, which come with HTTP 200', () => {
  const failing = (errorClass: string | undefined) =>
    asking(() => ({ errors: [{ message: 'An error occurred.', extensions: { errorClass } }] })).api;
  const start = pull.start(NOW);
  const CAUSES = [
    ['AUTHENTICATION', Reauthorize],
    ['AUTHORIZATION', Rejected],
    ['VALIDATION', Rejected],
    [undefined, Rejected],
    ['NOT_FOUND', WireMismatch],
    ['RESOURCE_LIMIT', RetryLater],
    ['SERVICE_AVAILABILITY', RetryLater],
    ['INTERNAL', RetryLater],
  ] as const;
  for (const [errorClass, cause] of CAUSES) {
    test(`${errorClass} is ${cause.name}`, async () => {
      const page = pull.page(failing(errorClass), start, { settings: ours, now: NOW });
      await assert.rejects(page, cause);
    });
  }

  test('the documented one passes, the graver of several counts', async () => {
    const sample = JSON.parse(
      readFileSync(new URL('./fixtures/api-graphql-error.json', import.meta.url), 'utf8'),
    );
    const at = { settings: ours, now: NOW };
    await assert.rejects(pull.page(asking(() => sample).api, start, at), RetryLater);
    sample.errors.push({ message: 'No', extensions: { errorClass: 'AUTHENTICATION' } });
    await assert.rejects(pull.page(asking(() => sample).api, start, at), Reauthorize);
  });
});

describe('fetching', () => {
  const notFound = { errors: [{ message: 'no', extensions: { errorClass: 'NOT_FOUND' } }] };

  test('a transaction takes its global id, then itself', async () => {
    const record = { __typename: 'Transaction', legacyId: 'tx1' };
    const { api, asked } = asking((_one, index) =>
      index === 0 ? { data: { idFromLegacyId: 'Z2xvYmFs' } } : { data: { node: record } },
    );
    const request = { entity: 'transaction', id: 'tx1' };
    const [found] = await fetchObjects(api, [request]);
    assert.deepEqual(found?.request, request);
    assert.deepEqual(JSON.parse(String(found?.body)), { data: { node: record } });
    assert.deepEqual(
      asked.map(({ variables }) => variables),
      [{ legacyId: 'tx1', type: 'TRANSACTION' }, { id: 'Z2xvYmFs' }],
    );
  });

  test('an id of which no more is known may be a refund, or nothing', async () => {
    const { api, asked } = asking(({ variables }) =>
      'legacyId' in variables ? { data: { idFromLegacyId: 'x' } } : notFound,
    );
    assert.deepEqual(await fetchObjects(api, [{ entity: 'payment', id: 'tx1' }]), []);
    assert.deepEqual(
      asked.flatMap(({ variables }) => ('type' in variables ? [variables.type] : [])),
      ['TRANSACTION', 'REFUND'],
    );
  });

  test('an object of another type is no answer', async () => {
    const { api } = asking(({ variables }) =>
      'legacyId' in variables ? { data: { idFromLegacyId: 'x' } } : { data: { node: {} } },
    );
    assert.deepEqual(await fetchObjects(api, [{ entity: 'dispute', id: 'd1' }]), []);
    await assert.rejects(fetchObjects(api, [{ entity: 'plan', id: 'd1' }]), WireMismatch);
  });
});

describe('the check', () => {
  const merchant = { id: 'm1', companyName: 'Air Works', status: 'ACTIVE' };
  const answers = (one: Asked) =>
    one.query.includes('viewer') ? { data: { viewer: { merchant } } } : page(one);

  test('names the merchant and tries what a pull reads', async () => {
    const { api, asked } = asking(answers);
    assert.equal(await check(api, ours), 'Braintree merchant m1 (Air Works)');
    assert.equal(asked.length, 3);
    const other = settings.parse({ publicKey: 'a', privateKey: 'b', merchantId: 'm2' });
    await assert.rejects(check(api, other), /m1.*merchantId is m2/);
  });

  test('says which permission is missing', async () => {
    const { api } = asking((one) =>
      one.query.includes('disputes(')
        ? {
            errors: [
              {
                message: 'not authorized',
                path: ['search', 'disputes'],
                extensions: { errorClass: 'AUTHORIZATION' },
              },
            ],
          }
        : answers(one),
    );
    await assert.rejects(check(api, ours), /search\.disputes.*permission/);
  });
});
