/**
 * Both ends of ServiceMobility's Payment Processor Webhook: a processor that sends us the
 * object, and a ServiceMobility host that receives the objects we send.
 */
import { createHmac } from 'node:crypto';
import type {
  ShownPayment,
  SimulatedNotice,
  SimulatedOrder,
  SimulatedPortal,
  SimulatorOptions,
  TruePayment,
} from './contract.ts';
import { type Random, seededRandom } from './random.ts';
import { openServiceMobilityHost, type ServiceMobilityHost } from './servicemobility-host.ts';

export type ServiceMobilityOptions = SimulatorOptions & {
  /**
   * How a refund or void names its payment. `reused`: by the sale's TransactionID, except for
   * second refunds, which need an id of their own. `own`: always an id of its own, so that only
   * RefNum leads to the payment.
   */
  readonly reversalIds?: 'reused' | 'own';
};

export type ServiceMobilitySimulator = SimulatedPortal &
  ServiceMobilityHost & {
    /** A collection attempt that the customer's bank declines; resolves to its TransactionID. */
    decline(order: SimulatedOrder, at: Date): string;
  };

type Payment = TruePayment & {
  readonly merchantId: string;
  readonly refNum: string;
  readonly source: string;
  readonly type: string;
  readonly refunds: number;
  /** The money is at another portal. */
  readonly isShown: boolean;
};

/** The firm has an entity, and so a merchant, for each currency it is paid in. */
const CURRENCIES = { USD: 2, EUR: 2, GBP: 2, CAD: 2, AUD: 2, JPY: 0, KWD: 3 } as const;
const TOKEN_SECONDS = 3600;

export async function simulateServiceMobility(
  options: ServiceMobilityOptions,
): Promise<ServiceMobilitySimulator> {
  const random = seededRandom(options.seed);
  const merchants = new Map(Object.keys(CURRENCIES).map((code) => [code, uuid(random)] as const));
  const jwtSecret = `sm-${random.token(40)}`;
  const gatewayId = `gw-${random.token(8)}`;
  const host = await openServiceMobilityHost({
    random,
    faultRate: options.faultRate ?? 0,
    gatewayId,
    merchantIds: [...merchants.values()],
  });
  const reversalIds = options.reversalIds ?? 'reused';
  return {
    ...host,
    ...openProcessor({ random, merchants, jwtSecret, reversalIds }),
    portal: 'servicemobility',
    role: 'source',
    redelivers: true,
    voidsPaid: true,
    reversalsByWorkOrder: reversalIds,
    settings: {
      merchantId: [...merchants.values()].join(','),
      paymentGatewayId: gatewayId,
      jwtSecret,
      username: 'processor',
      password: random.token(20),
      currencyByMerchant: [...merchants].map(([code, id]) => `${id}=${code}`).join(','),
    },
  };
}

type World = {
  readonly random: Random;
  /** By currency. */
  readonly merchants: ReadonlyMap<string, string>;
  readonly jwtSecret: string;
  readonly reversalIds: 'reused' | 'own';
};

function openProcessor(world: World) {
  const { random } = world;
  const payments = new Map<string, Payment>();
  let queue: SimulatedNotice[] = [];
  const send = (payment: Payment, message: Message) => {
    queue.push(noticeOf(world.jwtSecret, payment, message));
  };

  function open(
    order: SimulatedOrder,
    at: Date,
    status: Payment['status'],
    type: string,
    shown: Partial<Payment> = {},
  ): string {
    const payment = { ...newPayment(world, order, status), ...shown };
    payments.set(payment.externalId, payment);
    const { externalId: id, amountMinor } = payment;
    const answer = status === 'failed' ? 'Declined' : 'Approved';
    send(payment, { id, amountMinor, at, type, status: answer });
    return id;
  }

  function find(paymentId: string, ...states: readonly Payment['status'][]): Payment {
    const payment = payments.get(paymentId);
    if (!payment) throw new Error(`there is no payment ${paymentId}`);
    if (!states.includes(payment.status)) throw new Error(`${paymentId} is ${payment.status}`);
    return payment;
  }

  const reversalId = (payment: Payment): string =>
    world.reversalIds === 'own' || payment.refunds > 0 ? uuid(random) : payment.externalId;

  return {
    pay: (order: SimulatedOrder, at: Date) => open(order, at, 'succeeded', 'Sales'),
    show: ({ order, externalId }: ShownPayment, at: Date) =>
      open(order, at, 'succeeded', 'Sales', {
        isShown: true,
        ...(externalId === undefined ? {} : { externalId }),
      }),
    decline: (order: SimulatedOrder, at: Date) => open(order, at, 'failed', 'Sales'),
    authorize: (order: SimulatedOrder, at: Date) => open(order, at, 'authorized', 'Authorization'),
    void: (paymentId: string, at: Date) => {
      const payment = find(paymentId, 'succeeded', 'authorized');
      if (payment.refundedMinor > 0n) throw new Error(`${paymentId} was refunded in part`);
      const type = payment.status === 'authorized' ? 'Cancel' : 'Void';
      const { amountMinor } = payment;
      send(payment, { id: reversalId(payment), amountMinor, at, type, status: 'Approved' });
      payments.set(paymentId, { ...payment, status: 'voided' });
    },
    refund: (paymentId: string, amountMinor: bigint, at: Date) => {
      const payment = find(paymentId, 'succeeded');
      const refundedMinor = payment.refundedMinor + amountMinor;
      if (amountMinor <= 0n || refundedMinor > payment.amountMinor) {
        throw new Error(`${amountMinor} cannot be refunded of ${paymentId}`);
      }
      const id = reversalId(payment);
      send(payment, { id, amountMinor, at, type: 'Refund', status: 'Approved' });
      payments.set(paymentId, { ...payment, refundedMinor, refunds: payment.refunds + 1 });
      return id;
    },
    takeNotices: () => {
      const taken = queue;
      queue = [];
      return taken;
    },
    truth: () => [...payments.values()].filter(({ isShown }) => !isShown).map(truthOf),
  };
}

