/** Two nodes and one expiring token: never two refreshes for one expiry, never a lost token, however tokens rotate. */
import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  authorizationServer,
} from '../../simulators/authorization-server.ts';
import { serveFaulty } from '../../simulators/faulty-server.ts';
import { seededRandom } from '../../simulators/random.ts';
import { connectDatabase, type Database, sql } from '../../src/db/database.ts';
import { createConnection, loadConnection } from '../../src/intake/connections.ts';
import { tokenStore } from '../../src/intake/portal-access.ts';
import { createSealer } from '../../src/intake/sealing.ts';
import { RetryLater } from '../../src/portals/kit/errors.ts';
import { type TokenSource, tokenSource } from '../../src/portals/kit/oauth.ts';
import { Secret } from '../../src/portals/kit/secret.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

type Rotation = AuthorizationServerOptions['rotation'];

const ROUNDS = 100;
const CALLERS = 4;
/** By name, so that a kind of rotation that is added to the simulators must be added here. */
const ROTATIONS: Readonly<Record<Rotation, { readonly survivesLostAnswers: boolean }>> = {
  none: { survivesLostAnswers: true },
  'with-grace': { survivesLostAnswers: true },
  // The strictest portals: a refresh token used twice ends the consent.
  'single-use': { survivesLostAnswers: false },
};
const KINDS = Object.entries(ROTATIONS) as [Rotation, (typeof ROTATIONS)[Rotation]][];
const SETTINGS = { clientId: 'c', clientSecret: 's', refreshToken: 'r', realmId: '1' };

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

type Race = AsyncDisposable & {
  readonly authorization: AuthorizationServer;
  /** One of each node. */
  readonly sources: readonly TokenSource[];
  /** Of answers that are on their way, every so many are lost from now on. */
  loseEvery(count: number | undefined): void;
  /** How often a token was stored. */
  version(): Promise<number>;
};

async function race(rotation: Rotation): Promise<Race> {
  const authorization = authorizationServer({
    random: seededRandom(7),
    authorizePath: '/authorize',
    tokenPath: '/token',
    client: 'basic',
    accessSeconds: 3600,
    rotation,
  });
  const server = await serveFaulty((request) => authorization.answer(request) ?? { status: 404 }, {
    random: seededRandom(8),
    faultRate: 0,
    tooMany: { status: 429 },
  });
  const sealer = createSealer([{ id: 'k', key: createSecretKey(randomBytes(32)) }]);
  const [first] = nodes;
  const context = { database: first, sealer };
  const { id } = await createConnection(context, {
    organizationId: 1,
    portal: 'quickbooks',
    name: `Books, ${rotation}`,
    role: 'books',
    settings: SETTINGS,
    actor: 'test',
  });
  const connection = (await loadConnection(context, id)) ?? assert.fail('no connection');
  let every: number | undefined;
  let asked = 0;
  const lossy: typeof fetch = async (...given) => {
    const answer = await fetch(...given);
    asked += 1;
    if (every !== undefined && asked % every === 0) throw new TypeError('the answer was lost');
    return answer;
  };
  return {
    authorization,
    sources: nodes.map((node) =>
      tokenSource({
        store: tokenStore({ database: node, sealer }, connection),
        clock: () => new Date(),
        fetch: lossy,
        client: {
          tokenUrl: `${server.baseUrl}/token`,
          clientId: authorization.clientId,
          clientSecret: new Secret(authorization.clientSecret),
          refreshToken: new Secret(authorization.refreshToken),
        },
      }),
    ),
    loseEvery: (count) => {
      every = count;
    },
    version: async () => {
      const [row] = await first.query<{ version: number }>(
        sql`select version from oauth_tokens where connection_id = ${id}`,
      );
      return row?.version ?? 0;
    },
    [Symbol.asyncDispose]: () => server.close(),
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

describe(`${ROUNDS} rounds of two nodes whose token is refused at once`, () => {
  for (const [rotation, { survivesLostAnswers }] of KINDS) {
    test(`refresh tokens that rotate: ${rotation}`, async () => {
      await using racing = await race(rotation);
      const { authorization, sources } = racing;
      let token = (await sources[0]?.current()) ?? assert.fail('no token');
      for (let round = 1; round <= ROUNDS; round += 1) {
        authorization.expireAccessTokens();
        const renewed = tokensOf(await refusedEverywhere(sources, token));
        assert.equal(renewed.length, 2 * CALLERS, `round ${round}: everybody got one`);
        const texts = new Set(renewed.map((each) => each.reveal()));
        assert.equal(texts.size, 1, `round ${round}: the same one`);
        token = renewed[0] as Secret;
        assert.ok(authorization.accepts(token.reveal()), `round ${round}: it is good`);
        assert.equal(authorization.counts.refreshes, round + 1, `round ${round}: one refresh`);
      }
      assert.equal(authorization.counts.reuses, 0);
      assert.equal(await racing.version(), ROUNDS + 1, 'each was kept before it was used');
    });

    if (!survivesLostAnswers) continue;
    test(`the same while every third answer is lost: ${rotation}`, async () => {
      await using racing = await race(rotation);
      const { authorization, sources } = racing;
      let token = (await sources[0]?.current()) ?? assert.fail('no token');
      racing.loseEvery(3);
      let lost = 0;
      for (let round = 1; round <= ROUNDS; round += 1) {
        authorization.expireAccessTokens();
        const outcomes = await refusedEverywhere(sources, token);
        for (const one of outcomes) {
          if (one.status === 'rejected') assert.ok(one.reason instanceof RetryLater, one.reason);
          else token = one.value;
        }
        const renewed = new Set(tokensOf(outcomes).map((each) => each.reveal()));
        assert.equal(renewed.size, 1, `round ${round}: who got one got the same`);
        assert.ok(authorization.accepts(token.reveal()), `round ${round}: it is good`);
        lost += outcomes.length - tokensOf(outcomes).length;
      }
      assert.ok(lost >= ROUNDS / 4, 'answers were lost');
      racing.loseEvery(undefined);
      authorization.expireAccessTokens();
      assert.equal(tokensOf(await refusedEverywhere(sources, token)).length, 2 * CALLERS);
    });
  }
});
