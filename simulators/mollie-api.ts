/** The simulated Mollie's API: its resources as they look on the wire, in pages, and refusals. */
import { toDecimalText } from '../src/money/money.ts';
import type { SimulatedOrder } from './contract.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';

export type SimulatedRefund = {
  readonly id: string;
  readonly paymentId: string;
  readonly amountMinor: bigint;
  readonly createdAt: string;
  status: 'refunded' | 'failed';
};
export type SimulatedChargeback = {
  readonly id: string;
  readonly paymentId: string;
  readonly amountMinor: bigint;
  readonly createdAt: string;
  reversedAt: string | null;
};
export type SimulatedPayment = {
  readonly id: string;
  readonly order: SimulatedOrder;
  readonly method: string;
  readonly createdAt: string;
  readonly refunds: SimulatedRefund[];
  readonly chargebacks: SimulatedChargeback[];
  status: 'pending' | 'authorized' | 'paid' | 'failed' | 'canceled';
  /** The instant fields reached so far: `paidAt`, `failedAt` … */
  instants: Readonly<Record<string, string>>;
};
export type SimulatedSettlement = {
  readonly id: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly at: string;
};

/** All that Mollie knows; lists are in order of creation. */
export type MollieWorld = {
  readonly apiKey: string;
  readonly organizationToken: string;
  readonly profileId: string;
  readonly payments: SimulatedPayment[];
  readonly settlements: SimulatedSettlement[];
  /** Minor units cleared and not yet settled, by currency. */
  readonly cleared: Map<string, bigint>;
};

/** What Mollie answers; the same credentials rules, pages and errors as api.mollie.com. */
export function answerMollie(
  world: MollieWorld,
  request: SimulatedRequest,
  baseUrl: string,
): SimulatedAnswer {
  const token = request.headers.authorization?.replace(/^Bearer /, '');
  const organization = token === world.organizationToken;
  if (!organization && token !== world.apiKey) {
    return problem(
      401,
      'Unauthorized Request',
      'Missing authentication, or failed to authenticate',
    );
  }
  const query = request.url.searchParams;
  const told = ['testmode', 'profileId'].find((name) => query.has(name));
  if (!organization && told) {
    return problem(
      422,
      'Unprocessable Entity',
      `Non-existent parameter "${told}" for this API call.`,
    );
  }
  const [version, list = '', id] = request.url.pathname.slice(1).split('/');
  if (version !== 'v2' || request.method !== 'GET') return notFound();
  if (/^(settlements|balances)$/.test(list) && !organization) {
    return problem(403, 'Forbidden', 'This API call needs an organization access token.');
  }
  if (list === 'payments' && id) {
    const payment = world.payments.find((one) => one.id === id);
    if (!payment || query.get('testmode') === 'true') return notFound();
    return hal(wirePayment(world, payment, { embed: query.has('embed') }));
  }
  const fees = request.url.pathname === '/v2/balances/primary/transactions';
  const listed = fees ? 'balance_transactions' : list;
  const records = id && !fees ? undefined : recordsOf(world, listed);
  if (!records) return notFound();
  const foreign = query.has('profileId') && query.get('profileId') !== world.profileId;
  const hidden = foreign || query.get('testmode') === 'true';
  return page({ records: hidden ? [] : records, list: listed, url: request.url, baseUrl });
}

type Listed = { readonly id: string; readonly createdAt: string; wire?(): object };

/** Newest first; what is long is written out only for the page that shows it. */
function recordsOf(world: MollieWorld, list: string): readonly Listed[] | undefined {
  const newestFirst = (all: readonly Listed[]): Listed[] =>
    [...all].sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
  const { payments, settlements } = world;
  switch (list) {
    case 'payments':
      return newestFirst(
        payments.map((one) => ({
          id: one.id,
          createdAt: one.createdAt,
          wire: () => wirePayment(world, one),
        })),
      );
    case 'refunds':
      return newestFirst(payments.flatMap((one) => one.refunds.map((of) => wireRefund(one, of))));
    case 'chargebacks':
      return newestFirst(
        payments.flatMap((one) => one.chargebacks.map((of) => wireChargeback(one, of))),
      );
    case 'balance_transactions':
      return newestFirst(payments.flatMap(wireFee));
    case 'settlements':
      return newestFirst(settlements.map(wireSettlement));
    default:
      return undefined;
  }
}

function page(options: {
  readonly records: readonly Listed[];
  readonly list: string;
  readonly url: URL;
  readonly baseUrl: string;
}): SimulatedAnswer {
  const { records, list, url, baseUrl } = options;
  const limit = Number(url.searchParams.get('limit') ?? 50);
  if (!(limit >= 1 && limit <= 250)) {
    return problem(422, 'Unprocessable Entity', 'The limit must be between 1 and 250.', 'limit');
  }
  const from = url.searchParams.get('from');
  const start = from === null ? 0 : records.findIndex(({ id }) => id === from);
  if (start < 0) return problem(422, 'Unprocessable Entity', 'No such id.', 'from');
  const shown = records.slice(start, start + limit);
  const following = records[start + limit];
  const next = new URL(`${baseUrl}${url.pathname}${url.search}`);
  if (following) next.searchParams.set('from', following.id);
  return hal({
    count: shown.length,
    _embedded: { [list]: shown.map((one) => one.wire?.() ?? one) },
    _links: {
      self: link(`${baseUrl}${url.pathname}${url.search}`),
      previous: null,
      next: following ? link(next.href) : null,
    },
  });
}

const HAL = { 'content-type': 'application/hal+json' };

const hal = (body: object): SimulatedAnswer => ({ status: 200, headers: HAL, body });

