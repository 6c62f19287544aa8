/**
 * The life of payments in one accounting system: let in, pulled, told of, recorded through the deaths of the server,
 * and taken back. Every step goes through the shipped server, over HTTP.
 */
import assert from 'node:assert/strict';
import type {
  RecordedPayment,
  SimulatedBooks,
  SimulatedOrder,
  SimulatedPortal,
} from '../../simulators/contract.ts';
import type { ConnectionJson } from '../../src/api/json/connection.ts';
import type { DeliveryJson } from '../../src/api/json/delivery.ts';
import type { PaymentJson } from '../../src/api/json/payment.ts';
import { toDecimalText } from '../../src/money/money.ts';
import { findPortal } from '../../src/portals/index.ts';
import { type Account, account, eventually } from './account.ts';
import type { Deaths } from './deaths.ts';
import type { Firm } from './firm.ts';
import { type Lost, type Network, openNetwork } from './network.ts';
import { STRIPE, type System } from './systems.ts';

const CURRENCY = 'USD';
const IN_TIME_MS = 30_000;

export type Stage = {
  readonly firm: Firm;
  readonly deaths: Deaths;
  /** Of this story alone, as the one that follows it; what is written in the system is named after it. */
  readonly seed: number;
  /** Told before each step of the story. */
  readonly step: (what: string) => void;
};

/** What one payment is to pay: the invoices of one work order. */
type Bill = {
  readonly workOrder: string;
  readonly customer: string;
  readonly amountMinor: bigint;
  readonly invoices: readonly {
    readonly number: string;
    readonly amountMinor: bigint;
    /** The system's own id of it. */
    readonly externalId: string;
  }[];
};

type Life = Stage & {
  readonly system: System;
  readonly network: Network;
  readonly books: SimulatedBooks;
  readonly account: Account;
  readonly payer: SimulatedPortal;
  readonly payerAccount: Account;
};

/** @throws with what went otherwise than it should */
export async function tellLife(stage: Stage, system: System): Promise<void> {
  const { firm, seed, step } = stage;
  const network = openNetwork();
  const books = await system.open({ seed, between: network.between });
  const { open, without } = system.payer ?? STRIPE;
  const payer = await open({ seed: seed + 1 });
  try {
    step('connect');
    const bills = writeBills(books, seed);
    const id = await connectBooks(firm, system, books);
    const payerId = await connectPayer(firm, payer, without);
    const life: Life = {
      ...stage,
      system,
      network,
      books,
      account: account(firm, id, books),
      payer,
      payerAccount: account(firm, payerId, payer),
    };
    await tellOf(life, bills);
  } finally {
    await payer.close();
    await books.close();
  }
}

async function tellOf(life: Life, bills: Bills): Promise<void> {
  const { step, account: own, books } = life;
  step('the first pull');
  await areKnown(life, bills);
  step('a payment is pulled');
  await payThere(life, bills.pulled, 'pull');
  step('a payment is told of');
  await payThere(life, bills.told, 'notice');
  step('killed before the recording arrived');
  const first = await recordedThrough(life, bills.unheard, 'request');
  step('killed before the recording was answered');
  books.expireAccessTokens?.();
  const second = await recordedThrough(life, bills.unanswered, 'answer');
  assert.equal((await own.payments()).length, 2, 'what we recorded is no second payment');
  step('killed while the token was renewed');
  await renewThroughDeath(life);
  step('the money goes back');
  await giveBack(life, bills.unanswered, second);
  step('at the end');
  await lookBack(life, bills, first);
}

async function connectBooks(firm: Firm, system: System, books: SimulatedBooks): Promise<string> {
  const { portal, settings: all } = books;
  const { consent } = system;
  const known = Object.entries(all).filter(
    ([name]) => !consent || (name !== 'refreshToken' && name !== consent.tells),
  );
  const settings = Object.fromEntries(known);
  const asked = { portal, name: `Our ${portal}`, role: 'books', settings };
  const { id } = await firm.call<ConnectionJson>('POST', '/connections', asked);
  if (!consent) return id;
  const { url } = await firm.call<{ url: string }>('POST', `/connections/${id}/consent`);
  const page = await (await firm.browser()).newPage();
  await page.goto(url);
  await page.getByRole('link', { name: 'Allow' }).click();
  if (consent.choose) await page.getByRole('button', { name: consent.choose }).click();
  await page.getByRole('heading', { name: 'Connected' }).waitFor();
  await page.close();
  const connection = await firm.call<ConnectionJson>('GET', `/connections/${id}`);
  assert.equal(connection.settings[consent.tells], all[consent.tells], consent.tells);
  return id;
}

