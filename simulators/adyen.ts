/** A simulated Adyen merchant account: standard webhooks, settlement reports, and its own truth. */
import {
  ACCOUNT,
  amountOf,
  newReference,
  noticeOf,
  orderDetails,
  type SimulatedItem,
  stamp,
  type Webhook,
} from './adyen-items.ts';
import { answerReports, csvOf, type Movement, TOO_MANY } from './adyen-report.ts';
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

export type AdyenSimulatorOptions = SimulatorOptions & {
  /** How the merchant account captures; automatic when absent. */
  readonly capture?: 'automatic' | 'manual';
  /** The webhook sends forms in place of JSON. */
  readonly form?: boolean;
  /** The webhook has a user and a password besides its key. */
  readonly basic?: boolean;
  /** Several items may come in one delivery. */
  readonly batches?: boolean;
};

type Payment = {
  readonly id: string;
  readonly order: SimulatedOrder;
  readonly method: string;
  status: TruePayment['status'];
  readonly refunds: { readonly id: string; readonly amountMinor: bigint; failed: boolean }[];
  readonly disputes: {
    readonly id: string;
    readonly amountMinor: bigint;
    state: 'open' | 'won' | 'lost';
  }[];
};

type World = {
  readonly random: Random;
  readonly capture: 'automatic' | 'manual';
  readonly payments: Payment[];
  /** Not yet in a report. */
  open: Movement[];
  /** Told by reports. */
  readonly reported: Movement[];
  readonly reports: Map<string, Buffer>;
  readonly payouts: TruePayout[];
  readonly items: SimulatedItem[];
  baseUrl: string;
};

/** Starts the account on loopback; the same seed and calls tell the same story. */
export async function simulateAdyen(options: AdyenSimulatorOptions): Promise<SimulatedPortal> {
  const random = seededRandom(options.seed);
  const hmacKey = Buffer.from(random.token(32)).toString('hex').toUpperCase();
  const apiKey = `AQE${random.token(60)}`;
  const webhook: Webhook = {
    hmacKey,
    form: options.form ?? false,
    basic: options.basic
      ? { user: 'airworks', password: `s3cret-é-${random.token(8)}` }
      : undefined,
  };
  const world: World = {
    random,
    capture: options.capture ?? 'automatic',
    payments: [],
    open: [],
    reported: [],
    reports: new Map(),
    payouts: [],
    items: [],
    baseUrl: '',
  };
  const server = await serveFaulty(
    (request) => answerReports(request, { apiKey, reports: world.reports }),
    {
      // A generator of its own: how often the API is called must not change the story.
      random: seededRandom(options.seed ^ 0xad7e4),
      faultRate: options.faultRate ?? 0,
      tooMany: TOO_MANY,
    },
  );
  world.baseUrl = server.baseUrl;
  return {
    portal: 'adyen',
    role: 'source',
    redelivers: true,
    settings: {
      hmacKey,
      capture: world.capture,
      ...(world.capture === 'automatic' ? { manualCaptureMethods: 'klarna*' } : {}),
      ...(webhook.basic && {
        webhookUser: webhook.basic.user,
        webhookPassword: webhook.basic.password,
      }),
      reportApiKey: apiKey,
      apiBaseUrl: server.baseUrl,
    },
    ...paymentActs(world),
    ...reversalActs(world),
    payout: (at) => closeBatches(world, at),
    payouts: () => world.payouts,
    disputeFees: () =>
      world.reported
        .filter(({ type }) => type === 'Fee')
        .map(({ currency, grossMinor }) => ({ currency, amountMinor: -grossMinor })),
    takeNotices: () => takeNotices(world, webhook, options.batches ?? false),
    truth: () => world.payments.map((payment) => trueOf(world, payment)),
    requestCount: () => server.requestCount(),
    close: () => server.close(),
  };
}

function takeNotices(world: World, webhook: Webhook, batches: boolean): SimulatedNotice[] {
  const notices: SimulatedNotice[] = [];
  while (world.items.length > 0) {
    const together = batches && world.random.chance(0.3) ? 3 : 1;
    notices.push(noticeOf(world.items.splice(0, together), webhook));
  }
  return notices;
}

type Telling = {
  readonly reference: string;
  readonly at: Date;
  readonly amountMinor?: bigint;
  readonly success?: boolean;
  readonly reason?: string;
  readonly merchantReference?: string;
  readonly more?: Readonly<Record<string, string>>;
};

