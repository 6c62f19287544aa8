/** A simulated PayPal account: sales and captures, refunds, disputes, withdrawals, and signed webhooks. */
import type {
  SimulatedNotice,
  SimulatedOrder,
  SimulatedPortal,
  SimulatorOptions,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { answerPaypal, TOO_MANY } from './paypal-api.ts';
import * as wire from './paypal-objects.ts';
import { signedNotice, throwAway } from './paypal-signing.ts';
import {
  balancesOf,
  findPayment,
  newId,
  type PaypalDispute,
  type PaypalPayment,
  type PaypalRefund,
  type PaypalWorld,
  refundedOf,
  truthOf,
} from './paypal-world.ts';
import { type Random, seededRandom } from './random.ts';

export type PaypalSimulatorOptions = SimulatorOptions & {
  /** Whether payments are sales of v1, captures of v2, or either by seed (default). */
  readonly generation?: 'v1' | 'v2';
  /** Whether captures that name an invoice come by one of PayPal's invoices; by seed when absent. */
  readonly invoiced?: boolean;
  /** `unknown`: the connection does not trust its certificates, so PayPal has to be asked (default by trust). */
  readonly certificate?: 'trusted' | 'unknown';
};

/** PayPal takes no currency with three decimals. */
const CURRENCIES = ['USD', 'EUR', 'GBP', 'CAD', 'AUD', 'JPY'];
const DISPUTE_FEE_MINOR = 2000n;

/** Starts the account on loopback; the same seed and calls tell the same story. */
export async function simulatePaypal(options: PaypalSimulatorOptions): Promise<SimulatedPortal> {
  const random = seededRandom(options.seed);
  const world: PaypalWorld = {
    random,
    webhookId: newId(random),
    clientId: `A${random.token(40)}`,
    clientSecret: `E${random.token(40)}`,
    payments: [],
    payouts: [],
    tokens: new Set(),
    mostResults: random.pick([30, 10_000]),
  };
  const server = await serveFaulty((request) => answerPaypal(world, request), {
    // A generator of its own: how often the API is called must not change the story.
    random: seededRandom(options.seed ^ 0x9a79a1),
    faultRate: options.faultRate ?? 0,
    tooMany: TOO_MANY,
    spared: /^\/v1\/(notifications\/(certs|verify)|oauth2)/,
  });
  const notices: SimulatedNotice[] = [];
  const emit = eventWriter(random, (event) => {
    const { webhookId } = world;
    notices.push(signedNotice(event, { webhookId, baseUrl: () => server.baseUrl }));
  });
  const trusted = options.certificate !== 'unknown';
  return {
    portal: 'paypal',
    role: 'source',
    currencies: CURRENCIES,
    settings: {
      webhookId: world.webhookId,
      clientId: world.clientId,
      clientSecret: world.clientSecret,
      apiBaseUrl: server.baseUrl,
      ...(trusted ? { trustedCertificate: throwAway.root } : {}),
    },
    ...paymentActs(world, emit, options),
    ...refundActs(world, emit),
    ...disputeActs(world, emit),
    payout: (at) => withdraw(world, at),
    takeNotices: () => notices.splice(0),
    ...truthOf(world),
    requestCount: () => server.requestCount(),
    close: () => server.close(),
  };
}

type Emit = (type: string, resource: Record<string, unknown>, at: Date) => void;

/** Queues an event with what its resource has become. */
function eventWriter(
  random: Random,
  queue: (event: { readonly id: string; readonly event_type: string }) => void,
): Emit {
  return (type, resource, at) => {
    queue({
      id: `WH-${newId(random)}-${newId(random)}`,
      // In PayPal's order, that of a body whose bytes are signed.
      ...{ event_version: '1.0', create_time: at.toISOString() },
      ...{ resource_type: type.split('.').at(-2)?.toLowerCase(), resource_version: '2.0' },
      event_type: type,
      ...{ summary: 'A simulated event.', resource: structuredClone(resource), links: [] },
    });
  };
}

type PaymentActs = Required<
  Pick<SimulatedPortal, 'pay' | 'begin' | 'settle' | 'fail' | 'authorize' | 'capture' | 'void'>
>;

function paymentActs(
  world: PaypalWorld,
  emit: Emit,
  { generation, invoiced }: PaypalSimulatorOptions,
): PaymentActs {
  const { random } = world;
  const create = (order: SimulatedOrder, at: Date, authorized: boolean): PaypalPayment => {
    const old = random.chance(0.35);
    const payment: PaypalPayment = {
      order,
      generation: authorized ? 'v2' : (generation ?? (old ? 'v1' : 'v2')),
      orderId: newId(random),
      authorizationId: authorized ? newId(random) : null,
      createdAt: at,
      id: authorized ? null : newId(random),
      status: authorized ? 'authorized' : 'pending',
      paidAt: null,
      changedAt: at,
      refunds: [],
      dispute: null,
    };
    world.payments.push(payment);
    return payment;
  };
  const become = (payment: PaypalPayment, status: PaypalPayment['status'], at: Date): void => {
    payment.status = status;
    payment.changedAt = at;
  };
  const tellPaid = (payment: PaypalPayment, at: Date): void => {
    const kind = payment.generation === 'v1' ? 'SALE' : 'CAPTURE';
    emit(`PAYMENT.${kind}.COMPLETED`, wire.wirePayment(payment), at);
    // Some captures come by an invoice of PayPal's, which tells of them as well.
    if (kind === 'SALE' || !payment.order.invoiceNumber) return;
    if (!(invoiced ?? random.chance(0.3))) return;
    emit('INVOICING.INVOICE.PAID', { invoice: wire.wireInvoice(payment) }, at);
  };
  return {
    pay(order, at) {
      const payment = create(order, at, false);
      become(payment, 'succeeded', at);
      tellPaid(payment, at);
      return payment.id as string;
    },
    begin(order, at) {
      const payment = create(order, at, false);
      const kind = payment.generation === 'v1' ? 'SALE' : 'CAPTURE';
      emit(`PAYMENT.${kind}.PENDING`, wire.wirePayment(payment), at);
      return payment.id as string;
    },
    settle(paymentId, at) {
      const payment = inStatus(world, paymentId, 'pending');
      become(payment, 'succeeded', at);
      tellPaid(payment, at);
    },
    fail(paymentId, at) {
      const payment = inStatus(world, paymentId, 'pending');
      become(payment, 'failed', at);
      const denied = payment.generation === 'v1' ? 'SALE.DENIED' : 'CAPTURE.DENIED';
      const newName = payment.generation === 'v2' && random.chance(0.5);
      emit(`PAYMENT.${newName ? 'CAPTURE.DECLINED' : denied}`, wire.wirePayment(payment), at);
    },
    authorize(order, at) {
      const payment = create(order, at, true);
      emit('PAYMENT.AUTHORIZATION.CREATED', wire.wireAuthorization(payment), at);
      return payment.authorizationId as string;
    },
    capture(paymentId, at) {
      const payment = inStatus(world, paymentId, 'authorized');
      payment.id = newId(random);
      payment.paidAt = at;
      become(payment, 'succeeded', at);
      tellPaid(payment, at);
    },
    void(paymentId, at) {
      const payment = inStatus(world, paymentId, 'authorized');
      become(payment, 'voided', at);
      emit('PAYMENT.AUTHORIZATION.VOIDED', wire.wireAuthorization(payment), at);
    },
  };
}

function inStatus(world: PaypalWorld, id: string, status: PaypalPayment['status']): PaypalPayment {
  const payment = findPayment(world, id);
  if (payment.status !== status) throw new RangeError(`${id} is ${payment.status}, not ${status}`);
  return payment;
}

/** Money leaves the payment; the event that tells it is named for the payment's generation. */
function giveBack(
  world: PaypalWorld,
  payment: PaypalPayment,
  given: { readonly amountMinor: bigint; readonly reversal: boolean; readonly at: Date },
): { readonly refund: PaypalRefund; readonly event: string } {
  const { at } = given;
  const refund: PaypalRefund = {
    id: newId(world.random),
    ...given,
    changedAt: at,
    status: 'COMPLETED',
  };
  payment.refunds.push(refund);
  const kind = payment.generation === 'v1' ? 'SALE' : 'CAPTURE';
  return { refund, event: `PAYMENT.${kind}.${given.reversal ? 'REVERSED' : 'REFUNDED'}` };
}

function refundActs(
  world: PaypalWorld,
  emit: Emit,
): Required<Pick<SimulatedPortal, 'refund' | 'failRefund'>> {
  return {
    refund(paymentId, amountMinor, at) {
      const payment = inStatus(world, paymentId, 'succeeded');
      const left = payment.order.amountMinor - refundedOf(payment);
      if (amountMinor <= 0n || amountMinor > left) {
        throw new RangeError(`${paymentId} cannot give back ${amountMinor}`);
      }
      const { refund, event } = giveBack(world, payment, { amountMinor, reversal: false, at });
      payment.changedAt = at;
      // One that waits for a bank is told as pending, and of its completion no event is sent.
      const waits = world.random.chance(0.2);
      emit(event, wire.wireRefund(payment, refund, waits ? 'PENDING' : 'COMPLETED'), at);
      return refund.id;
    },
    failRefund(refundId, at) {
      const refund = world.payments
        .flatMap(({ refunds }) => refunds)
        .find(({ id, status }) => id === refundId && status === 'COMPLETED');
      if (!refund) throw new RangeError(`${refundId} is unknown or has failed`);
      refund.status = 'FAILED';
      refund.changedAt = at;
    },
  };
}

function disputeActs(
  world: PaypalWorld,
  emit: Emit,
): Required<Pick<SimulatedPortal, 'dispute' | 'closeDispute'>> {
  const { random } = world;
  /** PayPal takes the money, and tells it as a reversal beside the dispute. */
  const take = (payment: PaypalPayment, dispute: PaypalDispute, minor: bigint, at: Date): void => {
    dispute.movements.push({ type: 'DEBIT', reason: 'DISPUTE_SETTLEMENT', amountMinor: minor });
    const { refund, event } = giveBack(world, payment, { amountMinor: minor, reversal: true, at });
    emit(event, wire.wireRefund(payment, refund), at);
  };
  return {
    dispute(paymentId, at) {
      const payment = inStatus(world, paymentId, 'succeeded');
      const amountMinor = payment.order.amountMinor - refundedOf(payment);
      if (payment.dispute || amountMinor <= 0n) {
        throw new RangeError(`${paymentId} cannot be disputed`);
      }
      const stage = random.chance(0.5) ? 'INQUIRY' : 'CHARGEBACK';
      const id = `PP-R-${newId(random, 3)}-${random.between(10_000_000, 99_999_999)}`;
      const dispute = { id, stage, amountMinor, at, movements: [], changedAt: at, outcome: null };
      payment.dispute = dispute as PaypalDispute;
      if (stage === 'CHARGEBACK') {
        take(payment, payment.dispute, amountMinor, at);
        payment.dispute.movements.push({
          type: 'DEBIT',
          reason: 'CHARGEBACK_FEE',
          amountMinor: DISPUTE_FEE_MINOR,
        });
      }
      emit('CUSTOMER.DISPUTE.CREATED', wire.wireDispute(payment, payment.dispute), at);
      return id;
    },
    closeDispute(disputeId, outcome, at) {
      const payment = world.payments.find(({ dispute }) => dispute?.id === disputeId);
      const dispute = payment?.dispute;
      if (!payment || dispute?.outcome !== null) throw new RangeError(`${disputeId} is closed`);
      dispute.changedAt = at;
      const credit = (reason: 'DISPUTE_SETTLEMENT' | 'CHARGEBACK_FEE', amountMinor: bigint) =>
        dispute.movements.push({ type: 'CREDIT', reason, amountMinor });
      const part = random.chance(0.3) ? dispute.amountMinor / 3n : dispute.amountMinor;
      if (outcome === 'lost') {
        dispute.outcome = random.chance(0.5) ? 'RESOLVED_BUYER_FAVOUR' : 'ACCEPTED';
        if (dispute.stage === 'INQUIRY') take(payment, dispute, part, at);
        else if (part < dispute.amountMinor) {
          credit('DISPUTE_SETTLEMENT', dispute.amountMinor - part);
        }
      } else {
        dispute.outcome = random.pick(['RESOLVED_SELLER_FAVOUR', 'CANCELED_BY_BUYER']);
        if (dispute.stage === 'CHARGEBACK') {
          credit('DISPUTE_SETTLEMENT', dispute.amountMinor);
          credit('CHARGEBACK_FEE', DISPUTE_FEE_MINOR);
        }
      }
      emit('CUSTOMER.DISPUTE.RESOLVED', wire.wireDispute(payment, dispute), at);
    },
  };
}

/** One withdrawal per currency with money in it, told by no event; now and then the bank sends one back. */
function withdraw(world: PaypalWorld, at: Date): string | undefined {
  const { random } = world;
  const made = [...balancesOf(world)]
    .filter(([, amountMinor]) => amountMinor > 0n)
    .map(([currency, amountMinor]) => {
      const returnedBy = random.chance(0.15) ? newId(random) : null;
      return { id: newId(random), currency, amountMinor, at, returnedBy };
    });
  world.payouts.push(...made);
  return made[0]?.id;
}
