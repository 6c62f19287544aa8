/** A database that is sometimes cut off, as by a crash: before the commit, or after it and before its answer. */
import type { Random } from '../../simulators/random.ts';
import type { Database } from '../../src/db/database.ts';

export class CutOff extends Error {
  override readonly name = 'CutOff';
}

/** `rate` is the probability that a transaction ends in a `CutOff`, half of them with all its effect. */
export function cutOff(db: Database, random: Random, rate: number): Database {
  return {
    ...db,
    transaction: async (work) => {
      const cut = random.chance(rate);
      const committed = random.chance(0.5);
      const result = await db.transaction(async (tx) => {
        const made = await work(tx);
        if (cut && !committed) throw new CutOff('cut off before the commit');
        return made;
      });
      if (cut) throw new CutOff('cut off after the commit, before its answer');
      return result;
    },
  };
}

/** The same for the single statements by which documents are stored. */
export function cutOffStatements(db: Database, random: Random, rate: number): Database {
  return {
    ...db,
    query: async <Row>(statement: Parameters<Database['query']>[0]) => {
      const cut = random.chance(rate);
      if (cut && random.chance(0.5)) throw new CutOff('cut off before the statement');
      const rows = await db.query<Row>(statement);
      if (cut) throw new CutOff('cut off after the statement, before its answer');
      return rows;
    },
  };
}

/** Runs the work again until it is not cut off, as a restarted process does. */
export async function insist<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
    }
  }
}
