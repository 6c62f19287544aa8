/** The demo's firm: a compressor repair shop with customers, jobs and the portals its customers pay through. */

import type { SimulatedPortal } from '../../simulators/contract.ts';
import { SIMULATORS, simulators } from '../../simulators/index.ts';
import { simulateQuickBooks } from '../../simulators/quickbooks.ts';
import type { Random } from '../../simulators/random.ts';
import type { ServiceMobilitySimulator } from '../../simulators/servicemobility.ts';
import type { App } from '../app.ts';
import { waitForOutcome } from '../apply/outcome.ts';
import { sql } from '../db/database.ts';
import { createSystem } from '../delivery/systems.ts';
import { createConnection, updateConnection } from '../intake/connections.ts';
import type { OwnRecordInput } from '../intake/own-document.ts';
import { storeOwnRecords } from '../intake/store.ts';

const ORGANIZATION = 1;
const EAGER_CHANCE = 0.15;
const LOOK_MS = 25;
const MAX_LOOKS = 200;

export const CUSTOMERS = [
  'Northgate Foundry',
  'Harbor Ice & Cold Storage',
  'Redwood Sawmill',
  'Lakeside Bottling',
  'Prairie Grain Cooperative',
  'Summit Dental Supply',
  'Ironbridge Auto Body',
  'Cedar Valley Brewery',
] as const;

/** What is wrong with a compressor, and what kind of work order that makes. */
const JOBS = [
  { kind: 'repair', text: 'Rotary screw compressor: airend overhaul' },
  { kind: 'repair', text: 'Reciprocating compressor: valve plate and head gasket' },
  { kind: 'service', text: '4,000 hour service with oil and separator' },
  { kind: 'service', text: 'Refrigerated dryer: leak test and recharge' },
  { kind: 'parts', text: 'Intake filter, belts and thermostatic valve' },
  { kind: 'contract', text: 'Annual maintenance contract, two visits' },
  { kind: 'warranty', text: 'Extended warranty for 30 kW screw compressor' },
] as const;

export type Job = {
  readonly customer: { readonly externalId: string; readonly name: string; readonly email: string };
  readonly invoiceNumber: string;
  readonly workOrder: string;
  readonly amountMinor: bigint;
  readonly currency: string;
};

export type DemoPortal = { readonly simulated: SimulatedPortal; readonly connectionId: string };

export type DemoFirm = {
  /** Where customers pay. */
  readonly portals: readonly DemoPortal[];
  /** Takes on a job: a work order with what hangs on it, and its invoice, which the office writes in QuickBooks. */
  takeJob(): Promise<Job>;
  close(): Promise<void>;
};

/** Opens the firm; `seed` must be new each time, because the simulated portals forget and our books do not. */
export async function openDemoFirm(
  app: App,
  options: { readonly random: Random; readonly seed: number; readonly serverUrl: string },
): Promise<DemoFirm> {
  const { random, seed, serverUrl } = options;
  const quickbooks = await simulateQuickBooks({ seed, notices: 'cloud-events' });
  await retireFormer(app);
  const portals: DemoPortal[] = [];
  for (const id of SIMULATORS.filter((one) => one !== quickbooks.portal)) {
    const simulated: SimulatedPortal = await simulators[id]({ seed }, random);
    portals.push({ simulated, connectionId: await connect(app, simulated, simulated.role) });
    if (isHost(simulated)) await connectServiceMobilityHost(app, simulated);
  }
  const customers = CUSTOMERS.map((name) => {
    const email = `accounts@${name.toLowerCase().replace(/[^a-z]+/g, '-')}.example`;
    return { name, email, externalId: quickbooks.addCustomer({ name, email }, app.now()) };
  });
  const books = { simulated: quickbooks, connectionId: await connect(app, quickbooks, 'books') };
  await sendNotices(books, serverUrl);
  let jobs = seed % 10_000;
  return {
    portals,
    takeJob: async () => {
      jobs += 1;
      const job = newJob(random, random.pick(customers), jobs);
      await enter(app, recordsOf(random, job));
      quickbooks.addInvoice(
        { ...job, number: job.invoiceNumber, customerExternalId: job.customer.externalId },
        app.now(),
      );
      await sendNotices(books, serverUrl);
      // Now and then the customer is faster than the office.
      if (!random.chance(EAGER_CHANCE)) await invoiceKnown(app, job.invoiceNumber);
      return job;
    },
    close: async () => {
      const opened = [quickbooks, ...portals.map(({ simulated }) => simulated)];
      await Promise.all(opened.map((one) => one.close()));
    },
  };
}

