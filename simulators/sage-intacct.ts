/** A simulated Sage Intacct company on loopback: both of its APIs over one ledger, its nudges and its own truth. */
import { authorizationServer } from './authorization-server.ts';
import type {
  EnteredPayment,
  SimulatedBooks,
  SimulatedNotice,
  SimulatedOrder,
  SimulatorOptions,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { seededRandom } from './random.ts';
import {
  addCustomer,
  addInvoice,
  addPayment,
  applyCredit,
  type Company,
  dayOf,
  deleteDraft,
  dueOf,
  newCompany,
  type Payment,
  reversePayment,
  submitDraft,
} from './sage-intacct-company.ts';
import { answerGateway, type GatewayState, tooMany } from './sage-intacct-gateway.ts';
import { answerRest, type RestState, TOO_MANY_REST } from './sage-intacct-rest.ts';

export type SageIntacctSimulatorOptions = SimulatorOptions & {
  readonly api?: 'xml' | 'rest';
  /** A trigger tells of payments that were made or changed. */
  readonly nudges?: boolean;
  /** The connection works in this entity; records can be private to it. */
  readonly entity?: string;
  /** The app signs in by itself, in place of a consent. */
  readonly ownSignIn?: boolean;
  /** Probability that a session or a set of rows is forgotten before its next use; default 0. */
  readonly forgetRate?: number;
};

export type SageIntacctSimulator = SimulatedBooks & {
  void(paymentId: string, at: Date): void;
  expireAccessTokens(): void;
  /** A payment that is not submitted yet; `settle` submits and `discard` deletes it. */
  draft(payment: EnteredPayment, at: Date): string;
  settle(paymentId: string, at: Date): void;
  discard(paymentId: string): void;
  /** Pays an invoice from an advance or an overpayment. */
  applyCredit(payment: string, invoice: string, amountMinor: bigint, at: Date): void;
  /** The company is moved: what everybody knows answers, the endpoint it named before does not. */
  readonly endpoint: string;
  /** Methods by which a client would have charged customers once more. */
  charges(): readonly string[];
  /** Forgets the rows kept for clients that page. */
  forgetResults(): void;
  /** Enters a payment that is private to an entity. */
  enterPrivately(payment: EnteredPayment, entity: string, at: Date): string;
  readonly counts: { refreshes: number; reuses: number };
};

const ACCOUNT = 'BOFA1435';
const ENTITY = 'E100';
/** The accounts of these books are not closed. */
const OPEN_FROM = '2020-01-01';
const NUDGE_TOKEN = 'intacct-nudge-simulated';

/** Starts the company; the same seed gives the same numbers, sessions and tokens. */
export async function simulateSageIntacct(
  options: SageIntacctSimulatorOptions & { readonly openFrom?: string },
): Promise<SageIntacctSimulator> {
  const { seed, api = 'xml', nudges = false, openFrom = OPEN_FROM } = options;
  const waiting: { readonly payment: Payment; readonly event: string }[] = [];
  const company = newCompany(seededRandom(seed), {
    changed: (payment, event) => void (nudges && waiting.push({ payment, event })),
    baseCurrency: 'USD',
    openFrom,
  });
  const gateway = gatewayState(company, options);
  const rest = restState(company, gateway, seed);
  const line = { faultRate: options.faultRate ?? 0, between: options.between };
  const server = await serveFaulty(
    (request) =>
      request.url.pathname === '/ia/xml/xmlgw.phtml'
        ? answerGateway(gateway, request, 'gateway')
        : answerRest(rest, request),
    {
      ...line,
      random: seededRandom(seed + 1),
      tooMany: api === 'xml' ? tooMany(429) : TOO_MANY_REST,
    },
  );
  // Another host in all but name: what the log-in names must be used.
  const home = await serveFaulty(
    (request) =>
      request.url.pathname === '/na12/ia/xml/xmlgw.phtml'
        ? answerGateway(gateway, request, 'endpoint')
        : { status: 404 },
    { ...line, random: seededRandom(seed + 5), tooMany: tooMany(200) },
  );
  gateway.endpoint = `${home.baseUrl}/na12/ia/xml/xmlgw.phtml`;
  return {
    portal: 'sage-intacct',
    role: 'books',
    // Two decimals are kept in every currency, so fils cannot be written there.
    currencies: ['USD', 'EUR', 'JPY'],
    settings: settingsFor(options, { gateway, rest, baseUrl: server.baseUrl }),
    endpoint: gateway.endpoint,
    ...bookkeeping(company),
    ...forgetting({ gateway, rest }),
    charges: () => gateway.charges,
    counts: rest.authorization.counts,
    takeNotices: () =>
      waiting.splice(0).map(({ payment, event }) => nudgeOf(gateway.companyId, payment, event)),
    truth: () =>
      [...company.truths.values()]
        .filter(({ recorded }) => !recorded)
        .map(({ recorded: _, ...truth }) => truth),
    requestCount: () => server.requestCount() + home.requestCount(),
    close: async () => {
      await server.close();
      await home.close();
    },
  };
}

function gatewayState(company: Company, options: SageIntacctSimulatorOptions): GatewayState {
  const names = seededRandom(options.seed + 4);
  return {
    company,
    senderId: 'simulated & sender',
    senderPassword: `sender-${names.token(12)}`,
    companyId: `Simulated${names.token(4)}`,
    userId: 'payments.sync',
    userPassword: `user<${names.token(12)}>`,
    accounts: [ACCOUNT],
    entities: [ENTITY],
    random: seededRandom(options.seed + 2),
    endpoint: '',
    sessions: new Map(),
    resultSets: new Map(),
    controlIds: new Set(),
    forgetRate: options.forgetRate ?? 0,
    charges: [],
  };
}

function restState(company: Company, gateway: GatewayState, seed: number): RestState {
  const { companyId, userId, accounts, entities, charges, random } = gateway;
  return {
    company,
    random,
    authorization: authorizationServer({
      random: seededRandom(seed + 3),
      authorizePath: '/ia/api/v1/oauth2/authorize',
      tokenPath: '/ia/api/v1/oauth2/token',
      client: 'form',
      accessSeconds: 21_600,
      rotation: 'with-grace',
      required: ['scope', 'state'],
    }),
    username: `${userId}@${companyId}`,
    ownTokens: new Set(),
    accounts,
    entities,
    idempotencyKeys: new Set(),
    charges,
  };
}

/** What a person enters to connect. */
function settingsFor(
  { api = 'xml', nudges, entity, ownSignIn }: SageIntacctSimulatorOptions,
  opened: { readonly gateway: GatewayState; readonly rest: RestState; readonly baseUrl: string },
): Readonly<Record<string, string>> {
  const { gateway, rest, baseUrl } = opened;
  const { senderId, senderPassword, companyId, userId, userPassword } = gateway;
  const { clientId, clientSecret, refreshToken } = rest.authorization;
  const user = { senderId, senderPassword, userId, userPassword };
  const app = {
    clientId,
    clientSecret,
    ...(ownSignIn ? { username: rest.username } : { refreshToken }),
  };
  return {
    api,
    companyId,
    ...(api === 'xml' ? user : app),
    ...(entity === undefined ? {} : { entity }),
    ...(nudges ? { nudgeToken: NUDGE_TOKEN } : {}),
    financialEntity: ACCOUNT,
    apiBaseUrl: `${baseUrl}${api === 'xml' ? '/ia/xml' : '/ia/api/v1'}`,
    authBaseUrl: `${baseUrl}/ia/api/v1`,
  };
}

function nudgeOf(companyId: string, payment: Payment, event: string): SimulatedNotice {
  const { recordNo } = payment;
  const nudge = { source: 'intacct-trigger', companyId, object: 'ARPYMT', recordNo, event };
  return {
    label: `${event} ARPYMT ${recordNo}`,
    sign: () => ({
      headers: { 'content-type': 'application/json', 'x-nudge-token': NUDGE_TOKEN },
      body: Buffer.from(JSON.stringify(nudge)),
    }),
  };
}

function forgetting(opened: { readonly gateway: GatewayState; readonly rest: RestState }) {
  const { gateway, rest } = opened;
  return {
    expireAccessTokens: () => {
      rest.authorization.expireAccessTokens();
      rest.ownTokens.clear();
      gateway.sessions.clear();
    },
    forgetResults: () => gateway.resultSets.clear(),
  } satisfies Partial<SageIntacctSimulator>;
}

const METHODS: Readonly<Record<string, string>> = {
  Check: 'check',
  Cash: 'cash',
  'Credit Card': 'card',
};

/** Types a payment in, as a bookkeeper does. */
function enter(
  company: Company,
  entered: EnteredPayment,
  more: { readonly at: Date; readonly draft?: boolean; readonly entity?: string },
): string {
  const { customerExternalId, invoices, reference, note = '', ...payment } = entered;
  const { at, ...how } = more;
  const made = {
    method: METHODS[payment.method] ?? 'eft',
    customerId: customerExternalId,
    docNumber: reference,
    description: note,
    day: dayOf(at),
    currency: payment.currency,
    minor: payment.amountMinor,
    shares: invoices.map(({ externalId, amountMinor }) => ({
      invoice: externalId,
      minor: amountMinor,
    })),
    recorded: false,
    ...how,
  };
  return addPayment(company, made, at);
}

/** The customer pays: the invoice as far as it is owed, the rest in advance. */
function receive(company: Company, customerId: string, order: SimulatedOrder, at: Date): string {
  const { amountMinor, currency, invoiceNumber, workOrder, memo } = order;
  const { random } = company;
  const invoice = [...company.invoices.values()].find(
    (one) => one.number === invoiceNumber && one.customerId === customerId,
  );
  const due = invoice ? dueOf(company, invoice.recordNo) : 0n;
  const share = due < amountMinor ? due : amountMinor;
  const texts = [invoice ? undefined : invoiceNumber, workOrder, memo];
  const payment = {
    method: random.pick(['eft', 'check', 'card', 'cash']),
    customerId,
    docNumber: String(random.between(1000, 9999)),
    description: texts.filter((text) => text !== undefined).join(' '),
    day: dayOf(at),
    currency,
    minor: amountMinor,
    shares: invoice && share > 0n ? [{ invoice: invoice.recordNo, minor: share }] : [],
    recorded: false,
  };
  return addPayment(company, payment, at);
}

/** What people do in the company. */
function bookkeeping(company: Company) {
  const customerOf = ({ email }: { readonly email: string }) =>
    [...company.customers.values()].find((one) => one.email === email)?.id;
  return {
    addCustomer: (customer, at) => addCustomer(company, customer, at),
    addInvoice: ({ number, customerExternalId, amountMinor, currency, workOrder }, at) => {
      const facts = { number, customerId: customerExternalId, currency, totalMinor: amountMinor };
      const texts = { purchaseOrder: '', description: workOrder ?? '', entity: null };
      return addInvoice(company, { ...facts, ...texts }, at);
    },
    enterPayment: (payment, at) => enter(company, payment, { at }),
    enterPrivately: (payment, entity, at) => enter(company, payment, { at, entity }),
    draft: (payment, at) => enter(company, payment, { at, draft: true }),
    settle: (paymentId, at) => submitDraft(company, paymentId, at),
    discard: (paymentId) => deleteDraft(company, paymentId),
    applyCredit: (payment, invoice, minor, at) =>
      applyCredit(company, { payment, invoice, minor }, at),
    pay: (order, at) => {
      const customerId = customerOf(order.customer) ?? addCustomer(company, order.customer, at);
      return receive(company, customerId, order, at);
    },
    void: (paymentId, at) => reversePayment(company, paymentId, dayOf(at), at),
    recordedPayments: () =>
      [...company.truths.values()].flatMap(
        ({ recorded, externalId, amountMinor, currency, status }) => {
          const payment = company.payments.get(externalId);
          if (!recorded || !payment) return [];
          const { docNumber: reference, customerId: customerExternalId } = payment;
          const kept = { externalId, reference, customerExternalId, amountMinor, currency };
          return [{ ...kept, ...(status === 'voided' ? { takenBack: true } : {}) }];
        },
      ),
  } satisfies Partial<SageIntacctSimulator>;
}
