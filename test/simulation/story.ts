/** What customers, portals and the bookkeeper do to one firm, by seed: threads of acts that interleave. */
import type { SimulatedOrder } from '../../simulators/contract.ts';
import { type ConnectedPortal, type Firm, takes } from './firm.ts';
import {
  booksIdOf,
  type Customer,
  distinctAmounts,
  type EnteredInvoices,
  enterCustomer,
  enterEntitlement,
  enterInvoices,
  enterWorkOrder,
  type Job,
  makeCustomers,
  makeJob,
  totalOf,
} from './jobs.ts';
import { reversalActs } from './reversals.ts';
import { type BankLine, showOnStatement } from './statement.ts';

/** The payment at the portal that took it. */
export type Original = { readonly portal: ConnectedPortal; readonly id: string };

/** One thing somebody does at an instant. */
export type Act = (at: Date) => void | Promise<void>;

export type Story = {
  readonly jobs: readonly Job[];
  /** Connection and id of payments that a bookkeeper copied into books, with the payment they copy. */
  readonly copies: ReadonlyMap<string, Original>;
  /** The same of payments that another portal shows; what only looks alike may also wait for a person. */
  readonly shown: ReadonlyMap<string, Original>;
  readonly bankLines: readonly BankLine[];
  /** Does the next act; false when the story is told. */
  next(): Promise<boolean>;
};

/** Everything an act may need; made once a story. */
export type Telling = {
  readonly firm: Firm;
  readonly copies: Map<string, Original>;
  readonly shown: Map<string, Original>;
  readonly bankLines: BankLine[];
  readonly sources: readonly ConnectedPortal[];
  /** True when the engine records payments in the books itself; else a bookkeeper copies some by hand. */
  readonly recording: boolean;
};

export async function tellStory(
  firm: Firm,
  options: { readonly payments: number; readonly recording: boolean },
): Promise<Story> {
  const random = firm.random.story;
  const newAmount = distinctAmounts(random);
  const customers = makeCustomers(firm, Math.max(2, Math.ceil(options.payments / 6)));
  for (const customer of customers) {
    if (random.chance(0.7)) await enterCustomer(firm, customer);
  }
  const telling: Telling = {
    firm,
    copies: new Map(),
    shown: new Map(),
    bankLines: [],
    sources: firm.portals.filter(({ simulated }) => simulated.role === 'source'),
    recording: options.recording,
  };
  const jobs = Array.from({ length: options.payments }, (_, index) =>
    makeJob(firm, index, { customer: random.pick(customers) as Customer, newAmount }),
  );
  const threads = jobs.map((job) => threadOf(telling, job));
  threads.push(payoutActs(telling));
  return {
    jobs,
    copies: telling.copies,
    shown: telling.shown,
    bankLines: telling.bankLines,
    next: async () => {
      const left = threads.filter((thread) => thread.length > 0);
      if (left.length === 0) return false;
      const act = random.pick(left).shift() as Act;
      await act(firm.clock.at());
      return true;
    },
  };
}

/** A job's life: it is entered, paid, and sometimes taken back, in an order that its seed chooses. */
function threadOf(telling: Telling, job: Job): Act[] {
  const { firm } = telling;
  const { story: random } = firm.random;
  let books: EnteredInvoices = new Map();
  const enterTheInvoices: Act = async () => {
    books = await enterInvoices(firm, job);
  };
  const paying = payingActs(telling, job, () => books);
  const workOrder: Act = () => enterWorkOrder(firm, job);
  if (job.deposit) return [workOrder, ...paying, enterTheInvoices, ...entitlementActs(firm, job)];
  // A work order is released once what is billed for it is paid; it must not be billed in two portions.
  const entering = [enterTheInvoices, workOrder, ...entitlementActs(firm, job)];
  if (job.entered === 'before' || job.keeper) return [...entering, ...paying];
  return interleave(random.between, entering, paying);
}

function entitlementActs(firm: Firm, job: Job): Act[] {
  return job.entitlement ? [() => enterEntitlement(firm, job)] : [];
}

function interleave(
  between: (low: number, high: number) => number,
  left: readonly Act[],
  right: readonly Act[],
): Act[] {
  const [a, b] = [[...left], [...right]];
  const mixed: Act[] = [];
  while (a.length + b.length > 0) {
    const from = between(1, a.length + b.length) <= a.length ? a : b;
    mixed.push(from.shift() as Act);
  }
  return mixed;
}

