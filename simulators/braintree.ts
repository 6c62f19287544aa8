/** A simulated Braintree: few notices, a GraphQL API that tells the rest, and its own truth. */
import {
  answerBraintree,
  type BraintreeWorld,
  failure,
  feeOf,
  type Instrument,
  type SimulatedTransaction,
  type Status,
  stateOf,
} from './braintree-api.ts';
import { GraphqlError } from './braintree-graphql.ts';
import {
  disbursementXml,
  disputeXml,
  minimalXml,
  noticeWriter,
  type Tell,
  transactionXml,
} from './braintree-notices.ts';
import type {
  SimulatedNotice,
  SimulatedOrder,
  SimulatedPortal,
  SimulatorOptions,
  TruePayment,
  TruePayout,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { type Random, seededRandom } from './random.ts';

const INSTANT: readonly Instrument[] = ['credit_card', 'apple_pay_card', 'paypal_account'];

export type BraintreeSimulatorOptions = SimulatorOptions & {
  /**
   * Pays out. Disbursements are told by a notice and by nothing else, so it is delivered until it is
   * acknowledged.
   */
  readonly payouts?: boolean;
  /** How notices of transactions are written; the seed chooses when absent. */
  readonly bodies?: 'whole' | 'minimal';
  /** Every payment that reaches the bank is told by `transaction_disbursed`, bank debits as well. */
  readonly disbursed?: 'always';
};

type Simulated = {
  readonly world: BraintreeWorld;
  readonly random: Random;
  readonly tell: Tell;
  /** Cleared and not yet paid out, by currency. */
  readonly cleared: Map<string, bigint>;
  readonly payouts: TruePayout[];
  /** Queues a notice about the transaction, whole or minimal. */
  readonly tellOf: (kind: string, payment: SimulatedTransaction, at: Date) => void;
};

/** Starts the portal on loopback; the same seed and calls tell the same story. */
export async function simulateBraintree(
  options: BraintreeSimulatorOptions,
): Promise<SimulatedPortal> {
  const random = seededRandom(options.seed);
  const world: BraintreeWorld = {
    publicKey: random.token(16),
    privateKey: random.token(32),
    merchantId: random.token(16),
    transactions: [],
    disputes: [],
  };
  const faultRate = options.faultRate ?? 0;
  // Generators of their own: how often the API is called must not change the story.
  const troubles = seededRandom(options.seed + 2);
  const server = await serveFaulty(
    (request) =>
      troubles.chance(faultRate / 2) ? trouble(troubles) : answerBraintree(world, request),
    {
      random: seededRandom(options.seed + 1),
      faultRate,
      tooMany: {
        ...failure(new GraphqlError('RESOURCE_LIMIT', 'Too many requests.')),
        status: 429,
      },
    },
  );
  const notices: SimulatedNotice[] = [];
  const tell = noticeWriter(world, random, notices);
  const simulated: Simulated = {
    world,
    random,
    tell,
    cleared: new Map(),
    payouts: [],
    tellOf: (kind, payment, at) => {
      const minimal = options.bodies ? options.bodies === 'minimal' : random.chance(0.3);
      tell(kind, minimal ? minimalXml(payment) : transactionXml(payment), at);
    },
  };
  const { publicKey, privateKey, merchantId } = world;
  return {
    portal: 'braintree',
    role: 'source',
    settings: { publicKey, privateKey, merchantId, apiBaseUrl: server.baseUrl },
    ...paymentActs(simulated, { always: options.disbursed === 'always' }),
    ...reversalActs(simulated),
    ...(options.payouts
      ? {
          redelivers: true as const,
          payout: (at: Date) => disburse(simulated, at),
          payouts: () => simulated.payouts,
        }
      : {}),
    takeNotices: () => notices.splice(0),
    truth: () =>
      world.transactions
        .filter(({ refundOf }) => refundOf === undefined)
        .map((payment) => trueOf(world, payment)),
    requestCount: () => server.requestCount(),
    close: () => server.close(),
  };
}

/** Too much, or not well: both come with HTTP 200. */
function trouble(random: Random) {
  const errorClass = random.pick(['RESOURCE_LIMIT', 'SERVICE_AVAILABILITY', 'INTERNAL']);
  return failure(new GraphqlError(errorClass, 'An error occurred.'));
}

type Acts = Required<
  Pick<SimulatedPortal, 'pay' | 'begin' | 'settle' | 'fail' | 'authorize' | 'capture' | 'void'>
>;

function paymentActs(simulated: Simulated, { always }: { readonly always: boolean }): Acts {
  const { world, random, tellOf } = simulated;
  const create = (
    order: SimulatedOrder,
    at: Date,
    made: { readonly instrument: Instrument; readonly history: SimulatedTransaction['history'] },
  ): SimulatedTransaction => {
    const payment: SimulatedTransaction = {
      id: random.token(8),
      order,
      amountMinor: order.amountMinor,
      createdAt: new Date(at.getTime() - 1000),
      refundOf: undefined,
      returnCode: undefined,
      ...made,
    };
    world.transactions.push(payment);
    return payment;
  };
  /** Money of cards and wallets is told, if at all, when it reaches the bank. */
  const settled = (payment: SimulatedTransaction, at: Date): void => {
    payment.history.push({ status: 'SETTLED', at });
    clear(simulated, payment.order.currency, payment.amountMinor - (feeOf(payment) ?? 0n));
    const debit = payment.instrument === 'us_bank_account';
    if (debit) tellOf('transaction_settled', payment, at);
    const disbursed = always || (!debit && random.chance(0.6));
    if (disbursed) tellOf('transaction_disbursed', payment, at);
  };
  const submitted = (payment: SimulatedTransaction, at: Date): void => {
    payment.history.push({ status: 'SUBMITTED_FOR_SETTLEMENT', at });
  };
  return {
    pay: (order, at) => {
      const instrument = random.pick(INSTANT);
      const payment = create(order, at, { instrument, history: [{ status: 'AUTHORIZED', at }] });
      submitted(payment, at);
      settled(payment, at);
      return payment.id;
    },
    begin: (order, at) =>
      create(order, at, {
        instrument: 'us_bank_account',
        history: [{ status: 'SETTLEMENT_PENDING', at }],
      }).id,
    settle: (id, at) => settled(inState(world, id, 'SETTLEMENT_PENDING'), at),
    fail: (id, at) => {
      const payment = inState(world, id, 'SETTLEMENT_PENDING');
      payment.history.push({ status: 'SETTLEMENT_DECLINED', at });
      tellOf('transaction_settlement_declined', payment, at);
    },
    authorize: (order, at) =>
      create(order, at, {
        instrument: 'credit_card',
        history: [{ status: 'AUTHORIZED', at }],
      }).id,
    capture: (id, at) => {
      const payment = inState(world, id, 'AUTHORIZED');
      submitted(payment, at);
      settled(payment, at);
    },
    void: (id, at) => {
      inState(world, id, 'AUTHORIZED').history.push({ status: 'VOIDED', at });
    },
  };
}

type Reversals = Required<
  Pick<SimulatedPortal, 'refund' | 'failRefund' | 'dispute' | 'closeDispute'>
>;

function reversalActs(simulated: Simulated): Reversals {
  const { world, random, tell, tellOf } = simulated;
  return {
    refund(paymentId, amountMinor, at) {
      const sale = inState(world, paymentId, 'SETTLED');
      const { order, instrument } = sale;
      const refund: SimulatedTransaction = {
        id: random.token(8),
        order,
        amountMinor,
        instrument,
        createdAt: at,
        refundOf: paymentId,
        history: [
          { status: 'SUBMITTED_FOR_SETTLEMENT', at },
          { status: 'SETTLED', at },
        ],
        returnCode: undefined,
      };
      world.transactions.push(refund);
      clear(simulated, order.currency, -amountMinor);
      // Only the refunds of bank debits have a notice.
      if (instrument === 'us_bank_account') tellOf('transaction_settled', refund, at);
      return refund.id;
    },
    failRefund(refundId, at) {
      const refund = inState(world, refundId, 'SETTLED');
      refund.history.push({ status: 'SETTLEMENT_DECLINED', at });
      clear(simulated, refund.order.currency, refund.amountMinor);
      tellOf('refund_failed', refund, at);
    },
    dispute(paymentId, at) {
      const payment = inState(world, paymentId, 'SETTLED');
      const { refundedMinor, disputedMinor, lostMinor } = trueOf(world, payment);
      const amountMinor = payment.amountMinor - refundedMinor - disputedMinor - lostMinor;
      if (amountMinor <= 0n) throw new Error(`nothing of ${paymentId} is left to dispute`);
      const { currency } = payment.order;
      const id = random.token(16);
      const history = [{ status: 'OPEN' as const, at }];
      const dispute = { id, paymentId, amountMinor, currency, history };
      world.disputes.push(dispute);
      clear(simulated, currency, -amountMinor);
      tell('dispute_opened', disputeXml(dispute, payment), at);
      return id;
    },
    closeDispute(disputeId, outcome, at) {
      const dispute = world.disputes.find(({ id }) => id === disputeId);
      if (!dispute || dispute.history.length > 1) throw unknown(disputeId);
      const status =
        outcome === 'won' ? 'WON' : random.pick(['LOST', 'ACCEPTED', 'EXPIRED'] as const);
      dispute.history.push({ status, at });
      if (outcome === 'won') clear(simulated, dispute.currency, dispute.amountMinor);
      const payment = find(world, dispute.paymentId);
      tell(`dispute_${status.toLowerCase()}`, disputeXml(dispute, payment), at);
    },
  };
}

/** One disbursement for each currency; what is owed to Braintree is debited. */
function disburse(simulated: Simulated, at: Date): string | undefined {
  const due = [...simulated.cleared].filter(([, amountMinor]) => amountMinor !== 0n);
  const made = due.map(([currency, amountMinor]) => {
    simulated.cleared.set(currency, 0n);
    const id = `disb_${simulated.random.token(10)}`;
    simulated.tell('disbursement', disbursementXml({ id, amountMinor, currency, at }), at);
    return { externalId: id, amountMinor, currency, state: 'paid' as const };
  });
  simulated.payouts.push(...made);
  return made[0]?.externalId;
}

function clear({ cleared }: Simulated, currency: string, minor: bigint): void {
  cleared.set(currency, (cleared.get(currency) ?? 0n) + minor);
}

function find({ transactions }: BraintreeWorld, id: string): SimulatedTransaction {
  const payment = transactions.find((one) => one.id === id);
  if (!payment) throw unknown(id);
  return payment;
}

function inState(world: BraintreeWorld, id: string, status: Status): SimulatedTransaction {
  const payment = find(world, id);
  if (stateOf(payment) === status) return payment;
  throw new Error(`${id} is ${stateOf(payment)}, not ${status}`);
}

const unknown = (id: string): Error => new Error(`${id} is unknown or already closed`);

const TRUE_STATUS: Readonly<Record<Status, TruePayment['status']>> = {
  AUTHORIZED: 'authorized',
  SUBMITTED_FOR_SETTLEMENT: 'pending',
  SETTLEMENT_PENDING: 'pending',
  SETTLED: 'succeeded',
  SETTLEMENT_DECLINED: 'failed',
  PROCESSOR_DECLINED: 'failed',
  VOIDED: 'voided',
};

function trueOf(world: BraintreeWorld, payment: SimulatedTransaction): TruePayment {
  const sum = (list: readonly { readonly amountMinor: bigint }[]) =>
    list.reduce((total, { amountMinor }) => total + amountMinor, 0n);
  const refunds = world.transactions.filter(
    (one) => one.refundOf === payment.id && stateOf(one) === 'SETTLED',
  );
  const disputes = (...states: readonly string[]) =>
    world.disputes.filter(
      (one) => one.paymentId === payment.id && states.includes(one.history.at(-1)?.status ?? ''),
    );
  return {
    externalId: payment.id,
    status: payment.returnCode === undefined ? TRUE_STATUS[stateOf(payment)] : 'failed',
    amountMinor: payment.amountMinor,
    currency: payment.order.currency,
    refundedMinor: sum(refunds),
    disputedMinor: sum(disputes('OPEN')),
    lostMinor: sum(disputes('LOST', 'ACCEPTED', 'EXPIRED')),
    feeMinor: feeOf(payment),
  };
}
