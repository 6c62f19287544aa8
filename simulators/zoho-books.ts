/** A simulated Zoho Books organization on loopback: its API, the webhooks of its workflow rules and its own truth. */
import { createHmac } from 'node:crypto';
import { toDecimalText } from '../src/money/money.ts';
import { rawNumber } from '../src/money/raw-number.ts';
import { authorizationServer } from './authorization-server.ts';
import type { SimulatedBooks, SimulatedNotice, SimulatorOptions } from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { type Random, seededRandom } from './random.ts';
import { answerRequest, TOO_MANY } from './zoho-books-api.ts';

export type ZohoBooksSimulatorOptions = SimulatorOptions & {
  /** What a webhook sends: the whole record, our own small body, or a form. */
  readonly notices?: 'default' | 'raw' | 'form';
};

export type ZohoBooksSimulator = SimulatedBooks & {
  /** A bookkeeper changes a payment: what it pays, its amount. */
  edit(
    paymentId: string,
    changes: Partial<Pick<Payment, 'amountMinor' | 'shares' | 'description'>>,
    at: Date,
  ): void;
  /** Its card was declined after all. */
  decline(paymentId: string, at: Date): void;
  /** The account that each payment was put into, by id. */
  accounts(): ReadonlyMap<string, string | undefined>;
  refund(paymentId: string, amountMinor: bigint, at: Date): string;
  void(paymentId: string, at: Date): void;
  expireAccessTokens(): void;
};

export type Payment = {
  readonly id: string;
  readonly customerId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly mode: string;
  readonly reference: string;
  readonly description: string;
  readonly date: string;
  readonly shares: readonly { readonly externalId: string; readonly amountMinor: bigint }[];
  readonly recorded: boolean;
  readonly account?: string;
  /** What stands in the custom field whose values are kept apart. */
  readonly uniqueValue?: string;
  readonly createdAt: Date;
  readonly refunds: readonly {
    readonly id: string;
    readonly amountMinor: bigint;
    readonly date: string;
  }[];
  readonly changedAt: Date;
  readonly status?: 'success' | 'failure';
  readonly deleted: boolean;
};
type Contact = { readonly id: string; readonly name: string; readonly email: string };
type Invoice = {
  readonly id: string;
  readonly number: string;
  readonly customerId: string;
  readonly totalMinor: bigint;
  readonly currency: string;
  readonly workOrder: string;
};

/** Zoho's ids are numbers beyond what a double holds. */
export type Organization = {
  readonly id: string;
  readonly payments: Map<string, Payment>;
  readonly contacts: Map<string, Contact & { readonly changedAt: Date }>;
  readonly invoices: Map<string, Invoice & { readonly changedAt: Date }>;
  nextId(): string;
  changed(payment: Payment, event: 'created' | 'edited' | 'deleted'): void;
  latest: Date;
};

/** Starts the organization; the same seed gives the same ids, tokens and webhooks. */
export async function simulateZohoBooks(
  options: ZohoBooksSimulatorOptions,
): Promise<ZohoBooksSimulator> {
  const random = seededRandom(options.seed);
  const secret = `Zoho${random.token(16)}`;
  const waiting: SimulatedNotice[] = [];
  const kind = options.notices ?? 'raw';
  const world = newOrganization(random, (payment, event) => {
    waiting.push(noticeOf(world, { payment, event, kind, secret }));
  });
  const authorization = authorizationServer({
    random: seededRandom(options.seed + 3),
    authorizePath: '/oauth/v2/auth',
    tokenPath: '/oauth/v2/token',
    client: 'form',
    accessSeconds: 3600,
    rotation: 'none',
    required: ['scope', 'state', 'access_type', 'prompt'],
    redirect: () => ({ location: 'us', 'accounts-server': server.baseUrl }),
  });
  const server = await serveFaulty((request) => answerRequest({ world, authorization }, request), {
    random: seededRandom(options.seed + 1),
    faultRate: options.faultRate ?? 0,
    tooMany: TOO_MANY,
    between: options.between,
  });
  return {
    portal: 'zoho-books',
    role: 'books',
    forgetsVoided: true,
    settings: {
      clientId: authorization.clientId,
      clientSecret: authorization.clientSecret,
      refreshToken: authorization.refreshToken,
      organizationId: world.id,
      webhookSecret: secret,
      apiBaseUrl: server.baseUrl,
      authBaseUrl: server.baseUrl,
    },
    ...bookkeeping(world),
    ...accountsOf(world),
    expireAccessTokens: () => authorization.expireAccessTokens(),
    takeNotices: () => waiting.splice(0),
    requestCount: server.requestCount,
    close: server.close,
  };
}

