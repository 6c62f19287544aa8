/**
 * Two nodes and one expiring token, at every portal that lets us in by consent: never two refreshes for one expiry,
 * never a lost token, however its tokens rotate.
 */
import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { AuthorizationServerOptions } from '../../simulators/authorization-server.ts';
import type {
  SimulatedBooks,
  SimulatedPortal,
  SimulatorOptions,
} from '../../simulators/contract.ts';
import { simulateFreshBooks } from '../../simulators/freshbooks.ts';
import { simulateIntuitPayments } from '../../simulators/intuit-payments.ts';
import { simulateMyob } from '../../simulators/myob.ts';
import { simulateNetSuite } from '../../simulators/netsuite.ts';
import { simulateQuickBooks } from '../../simulators/quickbooks.ts';
import { simulateSageIntacct } from '../../simulators/sage-intacct.ts';
import { simulateSquare } from '../../simulators/square.ts';
import { simulateWave } from '../../simulators/wave.ts';
import { simulateXero } from '../../simulators/xero.ts';
import { simulateZohoBooks } from '../../simulators/zoho-books.ts';
import { connectDatabase, type Database, sql } from '../../src/db/database.ts';
import { createConnection, loadConnection } from '../../src/intake/connections.ts';
import { tokenStore } from '../../src/intake/portal-access.ts';
import { createSealer } from '../../src/intake/sealing.ts';
import { findPortal, portals } from '../../src/portals/index.ts';
import { Reauthorize, RetryLater } from '../../src/portals/kit/errors.ts';
import { apiOptions, portalApi } from '../../src/portals/kit/http.ts';
import {
  memoryTokenStore,
  type OAuthClient,
  type TokenSource,
  tokenSource,
} from '../../src/portals/kit/oauth.ts';
import type { Secret } from '../../src/portals/kit/secret.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

type Rotation = AuthorizationServerOptions['rotation'];
type Expiring = SimulatedPortal & Required<Pick<SimulatedBooks, 'expireAccessTokens'>>;
type Case = {
  readonly open: (options: SimulatorOptions) => Promise<Expiring>;
  readonly rotation: Rotation;
};

const ROUNDS = 100;
const CALLERS = 4;
const clock = () => new Date();
/** The strictest portals: a refresh token used twice ends the consent, so that a lost answer loses it. */
const STRICTEST = 'single-use';

/** By the portal's id. How each rotates is looked at as well, so that none is raced for another. */
const CASES: Readonly<Record<string, Case>> = {
  quickbooks: { open: simulateQuickBooks, rotation: 'with-grace' },
  'intuit-payments': { open: simulateIntuitPayments, rotation: 'with-grace' },
  xero: { open: simulateXero, rotation: 'with-grace' },
  freshbooks: { open: simulateFreshBooks, rotation: STRICTEST },
  'zoho-books': { open: simulateZohoBooks, rotation: 'none' },
  myob: { open: simulateMyob, rotation: 'with-grace' },
  wave: {
    open: (options) => simulateWave({ ...options, credentials: 'client' }),
    rotation: 'with-grace',
  },
  'sage-intacct': {
    open: (options) => simulateSageIntacct({ ...options, api: 'rest' }),
    rotation: 'with-grace',
  },
  netsuite: {
    open: (options) => simulateNetSuite({ ...options, way: 'consent' }),
    rotation: 'none',
  },
  square: {
    open: (options) => simulateSquare({ ...options, credentials: 'application' }),
    rotation: 'none',
  },
};

let database: TestDatabase;
let nodes: readonly [Database, Database];
before(async () => {
  database = await testDatabase();
  nodes = [
    connectDatabase(database.url, { poolSize: 6 }),
    connectDatabase(database.url, { poolSize: 6 }),
  ];
});
after(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await database[Symbol.asyncDispose]();
});

type Opened = AsyncDisposable & {
  readonly simulated: Expiring;
  readonly client: OAuthClient;
  /** How often a token was issued. */
  issued(): number;
  /** Proves that the portal takes the token that a source has now. */
  use(source: TokenSource): Promise<void>;
};

async function openAt({ open }: Case): Promise<Opened> {
  let issued = 0;
  let tokenPath = '';
  const simulated = await open({
    seed: 7,
    between: async (request, answer) => {
      const answered = await answer();
      if (request.url.pathname === tokenPath && answered.status === 200) issued += 1;
      return answered;
    },
  });
  const { api, settings: schema, check } = findPortal(simulated.portal) ?? assert.fail();
  const settings = schema.parse(simulated.settings);
  const auth = api?.auth(settings);
  if (!api || !check || auth?.kind !== 'oauth2') assert.fail('not let in by OAuth 2');
  const { client } = auth;
  tokenPath = new URL(client.tokenUrl).pathname;
  return {
    simulated,
    client,
    issued: () => issued,
    use: async (source) => {
      const options = apiOptions(api, settings, () => source);
      await check(portalApi({ ...options, requestsPerMinute: 600_000, clock }), settings);
    },
    [Symbol.asyncDispose]: () => simulated.close(),
  };
}

type Race = Opened & {
  /** One of each node. */
  readonly sources: readonly [TokenSource, TokenSource];
  /** Of answers that are on their way, every so many are lost from now on. */
  loseEvery(count: number | undefined): void;
  /** How often a token was stored. */
  version(): Promise<number>;
};

