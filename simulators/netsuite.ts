/** A simulated NetSuite account on loopback: its queries and records, the script that nudges us, and its own truth. */
import { createHmac } from 'node:crypto';
import type {
  SimulatedBooks,
  SimulatedNotice,
  SimulatedOrder,
  SimulatorOptions,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import {
  type Account,
  type AccountHabits,
  addCustomer,
  addTransaction,
  approve,
  type Change,
  deleteTransaction,
  depositAll,
  newAccount,
  receive,
  refund,
  voidTransaction,
} from './netsuite-account.ts';
import { type ApiState, answerRequest, TOO_MANY } from './netsuite-api.ts';
import { openWay, type Way } from './netsuite-sign-in.ts';
import { type Random, seededRandom } from './random.ts';

export type NetSuiteSimulatorOptions = SimulatorOptions & {
  readonly role?: 'source' | 'books';
  readonly way?: Way;
  /** The kind of key in the certificate. */
  readonly key?: 'ec' | 'rsa';
  /** The script is installed. */
  readonly nudges?: boolean;
  readonly payouts?: boolean;
  readonly zone?: string;
  readonly habits?: Partial<AccountHabits>;
  readonly mostResults?: number;
  readonly hidesDeletions?: boolean;
};

export type NetSuiteSimulator = Omit<SimulatedBooks, 'role'> & {
  readonly role: 'source' | 'books';
  /** What stands in the account, for tests that need more than people can do. */
  readonly account: Account;
  begin(order: SimulatedOrder, at: Date): string;
  settle(paymentId: string, at: Date): void;
  fail(paymentId: string, at: Date): void;
  void(paymentId: string, at: Date): void;
  remove(paymentId: string, at: Date): void;
  refund(paymentId: string, amountMinor: bigint, at: Date): string;
  failRefund?(refundId: string, at: Date): void;
  payout(at: Date): string | undefined;
  expireAccessTokens(): void;
};

const HABITS: AccountHabits = {
  refundSide: 'next',
  longStatus: false,
  voidKeepsTotal: true,
  negativeRefunds: false,
  singleCurrency: undefined,
};

/** Starts the account; the same seed gives the same ids and nudges. */
export async function simulateNetSuite(
  options: NetSuiteSimulatorOptions,
): Promise<NetSuiteSimulator> {
  const { seed, role = 'books', way = 'certificate', key = 'ec', nudges = true } = options;
  const random = seededRandom(seed);
  const accountId = `${random.between(1_000_000, 9_999_999)}_SB1`;
  const zone = options.zone ?? 'America/Los_Angeles';
  const nudgeSecret = `simulated-nudge-${random.token(24)}`;
  const told: SimulatedNotice[] = [];
  const nudging = seededRandom(seed + 2);
  const account = newAccount({
    zone,
    habits: { ...HABITS, ...options.habits },
    firstId: random.between(400, 6000),
    changed: (change) => {
      if (nudges) told.push(nudge(change, { accountId, nudgeSecret, random: nudging }));
    },
  });
  const state: ApiState = {
    account,
    signIn: openWay(way, { seed, accountId, key, clock: () => account.latest }),
    mostResults: options.mostResults ?? 100_000,
    hidesDeletions: options.hidesDeletions ?? false,
  };
  const tooMany = TOO_MANY[seed % TOO_MANY.length] ?? { status: 429 };
  const server = await serveFaulty((request) => answerRequest(state, request), {
    random: seededRandom(seed + 1),
    faultRate: options.faultRate ?? 0,
    tooMany,
    between: options.between,
  });
  const { singleCurrency, refundSide } = account.habits;
  return {
    portal: 'netsuite',
    role,
    account,
    forgetsVoided: true,
    ...(refundSide === null
      ? { unlinkedRefunds: true }
      : {
          failRefund: (refundId: string, at: Date) => undoRefund(account, Number(refundId), at),
        }),
    voidsPaid: true,
    ...(singleCurrency === undefined ? {} : { currencies: [singleCurrency] }),
    settings: {
      // As people write it, and as host names have it.
      accountId: seed % 2 === 0 ? accountId : accountId.toLowerCase().replaceAll('_', '-'),
      accountTimeZone: zone,
      ...state.signIn.settings,
      ...(nudges ? { nudgeSecret } : {}),
      ...(singleCurrency === undefined ? {} : { singleCurrency }),
      depositsArePayouts: String(options.payouts ?? false),
      apiBaseUrl: server.baseUrl,
      authBaseUrl: server.baseUrl,
    },
    ...bookkeeping(account, random),
    payout: (at) => (options.payouts ? depositAll(account, at) : undefined),
    payouts: () => account.payouts.map((one) => ({ ...one, state: 'paid' })),
    takeNotices: () => told.splice(0),
    truth: () =>
      [...account.truths.values()]
        .filter(({ recorded }) => !recorded)
        .map(({ recorded: _, ...truth }) => truth),
    expireAccessTokens: () => state.signIn.expireAccessTokens(),
    requestCount: server.requestCount,
    close: server.close,
  };
}

/** What people do in the account. */
function bookkeeping(account: Account, random: Random) {
  const entities = new Map<string, number>();
  const entityOf = ({ customer }: SimulatedOrder, at: Date): number => {
    const entity = entities.get(customer.externalId) ?? addCustomer(account, customer, at);
    entities.set(customer.externalId, entity);
    return entity;
  };
  const invoiceOf = ({ invoiceNumber }: SimulatedOrder) =>
    [...account.transactions.values()].find(
      ({ type, tranid, voided }) => type === 'CustInvc' && tranid === invoiceNumber && !voided,
    );
  /** An invoice of another customer cannot be paid; money before any invoice is a deposit, or waits to be applied. */
  const take = (order: SimulatedOrder, status: 'A' | 'B', at: Date): string => {
    const { amountMinor, currency } = order;
    const entity = entityOf(order, at);
    const named = invoiceOf(order);
    const invoice = named?.entity === entity ? named : undefined;
    const texts = [invoice ? undefined : order.invoiceNumber, order.workOrder, order.memo];
    const memo = texts.filter((text) => text !== undefined).join(' ');
    const common = { entity, amountMinor, currency, memo: memo === '' ? null : memo };
    const isDeposit = status === 'B' && !invoice && random.chance(0.3);
    const facts = isDeposit
      ? ({ type: 'CustDep', status: 'A', shares: [] } as const)
      : ({
          type: 'CustPymt',
          status,
          shares: invoice ? [{ invoiceId: invoice.id, amountMinor }] : [],
        } as const);
    return String(receive(account, { ...common, ...facts, recorded: false }, at).id);
  };
  return {
    addCustomer: (customer, at) => String(addCustomer(account, customer, at)),
    addInvoice: ({ number, customerExternalId, amountMinor, currency, workOrder }, at) => {
      const invoice = {
        type: 'CustInvc',
        status: 'A',
        tranid: number,
        entity: Number(customerExternalId),
        amountMinor,
        currency,
        otherrefnum: workOrder ?? null,
      } as const;
      return String(addTransaction(account, invoice, at).id);
    },
    enterPayment: ({ customerExternalId, invoices, reference, note, ...payment }, at) => {
      const { amountMinor, currency } = payment;
      const facts = {
        type: 'CustPymt',
        status: 'B',
        entity: Number(customerExternalId),
        amountMinor,
        currency,
        otherrefnum: reference,
        memo: note ?? null,
        shares: invoices.map((share) => ({
          invoiceId: Number(share.externalId),
          amountMinor: share.amountMinor,
        })),
        recorded: false,
      } as const;
      return String(receive(account, facts, at).id);
    },
    pay: (order, at) => take(order, 'B', at),
    begin: (order, at) => take(order, 'A', at),
    settle: (paymentId, at) => approve(account, Number(paymentId), at),
    fail: (paymentId, at) => voidTransaction(account, Number(paymentId), at),
    void: (paymentId, at) => voidTransaction(account, Number(paymentId), at),
    remove: (paymentId, at) => deleteTransaction(account, Number(paymentId), at),
    refund: (paymentId, amountMinor, at) =>
      String(refund(account, { paymentId: Number(paymentId), amountMinor }, at)),
    recordedPayments: () =>
      [...account.truths.values()].flatMap(({ recorded, externalId, amountMinor, currency }) => {
        const row = account.transactions.get(Number(externalId));
        if (!recorded || !row || row.voided) return [];
        const customerExternalId = String(row.entity);
        const reference = row.externalid ?? '';
        return [{ externalId, reference, customerExternalId, amountMinor, currency }];
      }),
  } satisfies Partial<NetSuiteSimulator>;
}

/** The bank sent the money back: the refund is voided, and the payment has it again. */
function undoRefund(account: Account, id: number, at: Date): void {
  const given = account.transactions.get(id);
  const link = account.links.find(({ previousdoc, nextdoc }) =>
    [previousdoc, nextdoc].includes(id),
  );
  const paymentId = link && String(link.previousdoc === id ? link.nextdoc : link.previousdoc);
  const truth = account.truths.get(paymentId ?? '');
  if (!given || !truth) throw new Error(`refund ${id} names no payment`);
  const amountMinor = given.amountMinor < 0n ? -given.amountMinor : given.amountMinor;
  const refundedMinor = truth.refundedMinor - amountMinor;
  account.truths.set(truth.externalId, { ...truth, refundedMinor });
  voidTransaction(account, id, at);
}

/** As our script sends it: signed over the time and the body. */
function nudge(
  { action, recordType, id, externalid, at }: Change,
  given: { readonly accountId: string; readonly nudgeSecret: string; readonly random: Random },
): SimulatedNotice {
  const { accountId, nudgeSecret, random } = given;
  const body = JSON.stringify({
    eventId: `${accountId}-${recordType}-${id}-${action}-${random.token(12)}`,
    accountId,
    action,
    recordType,
    recordId: String(id),
    externalId: externalid,
    occurredAt: at.toISOString(),
  });
  const delivery = (now: Date, key: string) => {
    const timestamp = String(Math.floor(now.getTime() / 1000));
    const signature = createHmac('sha256', key).update(`${timestamp}.${body}`);
    return {
      headers: {
        'content-type': 'application/json',
        'x-sync-timestamp': timestamp,
        // N/crypto prints hexadecimal digits in capitals.
        'x-sync-signature': `v1=${signature.digest('hex').toUpperCase()}`,
      },
      body: Buffer.from(body),
    };
  };
  return {
    label: `${recordType} ${action} ${id}`,
    sign: (now) => delivery(now, nudgeSecret),
    forge: (now) => delivery(now, `${nudgeSecret}x`),
  };
}