function newOrganization(random: Random, changed: Organization['changed']): Organization {
  let last = 460000000000000000n + BigInt(random.between(1, 1_000_000)) * 1000n;
  return {
    id: String(random.between(10_000_000, 99_999_999)),
    payments: new Map(),
    contacts: new Map(),
    invoices: new Map(),
    nextId: () => {
      last += 1n;
      return String(last);
    },
    changed,
    latest: new Date(0),
  };
}

/** Keeps a payment as it is now and tells of it. */
export function keep(
  world: Organization,
  payment: Payment,
  event: 'created' | 'edited' | 'deleted',
): string {
  if (payment.changedAt > world.latest) world.latest = payment.changedAt;
  world.payments.set(payment.id, payment);
  world.changed(payment, event);
  return payment.id;
}

/** What is still to be paid of an invoice, in minor units. */
export function dueOf(world: Organization, id: string): bigint {
  let due = world.invoices.get(id)?.totalMinor ?? 0n;
  for (const { deleted, shares } of world.payments.values()) {
    if (deleted) continue;
    for (const share of shares) if (share.externalId === id) due -= share.amountMinor;
  }
  return due;
}

/** What people do in the organization. */
function bookkeeping(world: Organization) {
  const customerOf = new Map<string, string>();
  const dayOf = (at: Date) => at.toISOString().slice(0, 10);
  const addCustomer: SimulatedBooks['addCustomer'] = (customer, at) => {
    const id = world.nextId();
    world.contacts.set(id, { id, ...customer, changedAt: at });
    if (at > world.latest) world.latest = at;
    return id;
  };
  const enter = (
    payment: Pick<Payment, 'customerId' | 'amountMinor' | 'currency' | 'mode' | 'shares'> &
      Pick<Payment, 'reference' | 'description'>,
    at: Date,
  ) =>
    keep(
      world,
      {
        id: world.nextId(),
        ...payment,
        date: dayOf(at),
        recorded: false,
        refunds: [],
        createdAt: at,
        changedAt: at,
        deleted: false,
      },
      'created',
    );
  const change = (id: string, at: Date, changes: Partial<Payment>) => {
    const payment = world.payments.get(id);
    if (!payment || payment.deleted) throw new Error(`payment ${id} does not exist`);
    keep(world, { ...payment, changedAt: at, ...changes }, changes.deleted ? 'deleted' : 'edited');
  };
  const remove = (id: string, at: Date) => change(id, at, { deleted: true });
  return {
    addCustomer,
    addInvoice: ({ number, customerExternalId, amountMinor, currency, workOrder = '' }, at) => {
      const id = world.nextId();
      const facts = { id, number, customerId: customerExternalId, totalMinor: amountMinor };
      world.invoices.set(id, { ...facts, currency, workOrder, changedAt: at });
      if (at > world.latest) world.latest = at;
      return id;
    },
    enterPayment: ({ customerExternalId, method, invoices, note = '', ...facts }, at) =>
      enter(
        {
          ...facts,
          customerId: customerExternalId,
          mode: method,
          shares: invoices,
          description: note,
        },
        at,
      ),
    pay: ({ customer, amountMinor, currency, invoiceNumber, workOrder, memo }, at) => {
      const { externalId, name, email } = customer;
      const customerId = customerOf.get(externalId) ?? addCustomer({ name, email }, at);
      customerOf.set(externalId, customerId);
      const invoice = [...world.invoices.values()].find(
        ({ id, number }) => number === invoiceNumber && dueOf(world, id) >= amountMinor,
      );
      const texts = [invoice ? undefined : invoiceNumber, workOrder, memo];
      const description = texts.filter((text) => text !== undefined).join(' ');
      const shares = invoice ? [{ externalId: invoice.id, amountMinor }] : [];
      const facts = { customerId, amountMinor, currency, shares, description };
      return enter({ ...facts, mode: 'creditcard', reference: '' }, at);
    },
    void: remove,
    edit: (paymentId, changes, at) => change(paymentId, at, changes),
    decline: (paymentId, at) => change(paymentId, at, { status: 'failure' }),
    accounts: () => new Map([...world.payments.values()].map(({ id, account }) => [id, account])),
    refund: (paymentId, amountMinor, at) => {
      const id = world.nextId();
      const refunds = world.payments.get(paymentId)?.refunds ?? [];
      const refund = { id, amountMinor, date: dayOf(at) };
      change(paymentId, at, { refunds: [...refunds, refund] });
      return id;
    },
  } satisfies Partial<ZohoBooksSimulator>;
}

