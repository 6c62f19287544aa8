/** Holds the books against what the portals know really happened, to the cent. */
import type { TruePayment } from '../../simulators/contract.ts';
import { sql } from '../../src/db/database.ts';
import { owedBy, payoutsOf } from './bank.ts';
import { type ConnectedBooks, type ConnectedPortal, type Firm, isBooks } from './firm.ts';
import { MoneyByCurrency } from './money-by-currency.ts';
import type { Story } from './story.ts';

type BookedPayment = {
  readonly id: bigint;
  readonly connection_id: string;
  readonly external_id: string;
  readonly status: string;
  readonly amount_minor: bigint;
  readonly currency: string;
  readonly received_minor: bigint;
  readonly refunded_minor: bigint;
  readonly disputed_minor: bigint;
  readonly lost_minor: bigint;
  readonly fee_minor: bigint | null;
  readonly suspect: string | null;
};

type Booked = {
  readonly payments: readonly BookedPayment[];
  /** The payment of an id, be it its first or a further one. */
  byId(connectionId: string, externalId: string): BookedPayment | undefined;
};

/** What of a firm and its story the comparison looks at. */
type Books = Pick<Firm, 'db' | 'organizationId' | 'portals' | 'books'>;
type Told = Pick<Story, 'copies' | 'shown'>;

/** Every difference between the books and the portals' truths, in sentences. */
export async function compareTruth(firm: Books, story: Told): Promise<readonly string[]> {
  const booked = await readPayments(firm);
  const problems: string[] = [];
  for (const portal of firm.portals) {
    problems.push(...comparePayments(portal, story, booked));
    problems.push(...(await compareClearing(firm, portal, story)));
    problems.push(...(await comparePayouts(firm, portal)));
  }
  for (const books of firm.books) problems.push(...compareRecorded(books, booked));
  problems.push(...(await compareTakenBack(firm, booked)));
  return problems;
}

async function readPayments({ db, organizationId }: Books): Promise<Booked> {
  const payments = await db.query<BookedPayment>(
    sql`select * from payments where organization_id = ${organizationId} and mirrors is null`,
  );
  const identities = await db.query<{ key: string; entity_id: bigint }>(
    sql`select connection_id || ' ' || external_id as key, entity_id from identities
        where organization_id = ${organizationId} and kind = 'payment'`,
  );
  const byEntity = new Map(payments.map((payment) => [payment.id, payment]));
  const byKey = new Map(payments.map((one) => [`${one.connection_id} ${one.external_id}`, one]));
  for (const { key, entity_id } of identities) {
    const payment = byEntity.get(entity_id);
    if (payment) byKey.set(key, payment);
  }
  return { payments, byId: (connection, external) => byKey.get(`${connection} ${external}`) };
}

function comparePayments(
  portal: ConnectedPortal,
  { copies, shown }: Told,
  booked: Booked,
): readonly string[] {
  const problems: string[] = [];
  const { connectionId } = portal;
  const known = new Set<bigint>();
  for (const [key, original] of shown) {
    const [at, id = ''] = key.split(' ');
    if (at !== connectionId) continue;
    const payment = booked.byId(connectionId, id);
    const same = booked.byId(original.portal.connectionId, original.id);
    if (payment) known.add(payment.id);
    // What only looks alike waits for a person, and is no money until then.
    const waits = payment?.suspect !== null && payment?.received_minor === 0n;
    if (payment?.id === same?.id || waits) continue;
    problems.push(
      `${portal.id} ${id} shows ${original.portal.id} ${original.id} (pay_${same?.id}) but is booked as pay_${payment?.id}`,
    );
  }
  for (const truth of portal.simulated.truth()) {
    const name = `${portal.id} ${truth.externalId}`;
    const payment = booked.byId(connectionId, truth.externalId);
    const copied = copies.get(`${connectionId} ${truth.externalId}`);
    if (copied) {
      const original = booked.byId(copied.portal.connectionId, copied.id);
      const waits = payment?.suspect !== null && payment?.received_minor === 0n;
      if (payment) known.add(payment.id);
      if (payment?.id === original?.id || waits) continue;
      problems.push(`${name} copies ${copied.id} but is booked as pay_${payment?.id}`);
    }
    if (payment) known.add(payment.id);
    problems.push(...comparePayment(name, portal, truth, payment));
  }
  for (const payment of booked.payments) {
    if (payment.connection_id !== connectionId || known.has(payment.id)) continue;
    // A line of the bank that names nobody and may be a payout.
    if (payment.suspect?.startsWith('po_') && payment.received_minor === 0n) continue;
    problems.push(
      `${portal.id} knows nothing of pay_${payment.id} (${payment.external_id}), ` +
        `${payment.status} with ${payment.received_minor} ${payment.currency}`,
    );
  }
  return problems;
}

