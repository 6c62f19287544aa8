/**
 * Intuit's simulated processor on loopback, with the company in whose books it writes: two hosts for one token, the
 * notices of both, and the processor's own truth.
 */
import { authorizationServer } from './authorization-server.ts';
import type {
  SimulatedInvoice,
  SimulatedNotice,
  SimulatedOrder,
  SimulatedPortal,
  SimulatorOptions,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { accountingBody, type NoticeForm, signedNotice } from './intuit-notices.ts';
import { answerProcessor, TOO_MANY_PAYMENTS } from './intuit-payments-api.ts';
import {
  beginTransaction,
  cancelCharge,
  captureCharge,
  endDebit,
  endRefund,
  type ProcessorTransaction,
  type ProcessorWorld,
  refundTransaction,
  truthOf,
} from './intuit-payments-world.ts';
import { type ApiState, answerRequest, TOO_MANY } from './quickbooks-api.ts';
import {
  type Change,
  createRow,
  customerFields,
  enterPayment,
  findRow,
  invoiceFields,
  newCompany,
  removePayment,
} from './quickbooks-company.ts';
import { type Random, seededRandom } from './random.ts';

export type IntuitPaymentsSimulatorOptions = SimulatorOptions & {
  /** What the app is told of: changes in accounting, `PaymentCreated`, or both. */
  readonly subscribed?: 'accounting' | 'created' | 'both';
  readonly notices?: NoticeForm;
  /** What the processor writes into the books; all of it when absent. */
  readonly records?: ProcessorWorld['records'];
  readonly receiptsName?: 'refund' | 'charge';
  readonly scope?: 'both' | 'accounting';
  readonly merchant?: boolean;
};

export type IntuitPaymentsSimulator = SimulatedPortal & {
  begin(order: SimulatedOrder, at: Date): string;
  settle(paymentId: string, at: Date): void;
  fail(paymentId: string, at: Date): void;
  authorize(order: SimulatedOrder, at: Date): string;
  /** Less than authorized, or up to half more; all of it when no amount is given. */
  capture(paymentId: string, at: Date, amountMinor?: bigint): void;
  void(paymentId: string, at: Date): void;
  refund(paymentId: string, amountMinor: bigint, at: Date): string;
  /** A refund that the app of somebody else made: no receipt of it is written. */
  refundSilently(paymentId: string, amountMinor: bigint, at: Date): string;
  /** The customer's bank takes the refund, or sends it back. Nobody is told. */
  endRefund(refundId: string, status: 'SETTLED' | 'DECLINED'): void;
  addCustomer(customer: { readonly name: string; readonly email: string }, at: Date): string;
  addInvoice(invoice: SimulatedInvoice, at: Date): string;
  /** A cheque that somebody enters in the books: no money of the processor. */
  enterCheque(customerId: string, amountMinor: bigint, at: Date): string;
  /** The id of the record that the processor wrote for a transaction. */
  recordOf(paymentId: string): string | undefined;
  /** Deletes that record; the charge stays. */
  removeRecord(paymentId: string, at: Date): void;
  expireAccessTokens(): void;
};

/** Starts both hosts; the same seed gives the same ids, tokens and notices. */
export async function simulateIntuitPayments(
  options: IntuitPaymentsSimulatorOptions,
): Promise<IntuitPaymentsSimulator> {
  const { seed, faultRate = 0, subscribed = 'both' } = options;
  const random = seededRandom(seed);
  const realmId = `93414${random.between(10_000_000_000, 99_999_999_999)}`;
  const verifierToken = `simulated-verifier-${random.token(16)}`;
  const sent = noticeBox({ ...options, random, realmId, verifierToken });
  const company = newCompany(random.between(100, 900), sent.changed);
  const world: ProcessorWorld = {
    company,
    random: seededRandom(seed + 2),
    transactions: new Map(),
    receiptsName: options.receiptsName ?? 'refund',
    records: options.records ?? 'all',
    created: sent.created,
    latest: new Date(0),
  };
  const authorization = authorizationServer({
    random: seededRandom(seed + 3),
    authorizePath: '/connect/oauth2',
    tokenPath: '/oauth2/v1/tokens/bearer',
    client: 'basic',
    accessSeconds: 3600,
    // Rotates at every refresh, more often than Intuit does, so that a lost token is noticed at once.
    rotation: 'with-grace',
    redirect: () => ({ realmId }),
    extra: () => ({ x_refresh_token_expires_in: 8_726_400 }),
    required: ['scope', 'state'],
  });
  const state: ApiState = { company, random, realmId, authorization, replays: new Map() };
  const accounting = await serveFaulty((request) => answerRequest(state, request), {
    random: seededRandom(seed + 1),
    faultRate,
    tooMany: TOO_MANY,
    between: options.between,
  });
  const { scope = 'both', merchant = true } = options;
  const api = { world, authorization, scope, merchant };
  const processor = await serveFaulty((request) => answerProcessor(api, request), {
    random: seededRandom(seed + 4),
    faultRate,
    tooMany: TOO_MANY_PAYMENTS,
    between: options.between,
  });
  const { clientId, clientSecret, refreshToken } = authorization;
  const acts = merchantActs(world);
  // Nothing but its own notice tells of an authorization, and Intuit repeats notices until they are acknowledged.
  const telling = subscribed === 'accounting' ? {} : ({ redelivers: true } as const);
  return {
    portal: 'intuit-payments',
    role: 'source',
    ...telling,
    currencies: ['USD', 'CAD'],
    settings: {
      clientId,
      clientSecret,
      refreshToken,
      realmId,
      verifierToken,
      apiBaseUrl: processor.baseUrl,
      accountingBaseUrl: accounting.baseUrl,
      authBaseUrl: accounting.baseUrl,
    },
    ...acts,
    takeNotices: sent.take,
    truth: () => [...world.transactions.values()].map(truthOf),
    expireAccessTokens: () => authorization.expireAccessTokens(),
    requestCount: () => accounting.requestCount() + processor.requestCount(),
    close: async () => void (await Promise.all([accounting.close(), processor.close()])),
  };
}

/** What customers and the firm do. */
function merchantActs(world: ProcessorWorld) {
  const { company } = world;
  const named = (value: string) => {
    const name = findRow(company, 'Customer', value)?.DisplayName;
    return { value, ...(typeof name === 'string' ? { name } : {}) };
  };
  return {
    pay: (order, at) => beginTransaction(world, order, { kind: 'charge', status: 'CAPTURED' }, at),
    begin: (order, at) => {
      if (order.currency !== 'USD') throw new Error('bank debits are in the United States only');
      return beginTransaction(world, order, { kind: 'echeck', status: 'PENDING' }, at);
    },
    settle: (id, at) => endDebit(world, id, 'SUCCEEDED', at),
    fail: (id, at) => endDebit(world, id, 'DECLINED', at),
    authorize: (order, at) =>
      beginTransaction(world, order, { kind: 'charge', status: 'AUTHORIZED' }, at),
    capture: (id: string, at: Date, amountMinor?: bigint) =>
      captureCharge(world, id, amountMinor, at),
    void: (id, at) => cancelCharge(world, id, at),
    refund: (id, amountMinor, at) => refundTransaction(world, id, amountMinor, at),
    refundSilently: (id, amountMinor, at) =>
      refundTransaction(world, id, amountMinor, at, { receipt: false }),
    endRefund: (refundId, status) => endRefund(world, refundId, status),
    addCustomer: ({ name, email }, at) =>
      createRow(company, 'Customer', customerFields(name, email), at),
    addInvoice: (invoice, at) => createRow(company, 'Invoice', invoiceFields(invoice, named), at),
    enterCheque: (customerId, amountMinor, at) => {
      const cheque = { customer: named(customerId), amountMinor, currency: 'USD', shares: [] };
      return enterPayment(company, { ...cheque, method: 'Check', by: 'people' }, at);
    },
    recordOf: (id) => world.transactions.get(id)?.record?.id,
    removeRecord: (id, at) =>
      removePayment(company, world.transactions.get(id)?.record?.id ?? '', at),
  } satisfies Partial<IntuitPaymentsSimulator>;
}

type NoticeBox = {
  readonly changed: (change: Change) => void;
  readonly created: (transaction: ProcessorTransaction) => void;
  readonly take: () => SimulatedNotice[];
};

/** Gathers what Intuit sends. What accounting sends is taken for QuickBooks' at the address of all portals. */
function noticeBox(
  options: IntuitPaymentsSimulatorOptions & {
    readonly random: Random;
    readonly realmId: string;
    readonly verifierToken: string;
  },
): NoticeBox {
  const { random, realmId, verifierToken, subscribed = 'both' } = options;
  const form = options.notices ?? 'cloud-events';
  const notices: SimulatedNotice[] = [];
  return {
    changed: (change) => {
      if (subscribed === 'created') return;
      const label = `${change.entity} ${change.operation} ${change.id}`;
      const body = accountingBody(change, { form, realmId, random });
      notices.push({ ...signedNotice(label, body, verifierToken), addressed: true });
    },
    created: ({ id }) => {
      if (subscribed === 'accounting') return;
      const body = JSON.stringify(createdBody(id, realmId, random));
      notices.push(signedNotice(`PaymentCreated ${id}`, body, verifierToken));
    },
    take: () => notices.splice(0),
  };
}

/** Nobody ever saw one: these are the shapes that such notices have elsewhere. */
function createdBody(id: string, realmId: string, random: Random): unknown {
  const eventId = `${random.token(8)}-${random.token(12)}`;
  return random.pick([
    { eventType: 'PaymentCreated', realmId, id },
    { id: eventId, event: 'PaymentCreated', realmId, data: { id } },
    { eventId, type: 'PaymentCreated', realmId, paymentId: id },
    [{ name: 'PaymentCreated', realmId, chargeId: id }],
    [{ id: eventId, type: 'PaymentCreated', intuitaccountid: realmId, intuitentityid: id }],
  ]);
}
