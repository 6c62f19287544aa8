/** One firm in one run: an organization, its simulated portals, and the engine's own ways in. */
import { createSecretKey } from 'node:crypto';
import pino from 'pino';
import type { SimulatedPortal } from '../../simulators/contract.ts';
import { simulateMollie } from '../../simulators/mollie.ts';
import { type QuickBooksSimulator, simulateQuickBooks } from '../../simulators/quickbooks.ts';
import { type Random, seededRandom } from '../../simulators/random.ts';
import { simulateServiceMobility } from '../../simulators/servicemobility.ts';
import { simulateStripe } from '../../simulators/stripe.ts';
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

export const PORTALS = ['stripe', 'mollie', 'quickbooks', 'servicemobility'] as const;
export type PortalId = (typeof PORTALS)[number];

export type ConnectedPortal = {
  readonly id: PortalId;
  readonly connectionId: string;
  readonly simulated: SimulatedPortal;
};

export type Firm = AsyncDisposable & {
  readonly seed: number;
  readonly organizationId: number;
  readonly clock: VirtualClock;
  /** Without faults, for looking. */
  readonly db: Database;
  readonly portals: readonly ConnectedPortal[];
  readonly quickbooks: { readonly simulated: QuickBooksSimulator; readonly id: string } | undefined;
  /** A second refund or a void of ServiceMobility names its payment by the work order only. */
  readonly ownReversalIds: boolean;
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
  options: { readonly seed: number; readonly portals: readonly PortalId[] },
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
  const ownReversalIds = setting.chance(0.5);
  const simulated = await Promise.all(
    options.portals.map((id) => simulate(id, { seed, setting, ownReversalIds })),
  );
  const portals: ConnectedPortal[] = [];
  for (const portal of simulated) {
    const { role, settings } = portal;
    const name = `${portal.portal} ${seed}`;
    const made = {
      organizationId,
      portal: portal.portal,
      name,
      role,
      settings,
      actor: 'simulation',
    };
    const { id: connectionId } = await createConnection(connecting, made);
    portals.push({ id: portal.portal as PortalId, connectionId, simulated: portal });
  }
  const access = portalAccess({ database: db, sealer, now: clock.look });
  const refusals = countRefusals(db, clock.look);
  const connections = connectionCache(connecting, () => new Date(0));
  // Known beforehand, so that deliveries at the same time meet in an order that only the seed decides.
  for (const { id, connectionId } of portals) {
    await connections.find(connectionId);
    await connections.ofPortal(id);
  }
  const books = portals.find(({ id }) => id === 'quickbooks');
  return {
    seed,
    organizationId,
    clock,
    db,
    portals,
    quickbooks: books && {
      simulated: books.simulated as QuickBooksSimulator,
      id: books.connectionId,
    },
    ownReversalIds,
    random: { story, network, engine },
    receiving: {
      intake: createIntake(cutOffStatements(db, engine, CUT_OFF_RATE)),
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
    },
    [Symbol.asyncDispose]: async () => {
      // A portal that does not sign is tried for every enabled connection, so a later run must not meet these.
      await db.execute(
        sql`update connections set enabled = false where organization_id = ${organizationId}`,
      );
      await refusals.close();
      await Promise.all(simulated.map((portal) => portal.close()));
    },
  };
}

function simulate(
  id: PortalId,
  given: { readonly seed: number; readonly setting: Random; readonly ownReversalIds: boolean },
): Promise<SimulatedPortal> {
  const options = { seed: given.seed, faultRate: API_FAULT_RATE };
  const { setting } = given;
  switch (id) {
    case 'stripe':
      return simulateStripe({ ...options, extraEvents: setting.chance(0.5) });
    case 'mollie':
      return simulateMollie(options);
    case 'quickbooks':
      return simulateQuickBooks({
        ...options,
        notices: setting.chance(0.5) ? 'legacy' : 'cloud-events',
      });
    case 'servicemobility':
      return simulateServiceMobility({
        ...options,
        reversalIds: given.ownReversalIds ? 'own' : 'reused',
      });
  }
}
