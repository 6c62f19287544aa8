/** JSON shapes that several resources share. */
import { z } from 'zod';
import { toJsonMoney } from '../../money/money.ts';

export const moneyJson = z
  .object({
    amount: z.string().meta({ description: 'Decimal with exactly the digits of the currency.' }),
    currency: z.string().meta({ description: 'ISO 4217 code.' }),
  })
  .meta({ id: 'Money' });
export type MoneyJson = z.output<typeof moneyJson>;

export const instantJson = z.string().meta({ format: 'date-time' });
export const dayJson = z.string().meta({ format: 'date' });

export const customerSummaryJson = z.object({
  id: z.string().nullable(),
  externalId: z.string().nullable(),
  name: z.string().nullable(),
  email: z.string().nullable(),
});
export type CustomerSummaryJson = z.output<typeof customerSummaryJson>;

export const acceptedJson = z
  .object({ documentId: z.string(), status: z.literal('received') })
  .meta({ id: 'Accepted', description: 'Stored; not applied yet.' });

export function money(minor: bigint, currency: string): MoneyJson {
  return toJsonMoney({ minor, currency });
}

/** Groups children under the id of their parent. */
export function groupBy<Row, Key>(
  rows: readonly Row[],
  keyOf: (row: Row) => Key,
): ReadonlyMap<Key, readonly Row[]> {
  const groups = new Map<Key, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}
