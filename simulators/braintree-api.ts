/** The simulated Braintree's API: what its objects look like in GraphQL, its searches, and its errors. */
import { toDecimalText } from '../src/money/money.ts';
import { execute, GraphqlError, type Resolvers } from './braintree-graphql.ts';
import type { SimulatedOrder } from './contract.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';

export type Status =
  | 'AUTHORIZED'
  | 'SUBMITTED_FOR_SETTLEMENT'
  | 'SETTLEMENT_PENDING'
  | 'SETTLED'
  | 'SETTLEMENT_DECLINED'
  | 'PROCESSOR_DECLINED'
  | 'VOIDED';
type Passed<S> = { readonly status: S; readonly at: Date };
export type Instrument = 'credit_card' | 'apple_pay_card' | 'paypal_account' | 'us_bank_account';

/** A sale, or a refund of the sale `refundOf`. */
export type SimulatedTransaction = {
  readonly id: string;
  readonly order: SimulatedOrder;
  readonly amountMinor: bigint;
  readonly instrument: Instrument;
  readonly createdAt: Date;
  readonly refundOf: string | undefined;
  /** Oldest first; the last is the state. */
  readonly history: Passed<Status>[];
  /** The bank took a settled debit back; the status goes on saying SETTLED. */
  returnCode: string | undefined;
};
export type SimulatedDispute = {
  readonly id: string;
  readonly paymentId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly history: Passed<'OPEN' | 'WON' | 'LOST' | 'ACCEPTED' | 'EXPIRED'>[];
};
export type BraintreeWorld = {
  readonly publicKey: string;
  readonly privateKey: string;
  readonly merchantId: string;
  readonly transactions: SimulatedTransaction[];
  readonly disputes: SimulatedDispute[];
};

const PAGE_LIMIT = 7;
const TRANSITIONS: Readonly<Record<string, Status | ''>> = {
  authorizedAt: 'AUTHORIZED',
  submittedForSettlementAt: 'SUBMITTED_FOR_SETTLEMENT',
  settledAt: 'SETTLED',
  voidedAt: 'VOIDED',
  processorDeclinedAt: 'PROCESSOR_DECLINED',
  failedAt: '',
  gatewayRejectedAt: '',
  authorizationExpiredAt: '',
};

/** Errors come with HTTP 200, a wrong API key too. */
export function answerBraintree(world: BraintreeWorld, request: SimulatedRequest): SimulatedAnswer {
  if (request.url.pathname !== '/graphql' || request.method !== 'POST') return { status: 404 };
  const pair = `${world.publicKey}:${world.privateKey}`;
  const basic = `Basic ${Buffer.from(pair).toString('base64')}`;
  if (request.headers.authorization !== basic) {
    return failure(new GraphqlError('AUTHENTICATION', 'Authentication credentials are invalid.'));
  }
  if (!/^\d{4}-\d\d-\d\d$/.test(request.headers['braintree-version'] ?? '')) {
    return failure(new GraphqlError('VALIDATION', 'The Braintree-Version header is missing.'));
  }
  const { query, variables } = JSON.parse(request.body.toString()) as {
    readonly query: string;
    readonly variables?: Readonly<Record<string, unknown>>;
  };
  try {
    const data = execute(query, variables ?? {}, rootOf(world));
    return { status: 200, body: { data, extensions: { requestId: 'simulated' } } };
  } catch (error) {
    if (error instanceof GraphqlError) return failure(error);
    throw error;
  }
}

/** An answer that is an error, as GraphQL gives it. */
export function failure({ errorClass, message }: GraphqlError): SimulatedAnswer {
  const errors = [{ message, locations: [], path: null, extensions: { errorClass } }];
  return { status: 200, body: { errors, data: null, extensions: { requestId: 'simulated' } } };
}

function rootOf(world: BraintreeWorld): Resolvers {
  const { merchantId, transactions, disputes } = world;
  return {
    viewer: {
      merchant: { id: merchantId, companyName: 'Air Works', status: 'ACTIVE', timezone: 'UTC' },
    },
    idFromLegacyId: ({ legacyId, type }: { legacyId: string; type: string }) =>
      globalId(type.toLowerCase(), legacyId),
    node: ({ id }: { id: string }) => {
      const payment = transactions.find((one) => wireId(one) === id);
      const dispute = disputes.find((one) => globalId('dispute', one.id) === id);
      if (payment) return wirePayment(world, payment);
      if (dispute) return wireDispute(world, dispute);
      throw new GraphqlError('NOT_FOUND', `An object with ID ${id} was not found.`);
    },
    search: {
      payments: (args: SearchArgs) =>
        pageOf(
          newestFirst(transactions).filter((one) => matches(one, args.input)),
          args,
          (one) => wirePayment(world, one),
        ),
      disputes: (args: SearchArgs) =>
        pageOf(
          disputes.filter((one) => isEffective(one, args.input)),
          args,
          (one) => wireDispute(world, one),
        ),
    },
  };
}

