/** A simulated Authorize.Net: signed webhooks of what merchants do, and an API that alone knows the rest. */
import { createHmac } from 'node:crypto';
import { answerAuthorizeNet, TOO_MANY } from './authorize-net-api.ts';
import {
  type Adjustment,
  CURRENCY,
  decimal,
  netOf,
  settleBatch,
  type Transaction,
  type World,
} from './authorize-net-world.ts';
import type {
  SimulatedNotice,
  SimulatedOrder,
  SimulatedPortal,
  SimulatorOptions,
  TruePayment,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { type Random, seededRandom } from './random.ts';

/** A merchant may name a charge by a reference of at most so many characters. */
const MOST_REFERENCE = 20;
/** Banks return a debit later than the second in which it was made. */
const RETURN_DELAY_MS = 60_000;

/** Starts the gateway on loopback; the same seed and calls tell the same story. */
export async function simulateAuthorizeNet(options: SimulatorOptions): Promise<SimulatedPortal> {
  const random = seededRandom(options.seed ^ 0xa7e7);
  const world: World = {
    apiLoginId: random.token(10),
    transactionKey: random.token(16),
    signatureKey: hex(random, 128).toUpperCase(),
    transactions: [],
    batches: [],
    adjustments: [],
  };
  const server = await serveFaulty((request) => answerAuthorizeNet(world, request), {
    // A generator of its own: how often the API is called must not change the story.
    random: seededRandom(options.seed ^ 0xfa17),
    faultRate: options.faultRate ?? 0,
    tooMany: TOO_MANY,
  });
  const notices: SimulatedNotice[] = [];
  const acts = newActs(world, random, notices);
  return {
    portal: 'authorize-net',
    role: 'source',
    settings: {
      currency: CURRENCY,
      signatureKey: world.signatureKey,
      apiLoginId: world.apiLoginId,
      transactionKey: world.transactionKey,
      payouts: 'batches',
      apiBaseUrl: server.baseUrl,
    },
    voidsPaid: true,
    currencies: [CURRENCY],
    ...payments(acts),
    ...reversals(acts),
    payout: (at) => payOut(acts, at),
    takeNotices: () => notices.splice(0),
    truth: () =>
      world.transactions
        .filter(({ type }) => type !== 'refundTransaction')
        .map((one) => trueOf(world, one)),
    payouts: () =>
      world.batches
        .filter((batch) => netOf(batch) !== 0n)
        .map((batch) => ({
          externalId: batch.batchId,
          amountMinor: netOf(batch),
          currency: CURRENCY,
          state: 'paid',
        })),
    requestCount: server.requestCount,
    close: server.close,
  };
}

type Acts = {
  readonly world: World;
  readonly random: Random;
  newId(): string;
  find(transId: string, ...statuses: readonly string[]): Transaction;
  add(
    one: Pick<Transaction, 'type' | 'order' | 'status'> & Partial<Transaction>,
    at: Date,
  ): Transaction;
  /** Queues the notification of `net.authorize.payment.<type>`. */
  tell(type: string, one: Transaction, at: Date): void;
};

function newActs(world: World, random: Random, notices: SimulatedNotice[]): Acts {
  let lastId = 60_020_900_000 + random.between(0, 99_999);
  const newId = () => {
    lastId += random.between(1, 9);
    return String(lastId);
  };
  return {
    world,
    random,
    newId,
    find(transId, ...statuses) {
      const found = world.transactions.find((one) => one.transId === transId);
      if (!found || (statuses.length > 0 && !statuses.includes(found.status))) {
        throw new RangeError(`${transId} is ${found?.status ?? 'unknown'}, not ${statuses}`);
      }
      return found;
    },
    add(one, at) {
      const made: Transaction = {
        transId: newId(),
        paidBy: 'creditCard',
        submittedAt: at,
        amountMinor: one.order.amountMinor,
        refTransId: null,
        held: false,
        returnedAt: null,
        batch: null,
        ...one,
      };
      world.transactions.push(made);
      return made;
    },
    tell(type, one, at) {
      const label = `${type} ${one.transId}`;
      const body = () => notification(random, { type, one, at });
      notices.push(signedNotice(label, body(), world.signatureKey));
      // Two webhooks registered for the same address tell everything twice, under two ids.
      if (random.chance(0.1)) notices.push(signedNotice(label, body(), world.signatureKey));
    },
  };
}

type Payments = Required<
  Pick<SimulatedPortal, 'pay' | 'begin' | 'settle' | 'fail' | 'authorize' | 'capture' | 'void'>
>;

function payments({ world, random, find, add, tell }: Acts): Payments {
  const charge = (order: SimulatedOrder, paidBy: Transaction['paidBy'], at: Date): string => {
    const status = 'capturedPendingSettlement';
    const made = add({ type: 'authCaptureTransaction', order, status, paidBy }, at);
    tell('authcapture.created', made, at);
    return made.transId;
  };
  return {
    pay: (order, at) => charge(order, random.chance(0.25) ? 'eCheck' : 'creditCard', at),
    // An eCheck counts as captured until it comes back; a card is kept by the fraud filters.
    begin(order, at) {
      if (random.chance(0.5)) return charge(order, 'eCheck', at);
      const status = 'FDSAuthorizedPendingReview';
      const made = add({ type: 'authCaptureTransaction', order, status, held: true }, at);
      const types = ['authcapture.created', 'fraud.held'];
      for (const type of random.shuffle(types)) tell(type, made, at);
      return made.transId;
    },
    settle(paymentId, at) {
      const one = find(paymentId);
      if (one.paidBy === 'eCheck') return;
      find(paymentId, 'FDSAuthorizedPendingReview').status = 'capturedPendingSettlement';
      tell('fraud.approved', one, at);
    },
    fail(paymentId, at) {
      const one = find(paymentId);
      if (one.paidBy === 'eCheck') {
        // No webhook tells of it.
        find(paymentId, ...PAID).status = 'returnedItem';
        one.returnedAt = new Date(at.getTime() + RETURN_DELAY_MS);
        world.adjustments.push({ transaction: one, what: 'returned' });
        return;
      }
      find(paymentId, 'FDSAuthorizedPendingReview').status = 'declined';
      tell('fraud.declined', one, at);
    },
    authorize(order, at) {
      const status = 'authorizedPendingCapture';
      const made = add({ type: 'authOnlyTransaction', order, status }, at);
      tell('authorization.created', made, at);
      return made.transId;
    },
    capture(paymentId, at) {
      const one = find(paymentId, 'authorizedPendingCapture');
      one.status = 'capturedPendingSettlement';
      tell('priorAuthCapture.created', one, at);
    },
    void(paymentId, at) {
      const one = find(paymentId);
      // What is settled can only be refunded: the merchant is refused, and nothing happens.
      if (!['authorizedPendingCapture', 'capturedPendingSettlement'].includes(one.status)) return;
      one.status = 'voided';
      tell('void.created', one, at);
    },
  };
}

type Reversals = Required<
  Pick<SimulatedPortal, 'refund' | 'failRefund' | 'dispute' | 'closeDispute'>
>;

const PAID: readonly string[] = ['capturedPendingSettlement', 'settledSuccessfully'];

function reversals({ world, find, add, tell }: Acts): Reversals {
  const adjust = (transaction: Transaction, what: Adjustment['what']) => {
    world.adjustments.push({ transaction, what });
  };
  return {
    // The real gateway would have the merchant wait until the charge is settled.
    refund(paymentId, amountMinor, at) {
      const paid = find(paymentId, ...PAID);
      if (amountMinor <= 0n || refunded(world, paid) + amountMinor > paid.amountMinor) {
        throw new RangeError(`${paymentId} cannot give back ${amountMinor}`);
      }
      const { order, paidBy } = paid;
      const status = 'refundPendingSettlement';
      const more = { paidBy, amountMinor, refTransId: paymentId };
      const made = add({ type: 'refundTransaction', order, status, ...more }, at);
      tell('refund.created', made, at);
      return made.transId;
    },
    /** Before settlement the merchant voids it, which a webhook tells; after it the bank returns it. */
    failRefund(refundId, at) {
      const refund = find(refundId, 'refundPendingSettlement', 'refundSettledSuccessfully');
      if (refund.status === 'refundPendingSettlement') {
        refund.status = 'voided';
        return tell('void.created', refund, at);
      }
      refund.status = 'returnedItem';
      refund.returnedAt = new Date(at.getTime() + RETURN_DELAY_MS);
      adjust(refund, 'returned');
    },
    dispute(paymentId) {
      const paid = find(paymentId, ...PAID);
      paid.status = 'chargeback';
      adjust(paid, 'chargeback');
      return paymentId;
    },
    // A lost chargeback is never told: the money stays withdrawn, and that is all.
    closeDispute(disputeId, outcome) {
      const disputed = find(disputeId, 'chargeback');
      if (outcome === 'lost') return;
      disputed.status = 'chargebackReversal';
      adjust(disputed, 'reversal');
    },
  };
}

/** One batch for cards and one for eChecks, at the end of the merchant's day. */
function payOut({ world, newId }: Acts, at: Date): string | undefined {
  const batches = (['creditCard', 'eCheck'] as const).flatMap(
    (paidBy) => settleBatch(world, { batchId: newId(), paidBy, at }) ?? [],
  );
  return batches.find((batch) => netOf(batch) !== 0n)?.batchId;
}

function refunded({ transactions }: World, { transId }: Transaction): bigint {
  return transactions
    .filter(({ refTransId, status }) => refTransId === transId && status.startsWith('refund'))
    .reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
}

const TRUE_STATUS: Readonly<Record<string, TruePayment['status']>> = {
  capturedPendingSettlement: 'succeeded',
  settledSuccessfully: 'succeeded',
  chargeback: 'succeeded',
  chargebackReversal: 'succeeded',
  authorizedPendingCapture: 'authorized',
  FDSAuthorizedPendingReview: 'pending',
  declined: 'failed',
  returnedItem: 'failed',
  voided: 'voided',
};

function trueOf(world: World, one: Transaction): TruePayment {
  return {
    externalId: one.transId,
    status: TRUE_STATUS[one.status] as TruePayment['status'],
    amountMinor: one.amountMinor,
    currency: CURRENCY,
    refundedMinor: refunded(world, one),
    disputedMinor: one.status === 'chargeback' ? one.amountMinor : 0n,
    lostMinor: 0n,
    feeMinor: null,
  };
}

/** As the service writes it: seven digits of a second, amounts with a point, and often no invoice number. */
function notification(
  random: Random,
  { type, one, at }: { readonly type: string; readonly one: Transaction; readonly at: Date },
): Buffer {
  const { invoiceNumber, workOrder } = one.order;
  const isCharge = one.type !== 'refundTransaction';
  const named = invoiceNumber !== undefined && random.chance(0.7);
  const referred = isCharge && workOrder !== undefined && workOrder.length <= MOST_REFERENCE;
  return Buffer.from(
    JSON.stringify({
      notificationId: uuid(random),
      eventType: `net.authorize.payment.${type}`,
      eventDate: at.toISOString().replace('Z', `${random.between(1000, 9999)}Z`),
      webhookId: uuid(random),
      payload: {
        responseCode: one.held && type !== 'fraud.approved' ? 4 : 1,
        authCode: isCharge && one.paidBy === 'creditCard' ? 'LZ6I19' : '',
        avsResponse: isCharge ? 'Y' : 'P',
        authAmount: decimal(one.amountMinor),
        ...(one.held ? { fraudList: [{ fraudFilter: 'AmountFilter', fraudAction: 'hold' }] } : {}),
        ...(referred ? { merchantReferenceId: workOrder } : {}),
        ...(named ? { invoiceNumber } : {}),
        entityName: 'transaction',
        id: one.transId,
      },
    }),
  );
}

/**
 * Every attempt is signed alike: the signature covers no time. Somebody without the key may take a signature for
 * another body, or one made as if the key were hexadecimal.
 */
function signedNotice(label: string, body: Buffer, signatureKey: string): SimulatedNotice {
  const proof = (key: string | Buffer) =>
    `sha512=${createHmac('sha512', key).update(body).digest('hex').toUpperCase()}`;
  const delivery = (signature: string, sent: Buffer) => ({
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'x-anet-signature': signature,
    },
    body: sent,
  });
  const grown = Buffer.from(body.toString().replace(/"authAmount":/, '"authAmount":1'));
  return {
    label,
    sign: () => delivery(proof(signatureKey), body),
    forge: (now) =>
      now.getTime() % 2000 < 1000
        ? delivery(proof(signatureKey), grown)
        : delivery(proof(Buffer.from(signatureKey, 'hex')), body),
  };
}

function hex(random: Random, length: number): string {
  return Array.from({ length }, () => random.between(0, 15).toString(16)).join('');
}

function uuid(random: Random): string {
  const parts = [8, 4, 4, 4, 12].map((length) => hex(random, length));
  return parts.join('-');
}