/** Waits until QuickBooks' invoice has come into the books, as long as that takes on a busy machine. */
async function invoiceKnown(app: App, number: string): Promise<void> {
  for (let look = 0; look < MAX_LOOKS; look += 1) {
    const [found] = await app.database.query(
      sql`select from invoices where organization_id = ${ORGANIZATION} and number = ${number}`,
    );
    if (found) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Delivers what a portal has to tell, as it would: by HTTP, to the connection's address. */
export async function sendNotices(
  portal: DemoPortal,
  serverUrl: string,
  times = () => 1,
): Promise<void> {
  const { simulated, connectionId } = portal;
  for (const notice of simulated.takeNotices()) {
    for (let left = times(); left > 0; left -= 1) {
      const { headers, body } = notice.sign(new Date());
      const address = `${serverUrl}/webhooks/${simulated.portal}/${connectionId}`;
      await fetch(address, { method: 'POST', headers, body: new Uint8Array(body) });
    }
  }
}

/** The simulated portals of a former run are gone; their connections would only fail. */
async function retireFormer(app: App): Promise<void> {
  const former = await app.database.query<{ id: string }>(
    sql`select id from connections where organization_id = ${ORGANIZATION} and enabled and portal <> 'own'`,
  );
  for (const { id } of former) {
    await updateConnection(app, {
      organizationId: ORGANIZATION,
      id,
      enabled: false,
      actor: 'demo',
    });
  }
  await app.database.execute(
    sql`update systems set enabled = false where organization_id = ${ORGANIZATION}`,
  );
}

async function connect(
  app: App,
  simulated: SimulatedPortal,
  role: 'source' | 'books',
): Promise<string> {
  const { id } = await createConnection(app, {
    organizationId: ORGANIZATION,
    portal: simulated.portal,
    name: `${simulated.portal} (simulated)`,
    role,
    settings: simulated.settings,
    actor: 'demo',
  });
  return id;
}

/** ServiceMobility is paid through and told of payments. */
function isHost(simulated: SimulatedPortal): simulated is ServiceMobilitySimulator {
  return 'systemSettings' in simulated;
}

async function connectServiceMobilityHost(app: App, host: ServiceMobilitySimulator): Promise<void> {
  await app.database.transaction((tx) =>
    createSystem(
      { tx, sealer: app.sealer },
      {
        organizationId: ORGANIZATION,
        kind: 'servicemobility',
        name: 'ServiceMobility (simulated)',
        settings: host.systemSettings,
      },
    ),
  );
}

function newJob(random: Random, customer: Job['customer'], number: number): Job {
  const year = new Date().getUTCFullYear();
  return {
    customer,
    invoiceNumber: `INV-${year}-${String(number).padStart(4, '0')}`,
    workOrder: `WO-${year}-${String(number).padStart(4, '0')}`,
    amountMinor: BigInt(random.between(45, 4_800)) * 100n + BigInt(random.between(0, 99)),
    currency: 'USD',
  };
}

function recordsOf(random: Random, job: Job): readonly OwnRecordInput[] {
  const what = random.pick(JOBS);
  const records: OwnRecordInput[] = [
    {
      kind: 'work-order.upserted',
      externalId: job.workOrder,
      workOrderKind: what.kind,
      description: what.text,
    },
  ];
  const hanging = { workOrder: job.workOrder };
  if (what.kind === 'contract') {
    records.push({
      kind: 'service-contract.upserted',
      externalId: `SC-${job.workOrder}`,
      ...hanging,
    });
  }
  if (what.kind === 'warranty') {
    records.push({ kind: 'warranty.upserted', externalId: `W-${job.workOrder}`, ...hanging });
  }
  if (what.kind === 'parts') {
    records.push({ kind: 'parts-order.upserted', externalId: `P-${job.workOrder}`, ...hanging });
  }
  return records;
}

async function enter(app: App, records: readonly OwnRecordInput[]): Promise<void> {
  const stored = await storeOwnRecords(
    app.database,
    records.map((record) => ({
      organizationId: ORGANIZATION,
      record,
      origin: 'api',
      receivedAt: app.now(),
    })),
  );
  app.wakeApplier(ORGANIZATION);
  const last = stored.at(-1);
  if (last) {
    await waitForOutcome(app.database, {
      organizationId: ORGANIZATION,
      documentId: last.documentId,
      timeoutMs: 5_000,
    });
  }
}