/** Queues an item about a payment; what is not the payment's own reference is a modification of it. */
function tell(world: World, eventCode: string, payment: Payment, telling: Telling): void {
  const { order, id, method } = payment;
  const { reference, at, success = true, more = {} } = telling;
  world.items.push({
    eventCode,
    pspReference: reference,
    ...(reference === id ? {} : { originalReference: id }),
    merchantReference: telling.merchantReference ?? order.invoiceNumber ?? null,
    amount: amountOf(telling.amountMinor ?? order.amountMinor, order.currency),
    eventDate: stamp(at),
    paymentMethod: method,
    reason: telling.reason ?? '',
    success: success ? 'true' : 'false',
    additionalData: { ...(reference === id ? orderDetails(order) : {}), ...more },
  });
}

function move(
  world: World,
  payment: Payment,
  facts: Pick<Movement, 'type' | 'reference' | 'grossMinor' | 'feeMinor' | 'at'>,
): void {
  world.open.push({
    ...facts,
    paymentReference: payment.id,
    merchantReference: payment.order.invoiceNumber ?? '',
    method: payment.method,
    currency: payment.order.currency,
  });
}

function newPayment(
  world: World,
  order: SimulatedOrder,
  first: Pick<Payment, 'status' | 'method'>,
): Payment {
  const payment: Payment = {
    id: newReference(world.random),
    order,
    refunds: [],
    disputes: [],
    ...first,
  };
  world.payments.push(payment);
  return payment;
}

const CARDS = ['visa', 'mc', 'amex', 'visa_applepay'] as const;

type Acts = Required<
  Pick<SimulatedPortal, 'pay' | 'begin' | 'settle' | 'fail' | 'authorize' | 'capture' | 'void'>
>;

function paymentActs(world: World): Acts {
  const { random } = world;
  const authorised = (payment: Payment, at: Date) =>
    tell(world, 'AUTHORISATION', payment, { reference: payment.id, at });
  /** By hand where the account captures by hand, else at once and without a word. */
  const receive = (payment: Payment, at: Date): void => {
    authorised(payment, at);
    if (world.capture === 'manual' && payment.method !== 'ideal') takeByHand(world, payment, at);
    else take(world, payment, { amountMinor: payment.order.amountMinor, at });
    payment.status = 'succeeded';
  };
  return {
    pay(order, at) {
      const method =
        order.currency === 'EUR' ? random.pick([...CARDS, 'ideal']) : random.pick(CARDS);
      const payment = newPayment(world, order, { status: 'pending', method });
      receive(payment, at);
      return payment.id;
    },
    begin(order, at) {
      const payment = newPayment(world, order, { status: 'pending', method: 'ach' });
      tell(world, 'PENDING', payment, { reference: payment.id, at });
      return payment.id;
    },
    settle: (id, at) => receive(inState(world, id, 'pending'), at),
    fail(id, at) {
      const payment = inState(world, id, 'pending');
      payment.status = 'failed';
      tell(world, 'AUTHORISATION', payment, {
        reference: id,
        at,
        success: false,
        reason: 'Refused',
        more: { refusalReasonRaw: 'R01 : Insufficient funds' },
      });
    },
    authorize(order, at) {
      const method = world.capture === 'manual' ? random.pick(CARDS) : 'klarna_account';
      const payment = newPayment(world, order, { status: 'authorized', method });
      authorised(payment, at);
      return payment.id;
    },
    capture(id, at) {
      const payment = inState(world, id, 'authorized');
      payment.status = 'succeeded';
      takeByHand(world, payment, at);
    },
    void(id, at) {
      const payment = inState(world, id, 'authorized');
      payment.status = 'voided';
      const code = random.pick(['CANCELLATION', 'TECHNICAL_CANCEL', 'EXPIRE', 'CANCEL_OR_REFUND']);
      const more: Record<string, string> =
        code === 'CANCEL_OR_REFUND' ? { 'modification.action': 'cancel' } : {};
      tell(world, code, payment, { reference: newReference(random), at, more });
    },
  };
}

/** A capture without a word; its reference shows in the report alone. */
function take(
  world: World,
  payment: Payment,
  capture: { readonly amountMinor: bigint; readonly at: Date; readonly reference?: string },
): void {
  const { amountMinor, at, reference = newReference(world.random) } = capture;
  const feeMinor = (amountMinor * 19n) / 1000n + 12n;
  move(world, payment, { type: 'Settled', reference, grossMinor: amountMinor, feeMinor, at });
}

/** Captures asked for by the firm: in one or two parts, sometimes refused or failed at first. */
function takeByHand(world: World, payment: Payment, at: Date): void {
  const { random } = world;
  const { amountMinor: whole } = payment.order;
  const first =
    random.chance(0.4) && whole > 10n ? (whole * BigInt(random.between(20, 80))) / 100n : whole;
  for (const amountMinor of first === whole ? [whole] : [first, whole - first]) {
    const way = random.between(1, 10);
    if (way === 1) {
      const reference = newReference(random);
      const reason = 'Insufficient balance on payment';
      tell(world, 'CAPTURE', payment, { reference, at, amountMinor, success: false, reason });
    }
    if (way === 2) {
      const reference = newReference(random);
      tell(world, 'CAPTURE', payment, { reference, at, amountMinor });
      const reason = 'Rejected by the scheme';
      tell(world, 'CAPTURE_FAILED', payment, { reference, at, amountMinor, reason });
    }
    const reference = newReference(random);
    tell(world, 'CAPTURE', payment, { reference, at, amountMinor });
    take(world, payment, { amountMinor, at, reference });
  }
}