async function race(name: string, given: Case): Promise<Race> {
  const opened = await openAt(given);
  const sealer = createSealer([{ id: 'k', key: createSecretKey(randomBytes(32)) }]);
  const [first, second] = nodes;
  const context = { database: first, sealer };
  const { portal, role, settings } = opened.simulated;
  const { id } = await createConnection(context, {
    organizationId: 1,
    portal,
    name,
    role,
    settings,
    actor: 'test',
  });
  const connection = (await loadConnection(context, id)) ?? assert.fail('no connection');
  let every: number | undefined;
  let asked = 0;
  const lossy: typeof fetch = async (...request) => {
    const answer = await fetch(...request);
    asked += 1;
    if (every !== undefined && asked % every === 0) throw new TypeError('the answer was lost');
    return answer;
  };
  const sourceOf = (node: Database) =>
    tokenSource({
      store: tokenStore({ database: node, sealer }, connection),
      clock,
      fetch: lossy,
      client: opened.client,
    });
  return {
    ...opened,
    sources: [sourceOf(first), sourceOf(second)],
    loseEvery: (count) => {
      every = count;
    },
    version: async () => {
      const [row] = await first.query<{ version: number }>(
        sql`select version from oauth_tokens where connection_id = ${id}`,
      );
      return row?.version ?? 0;
    },
  };
}

/** Both nodes, several callers each, have the same token refused in the same moment. */
function refusedEverywhere(sources: readonly TokenSource[], token: Secret) {
  const calls = sources.flatMap((source) =>
    Array.from({ length: CALLERS }, () => source.insteadOf(token)),
  );
  return Promise.allSettled(calls);
}

function tokensOf(outcomes: readonly PromiseSettledResult<Secret>[]): readonly Secret[] {
  return outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

/** By what the portal does: whether it sends another refresh token, and whether it still takes the one before. */
async function rotationOf({ client }: Opened): Promise<Rotation> {
  const fresh = () => tokenSource({ store, client, clock });
  let store = memoryTokenStore();
  await fresh().current();
  const sent = (await store.load())?.refreshToken?.reveal();
  if (sent === client.refreshToken?.reveal()) return 'none';
  store = memoryTokenStore();
  try {
    await fresh().current();
    return 'with-grace';
  } catch (error) {
    assert.ok(error instanceof Reauthorize, String(error));
    return STRICTEST;
  }
}

test('every portal that is let in by consent is raced, and every kind of rotation', async () => {
  const byConsent = portals.filter(({ api }) => api?.consent).map(({ id }) => id);
  assert.deepEqual(Object.keys(CASES).sort(), byConsent.sort());
  const kinds: Readonly<Record<Rotation, true>> = {
    none: true,
    'with-grace': true,
    [STRICTEST]: true,
  };
  const raced = new Set(Object.values(CASES).map(({ rotation }) => rotation));
  assert.deepEqual([...raced].sort(), Object.keys(kinds).sort());
});

describe(`${ROUNDS} rounds of two nodes whose token is refused at once`, () => {
  for (const [name, given] of Object.entries(CASES)) {
    const { rotation } = given;
    test(`${name}: refresh tokens rotate ${rotation}`, async () => {
      {
        await using opened = await openAt(given);
        assert.equal(await rotationOf(opened), rotation);
      }
      await using racing = await race(name, given);
      const { simulated, sources } = racing;
      let token = await sources[0].current();
      for (let round = 1; round <= ROUNDS; round += 1) {
        simulated.expireAccessTokens();
        const renewed = tokensOf(await refusedEverywhere(sources, token));
        assert.equal(renewed.length, 2 * CALLERS, `round ${round}: everybody got one`);
        const texts = new Set(renewed.map((each) => each.reveal()));
        assert.equal(texts.size, 1, `round ${round}: the same one`);
        token = renewed[0] as Secret;
        assert.equal(racing.issued(), round + 1, `round ${round}: one refresh`);
      }
      await racing.use(sources[1]);
      assert.equal(racing.issued(), ROUNDS + 1, 'it is good');
      assert.equal(await racing.version(), ROUNDS + 1, 'each was kept before it was used');
    });

    if (rotation === STRICTEST) continue;
    test(`${name}: the same while every third answer is lost`, async () => {
      await using racing = await race(name, given);
      const { simulated, sources } = racing;
      let token = await sources[0].current();
      racing.loseEvery(3);
      let lost = 0;
      for (let round = 1; round <= ROUNDS; round += 1) {
        simulated.expireAccessTokens();
        const outcomes = await refusedEverywhere(sources, token);
        for (const one of outcomes) {
          if (one.status === 'rejected') assert.ok(one.reason instanceof RetryLater, one.reason);
          else token = one.value;
        }
        const renewed = new Set(tokensOf(outcomes).map((each) => each.reveal()));
        assert.equal(renewed.size, 1, `round ${round}: who got one got the same`);
        lost += outcomes.length - tokensOf(outcomes).length;
      }
      assert.ok(lost >= ROUNDS / 4, 'answers were lost');
      racing.loseEvery(undefined);
      simulated.expireAccessTokens();
      assert.equal(tokensOf(await refusedEverywhere(sources, token)).length, 2 * CALLERS);
      const before = racing.issued();
      await racing.use(sources[1]);
      assert.equal(racing.issued(), before, 'it is good');
    });
  }
});