function comparePayment(
  name: string,
  portal: ConnectedPortal,
  truth: TruePayment,
  payment: BookedPayment | undefined,
): readonly string[] {
  // Some books forget what a voided or deleted payment was; if it was never money to us, that is right.
  const told = isBooks(portal) ? portal.simulated : undefined;
  const forgotten = told?.forgetsVoided && truth.status === 'voided';
  if (!payment) return forgotten ? [] : [`${name} is missing: it is ${truth.status}`];
  const received = truth.status === 'succeeded' ? truth.amountMinor : 0n;
  const said = (value: unknown) => String(value);
  const pairs: [string, unknown, unknown][] = [
    ['status', truth.status, baseOf(payment.status)],
    ['received', received, payment.received_minor],
    ['disputed', truth.disputedMinor, payment.disputed_minor],
    ['lost', truth.lostMinor, payment.lost_minor],
  ];
  // A refund receipt names a customer and no payment, so only the sum of refunds can be compared there.
  if (!told?.unlinkedRefunds) pairs.push(['refunded', truth.refundedMinor, payment.refunded_minor]);
  if (!forgotten) {
    pairs.push(['amount', truth.amountMinor, payment.amount_minor]);
    pairs.push(['currency', truth.currency, payment.currency]);
  }
  if (truth.feeMinor !== null) pairs.push(['fee', truth.feeMinor, payment.fee_minor]);
  return pairs
    .filter(([, wanted, found]) => said(wanted) !== said(found))
    .map(([what, wanted, found]) => `${name}: ${what} is ${wanted}, booked as ${found}`);
}

function baseOf(status: string): string {
  const received = ['succeeded', 'partially_refunded', 'refunded', 'disputed'];
  return received.includes(status) ? 'succeeded' : status;
}

/** Money in less refunds, fees, what disputes withdrew and what was paid out. */
async function compareClearing(
  { db, organizationId }: Books,
  portal: ConnectedPortal,
  { copies }: Told,
): Promise<readonly string[]> {
  const rows = await db.query<{ currency: string; minor: bigint }>(
    sql`select currency, debit_minor - credit_minor as minor from account_balances
        where organization_id = ${organizationId} and account = ${`clearing:${portal.connectionId}`}`,
  );
  const isMoney = (id: string) => !copies.has(`${portal.connectionId} ${id}`);
  const owed = owedBy(portal, isMoney);
  const booked = new MoneyByCurrency();
  for (const { currency, minor } of rows) booked.add(currency, minor);
  const currencies = new Set([...owed, ...booked].map(([currency]) => currency));
  return [...currencies]
    .filter((currency) => owed.of(currency) !== booked.of(currency))
    .map(
      (currency) =>
        `${portal.id} holds ${owed.of(currency)} ${currency} of ours, ` +
        `its clearing account says ${booked.of(currency)}`,
    );
}

async function comparePayouts(
  { db, organizationId }: Books,
  portal: ConnectedPortal,
): Promise<readonly string[]> {
  const rows = await db.query<{ payout: string }>(
    sql`select currency || ' ' || amount_minor as payout from payouts
        where organization_id = ${organizationId} and connection_id = ${portal.connectionId} and posted`,
  );
  const found = rows
    .map(({ payout }) => payout)
    .sort()
    .join(', ');
  const wanted = payoutsOf(portal).join(', ');
  return found === wanted ? [] : [`${portal.id} paid out ${wanted}; booked are ${found}`];
}

/** What we recorded in books is the same money once more: an id of the payment, never a payment. */
function compareRecorded(books: ConnectedBooks, booked: Booked): readonly string[] {
  const times = new Map<bigint, number>();
  const problems: string[] = [];
  for (const { externalId, reference } of books.simulated.recordedPayments()) {
    const payment = booked.byId(books.connectionId, externalId);
    if (!payment) {
      problems.push(`our record ${externalId} (${reference}) in ${books.id} is not recognised`);
    } else if (payment.connection_id === books.connectionId) {
      problems.push(`our record ${externalId} in ${books.id} was booked as pay_${payment.id}`);
    } else times.set(payment.id, (times.get(payment.id) ?? 0) + 1);
  }
  for (const [id, count] of times) {
    if (count > 1) problems.push(`pay_${id} was recorded ${count} times in ${books.id}`);
  }
  return problems;
}

/**
 * What we recorded stands as long as some of its money is here, and no longer. Where it was taken back too soon, by a
 * refund that failed later, somebody must have been asked to enter it anew.
 */
async function compareTakenBack(
  { db, organizationId, books }: Books,
  booked: Booked,
): Promise<readonly string[]> {
  const rows = await db.query<{ key: string; told: string; parked: boolean }>(
    sql`select s.connection_id || ' ' || d.payment_id as key, bool_or(d.state = 'parked') as parked,
          string_agg(concat_ws(' ', d.topic, d.state, d.last_error), '; ' order by d.id) as told
        from deliveries d
        join systems s on s.organization_id = d.organization_id and s.id = d.system_id
        where d.organization_id = ${organizationId} group by 1`,
  );
  const deliveries = new Map(rows.map((row) => [row.key, row]));
  return books.flatMap(({ id, connectionId, simulated }) =>
    simulated.recordedPayments().flatMap(({ externalId, takenBack = false }) => {
      const payment = booked.byId(connectionId, externalId);
      const delivered = deliveries.get(`${connectionId} ${payment?.id}`);
      if (!payment || delivered?.parked) return [];
      const { refunded_minor: refunded, lost_minor: lost, received_minor: received } = payment;
      const gone = refunded + lost >= received;
      if (gone === takenBack) return [];
      const left = `${received - refunded - lost} of ${received} are left`;
      return [
        `pay_${payment.id} in ${id}: ${left}, and its record ${externalId} ${takenBack ? 'is gone' : 'stands'} ` +
          `(${delivered?.told})`,
      ];
    }),
  );
}