function payingActs(telling: Telling, job: Job, books: () => EnteredInvoices): Act[] {
  const { firm, sources } = telling;
  const { story: random } = firm.random;
  const byHand = job.keeper && (sources.length === 0 || random.chance(0.3));
  if (byHand) return chequeActs(telling, job, books);
  const takers = sources.filter(({ simulated }) => takes(simulated, job.currency));
  const portal = random.pick(takers);
  if (!portal) return byHandOrNot(telling, job, books);
  const total = totalOf(job);
  if (!job.deposit && random.chance(0.2)) {
    const part = (total * BigInt(random.between(20, 70))) / 100n;
    // Two equal halves by two portals look like one payment that both show.
    const first = part * 2n === total ? part - 1n : part;
    const second = random.pick(takers) as ConnectedPortal;
    const shared = second === portal;
    return [
      ...orderActs(telling, portal, { order: orderOf(telling, job, first), shared, job }),
      ...orderActs(telling, second, { order: orderOf(telling, job, total - first), shared, job }),
    ];
  }
  const over = random.chance(0.1) ? BigInt(random.between(1, 900)) : 0n;
  const order = orderOf(telling, job, total + over);
  const acts = orderActs(telling, portal, { order, shared: false, job, books });
  return acts;
}

/** In a currency that no portal takes, only a cheque is left. */
function byHandOrNot(telling: Telling, job: Job, books: () => EnteredInvoices): Act[] {
  return job.keeper ? chequeActs(telling, job, books) : [];
}

/** The order as its payer describes it: well, vaguely, not at all, or wrongly. */
function orderOf({ firm }: Telling, job: Job, amountMinor: bigint): SimulatedOrder {
  const { story: random } = firm.random;
  const { externalId, name, email } = job.customer;
  const numbers = job.invoices.map(({ number }) => number);
  const order = { amountMinor, currency: job.currency, customer: { externalId, name, email } };
  if (job.deposit) return { ...order, workOrder: job.workOrder };
  const several = { ...order, memo: `for ${numbers.join(' and ')}`, workOrder: job.workOrder };
  if (numbers.length > 1)
    return random.chance(0.5) ? several : { ...order, workOrder: job.workOrder };
  const invoiceNumber = numbers[0] as string;
  return random.pick([
    { ...order, invoiceNumber, workOrder: job.workOrder },
    { ...order, invoiceNumber },
    { ...order, invoiceNumber },
    { ...order, workOrder: job.workOrder },
    { ...order, workOrder: job.workOrder },
    { ...order, memo: `Thank you! ${invoiceNumber}.` },
    order,
    { ...order, invoiceNumber: `INV-${firm.seed}-WRONG` },
  ]);
}

type Paying = {
  readonly order: SimulatedOrder;
  readonly job: Job;
  /** Another payment of the same portal names the same work order. */
  readonly shared: boolean;
  /** Given when the bookkeeper may copy the payment into QuickBooks. */
  readonly books?: () => EnteredInvoices;
};

/** The payment by one of the ways its portal offers, then what becomes of it. */
function orderActs(telling: Telling, portal: ConnectedPortal, paying: Paying): Act[] {
  const { story: random } = telling.firm.random;
  const { simulated } = portal;
  const { order } = paying;
  let id = '';
  const start = (begin: (order: SimulatedOrder, at: Date) => string): Act => {
    return (at) => {
      id = begin(order, at);
    };
  };
  const copying = copyActs(telling, portal, { ...paying, id: () => id });
  const copied = copying.length > 0;
  const reversals = reversalActs(telling, portal, { ...paying, id: () => id, copied });
  const after = interleave(random.between, copying, reversals);
  const { begin, settle, fail, authorize, capture } = simulated;
  const way = random.between(1, 10);
  let until = 0;
  const open = (first: (order: SimulatedOrder, at: Date) => string): Act => {
    return (at) => {
      until = at.getTime() + UNDECIDED_FOR_MS;
      return start(first)(at);
    };
  };
  const inTime = (act: Act): Act => {
    return (at) => (at.getTime() < until ? act(at) : undefined);
  };
  if (way <= 2 && begin && settle && fail) {
    if (random.chance(0.4)) return [open(begin), inTime((at) => fail(id, at))];
    return [open(begin), ...[(at: Date) => settle(id, at), ...after].map(inTime)];
  }
  if (way === 3 && authorize) {
    if (capture && random.chance(0.6)) {
      return [open(authorize), ...[(at: Date) => capture(id, at), ...after].map(inTime)];
    }
    return [open(authorize), inTime((at) => simulated.void?.(id, at))];
  }
  const showing = showActs(telling, portal, { ...paying, id: () => id });
  if (!showing) return [start(simulated.pay), ...after];
  const { show, back } = showing;
  const pay: Act = async (at) => {
    await start(simulated.pay)(at);
    // Without an id the shop's moment says which payment it was: it is that of the payment.
    if (!showing.later) await show(at);
  };
  return showing.later ? [pay, ...interleave(random.between, [show], back)] : [pay, ...back];
}

/** Later nobody captures or voids an authorization, no debit settles or fails, and no portal is asked any more. */
const UNDECIDED_FOR_MS = 20 * 86_400_000;

/** Portals that shops and billing systems know as gateways. */
const GATEWAYS: readonly string[] = [
  ...['stripe', 'braintree', 'paypal', 'square', 'authorize-net'],
  ...['adyen', 'mollie', 'intuit-payments'],
];