async function connectPayer(
  firm: Firm,
  { portal, settings: all }: SimulatedPortal,
  without: readonly string[],
): Promise<string> {
  const known = Object.entries(all).filter(([name]) => !without.includes(name));
  const settings = Object.fromEntries(known);
  const asked = { portal, name: `Cards by ${portal}`, role: 'source', settings };
  return (await firm.call<ConnectionJson>('POST', '/connections', asked)).id;
}

type Bills = Readonly<Record<'pulled' | 'told' | 'unheard' | 'unanswered', Bill>>;

/** Written in the system before we are let in, each of another amount. */
function writeBills(books: SimulatedBooks, seed: number): Bills {
  const at = new Date();
  const customer = books.addCustomer(
    { name: nameOf(seed), email: `ap${seed}@northgate.example` },
    at,
  );
  const write = (letter: string, ...amounts: readonly bigint[]): Bill => {
    const workOrder = `WO-${seed}${letter}`;
    const invoices = amounts.map((amountMinor, index) => {
      const number = `INV-${seed}${letter}${index + 1}`;
      const invoice = { number, customerExternalId: customer, amountMinor, currency: CURRENCY };
      return { number, amountMinor, externalId: books.addInvoice({ ...invoice, workOrder }, at) };
    });
    return { workOrder, customer, amountMinor: sumOf(amounts), invoices };
  };
  const amount = BigInt(seed) * 100n;
  return {
    pulled: write('A', amount + 1n),
    told: write('B', amount + 12n),
    unheard: write('C', amount + 23n),
    // In some systems that is more than one record: of several the server may die after the first.
    unanswered: write('D', amount + 34n, amount + 45n),
  };
}

/** By the pull that a new connection begins with. */
async function areKnown({ account: own, seed }: Life, bills: Bills): Promise<void> {
  for (const { number, amountMinor } of Object.values(bills).flatMap(({ invoices }) => invoices)) {
    const invoice = await eventually(`${number} is known`, () => own.invoice(number));
    assert.equal(invoice.balance.amount, decimal(amountMinor));
    assert.equal(invoice.customer?.name, nameOf(seed));
  }
  await eventually('the first pull ends', async () => (await own.connection()).pull?.finishedAt);
  await own.test();
}

const nameOf = (seed: number) => `Northgate Foundry ${seed}`;

/** A cheque that the bookkeeper enters in the system. */
async function payThere(life: Life, bill: Bill, way: 'pull' | 'notice'): Promise<void> {
  const { books, account: own } = life;
  books.takeNotices();
  const { customer, amountMinor, invoices } = bill;
  const id = books.enterPayment(
    {
      customerExternalId: customer,
      amountMinor,
      currency: CURRENCY,
      method: 'Check',
      reference: `CHK-${bill.workOrder.slice(-5)}`,
      invoices,
    },
    new Date(),
  );
  await (way === 'pull' ? onlyPull(life) : tellOrPull(life));
  const payment = await eventually(`${id} is booked`, () => own.payment(id));
  assert.equal(payment.connectionId, own.id);
  assert.equal(payment.amount.amount, decimal(amountMinor));
  await isPaid(life, bill, payment);
}

/** By this payment alone, in full. */
async function isPaid({ account: own }: Life, bill: Bill, payment: PaymentJson): Promise<void> {
  for (const { number } of bill.invoices) {
    const invoice = await eventually(`${number} is paid`, async () => {
      const found = await own.invoice(number);
      return found?.status === 'paid' && found;
    });
    assert.equal(invoice.balance.amount, '0.00');
    const payments = invoice.allocations.map(({ paymentId }) => paymentId);
    assert.deepEqual(payments, [payment.id]);
  }
}