/** What really happened, and what came through the API. */
function accountsOf(world: Organization) {
  return {
    truth: () =>
      [...world.payments.values()]
        .filter(({ recorded }) => !recorded)
        .map(({ id, deleted, status, amountMinor, currency, refunds }) => ({
          externalId: id,
          status: deleted ? 'voided' : status === 'failure' ? 'failed' : 'succeeded',
          amountMinor,
          currency,
          refundedMinor: refunds.reduce((sum, one) => sum + one.amountMinor, 0n),
          disputedMinor: 0n,
          lostMinor: 0n,
          feeMinor: null,
        })),
    recordedPayments: () =>
      [...world.payments.values()]
        .filter(({ recorded, deleted }) => recorded && !deleted)
        .map(({ id, customerId, ...facts }) => ({
          externalId: id,
          reference: facts.reference,
          customerExternalId: customerId,
          amountMinor: facts.amountMinor,
          currency: facts.currency,
        })),
  } satisfies Partial<ZohoBooksSimulator>;
}

/** Amounts are numbers in major units. */
export function decimal(minor: bigint, currency: string): unknown {
  return rawNumber(toDecimalText({ minor, currency }));
}

/** `2026-10-14T16:02:11+0000`: whole seconds, and an offset without a colon. */
export function wireTime(at: Date): string {
  return `${at.toISOString().slice(0, 19)}+0000`;
}

/** A payment as the API and the default payload tell it. */
export function paymentRow(world: Organization, payment: Payment) {
  const { currency, shares } = payment;
  const refunded = payment.refunds.reduce((sum, one) => sum + one.amountMinor, 0n);
  const applied = shares.reduce((sum, one) => sum + one.amountMinor, 0n);
  return {
    payment_id: payment.id,
    payment_mode: payment.mode,
    amount: decimal(payment.amountMinor, currency),
    amount_refunded: decimal(refunded, currency),
    bank_charges: 0,
    date: payment.date,
    status: payment.status ?? 'success',
    reference_number: payment.reference,
    description: payment.description,
    customer_id: payment.customerId,
    customer_name: world.contacts.get(payment.customerId)?.name ?? '',
    email: world.contacts.get(payment.customerId)?.email ?? '',
    currency_code: currency,
    unused_amount: decimal(payment.amountMinor - applied - refunded, currency),
    invoices: shares.map(({ externalId, amountMinor }) => ({
      invoice_id: externalId,
      invoice_number: world.invoices.get(externalId)?.number ?? '',
      amount_applied: decimal(amountMinor, currency),
    })),
    custom_fields: [],
    created_time: wireTime(payment.createdAt),
    last_modified_time: wireTime(payment.changedAt),
  };
}

function noticeOf(
  world: Organization,
  told: {
    readonly payment: Payment;
    readonly event: 'created' | 'edited' | 'deleted';
    readonly kind: 'default' | 'raw' | 'form';
    readonly secret: string;
  },
): SimulatedNotice {
  const { payment, event, kind, secret } = told;
  const row = paymentRow(world, payment);
  const raw = {
    event: `payment_received.${event}`,
    organization_id: world.id,
    payment_id: payment.id,
    last_modified_time: row.last_modified_time,
  };
  // The default payload does not say what happened: a rule for deletions sends our own body.
  const whole = kind !== 'raw' && event !== 'deleted';
  const json = JSON.stringify(whole ? { payment: row } : raw);
  const isForm = whole && kind === 'form';
  const body = isForm ? new URLSearchParams({ JSONString: json }).toString() : json;
  const delivery = (key: string) => ({
    headers: {
      'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
      'x-zoho-webhook-signature': createHmac('sha256', key)
        .update(isForm ? `JSONString${json}` : json)
        .digest('hex'),
    },
    body: Buffer.from(body),
  });
  return {
    label: `payment ${event} ${payment.id}`,
    sign: () => delivery(secret),
    forge: () => delivery(`${secret}x`),
  };
}