function newPayment(world: World, order: SimulatedOrder, status: Payment['status']): Payment {
  const { random, merchants } = world;
  const merchantId = merchants.get(order.currency);
  if (merchantId === undefined) throw new Error(`no merchant is paid in ${order.currency}`);
  return {
    externalId: uuid(random),
    status,
    amountMinor: order.amountMinor,
    currency: order.currency,
    refundedMinor: 0n,
    disputedMinor: 0n,
    lostMinor: 0n,
    feeMinor: null,
    merchantId,
    refNum: order.workOrder ?? `ORD-${random.between(10_000, 99_999)}`,
    source: random.pick(['Terminal', 'Link']),
    type: random.pick(['Card', 'Card', 'Check', 'Phone']),
    refunds: 0,
    isShown: false,
  };
}

function truthOf(payment: Payment): TruePayment {
  const {
    merchantId: _,
    refNum: _r,
    source: _s,
    type: _t,
    refunds: _n,
    isShown: _i,
    ...truth
  } = payment;
  return truth;
}

function noticeOf(jwtSecret: string, payment: Payment, message: Message): SimulatedNotice {
  const body = Buffer.from(objectOf(payment, message));
  return {
    label: `${message.status} ${message.type} ${message.id}`,
    sign: (now) => ({
      headers: {
        'content-type': 'application/json',
        'x-access-token': signToken(jwtSecret, now),
      },
      body,
    }),
  };
}

type Message = {
  readonly id: string;
  readonly amountMinor: bigint;
  readonly at: Date;
  readonly type: string;
  readonly status: 'Approved' | 'Declined';
};

/**
 * The object as processors write it: properties in the documented order, the amount as a bare
 * number.
 */
function objectOf(payment: Payment, message: Message): string {
  const properties: readonly (readonly [string, string])[] = [
    ['Amount', majorUnits(message.amountMinor, payment.currency)],
    ['MerchantID', JSON.stringify(payment.merchantId)],
    ['PaymentUTC', JSON.stringify(message.at.toISOString())],
    ['RefNum', JSON.stringify(payment.refNum)],
    ['Source', JSON.stringify(payment.source)],
    ['TransactionID', JSON.stringify(message.id)],
    ['TransactionStatus', JSON.stringify(message.status)],
    ['TransactionType', JSON.stringify(message.type)],
    ['Type', JSON.stringify(payment.type)],
  ];
  return `{\n${properties.map(([name, text]) => ` "${name}": ${text}`).join(',\n')}\n}`;
}

/** `107500n` cents as `1075`, `31240n` as `312.4`: how a JSON number is usually written. */
function majorUnits(minor: bigint, currency: string): string {
  const digits = CURRENCIES[currency as keyof typeof CURRENCIES];
  const text = minor.toString().padStart(digits + 1, '0');
  const fraction = text.slice(text.length - digits).replace(/0+$/, '');
  const whole = text.slice(0, text.length - digits);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** The processor makes its own tokens with the shared secret. */
function signToken(secret: string, now: Date): string {
  const iat = Math.floor(now.getTime() / 1000);
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = { name: 'processor', iat, exp: iat + TOKEN_SECONDS };
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(payload)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

function uuid(random: Random): string {
  const hex = (length: number) =>
    Array.from({ length }, () => random.between(0, 15).toString(16)).join('');
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${random.pick(['8', '9', 'a', 'b'])}${hex(3)}-${hex(12)}`;
}
