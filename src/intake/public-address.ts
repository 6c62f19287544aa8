/** Where portals reach this installation, told by the nodes that run to the commands that print addresses. */
import { randomUUID } from 'node:crypto';
import { type Database, sql } from '../db/database.ts';

/** Says that a node is reached at `publicUrl`; `withdraw` when it stops. A killed node is outdone by the next. */
export async function announceAddress(
  db: Database,
  publicUrl: string,
): Promise<{ withdraw(): Promise<void> }> {
  const id = randomUUID();
  await db.execute(sql`insert into nodes (id, public_url) values (${id}, ${publicUrl})`);
  return {
    withdraw: async () => {
      await db.execute(sql`delete from nodes where id = ${id}`);
    },
  };
}

/** The address of the node started last; undefined when none has run yet or all have stopped. */
export async function findAddress(db: Database): Promise<string | undefined> {
  const [node] = await db.query<{ public_url: string }>(
    sql`select public_url from nodes order by started_at desc limit 1`,
  );
  return node?.public_url;
}
