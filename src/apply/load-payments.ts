/** Loads payments, what went back of them, their payouts, and everything they may be the same money as. */
import { empty, join, type Queryable, raw, type Sql, sql } from '../db/database.ts';
import { selectRows } from '../db/table.ts';
import type { Reference } from '../portals/events.ts';
import type { Books } from './books.ts';
import {
  type ElsewhereRow,
  elsewhereTable,
  type IdentityRow,
  identitiesTable,
} from './identity-rows.ts';
import { payoutsTable } from './payout-rows.ts';
import {
  disputesTable,
  type PaymentRow,
  paymentsTable,
  refundsTable,
  suspectedPayment,
} from './rows.ts';
import { type Moment, Pairs, type Wanted } from './wanted.ts';

export type Load = {
  readonly tx: Queryable;
  readonly books: Books;
  readonly wanted: Wanted;
  readonly organizationId: number;
};

export function inPairs(connection: string, external: string, pairs: Pairs): Sql {
  return sql`(${raw(`${connection}, ${external}`)}) in (select * from unnest(${pairs.connectionIds}::text[], ${pairs.externalIds}::text[]))`;
}

/**
 * The rows that meet any of the conditions, each of which goes by its own index: joined by "or" they would make
 * PostgreSQL read the whole table.
 */
export function byAnyOf(
  table: { readonly name: string },
  organizationId: number,
  conditions: readonly (Sql | undefined)[],
): Sql | undefined {
  const ways = conditions
    .filter((condition) => condition !== undefined)
    .map(
      (condition) =>
        sql`select row.id from ${raw(table.name)} row
            where row.organization_id = ${organizationId} and ${condition}`,
    );
  return ways.length === 0 ? undefined : sql`row.id = any(array(${join(ways, ' union ')}))`;
}

export function ids(values: Iterable<bigint>): bigint[] {
  return [...new Set(values)];
}

/** What documents called by the ids of this batch, and the payments that were. */
export async function loadElsewhere(load: Load): Promise<void> {
  const { wanted } = load;
  if (wanted.elsewhere.size === 0) return;
  const rows = await loadNames(load, sql`row.external_id = any(${[...wanted.elsewhere]}::text[])`);
  for (const { paymentId } of rows) wanted.paymentIds.add(paymentId);
}

/** Everything that the payments at hand are called elsewhere. */
export async function loadNamesOfPayments(load: Load): Promise<void> {
  const paymentIds = [...load.books.payments.all()].map(({ id }) => id);
  if (paymentIds.length === 0) return;
  await loadNames(load, sql`row.payment_id = any(${paymentIds}::bigint[])`);
}

async function loadNames(
  { tx, books, organizationId }: Load,
  condition: Sql,
): Promise<readonly ElsewhereRow[]> {
  const rows = await selectRows(tx, elsewhereTable, organizationId, condition);
  for (const row of rows) books.elsewhere.load(row);
  return rows;
}

/**
 * Payments that wait because they may be the same money as one of these; credits that nobody could explain, which may
 * turn out to be payouts or what the books show; and what the books or a gateway show of such amounts in those days.
 */
export async function loadSuspects(load: Load): Promise<void> {
  const { tx, books, wanted, organizationId } = load;
  const subjects = [...books.payments.all()].map(({ id }) => `pay_${id}`);
  const unexplained = ids([...wanted.payoutAmounts, ...wanted.unappliedAmounts]);
  const entered = hasBooks(books) ? wanted.entered : [];
  const ways: Sql[] = [];
  if (subjects.length > 0) {
    ways.push(sql`select id from payments where organization_id = ${organizationId}
      and suspect = any(${subjects}::text[])`);
  }
  if (unexplained.length > 0) {
    ways.push(sql`select id from payments where organization_id = ${organizationId} and customer_id is null
      and unapplied_minor = any(${unexplained}::bigint[])`);
  }
  if (entered.length > 0) {
    ways.push(sql`select row.id from payments row, ${momentsOf(entered, ENTERED_DAYS)}
      where row.organization_id = ${organizationId} and row.entered and ${isThen('occurred_at')}`);
  }
  if (wanted.taken.length > 0) {
    ways.push(sql`select row.id from payments row, ${momentsOf(wanted.taken, TAKEN_DAYS)}
      where row.organization_id = ${organizationId} and ${isThen('occurred_at')}`);
  }
  if (ways.length === 0) return;
  const rows = await tx.query<{ id: bigint }>(join(ways, ' union '));
  await loadPaymentsById(
    load,
    rows.map(({ id }) => id),
  );
}