type Reversals = Required<
  Pick<SimulatedPortal, 'refund' | 'failRefund' | 'dispute' | 'closeDispute'>
>;

function reversalActs(world: World): Reversals {
  const { random } = world;
  return {
    refund(paymentId, amountMinor, at) {
      const payment = inState(world, paymentId, 'succeeded');
      if (amountMinor <= 0n || amountMinor > leftOf(payment)) {
        throw new RangeError(`${paymentId} cannot give back ${amountMinor}`);
      }
      const id = newReference(random);
      payment.refunds.push({ id, amountMinor, failed: false });
      const code = random.pick(['REFUND', 'REFUND', 'REFUND_WITH_DATA', 'CANCEL_OR_REFUND']);
      const more: Record<string, string> =
        code === 'CANCEL_OR_REFUND' ? { 'modification.action': 'refund' } : {};
      const merchantReference = `CN-${id.slice(0, 4)}`;
      tell(world, code, payment, { reference: id, at, amountMinor, merchantReference, more });
      const feeMinor = BigInt(random.pick([0, 10, 11]));
      move(world, payment, {
        type: 'Refunded',
        reference: id,
        grossMinor: -amountMinor,
        feeMinor,
        at,
      });
      return id;
    },
    failRefund(refundId, at) {
      const payment = world.payments.find(({ refunds }) =>
        refunds.some(({ id }) => id === refundId),
      );
      const refund = payment?.refunds.find(({ id }) => id === refundId);
      if (!payment || !refund || refund.failed)
        throw new RangeError(`${refundId} has not succeeded`);
      refund.failed = true;
      const { amountMinor } = refund;
      const code = random.pick(['REFUND_FAILED', 'REFUNDED_REVERSED']);
      tell(world, code, payment, { reference: refundId, at, amountMinor, reason: 'Refund Failed' });
      const facts = { type: 'RefundedReversed', reference: refundId, feeMinor: 0n, at };
      move(world, payment, { ...facts, grossMinor: amountMinor });
    },
    dispute(paymentId, at) {
      const payment = inState(world, paymentId, 'succeeded');
      const amountMinor = leftOf(payment);
      if (amountMinor <= 0n) throw new RangeError(`nothing of ${paymentId} is left to charge back`);
      const id = newReference(random);
      payment.disputes.push({ id, amountMinor, state: 'open' });
      const reason = 'Merchandise/Services Not Received';
      const telling = {
        reference: id,
        at,
        amountMinor,
        reason,
        more: statusOf(random, 'Undefended'),
      };
      if (random.chance(0.7)) tell(world, 'NOTIFICATION_OF_CHARGEBACK', payment, telling);
      tell(world, 'CHARGEBACK', payment, telling);
      const feeMinor = BigInt(random.pick([0, 1500]));
      move(world, payment, {
        type: 'Chargeback',
        reference: id,
        grossMinor: -amountMinor,
        feeMinor,
        at,
      });
      return id;
    },
    closeDispute(disputeId, outcome, at) {
      const payment = world.payments.find(({ disputes }) =>
        disputes.some(({ id }) => id === disputeId),
      );
      const dispute = payment?.disputes.find(({ id }) => id === disputeId);
      if (!payment || dispute?.state !== 'open') throw new RangeError(`${disputeId} is closed`);
      dispute.state = outcome;
      endDispute(world, payment, dispute, at);
    },
  };
}

const WON_BY = [
  'ISSUER_RESPONSE_TIMEFRAME_EXPIRED',
  'PREARBITRATION_WON',
  'SCHEME_ARBITRATION_WON',
];
const LOST_BY = ['SECOND_CHARGEBACK', 'PREARBITRATION_LOST', 'DISPUTE_DEFENSE_PERIOD_ENDED'];

