/** A portal under load: it sends the notices of a seeded truth and keeps sending what nobody acknowledged. */
import type { SimulatedNotice, SimulatedPortal } from '../../simulators/contract.ts';
import type { Random } from '../../simulators/random.ts';
import { stripe } from '../../src/portals/stripe/index.ts';
import type { ConnectedPortal } from '../simulation/firm.ts';

export type Load = {
  /** Keys of the documents that were acknowledged. */
  readonly acknowledged: ReadonlySet<string>;
  readonly counts: { sent: number; repeated: number; failed: number };
  /** Makes payments and sends their notices until `stop`. */
  run(): Promise<void>;
  stop(): void;
  /** Sends what is left until all of it is acknowledged. */
  finish(): Promise<void>;
};

const SENDERS = 12;
const WAITING_MAX = 400;
const TIMEOUT_MS = 10_000;
const FINISH_MS = 120_000;
const MINUTE_MS = 60_000;

export function openLoad(options: {
  readonly portal: ConnectedPortal;
  readonly random: Random;
  /** The addresses of the servers that run now. */
  readonly urls: () => readonly string[];
}): Load {
  const { portal, random } = options;
  const acknowledged = new Set<string>();
  const delivered: SimulatedNotice[] = [];
  const counts = { sent: 0, repeated: 0, failed: 0 };
  const waiting: SimulatedNotice[] = [];
  let stopped = false;

  const send = async (notice: SimulatedNotice): Promise<boolean> => {
    const urls = options.urls();
    if (urls.length === 0) {
      await pause(20);
      return false;
    }
    const { headers, body } = notice.sign(new Date());
    try {
      const path = `/webhooks/stripe/${portal.connectionId}`;
      const answer = await fetch(`${random.pick(urls)}${path}`, {
        method: 'POST',
        headers,
        body: new Uint8Array(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await answer.arrayBuffer();
      if (!answer.ok) return false;
    } catch {
      return false;
    }
    for (const { key } of stripe.split(body, {})) acknowledged.add(key);
    return true;
  };

  const sender = async (): Promise<void> => {
    while (!stopped) {
      if (waiting.length < WAITING_MAX) waiting.push(...random.shuffle(live(portal, random)));
      if (delivered.length > 0 && random.chance(0.1)) {
        counts.repeated += 1;
        await send(random.pick(delivered));
      }
      await sendNext();
    }
  };

  const sendNext = async (): Promise<void> => {
    const notice = waiting.shift();
    if (!notice) return;
    counts.sent += 1;
    if (await send(notice)) {
      delivered.push(notice);
      return;
    }
    counts.failed += 1;
    waiting.push(notice);
  };

  return {
    acknowledged,
    counts,
    run: async () => {
      stopped = false;
      await Promise.all(Array.from({ length: SENDERS }, sender));
    },
    stop: () => {
      stopped = true;
    },
    finish: async () => {
      const deadline = performance.now() + FINISH_MS;
      waiting.push(...portal.simulated.takeNotices());
      while (waiting.length > 0) {
        if (performance.now() > deadline) throw new Error(`${waiting.length} were not taken`);
        await Promise.all(Array.from({ length: SENDERS }, sendNext));
      }
    },
  };
}

/** One customer's story, all of it now: what matters here is when the server dies, not the order. */
function live(portal: ConnectedPortal, random: Random): readonly SimulatedNotice[] {
  const { simulated } = portal;
  const at = new Date();
  const number = random.between(1, 500);
  const order = {
    amountMinor: BigInt(random.between(100, 500_000)),
    currency: random.pick(['USD', 'USD', 'EUR', 'JPY', 'KWD']),
    customer: {
      externalId: `cus_${number}`,
      name: `Customer ${number}`,
      email: `customer-${number}@example.com`,
    },
    invoiceNumber: `INV-${random.token(8)}`,
  };
  const id = payOrFail(simulated, order, at, random);
  const way = random.between(1, 10);
  if (id !== undefined && way === 1) simulated.refund?.(id, order.amountMinor, at);
  if (id !== undefined && way === 2) {
    const half = order.amountMinor / 2n;
    const refund = simulated.refund?.(id, half, at);
    if (refund !== undefined && random.chance(0.5)) simulated.failRefund?.(refund, at);
  }
  if (id !== undefined && way === 3) {
    const dispute = simulated.dispute?.(id, at) as string;
    if (random.chance(0.6)) {
      const outcome = random.chance(0.5) ? 'won' : 'lost';
      simulated.closeDispute?.(dispute, outcome, new Date(at.getTime() + MINUTE_MS));
    }
  }
  return simulated.takeNotices();
}

/** The id of a payment that succeeded. */
function payOrFail(
  simulated: SimulatedPortal,
  order: Parameters<SimulatedPortal['pay']>[0],
  at: Date,
  random: Random,
): string | undefined {
  if (!simulated.begin || random.chance(0.7)) return simulated.pay(order, at);
  const id = simulated.begin(order, at);
  if (random.chance(0.3)) {
    simulated.fail?.(id, at);
    return undefined;
  }
  simulated.settle?.(id, at);
  return id;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