/** Days around a moment to look at: more than the rules allow, as a later document may shift the moment. */
const ENTERED_DAYS = 60;
const TAKEN_DAYS = 4;

function hasBooks({ organization }: Books): boolean {
  return [...organization.connections.values()].some(({ role }) => role === 'books');
}

function momentsOf(moments: readonly Moment[], days: number): Sql {
  return sql`(select distinct amount, at - make_interval(days => ${days}) as earliest,
      at + make_interval(days => ${days}) as latest
    from unnest(${moments.map(({ amountMinor }) => amountMinor)}::bigint[],
      ${moments.map(({ occurredAt }) => occurredAt)}::timestamptz[]) as told (amount, at)) moment`;
}

function isThen(column: 'occurred_at' | 'succeeded_at'): Sql {
  return sql`row.amount_minor = moment.amount and row.${raw(column)} between moment.earliest and moment.latest`;
}

export async function loadIdentities({ tx, books, wanted, organizationId }: Load): Promise<void> {
  const kinds: string[] = [];
  const connections: string[] = [];
  const externals: string[] = [];
  for (const [kind, of] of [
    ['payment', wanted.payments],
    ['customer', wanted.customers],
    ['invoice', wanted.invoices],
  ] as const) {
    of.externalIds.forEach((externalId, index) => {
      kinds.push(kind);
      connections.push(of.connectionIds[index] as string);
      externals.push(externalId);
    });
  }
  if (kinds.length === 0) return;
  addIdentities(
    books,
    await selectRows(
      tx,
      identitiesTable,
      organizationId,
      sql`(row.kind, row.connection_id, row.external_id) in
          (select * from unnest(${kinds}::text[], ${connections}::text[], ${externals}::text[]))`,
    ),
  );
}

function addIdentities(books: Books, rows: readonly IdentityRow[]): void {
  for (const row of rows) books.identities.load(row);
}

export function identitiesOf(books: Books, kind: IdentityRow['kind']): readonly bigint[] {
  return [...books.identities.all()].filter((row) => row.kind === kind).map((row) => row.entityId);
}

/** As a union, so that each way of knowing a payment uses its own index. */
function paymentsDirectly(wanted: Wanted): readonly Sql[] {
  const ways: Sql[] = [];
  if (wanted.payments.size > 0) {
    ways.push(sql`select id from payments p where p.organization_id = row.organization_id
      and ${inPairs('p.connection_id', 'p.external_id', wanted.payments)}`);
  }
  if (wanted.payers.length > 0) {
    const twin = wanted.twins ? empty : sql`and p.provisional`;
    ways.push(sql`select id from payments p where p.organization_id = row.organization_id ${twin}
      and (p.connection_id, p.payer_key, p.amount_minor) in (select * from unnest(
        ${wanted.payers.map((payer) => payer.connectionId)}::text[],
        ${wanted.payers.map((payer) => payer.payerKey)}::text[],
        ${wanted.payers.map((payer) => payer.amountMinor)}::bigint[]))`);
  }
  if (wanted.allocationIds.size > 0) {
    ways.push(sql`select payment_id as id from allocations a where a.organization_id = row.organization_id
      and a.id = any(${ids(wanted.allocationIds)}::bigint[])`);
  }
  return ways;
}

/** Payments that the batch names, by any id of theirs or by their payer. */
export async function loadPayments(load: Load): Promise<void> {
  const { books, wanted, organizationId } = load;
  const ways = paymentsDirectly(wanted);
  const known = ids([...wanted.paymentIds, ...identitiesOf(books, 'payment')]);
  const found: bigint[] = known;
  if (ways.length > 0) {
    const rows = await load.tx.query<{ id: bigint }>(
      sql`select found.id from (values (${organizationId}::integer)) row (organization_id),
          lateral (${join(ways, ' union ')}) found`,
    );
    found.push(...rows.map((row) => row.id));
  }
  await loadPaymentsById(load, found);
}

export async function loadPaymentsById(
  { tx, books, organizationId }: Load,
  wantedIds: readonly bigint[],
): Promise<void> {
  let missing = ids(wantedIds).filter((id) => !books.payments.get(id));
  // A payment that gave way to another, or may be another, brings that one along; such links are one step long.
  for (let step = 0; step < 2 && missing.length > 0; step += 1) {
    const rows = await selectRows(
      tx,
      paymentsTable,
      organizationId,
      sql`row.id = any(${missing}::bigint[])`,
    );
    books.payments.load(rows.map(readPayment));
    missing = rows
      .flatMap((row) => [row.mirrors ?? [], suspectedPayment(row) ?? []].flat())
      .filter((id) => !books.payments.get(id));
  }
}

