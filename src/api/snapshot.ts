/** Several reads that see one moment of the books. */
import { type Database, type Queryable, sql } from '../db/database.ts';

/** Runs `read` on one snapshot, so that a payment and its allocations never disagree. */
export function readSnapshot<Result>(
  database: Database,
  read: (tx: Queryable) => Promise<Result>,
): Promise<Result> {
  return database.transaction(async (tx) => {
    await tx.execute(sql`set transaction isolation level repeatable read, read only`);
    return read(tx);
  });
}
