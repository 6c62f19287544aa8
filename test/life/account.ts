/** One connection to a simulated portal, as seen through the server's API. */
import assert from 'node:assert/strict';
import type { SimulatedPortal } from '../../simulators/contract.ts';
import type { ConnectionJson } from '../../src/api/json/connection.ts';
import type { DeliveryJson } from '../../src/api/json/delivery.ts';
import type { DocumentJson } from '../../src/api/json/document.ts';
import type { PaymentJson } from '../../src/api/json/payment.ts';
import type { InvoiceJson } from '../../src/api/json/receivable.ts';
import type { Firm } from './firm.ts';

const PATIENCE_MS = 30_000;
const LOOK_MS = 50;
/** After this at the latest a delivery is due again whose sender died. */
const LEASE_MS = 10 * 60_000;

type Page<T> = { readonly data: readonly T[] };

export type Account = {
  readonly id: string;
  /** Delivers what the portal has to tell, to the address that the server names; resolves to how many. */
  tell(): Promise<number>;
  /** Asks for a pull. */
  ask(): Promise<void>;
  /** Waits for the end of a pull. @throws when a person would have to connect it again */
  pulledSince(since: Date): Promise<void>;
  /** Asks for a pull and waits for its end. */
  pull(): Promise<void>;
  connection(): Promise<ConnectionJson>;
  invoice(number: string): Promise<InvoiceJson | undefined>;
  /** Payments of this connection, not counting copies of what came through another one. */
  payments(): Promise<readonly PaymentJson[]>;
  /** The documents that came since, by whatever way. */
  documents(since: Date): Promise<readonly DocumentJson[]>;
  /** The payment that is known under this id, whichever connection it came through. */
  payment(externalId: string): Promise<PaymentJson | undefined>;
  /** The events of a payment under all its ids. */
  trail(paymentId: string): Promise<{ readonly events: readonly { connectionId: string }[] }>;
  /** What is to be recorded here, or taken back, of a payment. */
  deliveries(paymentId: string): Promise<readonly DeliveryJson[]>;
  /** Lets the ten minutes pass after which what a dead server was sending is sent again. */
  leaseEnds(paymentId: string): Promise<void>;
};

export function account(firm: Firm, id: string, simulated: SimulatedPortal): Account {
  const { call } = firm;
  const connection = () => call<ConnectionJson>('GET', `/connections/${id}`);
  const list = async <T>(path: string, query: Readonly<Record<string, string>>) =>
    (await call<Page<T>>('GET', `${path}?${new URLSearchParams(query)}`)).data;
  const deliveries = async (paymentId: string) => {
    const systems = await list<{ id: string; connectionId: string | null }>('/systems', {});
    const own = systems.find(({ connectionId }) => connectionId === id);
    const found = await list<DeliveryJson>('/deliveries', { payment: paymentId });
    return found.filter(({ system }) => system.id === own?.id).reverse();
  };
  const ask = async () => void (await call('POST', `/connections/${id}/sync`));
  const pulledSince = async (since: Date) => {
    await eventually(`${simulated.portal} is pulled`, async () => {
      const { pull, health } = await connection();
      assert.equal(health.reauthorizeSince, null, health.lastError ?? '');
      return pull?.finishedAt && pull.finishedAt > since.toISOString();
    });
  };
  return {
    id,
    connection,
    deliveries,
    tell: async () => {
      const notices = simulated.takeNotices();
      const { webhookUrl } = await connection();
      for (const notice of notices) {
        assert.ok(webhookUrl !== null, `${simulated.portal} tells ${notice.label} to nobody`);
        const { headers, body } = notice.sign(new Date());
        const init = { method: 'POST', headers, body: new Uint8Array(body) };
        const answer = await fetch(webhookUrl, init);
        assert.ok(answer.ok, `${notice.label}: ${answer.status} ${await answer.text()}`);
      }
      return notices.length;
    },
    ask,
    pulledSince,
    pull: async () => {
      const askedAt = new Date();
      await ask();
      await pulledSince(askedAt);
    },
    invoice: async (number) =>
      (await list<InvoiceJson>('/invoices', { number, connection: id }))[0],
    payments: () => list<PaymentJson>('/payments', { connection: id }),
    documents: (since) =>
      list<DocumentJson>('/documents', { connection: id, from: since.toISOString() }),
    payment: async (externalId) => (await list<PaymentJson>('/payments', { externalId }))[0],
    trail: (paymentId) => call('GET', `/payments/${paymentId}/trail`),
    leaseEnds: async (paymentId) => {
      for (const { id: delivery, state, attempts, dueAt } of await deliveries(paymentId)) {
        if (state !== 'waiting' || attempts === 0) continue;
        // By itself it would be sent then; that a person asks for it now only spares the time.
        assert.ok(Date.parse(dueAt) <= Date.now() + LEASE_MS, `${delivery} is due at ${dueAt}`);
        await call('POST', `/deliveries/${delivery}/retry`);
      }
    },
  };
}

/** What `look` finds as soon as it finds anything. @throws with the last it saw, when it does not in time */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | null | false | ''>,
): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