/** Whatever the system sends is lost. */
async function onlyPull({ books, account: own }: Life): Promise<void> {
  books.takeNotices();
  await own.pull();
}

/** By what the system sends, where it sends anything. */
async function tellOrPull({ books, account: own }: Life): Promise<void> {
  if (findPortal(books.portal)?.webhook === undefined) return own.pull();
  assert.ok((await own.tell()) > 0, `${books.portal} tells of payments`);
}

/** The customer pays by card; the server dies while it records that in the system. */
async function recordedThrough(life: Life, bill: Bill, lost: Lost): Promise<PaymentJson> {
  const { books, payer, payerAccount, account: own } = life;
  books.takeNotices();
  const before = books.recordedPayments().length;
  const written = lost === 'answer' ? 1 : 0;
  const paid = await breaking(life, lost, async () => {
    const id = payer.pay(orderOf(bill), new Date());
    await hearPayer(life);
    return id;
  });
  assert.equal(books.recordedPayments().length, before + written, 'what the system holds');
  const payment = await eventually(`${paid} is booked`, () => payerAccount.payment(paid));
  // Its own record comes back before the server knows that it was made.
  if (lost === 'answer') await hearEcho(life, payment);
  await own.leaseEnds(payment.id);
  await isDelivered(life, payment, ['payment.applied']);
  const record = recordOf(books, payment);
  assert.equal(books.recordedPayments().length, before + 1);
  assert.equal(record.amountMinor, bill.amountMinor);
  assert.equal(record.customerExternalId, bill.customer);
  if (lost === 'request') await hearEcho(life, payment);
  const known = await eventually('our record is known', () => own.payment(record.externalId));
  assert.equal(known.id, payment.id, 'as the payment that it is a copy of');
  await isPaid(life, bill, payment);
  return payment;
}

/** By its signed notices; a portal that sends none is pulled. */
async function hearPayer({ payerAccount }: Life): Promise<void> {
  if ((await payerAccount.tell()) === 0) await payerAccount.pull();
}

/** The network breaks at what `work` makes the server write, the server dies, and all is well again. */
async function breaking<T>(
  { network, system, deaths }: Life,
  lost: Lost,
  work: () => Promise<T>,
): Promise<T> {
  const broken = network.breakAt(system.writes, lost);
  const result = await work();
  await inTime(broken, 'the server writes');
  await deaths.die(network.mend);
  return result;
}

async function hearEcho(life: Life, payment: PaymentJson): Promise<void> {
  const { account: own, payerAccount } = life;
  await tellOrPull(life);
  await eventually(`the echo of ${payment.id} is heard`, async () => {
    const { events } = await payerAccount.trail(payment.id);
    return events.some(({ connectionId }) => connectionId === own.id);
  });
}

/** Every access token dies, and where the portal forgives it also the server while it asks for the next. */
async function renewThroughDeath(life: Life): Promise<void> {
  const { books, system, network, account: own, deaths } = life;
  books.expireAccessTokens?.();
  if (!system.renews) {
    await deaths.die();
    await own.pull();
  } else {
    const askedAt = new Date();
    const broken = network.breakAt(system.renews, 'answer');
    await own.ask();
    await inTime(broken, 'a token is asked for');
    await deaths.die(network.mend);
    await own.pulledSince(askedAt);
  }
  await own.test();
}

/** The whole amount goes back at the other portal, and what we recorded with it. */
async function giveBack(life: Life, bill: Bill, payment: PaymentJson): Promise<void> {
  const { books, payer, account: own } = life;
  const refund = async (): Promise<void> => {
    payer.refund?.(payment.externalId, bill.amountMinor, new Date());
    await hearPayer(life);
  };
  if (!findPortal(books.portal)?.books?.reversePayment) {
    await refund();
    const parked = await eventually('a person is asked to take it back', async () =>
      (await own.deliveries(payment.id)).find(({ state }) => state === 'parked'),
    );
    assert.match(parked.lastError ?? '', /lets nobody take payment .* back: do it there/);
    return;
  }
  await breaking(life, 'answer', refund);
  await own.leaseEnds(payment.id);
  await isDelivered(life, payment, ['payment.applied', 'refund.succeeded']);
  const record = books.recordedPayments().find(({ reference }) => isOf(reference, payment));
  assert.ok(!record || record.takenBack, 'what we recorded is taken back');
}