/** Before a dispute is decided, the money often goes back and forth; only the end counts. */
function endDispute(
  world: World,
  payment: Payment,
  { id: reference, amountMinor, state }: Payment['disputes'][number],
  at: Date,
): void {
  const { random } = world;
  const telling = { reference, at, amountMinor };
  const defended = state === 'won' || random.chance(0.4);
  const facts = { reference, feeMinor: 0n, at };
  if (defended) {
    const more = statusOf(random, 'Pending');
    tell(world, 'CHARGEBACK_REVERSED', payment, { ...telling, reason: 'Defended', more });
    move(world, payment, { ...facts, type: 'ChargebackReversed', grossMinor: amountMinor });
  }
  const code =
    state === 'won' ? random.pick(WON_BY) : defended ? 'SECOND_CHARGEBACK' : random.pick(LOST_BY);
  tell(world, code, payment, {
    ...telling,
    more: statusOf(random, state === 'won' ? 'Won' : 'Lost'),
  });
  if (state === 'lost' && defended) {
    move(world, payment, { ...facts, type: 'SecondChargeback', grossMinor: -amountMinor });
  }
}

/** Some regions' disputes come without a status. */
function statusOf(random: Random, disputeStatus: string): Record<string, string> {
  return random.chance(0.8) ? { disputeStatus } : {};
}

/** A batch for each currency in which something is due; what is owed to Adyen stays in the next one. */
function closeBatches(world: World, at: Date): string | undefined {
  let first: string | undefined;
  for (const currency of new Set(world.open.map((movement) => movement.currency))) {
    const ours = world.open.filter((movement) => movement.currency === currency);
    const due = ours.reduce((sum, { grossMinor, feeMinor }) => sum + grossMinor - feeMinor, 0n);
    const costMinor = due > 100n && world.random.chance(0.5) ? 26n : 0n;
    if (due <= 0n) continue;
    world.open = world.open.filter((movement) => movement.currency !== currency);
    const paid = { currency, amountMinor: due - costMinor, costMinor, at };
    const payoutId = closeBatch(world, ours, paid);
    first ??= payoutId;
  }
  return first;
}

function closeBatch(
  world: World,
  movements: readonly Movement[],
  facts: {
    readonly currency: string;
    readonly amountMinor: bigint;
    readonly costMinor: bigint;
    readonly at: Date;
  },
): string {
  const { currency, amountMinor, costMinor, at } = facts;
  const batch = world.payouts.length + 1;
  const reference = `TX${newReference(world.random)} batch ${batch}, ${ACCOUNT}`;
  const ofNoPayment = { paymentReference: '', merchantReference: '', method: '', feeMinor: 0n };
  const fee = { ...ofNoPayment, type: 'Fee', reference: 'Transaction Fees', currency, at };
  const costs: Movement[] = costMinor > 0n ? [{ ...fee, grossMinor: -costMinor }] : [];
  const payout = { ...ofNoPayment, type: 'MerchantPayout', reference, currency, at };
  const lines = [...movements, ...costs, { ...payout, grossMinor: -amountMinor }];
  const file = `settlement_detail_report_batch_${batch}.csv`;
  world.reports.set(file, csvOf(lines, batch));
  world.reported.push(...lines);
  const externalId = `${batch}:${reference}`;
  world.payouts.push({ externalId, amountMinor, currency, state: 'paid' });
  world.items.push({
    eventCode: 'REPORT_AVAILABLE',
    pspReference: file,
    merchantReference: '',
    amount: { value: 0, currency: 'EUR' },
    eventDate: stamp(at),
    paymentMethod: '',
    reason: `${world.baseUrl}/reports/download/MerchantAccount/${ACCOUNT}/${file}`,
    success: 'true',
    additionalData: {},
  });
  return externalId;
}

function inState(world: World, id: string, status: Payment['status']): Payment {
  const payment = world.payments.find((one) => one.id === id);
  if (payment?.status === status) return payment;
  throw new RangeError(`${id} is ${payment?.status ?? 'unknown'}, not ${status}`);
}

const sumOf = (list: readonly { readonly amountMinor: bigint }[]): bigint =>
  list.reduce((sum, { amountMinor }) => sum + amountMinor, 0n);

const refundedOf = ({ refunds }: Payment): bigint => sumOf(refunds.filter(({ failed }) => !failed));

const disputedOf = ({ disputes }: Payment, state: 'open' | 'lost'): bigint =>
  sumOf(disputes.filter((dispute) => dispute.state === state));

function leftOf(payment: Payment): bigint {
  const gone = refundedOf(payment) + disputedOf(payment, 'open') + disputedOf(payment, 'lost');
  return payment.order.amountMinor - gone;
}

function trueOf(world: World, payment: Payment): TruePayment {
  const told = world.reported.filter(({ paymentReference }) => paymentReference === payment.id);
  return {
    externalId: payment.id,
    status: payment.status,
    amountMinor: payment.order.amountMinor,
    currency: payment.order.currency,
    refundedMinor: refundedOf(payment),
    disputedMinor: disputedOf(payment, 'open'),
    lostMinor: disputedOf(payment, 'lost'),
    feeMinor: told.length === 0 ? null : told.reduce((sum, { feeMinor }) => sum + feeMinor, 0n),
  };
}
