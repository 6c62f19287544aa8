/** The firm's bank: what portals paid out stands on its statements, which somebody uploads. */

import { sql } from '../../src/db/database.ts';
import { storeUpload } from '../../src/intake/upload.ts';
import { toDecimalText } from '../../src/money/money.ts';
import { findPortal } from '../../src/portals/index.ts';
import { insist } from './cut-off.ts';
import type { ConnectedPortal, Firm } from './firm.ts';

const DAY_MS = 86_400_000;
/** The connection that takes the statements, and the portal of whose payouts it cannot show any. */
const BANK = 'generic';

/** A payout on a statement. */
export type BankLine = { readonly portal: string; readonly payoutId: string };

export function bankOf(firm: Pick<Firm, 'portals'>): ConnectedPortal | undefined {
  return firm.portals.find(({ id }) => id === BANK);
}

/**
 * Uploads a statement that shows the payout, some days after it; half of them tell by whom and the rest only how much.
 * Statements are often uploaded twice. Undefined when there is nothing to show.
 */
export async function showOnStatement(
  firm: Firm,
  portal: ConnectedPortal,
  paid: { readonly payoutId: string | undefined; readonly at: Date },
): Promise<BankLine | undefined> {
  const { story: random } = firm.random;
  const bank = bankOf(firm);
  const payout = portal.simulated
    .payouts?.()
    .find(({ externalId }) => externalId === paid.payoutId);
  if (!bank || !payout || payout.state !== 'paid' || payout.amountMinor <= 0n) return undefined;
  const definition = findPortal(portal.id);
  const [payer = definition?.name] = definition?.payoutNames ?? [];
  const day = new Date(paid.at.getTime() + random.between(1, 4) * DAY_MS).toISOString();
  const words = random.chance(0.5)
    ? `${payer},"TRANSFER ${payout.externalId}"`
    : `,CREDIT ${random.token(6)}`;
  const amount = toDecimalText({ minor: payout.amountMinor, currency: payout.currency });
  const row = `${day.slice(0, 10)},${amount},${payout.currency},${words}`;
  const body = Buffer.from(`date,amount,currency,payer,description\n${row}\n`);
  const connection = await firm.receiving.connections.find(bank.connectionId);
  if (!connection) throw new Error('the bank is not connected');
  const context = { database: firm.jobs.database, now: firm.clock.look };
  for (let times = random.chance(0.3) ? 2 : 1; times > 0; times -= 1) {
    await insist(() => storeUpload(context, { connection, body, actor: 'simulation' }));
  }
  return { portal: portal.id, payoutId: payout.externalId };
}

/** Every line must be a view of its payout or wait for a person to say so; never money of a customer. */
export async function compareStatement(
  firm: Pick<Firm, 'db' | 'organizationId' | 'portals'>,
  lines: readonly BankLine[],
): Promise<readonly string[]> {
  const bank = bankOf(firm);
  if (!bank) return [];
  const [row] = await firm.db.query<{ views: number; waiting: number }>(
    sql`select (select count(*)::int from payouts where organization_id = ${firm.organizationId}
                  and connection_id = ${bank.connectionId} and mirrors is not null) as views,
               (select count(*)::int from payments where organization_id = ${firm.organizationId}
                  and connection_id = ${bank.connectionId} and suspicion = 'payout') as waiting`,
  );
  const { views = 0, waiting = 0 } = row ?? {};
  if (views + waiting === lines.length) return [];
  const shown = lines.map(({ portal, payoutId }) => `${portal} ${payoutId}`).join(', ');
  return [
    `statements show ${lines.length} payouts (${shown}): ${views} are recognised, ${waiting} wait`,
  ];
}