type Range = { readonly greaterThanOrEqualTo: string; readonly lessThanOrEqualTo: string };
type SearchInput = {
  readonly statusTransition?: Readonly<Record<string, Range>>;
  readonly createdAt?: Range;
  readonly effectiveDate?: Range;
  readonly status?: { readonly in: readonly string[] };
  readonly paymentMethod?: {
    readonly paymentMethodSnapshot: { readonly type: { readonly is: string } };
  };
};
type SearchArgs = { readonly input: SearchInput; readonly first: number; readonly after?: unknown };

/** All criteria must hold. */
function matches(payment: SimulatedTransaction, input: SearchInput): boolean {
  const { statusTransition, createdAt, status, paymentMethod, ...unknown } = input;
  if (Object.keys(unknown).length > 0) {
    throw new GraphqlError('VALIDATION', `Field "${Object.keys(unknown)[0]}" is not defined`);
  }
  const passed = Object.entries(statusTransition ?? {}).every(([name, range]) => {
    const wanted = TRANSITIONS[name];
    if (wanted === undefined)
      throw new GraphqlError('VALIDATION', `Field "${name}" is not defined`);
    return payment.history.some((one) => one.status === wanted && isWithin(one.at, range));
  });
  const type = paymentMethod?.paymentMethodSnapshot.type.is;
  return (
    passed &&
    (!createdAt || isWithin(payment.createdAt, createdAt)) &&
    (!status || status.in.includes(stateOf(payment))) &&
    (!type || (type === 'US_BANK_ACCOUNT' && payment.instrument === 'us_bank_account'))
  );
}

function isWithin(at: Date, range: Range): boolean {
  const [from, to] = [range.greaterThanOrEqualTo, range.lessThanOrEqualTo].map(Date.parse);
  return at.getTime() >= (from ?? 0) && at.getTime() <= (to ?? 0);
}

function isEffective({ history }: SimulatedDispute, { effectiveDate }: SearchInput): boolean {
  if (!effectiveDate) throw new GraphqlError('VALIDATION', 'Only effectiveDate is simulated');
  const { greaterThanOrEqualTo, lessThanOrEqualTo } = effectiveDate;
  return history.some(({ at }) => {
    const day = at.toISOString().slice(0, 10);
    return day >= greaterThanOrEqualTo && day <= lessThanOrEqualTo;
  });
}

function newestFirst(list: readonly SimulatedTransaction[]): readonly SimulatedTransaction[] {
  return [...list].reverse().sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
}

/** Pages are smaller than asked for, and a cursor names the last record of its page. */
function pageOf<T extends { readonly id: string }>(
  records: readonly T[],
  { first, after }: SearchArgs,
  wire: (record: T) => Resolvers,
) {
  const cursorOf = ({ id }: T) => Buffer.from(id).toString('base64url');
  const start = after ? records.findIndex((one) => cursorOf(one) === after) + 1 : 0;
  if (after && start === 0) throw new GraphqlError('VALIDATION', 'The cursor is not valid.');
  const shown = records.slice(start, start + Math.min(first, PAGE_LIMIT));
  const last = shown.at(-1);
  return {
    pageInfo: {
      hasNextPage: start + shown.length < records.length,
      endCursor: last ? cursorOf(last) : null,
    },
    edges: shown.map((one) => ({ cursor: cursorOf(one), node: wire(one) })),
  };
}

/** The state it is in. */
export function stateOf({ history }: SimulatedTransaction): Status {
  return history.at(-1)?.status ?? 'AUTHORIZED';
}

function globalId(type: string, id: string): string {
  return Buffer.from(`${type}_${id}`).toString('base64url');
}

function wireId({ id, refundOf }: SimulatedTransaction): string {
  return globalId(refundOf === undefined ? 'transaction' : 'refund', id);
}

const money = (minor: bigint, currency: string) => ({
  value: toDecimalText({ minor, currency }),
  currencyCode: currency,
});

/** Six digits after the second, as GraphQL writes instants. */
const stamp = (at: Date) => at.toISOString().replace('Z', '000Z');

