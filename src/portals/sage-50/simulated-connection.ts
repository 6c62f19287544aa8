/** What the tests of this folder share: a simulated Sage 50 and a connection to it. */
import assert from 'node:assert/strict';
import {
  type Sage50Simulator,
  type Sage50SimulatorOptions,
  simulateSage50,
} from '../../../simulators/sage-50.ts';
import { type Meddle, readBody, simulatedApi } from '../../../test/support/simulated-api.ts';
import { fillBooks } from '../../../test/support/simulated-books.ts';
import type { PaymentToRecord } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { sage50 } from './index.ts';
import type { Cursor } from './pull.ts';
import type { Sage50Settings } from './settings.ts';

export { cheque } from '../../../test/support/simulated-books.ts';

export const NOW = new Date('2026-11-03T16:00:00.000Z');
export const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);
export const days = (count: number) => minutes(count * 24 * 60);

/** A simulated Sage 50, connected as the engine connects one; `meddle` stands between us and each answer. */
export async function connect(
  options: Partial<Sage50SimulatorOptions> & {
    readonly meddle?: Meddle;
    readonly change?: Readonly<Record<string, unknown>>;
  } = {},
) {
  const { meddle, change, ...simulated } = options;
  const sage = await simulateSage50({ seed: 7, ...simulated });
  const opened = simulatedApi(sage, {
    now: () => NOW,
    ...(meddle ? { meddle } : {}),
    ...(change ? { change } : {}),
  });
  const { api, calls } = opened;
  const settings = opened.settings as Sage50Settings;
  return { sage, settings, api, calls, [Symbol.asyncDispose]: () => sage.close() };
}
export type Connection = Awaited<ReturnType<typeof connect>>;

/** Pulls until the round is over; documents that were there before tell nothing again, as in the engine. */
export async function pullRound(
  { api, settings }: Pick<Connection, 'api' | 'settings'>,
  given: {
    readonly cursor?: Cursor;
    readonly at: Date;
    readonly stored?: Set<string>;
    readonly from?: Date;
  },
) {
  const { at, stored = new Set<string>(), from = days(-5) } = given;
  const { pull } = sage50;
  assert.ok(pull);
  let cursor: unknown = given.cursor ?? pull.start(from);
  const events: CanonicalEvent[] = [];
  for (let pages = 1; ; pages += 1) {
    const page = await pull.page(api, cursor, { settings, now: at });
    for (const { key, body } of page.bodies.flatMap((one) => sage50.split(one, {}))) {
      if (stored.has(key)) continue;
      stored.add(key);
      events.push(...readBody({ id: 'sage-50', body, settings }, NOW).events);
    }
    cursor = JSON.parse(JSON.stringify(page.next));
    if (!page.more) return { events, cursor: cursor as Cursor, stored, pages };
  }
}

export const fill = (sage: Sage50Simulator, currency = 'USD') =>
  fillBooks(sage, { at: NOW, number: '10421', currency });

/** 452.50 of ours, by card, for an invoice. */
export function ours(
  customerExternalId: string,
  invoice: string,
  more: Partial<PaymentToRecord> = {},
): PaymentToRecord {
  return {
    paymentId: 'pay_12',
    from: { portal: 'stripe', externalId: 'pi_12' },
    mark: 'CV-ab12cd-pay_12',
    customerExternalId,
    amountMinor: 45250n,
    currency: 'USD',
    receivedOn: '2026-11-03',
    method: 'card',
    memo: 'stripe pi_12',
    invoices: [{ externalId: invoice, number: '10421', amountMinor: 45250n }],
    ...more,
  };
}

/** Money and invoices among events, each as `type id amount`. */
export function told(events: readonly CanonicalEvent[]): readonly string[] {
  return events
    .filter(({ type }) => type !== 'customer.upserted')
    .map((event) => {
      const id = event.externalPaymentId ?? event.refundId ?? event.invoice?.externalId;
      return `${event.type} ${id?.replace(/^SIM-\d+:/, '')} ${event.amountMinor}`;
    });
}
