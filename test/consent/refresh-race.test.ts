/** Two nodes and one expiring token: never two refreshes for one expiry, never a lost token. */
import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { authorizationServer } from '../../simulators/authorization-server.ts';
import { serveFaulty } from '../../simulators/faulty-server.ts';
import { seededRandom } from '../../simulators/random.ts';
import { connectDatabase, type Database, sql } from '../../src/db/database.ts';
import { createConnection, loadConnection } from '../../src/intake/connections.ts';
import { tokenStore } from '../../src/intake/portal-access.ts';
import { createSealer } from '../../src/intake/sealing.ts';
import { tokenSource } from '../../src/portals/kit/oauth.ts';
import { Secret } from '../../src/portals/kit/secret.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

const ROUNDS = 100;
const CALLERS = 4;
const SETTINGS = { clientId: 'c', clientSecret: 's', refreshToken: 'r', realmId: '1' };

let database: TestDatabase;
let nodes: Database[];
before(async () => {
  database = await testDatabase();
  nodes = [1, 2].map(() => connectDatabase(database.url, { poolSize: 6 }));
});
after(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await database[Symbol.asyncDispose]();
});

test(`${ROUNDS} rounds of two nodes whose token is refused at once`, async () => {
  const authorization = authorizationServer({
    random: seededRandom(7),
    authorizePath: '/authorize',
    tokenPath: '/token',
    client: 'basic',
    accessSeconds: 3600,
    // The strictest portals: a refresh token used twice ends the consent.
    rotation: 'single-use',
  });
  const server = await serveFaulty((request) => authorization.answer(request) ?? { status: 404 }, {
    random: seededRandom(8),
    faultRate: 0,
    tooMany: { status: 429 },
  });
  try {
    const sealer = createSealer([{ id: 'k', key: createSecretKey(randomBytes(32)) }]);
    const [first] = nodes as [Database, Database];
    const context = { database: first, sealer };
    const { id } = await createConnection(context, {
      organizationId: 1,
      portal: 'quickbooks',
      name: 'Books',
      role: 'books',
      settings: SETTINGS,
      actor: 'test',
    });
    const connection = (await loadConnection(context, id)) ?? assert.fail('no connection');
    const sources = nodes.map((node) =>
      tokenSource({
        store: tokenStore({ database: node, sealer }, connection),
        clock: () => new Date(),
        client: {
          tokenUrl: `${server.baseUrl}/token`,
          clientId: authorization.clientId,
          clientSecret: new Secret(authorization.clientSecret),
          refreshToken: new Secret(authorization.refreshToken),
        },
      }),
    );
    const [one] = sources;
    let token = (await one?.current()) ?? assert.fail('no token');
    for (let round = 1; round <= ROUNDS; round += 1) {
      authorization.expireAccessTokens();
      const refused = token;
      const renewed = await Promise.all(
        sources.flatMap((source) =>
          Array.from({ length: CALLERS }, () => source.insteadOf(refused)),
        ),
      );
      const texts = new Set(renewed.map((each) => each.reveal()));
      assert.equal(texts.size, 1, `round ${round}: everybody got the same token`);
      token = renewed[0] as Secret;
      assert.ok(authorization.accepts(token.reveal()), `round ${round}: it is good`);
      assert.equal(authorization.counts.refreshes, round + 1, `round ${round}: one refresh`);
    }
    assert.equal(authorization.counts.reuses, 0);
    const [row] = await first.query<{ version: number }>(
      sql`select version from oauth_tokens where connection_id = ${id}`,
    );
    assert.equal(row?.version, ROUNDS + 1, 'each was kept before it was used');
  } finally {
    await server.close();
  }
});
