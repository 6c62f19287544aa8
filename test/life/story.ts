/**
 * The life of payments in one accounting system: let in, pulled, told of, recorded through the deaths of the server,
 * and taken back. Every step goes through the shipped server, over HTTP.
 */
import assert from 'node:assert/strict';
import type { RecordedPayment, SimulatedBooks } from '../../simulators/contract.ts';
import type { DeliveryJson } from '../../src/api/json/delivery.ts';
import type { PaymentJson } from '../../src/api/json/payment.ts';
import { toDecimalText } from '../../src/money/money.ts';
import { findPortal } from '../../src/portals/index.ts';
import { type Account, account, eventually } from './account.ts';
import { type Bill, type Bills, CURRENCY, nameOf, orderOf, writeBills } from './bills.ts';
import { connect } from './connect.ts';
import type { Deaths } from './deaths.ts';
import type { Firm } from './firm.ts';
import { type Lost, type Network, openNetwork } from './network.ts';
import { type PayingPortal, STRIPE, type System } from './systems.ts';

const IN_TIME_MS = 30_000;

export type Stage = {
  readonly firm: Firm;
  readonly deaths: Deaths;
  /** Of this story alone, as the one that follows it; what is written in the system is named after it. */
  readonly seed: number;
  /** Told before each step of the story. */
  readonly step: (what: string) => void;
};

type Life = Stage & {
  readonly system: System;
  readonly network: Network;
  readonly books: SimulatedBooks;
  readonly account: Account;
  readonly payer: PayingPortal;
  readonly payerNetwork: Network;
  readonly payerAccount: Account;
};

