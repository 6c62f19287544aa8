/** What the tests of this folder share: a simulated business that is books, a connection to it and its notes. */
import assert from 'node:assert/strict';
import { simulateWave, type WaveSimulatorOptions } from '../../../simulators/wave.ts';
import { type Meddle, readBody, simulatedApi } from '../../../test/support/simulated-api.ts';
import { noteBook } from '../../../test/support/simulated-books.ts';
import type { PaymentToRecord, PortalApi, RecordingNotes } from '../contract.ts';
import { ownMark } from '../kit/own-mark.ts';
import { wave } from './index.ts';
import type { WaveSettings } from './settings.ts';

const BEGAN = new Date('2026-11-12T09:00:00.000Z');

/** Time stands still until a test lets it pass. */
function testClock() {
  let passedMs = 0;
  return {
    now: () => new Date(BEGAN.getTime() + passedMs),
    pass: (minutes: number) => {
      passedMs += minutes * 60_000;
    },
  };
}

/** A business connected as the engine connects one; `meddle` stands between us and each answer. */
export async function connect(
  options: Partial<WaveSimulatorOptions> & {
    readonly change?: Readonly<Record<string, unknown>>;
    readonly meddle?: Meddle;
  } = {},
) {
  const { meddle, change, ...simulated } = options;
  const business = await simulateWave({ seed: 11, role: 'books', ...simulated });
  const clock = testClock();
  const opened = simulatedApi(business, {
    now: clock.now,
    ...(change ? { change } : {}),
    ...(meddle ? { meddle } : {}),
  });
  const notes = noteBook(clock.now);
  const settings = opened.settings as WaveSettings;
  const connection = { ...opened, business, clock, notes, settings };
  return {
    ...connection,
    ...puller(connection),
    /** Records a payment as one attempt of the engine does. */
    record: (
      payment: PaymentToRecord,
      through: { readonly api?: PortalApi; readonly notes?: RecordingNotes } = {},
    ) =>
      books.recordPayment(through.api ?? opened.api, payment, {
        settings,
        idempotencyKey: payment.mark,
        notes: through.notes ?? notes.of(payment.paymentId),
      }),
    [Symbol.asyncDispose]: () => business.close(),
  };
}
export type Connection = Awaited<ReturnType<typeof connect>>;

const books = wave.books ?? assert.fail('no books');

/** Pulls as the engine does, its cursor stored as JSON, and keeps what is said of each payment. */
function puller({
  api,
  settings,
  notes,
  clock,
}: {
  readonly api: PortalApi;
  readonly settings: WaveSettings;
  readonly notes: ReturnType<typeof noteBook>;
  readonly clock: ReturnType<typeof testClock>;
}) {
  const pull = wave.pull ?? assert.fail('no pull');
  const stored = new Set<string>();
  const payments = new Map<string, { revision: number; text: string }>();
  const setAside: string[] = [];
  let cursor: unknown = pull.start(new Date(BEGAN.getTime() - 86_400_000));
  const read = (body: Buffer): void => {
    for (const part of wave.split(body, {})) {
      if (stored.has(part.key)) continue;
      stored.add(part.key);
      try {
        readBody({ id: 'wave', body: part.body, settings }, clock.now()).events.forEach(keep);
      } catch (error) {
        setAside.push((error as Error).message);
      }
    }
  };
  const keep = (event: ReturnType<typeof readBody>['events'][number]): void => {
    const { externalPaymentId, revision = 0, type, amountMinor, currency } = event;
    if (externalPaymentId === null) return;
    if ((payments.get(externalPaymentId)?.revision ?? -1) > revision) return;
    const text = type === 'payment.voided' ? 'voided' : `${amountMinor} ${currency}`;
    payments.set(externalPaymentId, { revision, text });
  };
  return {
    /** What is money to us, by the number of the payment on its invoice. */
    async pull(): Promise<readonly string[]> {
      for (let more = true; more; ) {
        const context = { settings, now: clock.now(), recordings: notes.about };
        const page = await pull.page(api, cursor, context);
        page.bodies.forEach(read);
        cursor = JSON.parse(JSON.stringify(page.next));
        more = page.more;
      }
      return [...payments].map(([id, { text }]) => `${id.split('#')[1]}: ${text}`);
    },
    setAside,
    forgetCursor: () => {
      cursor = pull.start(new Date(BEGAN.getTime() - 86_400_000));
    },
  };
}

/** A payment of a card that pays these invoices. */
export function ours(
  shares: PaymentToRecord['invoices'],
  more: { readonly number?: number; readonly currency?: string } = {},
): PaymentToRecord {
  const { number = 12, currency = 'USD' } = more;
  const paymentId = `pay_${number}`;
  return {
    paymentId,
    mark: ownMark({ installation: 'ab12cd', paymentId }),
    customerExternalId: 'not looked at',
    from: { portal: 'stripe', externalId: `pi_${number}` },
    amountMinor: shares.reduce((sum, { amountMinor }) => sum + amountMinor, 0n),
    currency,
    receivedOn: '2026-11-12',
    method: 'card',
    memo: `stripe pi_${number}`,
    invoices: shares,
  };
}
