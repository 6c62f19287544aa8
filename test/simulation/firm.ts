/** One firm in one run: an organization, its simulated portals, and the engine's own ways in. */
import { createSecretKey } from 'node:crypto';
import pino from 'pino';
import type { SimulatedBooks, SimulatedPortal } from '../../simulators/contract.ts';
import { type SimulatorId, simulators } from '../../simulators/index.ts';
import { type Random, seededRandom } from '../../simulators/random.ts';
import { type Database, sql } from '../../src/db/database.ts';
import { connectionCache, createConnection } from '../../src/intake/connections.ts';
import type { IntakeJobs } from '../../src/intake/fetch-objects.ts';
import { askPortal, portalAccess } from '../../src/intake/portal-access.ts';
import type { Receiving } from '../../src/intake/receive.ts';
import { countRefusals } from '../../src/intake/refusals.ts';
import { createSealer } from '../../src/intake/sealing.ts';
import { createIntake } from '../../src/intake/store.ts';
import { type VirtualClock, virtualClock } from './clock.ts';
import { cutOff, cutOffStatements } from './cut-off.ts';

export type ConnectedPortal = {
  readonly id: SimulatorId;
  readonly connectionId: string;
  readonly simulated: SimulatedPortal;
};

export type ConnectedBooks = ConnectedPortal & { readonly simulated: SimulatedBooks };

export type Firm = AsyncDisposable & {
  readonly seed: number;
  readonly organizationId: number;
  readonly clock: VirtualClock;
  /** Without faults, for looking. */
  readonly db: Database;
  readonly portals: readonly ConnectedPortal[];
  /** Where invoices are kept and payments recorded. */
  readonly books: readonly ConnectedBooks[];
  /** What customers and the bookkeeper do, what the network does, and what the machine does. */
  readonly random: { readonly story: Random; readonly network: Random; readonly engine: Random };
  readonly receiving: Receiving;
  readonly jobs: IntakeJobs;
};

const START = '2026-11-02T07:30:00.000Z';
const API_FAULT_RATE = 0.12;
const CUT_OFF_RATE = 0.08;
const MASTER_KEY = { id: 'simulation', key: createSecretKey(Buffer.alloc(32, 7)) };

export async function openFirm(
  db: Database,
  options: { readonly seed: number; readonly portals: readonly SimulatorId[] },
): Promise<Firm> {
  const { seed } = options;
  const clock = virtualClock(START);
  const streams = ['story', 'network', 'engine', 'setting'] as const;
  const [story, network, engine, setting] = streams.map((_, index) =>
    seededRandom(seed * 7919 + index),
  ) as [Random, Random, Random, Random];
  const [row] = await db.query<{ organization_id: number }>(
    sql`insert into organizations (name, installation) values (${`Seed ${seed}`}, 'simul1')
        returning organization_id`,
  );
  const organizationId = row?.organization_id as number;
  const faulty = cutOff(db, engine, CUT_OFF_RATE);
  const sealer = createSealer([MASTER_KEY]);
  const connecting = { database: db, sealer };
  const portals: ConnectedPortal[] = [];
  for (const id of options.portals) {
    const simulated = await simulators[id]({ seed, faultRate: API_FAULT_RATE }, setting);
    const connectionId = await connect(connecting, { organizationId, simulated });
    portals.push({ id, connectionId, simulated });
  }
  const access = portalAccess({ database: db, sealer, now: clock.look });
  const refusals = countRefusals(db, clock.look);
  const connections = connectionCache(connecting, () => new Date(0));
  // Known beforehand, so that deliveries at the same time meet in an order that only the seed decides.
  for (const { id, connectionId } of portals) {
    await connections.find(connectionId);
    await connections.ofPortal(id);
  }
  return {
    seed,
    organizationId,
    clock,
    db,
    portals,
    books: portals.filter(isBooks),
    random: { story, network, engine },
    receiving: {
      intake: createIntake(cutOffStatements(db, engine, CUT_OFF_RATE)),
      sealer,
      connections,
      refusals,
      asking: askPortal(access),
    },
    jobs: {
      database: faulty,
      sealer,
      now: clock.look,
      log: pino({ enabled: false }),
      access,
      wakeApplier: () => {},
      pause: async (ms) => clock.pass(ms),
    },
    [Symbol.asyncDispose]: async () => {
      // A portal that does not sign is tried for every enabled connection, so a later run must not meet these.
      await db.execute(
        sql`update connections set enabled = false where organization_id = ${organizationId}`,
      );
      await refusals.close();
      await Promise.all(portals.map(({ simulated }) => simulated.close()));
    },
  };
}

async function connect(
  connecting: Parameters<typeof createConnection>[0],
  given: { readonly organizationId: number; readonly simulated: SimulatedPortal },
): Promise<string> {
  const { organizationId, simulated } = given;
  const { portal, role, settings } = simulated;
  const name = `${portal} (simulated)`;
  const made = { organizationId, portal, name, role, settings, actor: 'simulation' };
  return (await createConnection(connecting, made)).id;
}

export function isBooks(portal: ConnectedPortal): portal is ConnectedBooks {
  return portal.simulated.role === 'books';
}

/** True when customers can pay there in that currency. */
export function takes({ currencies }: SimulatedPortal, currency: string): boolean {
  return currencies?.includes(currency) ?? true;
}