/** An error in Mollie's own form. */
export function problem(
  status: number,
  title: string,
  detail: string,
  field?: string,
): SimulatedAnswer {
  const documentation = { href: 'https://docs.mollie.com/errors', type: 'text/html' };
  const body = { status, title, detail, ...(field ? { field } : {}), _links: { documentation } };
  return { status, headers: HAL, body };
}

const notFound = (): SimulatedAnswer =>
  problem(404, 'Not Found', 'No resource exists with this id, or it is of the other mode.');

/** The payment resource, with what hangs on it when asked to embed. */
export function wirePayment(
  world: MollieWorld,
  payment: SimulatedPayment,
  options: { readonly embed?: boolean } = {},
): Record<string, unknown> & { readonly id: string; readonly createdAt: string } {
  const { order, id, method, status } = payment;
  const { invoiceNumber, workOrder, memo } = order;
  const amount = money(order.amountMinor, order.currency);
  const named = [invoiceNumber, workOrder, memo].filter((text) => text !== undefined);
  return {
    resource: 'payment',
    id,
    mode: 'live',
    createdAt: payment.createdAt,
    amount,
    description: named.join(' / ') || `Payment ${id}`,
    method,
    metadata: {
      ...(invoiceNumber === undefined ? {} : { invoice: invoiceNumber }),
      ...(workOrder === undefined ? {} : { work_order: workOrder }),
    },
    status,
    ...payment.instants,
    ...('authorizedAt' in payment.instants
      ? {
          captureMode: 'manual',
          amountCaptured: money(status === 'paid' ? order.amountMinor : 0n, order.currency),
        }
      : {}),
    locale: 'nl_NL',
    countryCode: 'NL',
    profileId: world.profileId,
    _links: {
      self: link(`https://api.mollie.com/v2/payments/${id}`),
      dashboard: { href: `https://my.mollie.com/dashboard/payments/${id}`, type: 'text/html' },
    },
    customerId: order.customer.externalId,
    sequenceType: 'oneoff',
    ...(status === 'failed' ? { details: { bankReasonCode: 'AM04' } } : {}),
    billingAddress: { organizationName: order.customer.name, email: order.customer.email },
    amountRefunded: money(refunded(payment), order.currency),
    amountChargedBack: money(withdrawn(payment), order.currency),
    ...(options.embed
      ? {
          _embedded: {
            refunds: payment.refunds.map((one) => wireRefund(payment, one)),
            chargebacks: payment.chargebacks.map((one) => wireChargeback(payment, one)),
            captures: [],
          },
        }
      : {}),
  };
}

/** The refund resource. */
export function wireRefund(payment: SimulatedPayment, refund: SimulatedRefund) {
  return {
    resource: 'refund',
    id: refund.id,
    mode: 'live',
    amount: money(refund.amountMinor, payment.order.currency),
    status: refund.status,
    createdAt: refund.createdAt,
    description: `Refund of ${payment.id}`,
    metadata: null,
    paymentId: payment.id,
  };
}

/** The chargeback resource. */
export function wireChargeback(payment: SimulatedPayment, chargeback: SimulatedChargeback) {
  return {
    resource: 'chargeback',
    id: chargeback.id,
    amount: money(chargeback.amountMinor, payment.order.currency),
    reason: { code: 'MD06', description: 'Refund request by end customer' },
    paymentId: payment.id,
    createdAt: chargeback.createdAt,
    reversedAt: chargeback.reversedAt,
  };
}

/** The fee kept from a payment once it is paid: one percent, whole minor units; nothing of a pittance. */
export function feeOf({ status, order }: SimulatedPayment): bigint | null {
  const fee = order.amountMinor / 100n;
  return status === 'paid' && fee > 0n ? fee : null;
}

/** The balance transaction of a paid payment. */
function wireFee(payment: SimulatedPayment) {
  const { id, order, instants } = payment;
  const fee = feeOf(payment);
  if (payment.status !== 'paid') return [];
  const kept = money(-(fee ?? 0n), order.currency);
  return [
    {
      resource: 'balance-transaction',
      id: `baltr_${id.slice(3)}`,
      type: 'payment',
      resultAmount: money(order.amountMinor - (fee ?? 0n), order.currency),
      initialAmount: money(order.amountMinor, order.currency),
      deductions: kept,
      deductionDetails: fee === null ? {} : { fees: kept },
      createdAt: instants.paidAt ?? payment.createdAt,
      context: { paymentId: id },
    },
  ];
}

function wireSettlement(settlement: SimulatedSettlement) {
  return {
    resource: 'settlement',
    id: settlement.id,
    reference: `1234567.${settlement.id.slice(4)}`,
    status: 'paidout',
    createdAt: settlement.at,
    settledAt: settlement.at,
    amount: money(settlement.amountMinor, settlement.currency),
    periods: {},
  };
}

const money = (minor: bigint, currency: string) => ({
  value: toDecimalText({ minor, currency }),
  currency,
});

/** A HAL link. */
export const link = (href: string) => ({ href, type: 'application/hal+json' });

const sum = (list: readonly { readonly amountMinor: bigint }[]): bigint =>
  list.reduce((total, { amountMinor }) => total + amountMinor, 0n);

/** Refunded so far, in minor units. */
export const refunded = ({ refunds }: SimulatedPayment): bigint =>
  sum(refunds.filter(({ status }) => status === 'refunded'));

/** Withdrawn by chargebacks that are not reversed, in minor units. */
export const withdrawn = ({ chargebacks }: SimulatedPayment): bigint =>
  sum(chargebacks.filter(({ reversedAt }) => reversedAt === null));