/** Portals that show a payment by the name of its gateway alone. */
const NAME_NO_ID: readonly string[] = ['shopify'];

type Showing = {
  readonly show: Act;
  readonly back: readonly Act[];
  /** Its id is shown, so that it may be shown days later. */
  readonly later: boolean;
};

/** A shop or billing system through which the payment was made shows it, too, by its id or by what it is for. */
function showActs(
  telling: Telling,
  portal: ConnectedPortal,
  { order, shared, id }: Paying & { readonly id: () => string },
): Showing | undefined {
  const { story: random } = telling.firm.random;
  if (!GATEWAYS.includes(portal.id) || shared || random.chance(0.75)) return undefined;
  const showing = telling.firm.portals.filter(
    ({ simulated }) => simulated.show && takes(simulated, order.currency),
  );
  const by = showing.length > 0 ? random.pick(showing) : undefined;
  if (!by) return undefined;
  const linked = random.chance(0.7);
  // Without an id both must say the same of its purpose, in words that name one thing.
  const named = order.invoiceNumber !== undefined && order.workOrder !== undefined;
  if (!linked && !named) return undefined;
  const show: Act = (at) => {
    const externalId = linked ? id() : undefined;
    const shownId = by.simulated.show?.({ order, portal: portal.id, externalId }, at) as string;
    telling.shown.set(`${by.connectionId} ${shownId}`, { portal, id: id() });
  };
  const later = linked && !NAME_NO_ID.includes(by.id);
  const { refund } = portal.simulated;
  if (!linked || !refund || random.chance(0.7)) return { show, back: [], later };
  return { show, back: [(at) => void refund(id(), order.amountMinor, at)], later };
}

/** The bookkeeper types a payment of another portal into QuickBooks, to have the invoice paid there. */
function copyActs(
  telling: Telling,
  portal: ConnectedPortal,
  { order, job, books, id }: Paying & { readonly id: () => string },
): Act[] {
  const { random } = telling.firm;
  const { keeper } = job;
  const { invoiceNumber } = order;
  if (!keeper || !books || telling.recording) return [];
  if (invoiceNumber === undefined || order.amountMinor !== totalOf(job)) return [];
  if (!job.invoices.some(({ number }) => number === invoiceNumber) || random.story.chance(0.4)) {
    return [];
  }
  return [
    (at) => {
      const externalId = books().get(invoiceNumber) as string;
      const copy = keeper.simulated.enterPayment(
        {
          customerExternalId: booksIdOf(job.customer, keeper),
          amountMinor: order.amountMinor,
          currency: order.currency,
          method: 'Credit Card',
          reference: portal.id.slice(0, 10),
          invoices: [{ externalId, amountMinor: order.amountMinor }],
        },
        at,
      );
      telling.copies.set(`${keeper.connectionId} ${copy}`, { portal, id: id() });
    },
  ];
}

/** A cheque from the post, entered by hand where the invoices are kept. */
function chequeActs(telling: Telling, job: Job, books: () => EnteredInvoices): Act[] {
  const { random } = telling.firm;
  const { keeper } = job;
  if (!keeper) return [];
  const { simulated } = keeper;
  let id = '';
  const enter: Act = (at) => {
    id = simulated.enterPayment(
      {
        customerExternalId: booksIdOf(job.customer, keeper),
        amountMinor: totalOf(job),
        currency: job.currency,
        method: 'Check',
        reference: `CHK-${random.story.between(1000, 9999)}`,
        invoices: job.invoices.map(({ number, amountMinor }) => ({
          externalId: books().get(number) as string,
          amountMinor,
        })),
      },
      at,
    );
  };
  const way = random.story.between(1, 10);
  if (way === 1 && simulated.void) return [enter, (at) => simulated.void?.(id, at)];
  if (way === 2 && simulated.remove) return [enter, (at) => simulated.remove?.(id, at)];
  if (way === 3) return [enter, (at) => void simulated.refund?.(id, totalOf(job) / 3n, at)];
  return [enter];
}

/** Portals pay out when they do, not when it suits us; days later somebody uploads what the bank says of it. */
function payoutActs({ firm, sources, bankLines }: Telling): Act[] {
  const { story: random } = firm.random;
  if (sources.length === 0) return [];
  return Array.from({ length: 4 }, () => {
    let paid: { portal: ConnectedPortal; payoutId: string | undefined; at: Date } | undefined;
    const pay: Act = (at) => {
      const portal = random.pick(sources);
      paid = { portal, payoutId: portal.simulated.payout?.(at), at };
    };
    const show: Act = async () => {
      const line = paid && (await showOnStatement(firm, paid.portal, paid));
      if (line) bankLines.push(line);
    };
    return random.chance(0.6) ? [pay, show] : [pay];
  }).flat();
}