/** Everything is told and pulled once more: nothing is there twice, nothing is missing. */
async function lookBack(life: Life, bills: Bills, first: PaymentJson): Promise<void> {
  const { firm, account: own, payerAccount, books } = life;
  await own.tell();
  await own.pull();
  const statuses = (all: readonly PaymentJson[]) => all.map(({ status }) => status).sort();
  assert.deepEqual(statuses(await own.payments()), ['succeeded', 'succeeded']);
  assert.deepEqual(statuses(await payerAccount.payments()), ['refunded', 'succeeded']);
  for (const name of ['pulled', 'told', 'unheard'] as const) {
    for (const { number } of bills[name].invoices) {
      assert.equal((await own.invoice(number))?.status, 'paid', number);
    }
  }
  for (const { number, amountMinor } of bills.unanswered.invoices) {
    const open = await own.invoice(number);
    assert.deepEqual([open?.status, open?.balance.amount], ['open', decimal(amountMinor)], number);
  }
  assert.equal(recordOf(books, first).amountMinor, bills.unheard.amountMinor);
  const received = await clearingOf(firm);
  const { pulled, told, unheard } = bills;
  assert.equal(received.get(own.id), decimal(pulled.amountMinor + told.amountMinor));
  assert.equal(received.get(payerAccount.id), decimal(unheard.amountMinor));
  await own.test();
}

/** What lies at each connection, by the ledger. */
async function clearingOf(firm: Firm): Promise<ReadonlyMap<string, string>> {
  type Row = { readonly account: string; readonly balance: { readonly amount: string } };
  const path = '/ledger/trial-balance';
  const { rows } = await firm.call<{ readonly rows: readonly Row[] }>('GET', path);
  return new Map(
    rows.map(({ account: code, balance }) => [code.split(':')[1] ?? '', balance.amount]),
  );
}

async function isDelivered(
  { account: own }: Life,
  { id }: PaymentJson,
  topics: readonly string[],
): Promise<void> {
  const done = await eventually(`${topics.at(-1)} of ${id} is delivered`, async () => {
    const all = await own.deliveries(id);
    const open = all.filter(({ state }) => state === 'waiting');
    const reached = all.some(({ topic }) => topic === topics.at(-1));
    return reached && open.length === 0 && all;
  });
  const shown = (all: readonly DeliveryJson[]) =>
    all.map(({ topic, state }) => `${topic} ${state}`);
  assert.deepEqual(
    shown(done),
    topics.map((topic) => `${topic} done`),
    done.map(({ lastError }) => lastError).join('; '),
  );
}

/** What the system holds of the payment, which must be there once. */
function recordOf(books: SimulatedBooks, payment: PaymentJson): RecordedPayment {
  const found = books.recordedPayments().filter(({ reference }) => isOf(reference, payment));
  assert.equal(found.length, 1, `${payment.id} is recorded ${found.length} times`);
  return found[0] as RecordedPayment;
}

/** Our mark ends with our id of the payment. */
function isOf(reference: string, { id }: PaymentJson): boolean {
  return new RegExp(`CV-[a-z0-9]{6}-${id}(?![0-9])`).test(reference);
}

function orderOf({ invoices, workOrder, amountMinor, customer }: Bill): SimulatedOrder {
  const payer = { externalId: `card-${customer}`, name: 'N. Foundry', email: 'n@foundry.example' };
  const invoiceNumber = invoices.map(({ number }) => number).join('; ');
  return { amountMinor, currency: CURRENCY, customer: payer, invoiceNumber, workOrder };
}

function sumOf(amounts: readonly bigint[]): bigint {
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}

function decimal(minor: bigint): string {
  return toDecimalText({ minor, currency: CURRENCY });
}

function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => reject(new Error(`not in time: ${what}`)), IN_TIME_MS);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