/** JSON has no bigint: amounts inside the references come back as integers. */
function readPayment(row: PaymentRow): PaymentRow {
  row.references = row.references.map(
    (reference): Reference =>
      reference.amountMinor === undefined
        ? reference
        : { ...reference, amountMinor: BigInt(reference.amountMinor) },
  );
  return row;
}

export async function loadReversals({ tx, books, wanted, organizationId }: Load): Promise<void> {
  const paymentIds = [...books.payments.all()].map((row) => row.id);
  // What waits names a payment by the id it has now, which need not be the one that a document names.
  const awaited = new Pairs();
  for (const payment of books.payments.all()) awaited.add(payment.connectionId, payment.externalId);
  wanted.payments.connectionIds.forEach((connectionId, index) => {
    awaited.add(connectionId, wanted.payments.externalIds[index]);
  });
  for (const [table, shelf, pairs] of [
    [refundsTable, books.refunds, wanted.refunds],
    [disputesTable, books.disputes, wanted.disputes],
  ] as const) {
    const condition = byAnyOf(table, organizationId, [
      pairs.size > 0 ? inPairs('row.connection_id', 'row.external_id', pairs) : undefined,
      table === refundsTable && hasBooks(books) && wanted.refundMoments.length > 0
        ? sql`exists (select from ${momentsOf(wanted.refundMoments, ENTERED_DAYS)} where ${isThen('succeeded_at')})`
        : undefined,
      awaited.size > 0
        ? sql`(row.payment_id is null and ${inPairs('row.connection_id', 'row.payment_external_id', awaited)})`
        : undefined,
      paymentIds.length > 0 ? sql`row.payment_id = any(${paymentIds}::bigint[])` : undefined,
      table === refundsTable && wanted.refundIds.size > 0
        ? sql`row.id = any(${ids(wanted.refundIds)}::bigint[])`
        : undefined,
    ]);
    if (!condition) continue;
    const rows = await selectRows(tx, table as typeof refundsTable, organizationId, condition);
    (shelf as typeof books.refunds).load(rows);
  }
  await loadPaymentsById(
    { tx, books, wanted, organizationId },
    [...books.refunds.all(), ...books.disputes.all()].flatMap((row) => row.paymentId ?? []),
  );
}

/** Unapplied cash of the batch's customers that a shop or the books may show without saying which payment it is. */
export async function loadUnappliedOfCustomers(load: Load): Promise<readonly PaymentRow[]> {
  const { tx, books, wanted, organizationId } = load;
  if (wanted.unappliedAmounts.size === 0) return [];
  const known = new Set([...books.payments.all()].map(({ id }) => id));
  const rows = await tx.query<{ id: bigint }>(
    sql`select id from payments where organization_id = ${organizationId}
          and customer_id = any(${[...books.customers.all()].map(({ id }) => id)}::bigint[])
          and unapplied_minor = any(${ids(wanted.unappliedAmounts)}::bigint[])`,
  );
  await loadPaymentsById(
    load,
    rows.map(({ id }) => id),
  );
  return [...books.payments.all()].filter(({ id }) => !known.has(id));
}

/** Payouts that are named, and those of an amount that a bank statement or the books may show. */
export async function loadPayouts({ tx, books, wanted, organizationId }: Load): Promise<void> {
  const amounts = ids([...wanted.payoutAmounts, ...wanted.bankAmounts]);
  const condition = byAnyOf(payoutsTable, organizationId, [
    wanted.payouts.size > 0
      ? inPairs('row.connection_id', 'row.external_id', wanted.payouts)
      : undefined,
    amounts.length > 0 ? sql`row.amount_minor = any(${amounts}::bigint[])` : undefined,
  ]);
  if (condition) books.payouts.load(await selectRows(tx, payoutsTable, organizationId, condition));
}

/** Which payments have a further id already: needed only where twins are possible. */
export async function loadTwins({ tx, books, wanted, organizationId }: Load): Promise<void> {
  const payments = [...books.payments.all()];
  const connections = new Set(payments.map(({ connectionId }) => connectionId));
  for (const id of wanted.connectionIds) connections.add(id);
  const alone = connections.size < 2 && !wanted.twins && !payments.some((row) => row.provisional);
  if (alone || payments.length === 0) return;
  const condition = sql`row.kind = 'payment' and row.entity_id = any(${payments.map((row) => row.id)}::bigint[])`;
  addIdentities(books, await selectRows(tx, identitiesTable, organizationId, condition));
}
