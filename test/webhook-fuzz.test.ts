/** Damaged deliveries to every portal over real HTTP: always an answer below 500, never an effect. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { seededRandom } from '../simulators/random.ts';
import { startTestServer, type TestServer } from '../src/api/test-server.ts';
import { sql } from '../src/db/database.ts';
import { createConnection } from '../src/intake/connections.ts';
import { portals } from '../src/portals/index.ts';

/** Few enough not to be answered 429 unread; `test/portals.test.ts` reads 10,000 of each portal without HTTP. */
const BODIES = 150;
const AT_ONCE = 16;
const SEED = 4870;

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server[Symbol.asyncDispose]());

type Contract = {
  readonly settings?: Readonly<Record<string, string>>;
  readonly forged?: Readonly<Record<string, string>>;
};

for (const portal of portals.filter(({ webhook }) => webhook)) {
  test(`${portal.name}: ${BODIES} damaged deliveries`, async () => {
    const folder = new URL(`../src/portals/${portal.id}/fixtures/`, import.meta.url);
    const contract: Contract = JSON.parse(readFileSync(new URL('contract.json', folder), 'utf8'));
    const samples = readdirSync(folder)
      .filter((file) => /\.in\.[a-z]+$/.test(file) && !/^(api|error|file)-/.test(file))
      .map((file) => readFileSync(new URL(file, folder)));
    const { id } = await createConnection(server.app, {
      organizationId: 1,
      portal: portal.id,
      name: portal.name,
      role: 'source',
      settings: contract.settings ?? {},
      actor: 'test',
    });
    const random = seededRandom(SEED);
    const paths = [`/webhooks/${portal.id}/${id}`, '/webhooks/payment-event'];
    const statuses = new Map<number, number>();
    const deliver = async (): Promise<void> => {
      const body = damaged(random.pick(samples), random);
      const reply = await fetch(`${server.url}${random.pick(paths)}`, {
        method: 'POST',
        headers: random.chance(0.8) ? { ...contract.forged } : {},
        body: new Uint8Array(body),
      });
      await reply.arrayBuffer();
      statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
    };
    for (let sent = 0; sent < BODIES; sent += AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, BODIES - sent) }, deliver));
    }
    const worst = Math.max(...statuses.keys());
    assert.ok(worst < 500, `seed ${SEED}: ${JSON.stringify([...statuses])}`);
    const [row] = await server.app.database.query<{ payments: bigint }>(
      sql`select count(*) as payments from payments`,
    );
    assert.equal(row?.payments, 0n, 'nothing forged becomes money');
  });
}

/** A sample with some bytes changed, cut short, doubled, or nothing like it. */
function damaged(sample: Buffer, random: ReturnType<typeof seededRandom>): Buffer {
  const place = random.between(0, Math.max(0, sample.length - 1));
  const noise = Buffer.from(Array.from({ length: 6 }, () => random.between(0, 255)));
  switch (random.between(0, 4)) {
    case 0:
      return sample.subarray(0, place);
    case 1:
      return Buffer.concat([sample, sample]);
    case 2:
      return Buffer.concat([noise, noise]);
    case 3:
      return Buffer.alloc(0);
    default:
      return Buffer.concat([
        sample.subarray(0, place),
        noise,
        sample.subarray(place + random.between(0, 9)),
      ]);
  }
}
