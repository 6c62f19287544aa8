/** What the firm did for its customers: work orders, invoices and what paying them unlocks, by seed. */
import type { Random } from '../../simulators/random.ts';
import type { OwnRecordInput } from '../../src/intake/own-document.ts';
import { storeOwnRecords } from '../../src/intake/store.ts';
import { toDecimalText } from '../../src/money/money.ts';
import { type ConnectedBooks, type Firm, takes } from './firm.ts';

export type Customer = {
  readonly externalId: string;
  readonly name: string;
  readonly email: string;
  /** The customer's id in each of the books, by connection. */
  readonly booksIds: ReadonlyMap<string, string>;
};

export type Invoice = { readonly number: string; readonly amountMinor: bigint };

export type Job = {
  readonly customer: Customer;
  readonly currency: string;
  readonly workOrder: string;
  readonly kind: 'service' | 'repair' | 'parts' | 'contract' | 'warranty';
  /** The books that keep the invoices, of which we hear through their notices and pulls; none when we do. */
  readonly keeper: ConnectedBooks | undefined;
  readonly invoices: readonly Invoice[];
  /** Agreed and paid before any invoice is written. */
  readonly deposit: boolean;
  readonly entitlement: Entitlement | undefined;
  /** When the firm enters it: before its customer pays, or whenever somebody finds the time. */
  readonly entered: 'before' | 'late';
};

type Entitlement = {
  readonly kind: 'service-contract.upserted' | 'warranty.upserted' | 'parts-order.upserted';
  readonly externalId: string;
  readonly by: 'invoice' | 'workOrder';
};

const KINDS = ['service', 'repair', 'parts', 'contract', 'warranty'] as const;
const ENTITLEMENTS = [
  'service-contract.upserted',
  'warranty.upserted',
  'parts-order.upserted',
] as const;
const CURRENCIES = ['USD', 'USD', 'USD', 'USD', 'EUR', 'JPY', 'KWD'] as const;

/** Amounts differ by at least two, so that only equal money looks equal. */
export function distinctAmounts(random: Random): () => bigint {
  const used = new Set<number>();
  return () => {
    for (;;) {
      const amount = random.between(1_000, 400_000) * 3;
      if (used.has(amount)) continue;
      used.add(amount);
      return BigInt(amount);
    }
  };
}

export function makeCustomers(firm: Firm, count: number): readonly Customer[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `Customer ${index} of ${firm.seed}`;
    const email = `customer-${index}-${firm.seed}@example.com`;
    const booksIds = new Map(
      firm.books.map(({ connectionId, simulated }) => [
        connectionId,
        simulated.addCustomer({ name, email }, firm.clock.at()),
      ]),
    );
    return { externalId: `cus_${firm.seed}x${index}`, name, email, booksIds };
  });
}

export function makeJob(
  firm: Firm,
  index: number,
  given: { readonly customer: Customer; readonly newAmount: () => bigint },
): Job {
  const random = firm.random.story;
  const workOrder = `WO-${firm.seed}-${index}`;
  const currency = random.pick(currenciesOf(firm));
  const keepers = firm.books.filter(({ simulated }) => takes(simulated, currency));
  const keeper = keepers.length > 0 && random.chance(0.4) ? random.pick(keepers) : undefined;
  // Work that is paid stays released when it is billed for more: two invoices must become known together.
  const two = keeper === undefined && random.chance(0.25);
  const invoices = (two ? ['A', 'B'] : ['A']).map((letter) => ({
    number: `INV-${firm.seed}-${index}${letter}`,
    amountMinor: given.newAmount(),
  }));
  const withEntitlement = random.chance(0.5);
  return {
    customer: given.customer,
    currency,
    workOrder,
    kind: random.pick(KINDS),
    keeper,
    invoices,
    deposit: keeper === undefined && !two && random.chance(0.15),
    entitlement: withEntitlement
      ? {
          kind: random.pick(ENTITLEMENTS),
          externalId: `ENT-${firm.seed}-${index}`,
          by: random.pick(['invoice', 'workOrder'] as const),
        }
      : undefined,
    entered: random.chance(0.6) ? 'before' : 'late',
  };
}

/** Those in which somebody can pay. */
function currenciesOf({ portals }: Firm): readonly string[] {
  const taken = CURRENCIES.filter((code) =>
    portals.some(({ simulated }) => simulated.role === 'source' && takes(simulated, code)),
  );
  return taken.length > 0 ? taken : CURRENCIES;
}

/** What the books call the customer. */
export function booksIdOf(customer: Customer, { connectionId }: ConnectedBooks): string {
  return customer.booksIds.get(connectionId) as string;
}

export type EnteredInvoices = ReadonlyMap<string, string>;

/** Enters the invoices where they are kept; resolves to the books' ids by number. */
export async function enterInvoices(firm: Firm, job: Job): Promise<EnteredInvoices> {
  const { keeper } = job;
  if (!keeper) {
    await enter(
      firm,
      job.invoices.map((invoice) => invoiceRecord(job, invoice)),
    );
    return new Map();
  }
  const ids = new Map<string, string>();
  for (const { number, amountMinor } of job.invoices) {
    const id = keeper.simulated.addInvoice(
      {
        number,
        customerExternalId: booksIdOf(job.customer, keeper),
        amountMinor,
        currency: job.currency,
        workOrder: job.workOrder,
      },
      firm.clock.at(),
    );
    ids.set(number, id);
  }
  return ids;
}

export async function enterWorkOrder(firm: Firm, job: Job): Promise<void> {
  await enter(firm, [
    {
      kind: 'work-order.upserted',
      externalId: job.workOrder,
      number: job.workOrder,
      workOrderKind: job.kind,
      customerExternalId: job.customer.externalId,
      ...(job.deposit ? { total: money(totalOf(job), job.currency) } : {}),
    },
  ]);
}

export async function enterEntitlement(firm: Firm, job: Job): Promise<void> {
  const { entitlement } = job;
  if (!entitlement) return;
  const [invoice] = job.invoices;
  await enter(firm, [
    {
      kind: entitlement.kind,
      externalId: entitlement.externalId,
      number: entitlement.externalId,
      customerExternalId: job.customer.externalId,
      ...(entitlement.by === 'invoice'
        ? { invoice: (invoice as Invoice).number }
        : { workOrder: job.workOrder }),
    },
  ]);
}

export async function enterCustomer(firm: Firm, customer: Customer): Promise<void> {
  const { externalId, name, email } = customer;
  await enter(firm, [{ kind: 'customer.upserted', externalId, name, email }]);
}

export function totalOf(job: Job): bigint {
  return job.invoices.reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
}

function invoiceRecord(job: Job, { number, amountMinor }: Invoice): OwnRecordInput {
  return {
    kind: 'invoice.upserted',
    externalId: `own-${number}`,
    number,
    customerExternalId: job.customer.externalId,
    total: money(amountMinor, job.currency),
    workOrder: job.workOrder,
  };
}

function money(minor: bigint, currency: string): { amount: string; currency: string } {
  return { amount: toDecimalText({ minor, currency }), currency };
}

async function enter(firm: Firm, records: readonly OwnRecordInput[]): Promise<void> {
  const { organizationId, db, clock } = firm;
  const receivedAt = clock.at();
  await storeOwnRecords(
    db,
    records.map((record) => ({ organizationId, record, origin: 'api' as const, receivedAt })),
  );
}
