/** Customers and what they owe or have to their credit. */
import { z } from 'zod';
import { type Queryable, type Sql, sql } from '../../db/database.ts';
import { showId } from '../ids.ts';
import { money, moneyJson } from './shapes.ts';

export const customerJson = z
  .object({
    id: z.string(),
    externalId: z.string(),
    connectionId: z.string(),
    portal: z.string(),
    name: z.string().nullable(),
    email: z.string().nullable(),
  })
  .meta({ id: 'Customer' });
export type CustomerJson = z.output<typeof customerJson>;

export const balanceJson = z.object({
  currency: z.string(),
  receivable: moneyJson.meta({ description: 'Owed on registered invoices.' }),
  unapplied: moneyJson.meta({ description: 'Received and not yet applied.' }),
  deposits: moneyJson.meta({ description: 'Applied to work orders that have no invoice yet.' }),
  balance: moneyJson.meta({ description: 'Receivable less unapplied cash and deposits.' }),
});

type CustomerRecord = {
  id: bigint;
  externalId: string;
  connectionId: string;
  portal: string;
  name: string | null;
  email: string | null;
};

/** Reads the customers that meet `condition`, which names the table `u`. */
export async function readCustomers(
  tx: Queryable,
  input: { readonly organizationId: number; readonly condition: Sql; readonly limit: number },
): Promise<readonly { readonly id: bigint; readonly json: CustomerJson }[]> {
  const rows = await tx.query<CustomerRecord>(sql`
    select u.id, u.external_id as "externalId", u.connection_id as "connectionId", c.portal,
      u.name, u.email
    from customers u
    join connections c on c.organization_id = u.organization_id and c.id = u.connection_id
    where u.organization_id = ${input.organizationId} and ${input.condition}
    order by u.id desc
    limit ${input.limit}`);
  return rows.map((row) => ({ id: row.id, json: { ...row, id: showId('customer', row.id) } }));
}

/** A customer's position in each currency, from the accounts that are theirs. */
export async function readBalances(
  tx: Queryable,
  organizationId: number,
  customerId: bigint,
): Promise<readonly z.output<typeof balanceJson>[]> {
  const rows = await tx.query<{
    currency: string;
    receivable: bigint;
    unapplied: bigint;
    deposits: bigint;
  }>(sql`
    select b.currency,
      coalesce(sum(b.debit_minor - b.credit_minor)
        filter (where a.code like 'receivable:%'), 0)::bigint as receivable,
      coalesce(sum(b.credit_minor - b.debit_minor)
        filter (where a.code like 'unapplied-cash:%'), 0)::bigint as unapplied,
      coalesce(sum(b.credit_minor - b.debit_minor)
        filter (where a.code like 'customer-deposit:%'), 0)::bigint as deposits
    from accounts a
    join account_balances b on b.organization_id = a.organization_id and b.account = a.code
    where a.organization_id = ${organizationId} and a.customer_id = ${customerId}
    group by b.currency
    order by b.currency`);
  return rows.map(({ currency, receivable, unapplied, deposits }) => ({
    currency,
    receivable: money(receivable, currency),
    unapplied: money(unapplied, currency),
    deposits: money(deposits, currency),
    balance: money(receivable - unapplied - deposits, currency),
  }));
}