function wirePayment(world: BraintreeWorld, payment: SimulatedTransaction): Resolvers {
  const { order, amountMinor, history, refundOf } = payment;
  const { currency } = order;
  const shared = {
    id: wireId(payment),
    legacyId: payment.id,
    createdAt: stamp(payment.createdAt),
    amount: money(amountMinor, currency),
    status: stateOf(payment),
    merchantAccountId: `airworks_${currency.toLowerCase()}`,
    source: 'API',
    statusHistory: [...history].reverse().map(({ status, at }) => ({
      __typename: `${status.toLowerCase().replace(/(^|_)(\w)/g, (_all, _dash, letter: string) => letter.toUpperCase())}Event`,
      status,
      timestamp: stamp(at),
      amount: money(amountMinor, currency),
      terminal: status !== 'AUTHORIZED' && status !== 'SUBMITTED_FOR_SETTLEMENT',
      processorResponse: { legacyCode: '2001', message: 'Insufficient Funds' },
    })),
    paymentMethodSnapshot: snapshotOf(payment),
  };
  if (refundOf !== undefined) {
    const sale = world.transactions.find(({ id }) => id === refundOf);
    return {
      __typename: 'Refund',
      ...shared,
      orderId: null,
      refundedTransaction: {
        id: globalId('transaction', refundOf),
        legacyId: refundOf,
        orderId: (sale && orderIdOf(sale.order)) ?? null,
      },
    };
  }
  const { customer, workOrder } = order;
  return {
    __typename: 'Transaction',
    ...shared,
    orderId: orderIdOf(order) ?? null,
    purchaseOrderNumber: null,
    customFields: workOrder === undefined ? null : [{ name: 'work_order', value: workOrder }],
    customer: {
      id: globalId('customer', customer.externalId),
      legacyId: customer.externalId,
      company: customer.name,
      firstName: null,
      lastName: null,
      email: customer.email,
    },
    billingAddress: null,
    refunds: world.transactions
      .filter((one) => one.refundOf === payment.id)
      .map(({ id }) => ({ legacyId: id })),
    disputes: world.disputes
      .filter((one) => one.paymentId === payment.id)
      .map(({ id, history: states }) => ({ legacyId: id, status: states.at(-1)?.status ?? null })),
    partialCaptureDetails: null,
    disbursementDetails: null,
  };
}

/** The free text of whoever made the transaction: the invoice's number, or what the customer wrote. */
export function orderIdOf({ invoiceNumber, memo }: SimulatedOrder): string | undefined {
  return invoiceNumber ?? memo;
}

function snapshotOf(payment: SimulatedTransaction): Resolvers {
  const { instrument, order, returnCode } = payment;
  const { name, email } = order.customer;
  const fee = feeOf(payment);
  switch (instrument) {
    case 'us_bank_account':
      return {
        __typename: 'UsBankAccountDetails',
        accountholderName: name,
        achReturnCode: returnCode ?? null,
      };
    case 'paypal_account':
      return {
        __typename: 'PayPalTransactionDetails',
        payer: { email, firstName: name, lastName: null },
        transactionFee: fee === null ? null : money(fee, order.currency),
      };
    default: {
      const origin = instrument === 'apple_pay_card' ? { type: 'APPLE_PAY' } : null;
      return { __typename: 'CreditCardDetails', cardholderName: name, origin };
    }
  }
}

/** PayPal keeps three percent of what it pays; of other instruments no fee is ever told. */
export function feeOf(payment: SimulatedTransaction): bigint | null {
  const fee = (payment.amountMinor * 3n) / 100n;
  const kept = payment.instrument === 'paypal_account' && payment.refundOf === undefined;
  return kept && stateOf(payment) === 'SETTLED' && fee > 0n ? fee : null;
}

function wireDispute({ transactions }: BraintreeWorld, dispute: SimulatedDispute): Resolvers {
  const { amountMinor, currency, history, id } = dispute;
  const payment = transactions.find((one) => one.id === dispute.paymentId);
  const status = history.at(-1)?.status ?? 'OPEN';
  const first = history[0]?.at ?? new Date(0);
  return {
    __typename: 'Dispute',
    id: globalId('dispute', id),
    legacyId: id,
    createdAt: stamp(first),
    receivedDate: first.toISOString().slice(0, 10),
    type: 'CHARGEBACK',
    status,
    caseNumber: `CB-${id}`,
    amountDisputed: money(amountMinor, currency),
    amountWon: money(status === 'WON' ? amountMinor : 0n, currency),
    statusHistory: [...history].reverse().map((one) => ({
      status: one.status,
      timestamp: stamp(one.at),
      effectiveDate: one.at.toISOString().slice(0, 10),
      disbursementDate: null,
    })),
    processorResponse: { reason: 'FRAUD', reasonCode: '83', reasonDescription: 'Fraud' },
    originalDispute: null,
    transaction: payment
      ? {
          legacyId: payment.id,
          orderId: orderIdOf(payment.order) ?? null,
          amount: money(payment.amountMinor, currency),
        }
      : null,
  };
}
