/** One server, its connections to simulated portals, and what was booked: shared by the tests of this folder. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type {
  SimulatedNotice,
  SimulatedOrder,
  SimulatedPortal,
} from '../../simulators/contract.ts';
import { startTestServer, type TestServer } from '../../src/api/test-server.ts';
import { verifyBooks } from '../../src/apply/verify.ts';
import { type Database, sql } from '../../src/db/database.ts';
import { createConnection } from '../../src/intake/connections.ts';

export type Booked = {
  readonly external_id: string;
  readonly status: string;
  readonly amount: bigint;
  readonly provisional: boolean;
};

export const NOW = () => new Date();

let lastSeed = 4870;
export const nextSeed = () => {
  lastSeed += 1;
  return lastSeed;
};

/** 1,250.50 of one customer, perhaps for an invoice. */
export function orderOf(seed: number, more: Partial<SimulatedOrder> = {}): SimulatedOrder {
  return {
    amountMinor: 125_050n,
    currency: 'USD',
    customer: {
      externalId: `cus_${seed}`,
      name: 'Northgate Foundry',
      email: `ap${seed}@northgate.example`,
    },
    ...more,
  };
}

/** What must be booked of `orderOf`: one payment, received in full. */
export const onePayment = (externalId: string): Booked => ({
  external_id: externalId,
  status: 'succeeded',
  amount: 125_050n,
  provisional: false,
});

/** The server of a test file, started before its tests; the books are verified after them. */
export function serverForTests() {
  let server: TestServer;
  const opened: SimulatedPortal[] = [];
  before(async () => {
    server = await startTestServer();
  });
  after(async () => {
    const { checks } = await verifyBooks(server.app.database, 1);
    await server[Symbol.asyncDispose]();
    for (const simulated of opened) await simulated.close();
    const problems = checks.flatMap((check) => check.problems);
    assert.deepEqual(problems, []);
  });

  return {
    /** Connects the portal with its settings, `without` some; resolves to the connection's id. Closes it later. */
    async connect(simulated: SimulatedPortal, without: readonly string[] = []): Promise<string> {
      opened.push(simulated);
      const settings = Object.fromEntries(
        Object.entries(simulated.settings).filter(([name]) => !without.includes(name)),
      );
      const { id } = await createConnection(server.app, {
        organizationId: 1,
        portal: simulated.portal,
        name: simulated.portal,
        role: simulated.role,
        settings,
        actor: 'test',
      });
      // The news of it may still be on its way when the first notice comes.
      server.app.connections.drop();
      return id;
    },

    /** Waits for the first pull of a connection: what happens from then on is not found by it. */
    pulled: (connectionId: string): Promise<string> =>
      lookFor('nothing was pulled', () => lastPull(server.app.database, connectionId)),

    /** Delivers to `/webhooks/{portal}/{connection}` or any other path; each must be answered 2xx. */
    async send(path: string, notices: readonly SimulatedNotice[]): Promise<void> {
      for (const notice of notices) {
        const { headers, body } = notice.sign(NOW());
        const reply = await fetch(`${server.url}${path}`, {
          method: 'POST',
          headers,
          body: new Uint8Array(body),
        });
        const text = await reply.text();
        assert.ok(reply.ok, `${notice.label} answered ${reply.status}: ${text}`);
      }
    },

    /** Uploads a text file as a bookkeeper does; resolves to how many of its documents were new and known. */
    async upload(connectionId: string, text: string): Promise<{ new: number; known: number }> {
      const { status, body } = await server.call(
        'POST',
        `/api/v1/connections/${connectionId}/files`,
        { text, headers: { 'content-type': 'application/octet-stream' } },
      );
      assert.equal(status, 202, JSON.stringify(body));
      assert.deepEqual(body.setAside, []);
      return { new: body.new, known: body.known };
    },

    /** Waits until nothing of the connection waits any more, then reads its payments. */
    booked: (connectionId: string, atLeast: number): Promise<readonly Booked[]> =>
      lookFor('the documents were not applied', async () => {
        const rows = await readSettled(server.app.database, connectionId);
        return rows && rows.length >= atLeast ? rows : undefined;
      }),
  };
}

/** What `look` finds, looked for again and again. @throws after ten seconds */
async function lookFor<T>(missing: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let times = 0; times < 400; times += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${missing} in time`);
}

async function lastPull(database: Database, connectionId: string): Promise<string | undefined> {
  const [health] = await database.query<{ last_pulled_at: string | null }>(
    sql`select last_pulled_at from connection_health where connection_id = ${connectionId}`,
  );
  return health?.last_pulled_at ?? undefined;
}

/** The payments of a connection; undefined while anything of it waits. */
async function readSettled(
  database: Database,
  connectionId: string,
): Promise<readonly Booked[] | undefined> {
  const [busy] = await database.query<{ count: bigint }>(
    sql`select (select count(*) from inbox) + (select count(*) from fetches
          where connection_id = ${connectionId} and state = 'waiting') as count`,
  );
  const rows = await database.query<Booked>(
    sql`select external_id, status, received_minor as amount, provisional from payments
        where connection_id = ${connectionId} and mirrors is null order by id`,
  );
  return busy?.count === 0n ? rows : undefined;
}
