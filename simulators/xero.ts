/** A simulated Xero organisation on loopback: its API, its events and its own truth. */
import { createHmac } from 'node:crypto';
import { authorizationServer } from './authorization-server.ts';
import type {
  RecordedPayment,
  SimulatedBooks,
  SimulatedDelivery,
  SimulatedNotice,
  SimulatorOptions,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { type Random, seededRandom } from './random.ts';
import { type ApiState, answerRequest, TOO_MANY } from './xero-api.ts';
import {
  addContact,
  addInvoice,
  type Change,
  dueOf,
  giveBack,
  guid,
  newOrganisation,
  payInvoice,
  receiveOverpayment,
  takeBack,
} from './xero-organisation.ts';

export type XeroSimulatorOptions = SimulatorOptions & {
  /** Organisations that the consent opens beside the simulated one. */
  readonly furtherOrganisations?: readonly string[];
  /** Refusals come inside an answer that says 200. */
  readonly softErrors?: boolean;
};

export type XeroSimulator = SimulatedBooks & {
  refund(paymentId: string, amountMinor: bigint, at: Date): string;
  void(paymentId: string, at: Date): void;
  expireAccessTokens(): void;
  /** What Xero sends when an address is entered: deliveries without events, some of them wrongly signed. */
  intentToReceive(): readonly { readonly delivery: SimulatedDelivery; readonly status: number }[];
};

const PAYMENT_ACCOUNT = '090';
/** Events that one delivery may carry. */
const MOST_EVENTS = 3;

/** Starts the organisation; the same seed gives the same ids, tokens and events. */
export async function simulateXero(options: XeroSimulatorOptions): Promise<XeroSimulator> {
  const random = seededRandom(options.seed);
  const tenantId = guid(random);
  const webhookKey = `${random.token(40)}+/${random.token(10)}==`;
  const further = options.furtherOrganisations ?? [];
  const waiting: Change[] = [];
  const world = newOrganisation(random, (change) => waiting.push(change));
  const state: ApiState = {
    world,
    // Of its own, so that the order of requests does not change what events say.
    random: seededRandom(options.seed + 2),
    tenants: [
      { id: tenantId, name: 'Simulated Air Services Ltd' },
      ...further.map((name) => ({ id: guid(random), name })),
    ],
    authorization: authorizationServer({
      random: seededRandom(options.seed + 3),
      authorizePath: '/identity/connect/authorize',
      tokenPath: '/connect/token',
      client: 'basic',
      accessSeconds: 1800,
      // Each token is for one use; a repeated use is forgiven for a while, as answers get lost.
      rotation: 'with-grace',
      required: ['scope', 'state'],
    }),
    paymentAccount: PAYMENT_ACCOUNT,
    replays: new Map(),
    softErrors: options.softErrors ?? false,
  };
  const server = await serveFaulty((request) => answerRequest(state, request), {
    random: seededRandom(options.seed + 1),
    faultRate: options.faultRate ?? 0,
    tooMany: TOO_MANY,
    between: options.between,
  });
  const events = eventSource({ tenantId, webhookKey, random: seededRandom(options.seed + 4) });
  return {
    portal: 'xero',
    role: 'books',
    unlinkedRefunds: true,
    // Two decimals are kept in every currency, so fils cannot be written there.
    currencies: ['USD', 'EUR', 'GBP', 'NZD', 'AUD', 'JPY'],
    settings: {
      clientId: state.authorization.clientId,
      clientSecret: state.authorization.clientSecret,
      refreshToken: state.authorization.refreshToken,
      tenantId,
      webhookKey,
      paymentAccount: PAYMENT_ACCOUNT,
      apiBaseUrl: server.baseUrl,
      authBaseUrl: server.baseUrl,
    },
    ...bookkeeping(state),
    takeNotices: () => events.notices(waiting.splice(0)),
    intentToReceive: events.intents,
    requestCount: server.requestCount,
    close: server.close,
  };
}

/** What people do in the organisation. */
function bookkeeping({ world, authorization }: ApiState) {
  const dayOf = (at: Date) => at.toISOString().slice(0, 10);
  const contactOf = new Map<string, string>();
  return {
    addCustomer: (customer, at) => addContact(world, customer, at),
    addInvoice: ({ number, customerExternalId, amountMinor, currency, workOrder }, at) =>
      addInvoice(
        world,
        {
          number,
          contactId: customerExternalId,
          currency,
          totalMinor: amountMinor,
          reference: workOrder ?? '',
        },
        at,
      ),
    enterPayment: ({ customerExternalId, invoices, amountMinor, currency, ...entered }, at) => {
      const { reference } = entered;
      const ids = invoices.map((share) =>
        payInvoice(
          world,
          {
            invoiceId: share.externalId,
            amountMinor: share.amountMinor,
            reference,
            date: dayOf(at),
            recorded: false,
          },
          at,
        ),
      );
      const excess = invoices.reduce((rest, share) => rest - share.amountMinor, amountMinor);
      if (excess > 0n) {
        const money = { contactId: customerExternalId, totalMinor: excess, currency };
        const rest = { ...money, reference, date: dayOf(at), recorded: false };
        ids.push(receiveOverpayment(world, rest, at));
      }
      return ids[0] as string;
    },
    pay: ({ customer, amountMinor, currency, ...order }, at) => {
      const known = contactOf.get(customer.externalId);
      const contactId =
        known ?? addContact(world, { name: customer.name, email: customer.email }, at);
      contactOf.set(customer.externalId, contactId);
      const invoice = [...world.invoices.values()].find(
        ({ row }) => row.number === order.invoiceNumber && dueOf(world, row.id) >= amountMinor,
      );
      const texts = [invoice ? undefined : order.invoiceNumber, order.workOrder, order.memo];
      const reference = texts.filter((text) => text !== undefined).join(' ');
      const date = dayOf(at);
      return invoice
        ? payInvoice(
            world,
            { invoiceId: invoice.row.id, amountMinor, reference, date, recorded: false },
            at,
          )
        : receiveOverpayment(
            world,
            { contactId, totalMinor: amountMinor, currency, reference, date, recorded: false },
            at,
          );
    },
    void: (paymentId, at) => takeBack(world, paymentId, at),
    refund: (paymentId, amountMinor, at) => giveBack(world, { paymentId, amountMinor }, at),
    truth: () =>
      [...world.truths.values()]
        .filter(({ recorded }) => !recorded)
        .map(({ recorded: _, reference: __, ...truth }) => truth),
    recordedPayments: () => recordsOf(world),
    expireAccessTokens: () => authorization.expireAccessTokens(),
  } satisfies Partial<XeroSimulator>;
}

/**
 * What the client created, each recording once: its shares and what exceeds them carry one reference. A second
 * payment of the same invoice under that reference is a second recording.
 */
function recordsOf(world: ApiState['world']): readonly RecordedPayment[] {
  const records = new Map<string, RecordedPayment>();
  const times = new Map<string, number>();
  for (const { externalId, reference, recorded, ...truth } of world.truths.values()) {
    if (!recorded) continue;
    const { amountMinor, currency } = truth;
    const payment = world.payments.get(externalId)?.row;
    const paid = `${reference} ${payment?.documentId ?? 'overpayment'}`;
    const time = (times.get(paid) ?? 0) + 1;
    times.set(paid, time);
    const contact = payment?.contactId ?? world.overpayments.get(externalId)?.row.contactId ?? '';
    const known = records.get(`${reference} ${time}`);
    records.set(`${reference} ${time}`, {
      externalId: known?.externalId ?? externalId,
      reference,
      customerExternalId: known?.customerExternalId ?? contact,
      amountMinor: (known?.amountMinor ?? 0n) + amountMinor,
      currency,
      // Of several rows that are one recording all must be gone.
      ...((known?.takenBack ?? !known) && truth.status === 'voided' ? { takenBack: true } : {}),
    });
  }
  return [...records.values()];
}

/** Deliveries of one app: numbered events, several in one, now and then one of another organisation. */
function eventSource(app: {
  readonly tenantId: string;
  readonly webhookKey: string;
  readonly random: Random;
}) {
  const { tenantId, webhookKey, random } = app;
  const elsewhere = guid(random);
  let sequence = 0;

  const eventOf = ({ category, kind, id, at, data }: Change, tenant: string) => ({
    resourceUrl: `https://api.xero.com/api.xro/2.0/${id}`,
    resourceId: id,
    tenantId: tenant,
    tenantType: 'ORGANISATION',
    eventCategory: category,
    eventType: kind,
    // Without a zone, and with more digits than a clock has.
    eventDateUtc: at.toISOString().replace('Z', '0000'),
    ...(data ? { data } : {}),
  });

  const bodyOf = (events: readonly object[]): string => {
    const first = sequence + 1;
    sequence += events.length;
    const entropy = random.token(20).toUpperCase();
    return JSON.stringify({
      events,
      firstEventSequence: first,
      lastEventSequence: sequence,
      entropy,
    });
  };

  const delivery = (body: string, signature = sign(webhookKey, body)): SimulatedDelivery => ({
    headers: { 'content-type': 'application/json', 'x-xero-signature': signature },
    body: Buffer.from(body),
  });

  return {
    notices: (changes: readonly Change[]): SimulatedNotice[] => {
      const left = [...changes];
      const notices: SimulatedNotice[] = [];
      while (left.length > 0) {
        const some = left.splice(0, random.between(1, MOST_EVENTS));
        const events = some.map((change) => eventOf(change, tenantId));
        if (random.chance(0.1)) events.push(eventOf({ ...(some[0] as Change) }, elsewhere));
        const body = bodyOf(events);
        const label = some.map(({ category, kind, id }) => `${category} ${kind} ${id}`).join(', ');
        const forged = sign(`${webhookKey}x`, body);
        notices.push({
          label,
          sign: () => delivery(body),
          forge: () => delivery(body, forged),
        });
      }
      return notices;
    },
    /** Uneven blanks and all; the order of right and wrong ones is Xero's secret. */
    intents: () =>
      random.shuffle([200, 401, 200, 401]).map((status) => {
        const entropy = random.token(20).toUpperCase();
        const body = `{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "${entropy}"}`;
        const key = status === 200 ? webhookKey : `${webhookKey}x`;
        return { status, delivery: delivery(body, sign(key, body)) };
      }),
  };
}

/** The key's text is the key: it looks like base64 and is not decoded. */
function sign(key: string, body: string): string {
  return createHmac('sha256', key).update(body).digest('base64');
}