/** @throws with what went otherwise than it should */
export async function tellLife(stage: Stage, system: System): Promise<void> {
  const { firm, seed, step } = stage;
  const network = openNetwork();
  const books = await system.open({ seed, between: network.between });
  const { open, without, consent: payerConsent } = system.payer ?? STRIPE;
  const payerNetwork = openNetwork();
  const payer = await open({ seed: seed + 1, between: payerNetwork.between });
  try {
    step('connect');
    const bills = writeBills(books, seed);
    const id = await connect(firm, books, {
      name: `Our ${books.portal}`,
      consent: system.consent,
    });
    const payerId = await connect(firm, payer, {
      name: `Cards by ${payer.portal}`,
      consent: payerConsent,
      without,
    });
    const life: Life = {
      ...stage,
      system,
      network,
      books,
      account: account(firm, id, books),
      payer,
      payerNetwork,
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
  step('killed while the token was renewed to pull a payment');
  await payThere(life, bills.pulled, pullThroughDeath);
  step('a payment is told of');
  await payThere(life, bills.told, tellOrPull);
  step('killed before the recording arrived');
  const first = await recordedThrough(life, bills.unheard, 'request');
  step('killed before the recording was answered');
  books.expireAccessTokens?.();
  const second = await recordedThrough(life, bills.unanswered, 'answer');
  assert.equal((await own.payments()).length, 2, 'what we recorded is no second payment');
  step('the money goes back');
  await giveBack(life, bills.unanswered, second);
  step('at the end');
  await lookBack(life, bills, [first, second]);
}

/** By the pull that a new connection begins with. */
async function areKnown({ account: own, seed }: Life, bills: Bills): Promise<void> {
  for (const { number, amountMinor } of Object.values(bills).flatMap(({ invoices }) => invoices)) {
    const invoice = await eventually(`${number} is known`, () => own.invoice(number));
    assert.equal(invoice.balance.amount, decimal(amountMinor));
    assert.equal(invoice.customer?.name, nameOf(seed));
  }
  await eventually('the first pull ends', async () => (await own.connection()).pull?.finishedAt);
}

/** A cheque that the bookkeeper enters in the system. */
async function payThere(
  life: Life,
  bill: Bill,
  hear: (life: Life) => Promise<void>,
): Promise<void> {
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
  await hear(life);
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

/**
 * Whatever the system sends is lost, and every access token or session dies; where the portal forgives it also the
 * server, while it asks for the next. The pull that it was asked for goes on by itself.
 */
async function pullThroughDeath(life: Life): Promise<void> {
  const { deaths, books, account: own } = life;
  books.takeNotices();
  const dying = whoseTokens(life);
  dying.portal.expireAccessTokens?.();
  if (!dying.renews) {
    await deaths.die();
    return own.pull();
  }
  const askedAt = new Date();
  const broken = dying.network.breakAt(dying.renews, 'answer');
  await dying.account.ask();
  await inTime(broken, 'a token is asked for');
  await deaths.die(dying.network.mend);
  await dying.account.pulledSince(askedAt);
  if (dying.account !== own) await own.pull();
}

/** Those of the payer, where its story is told for the payer's sake. */
function whoseTokens({ system, ...life }: Life): {
  readonly portal: PayingPortal;
  readonly renews: RegExp | undefined;
  readonly network: Network;
  readonly account: Account;
} {
  const { books, network, account: own, payer, payerNetwork, payerAccount } = life;
  const renews = system.payer?.renews;
  return renews
    ? { portal: payer, renews, network: payerNetwork, account: payerAccount }
    : { portal: books, renews: system.renews, network, account: own };
}

/** By what the system sends, where it sends anything. */
async function tellOrPull({ books, account: own }: Life): Promise<void> {
  if (findPortal(books.portal)?.webhook === undefined) return own.pull();
  assert.ok((await own.tell()) > 0, `${books.portal} tells of payments`);
}

/** The customer pays by card; the server dies while it records that in the system. */
async function recordedThrough(life: Life, bill: Bill, lost: Lost): Promise<PaymentJson> {
  const { books, payer, payerAccount, account: own, system } = life;
  books.takeNotices();
  const before = books.recordedPayments().length;
  const written = lost === 'answer' ? 1 : 0;
  const paid = await breaking(life, lost, async () => {
    const id = payer.pay(orderOf(bill), new Date());
    if (lost === 'answer' && system.payer?.isPulled) payer.takeNotices();
    await hearPayer(life);
    return id;
  });
  assert.equal(books.recordedPayments().length, before + written, 'what the system holds');
  const payment = await eventually(`${paid} is booked`, () => payerAccount.payment(paid));
  // Its own record comes back before the server knows that it was made.
  const isEarly = lost === 'answer' && !system.isSilent;
  if (isEarly) await hearEcho(life, payment);
  // An invoice that shows it too soon must not pass for another payment.
  else if (lost === 'answer') await own.pull();
  await own.leaseEnds(payment.id);
  await isDelivered(life, payment, ['payment.applied']);
  const record = recordOf(books, payment);
  assert.equal(books.recordedPayments().length, before + 1);
  assert.equal(record.amountMinor, bill.amountMinor);
  assert.equal(record.customerExternalId, bill.customer);
  if (!isEarly) await hearEcho(life, payment);
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
  const { account: own, payerAccount, system, firm } = life;
  if (system.isSilent) {
    await firm.notesSettle(own.id);
    const since = new Date();
    await own.pull();
    await eventually('an invoice shows what we recorded', async () =>
      (await own.documents(since)).some(({ status }) => status === 'applied'),
    );
    return;
  }
  await tellOrPull(life);
  await eventually(`the echo of ${payment.id} is heard`, async () => {
    const { events } = await payerAccount.trail(payment.id);
    return events.some(({ connectionId }) => connectionId === own.id);
  });
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
  const how = wentBack(life, payment) === 'voided' ? 'payment.voided' : 'refund.succeeded';
  await isDelivered(life, payment, ['payment.applied', how]);
  const record = books.recordedPayments().find(({ reference }) => isOf(reference, payment));
  assert.ok(!record || record.takenBack, 'what we recorded is taken back');
}

/** A processor undoes what is not settled yet, and refunds the rest; by its own truth. */
function wentBack({ payer }: Life, { externalId }: PaymentJson): 'voided' | 'refunded' {
  const truth = payer.truth().find((one) => one.externalId === externalId);
  return truth?.status === 'voided' ? 'voided' : 'refunded';
}

/** Everything is told and pulled once more: nothing is there twice, nothing is missing. */
async function lookBack(
  life: Life,
  bills: Bills,
  [first, second]: readonly [PaymentJson, PaymentJson],
): Promise<void> {
  const { firm, account: own, payerAccount, books } = life;
  await own.tell();
  await own.pull();
  const statuses = (all: readonly PaymentJson[]) => all.map(({ status }) => status).sort();
  assert.deepEqual(statuses(await own.payments()), ['succeeded', 'succeeded']);
  const cards = [wentBack(life, second), 'succeeded'].sort();
  assert.deepEqual(statuses(await payerAccount.payments()), cards);
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

function decimal(minor: bigint): string {
  return toDecimalText({ minor, currency: CURRENCY });
}

function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => reject(new Error(`not in time: ${what}`)), IN_TIME_MS);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
