/** A simulated QuickBooks Online company on loopback: its API, its notices and its own truth. */
import { createHmac } from 'node:crypto';
import { authorizationServer } from './authorization-server.ts';
import type {
  SimulatedBooks,
  SimulatedInvoice,
  SimulatedNotice,
  SimulatorOptions,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { type ApiState, answerRequest, TOO_MANY } from './quickbooks-api.ts';
import {
  type Change,
  companyTime,
  createRow,
  decimal,
  enterPayment,
  findRow,
  livingRows,
  newCompany,
  refundPayment,
  removePayment,
  voidPayment,
} from './quickbooks-company.ts';
import { type Random, seededRandom } from './random.ts';

export type QuickBooksSimulatorOptions = SimulatorOptions & {
  /** The form of its notices; Intuit moved from the first to the second in 2026. */
  readonly notices?: 'legacy' | 'cloud-events';
};

export type QuickBooksSimulator = SimulatedBooks & {
  refund(paymentId: string, amountMinor: bigint, at: Date): string;
  void(paymentId: string, at: Date): void;
  remove(paymentId: string, at: Date): void;
  expireAccessTokens(): void;
};

/** Starts the company; the same seed gives the same ids, tokens and notices. */
export async function simulateQuickBooks(
  options: QuickBooksSimulatorOptions,
): Promise<QuickBooksSimulator> {
  const random = seededRandom(options.seed);
  const realmId = `93414${random.between(10_000_000_000, 99_999_999_999)}`;
  const verifierToken = `simulated-verifier-${random.token(16)}`;
  const notices: SimulatedNotice[] = [];
  const form = options.notices === 'legacy' ? legacyBody : cloudEventsBody;
  const company = newCompany(random.between(100, 900), (change) => {
    notices.push(notice(form(change, realmId, random), verifierToken, change));
  });
  const state: ApiState = {
    company,
    // Of its own, so that the order of requests does not change what notices say.
    random: seededRandom(options.seed + 2),
    realmId,
    authorization: authorizationServer({
      random: seededRandom(options.seed + 3),
      authorizePath: '/connect/oauth2',
      tokenPath: '/oauth2/v1/tokens/bearer',
      client: 'basic',
      accessSeconds: 3600,
      // Rotates at every refresh, more often than Intuit does, so that a lost token is noticed at once.
      rotation: 'with-grace',
      redirect: () => ({ realmId }),
      extra: () => ({ x_refresh_token_expires_in: 8_726_400 }),
      required: ['scope', 'state'],
    }),
    replays: new Map(),
  };
  const server = await serveFaulty((request) => answerRequest(state, request), {
    random: seededRandom(options.seed + 1),
    faultRate: options.faultRate ?? 0,
    tooMany: TOO_MANY,
    between: options.between,
  });
  return {
    portal: 'quickbooks',
    role: 'books',
    forgetsVoided: true,
    unlinkedRefunds: true,
    settings: {
      clientId: state.authorization.clientId,
      clientSecret: state.authorization.clientSecret,
      refreshToken: state.authorization.refreshToken,
      realmId,
      verifierToken,
      apiBaseUrl: server.baseUrl,
      authBaseUrl: server.baseUrl,
    },
    ...bookkeeping(state),
    takeNotices: () => notices.splice(0),
    truth: () =>
      [...company.truths.values()]
        .filter(({ recorded }) => !recorded)
        .map(({ recorded: _, ...truth }) => truth),
    requestCount: server.requestCount,
    close: server.close,
  };
}

/** What people do in the company. */
function bookkeeping({ company, random, authorization }: ApiState) {
  const named = (id: string) => {
    const name = findRow(company, 'Customer', id)?.DisplayName;
    return { value: id, ...(typeof name === 'string' ? { name } : {}) };
  };
  return {
    addCustomer: ({ name, email }, at) =>
      createRow(company, 'Customer', customerFields(name, email), at),
    addInvoice: (invoice, at) => createRow(company, 'Invoice', invoiceFields(invoice, named), at),
    enterPayment: ({ customerExternalId, invoices, ...payment }, at) => {
      const shares = invoices.map(({ externalId, amountMinor }) => ({
        invoiceId: externalId,
        amountMinor,
      }));
      const customer = named(customerExternalId);
      return enterPayment(company, { ...payment, customer, shares, recorded: false }, at);
    },
    pay: ({ customer, amountMinor, currency, ...order }, at) => {
      if (!findRow(company, 'Customer', customer.externalId)) {
        const fields = customerFields(customer.name, customer.email);
        createRow(company, 'Customer', { ...fields, Id: customer.externalId }, at);
      }
      const invoice = livingRows(company, 'Invoice').find(
        ({ DocNumber }) => DocNumber === order.invoiceNumber,
      );
      const texts = [invoice ? undefined : order.invoiceNumber, order.workOrder, order.memo];
      const note = texts.filter((text) => text !== undefined).join(' ');
      const payment = {
        customer: { value: customer.externalId, name: customer.name },
        amountMinor,
        currency,
        shares: invoice ? [{ invoiceId: invoice.Id, amountMinor }] : [],
        reference: `CHK-${random.between(1000, 9999)}`,
        ...(note === '' ? {} : { note }),
        recorded: false,
      };
      return enterPayment(company, payment, at);
    },
    void: (paymentId, at) => voidPayment(company, paymentId, at),
    remove: (paymentId, at) => removePayment(company, paymentId, at),
    refund: (paymentId, amountMinor, at) => refundPayment(company, { paymentId, amountMinor }, at),
    recordedPayments: () =>
      [...company.truths.values()]
        .filter(({ recorded }) => recorded)
        .map(({ externalId, amountMinor, currency, status }) => {
          const row = findRow(company, 'Payment', externalId);
          const customerExternalId = (row?.CustomerRef as { value: string } | undefined)?.value;
          return {
            externalId,
            reference: String(row?.PaymentRefNum ?? ''),
            customerExternalId: customerExternalId ?? '',
            amountMinor,
            currency,
            ...(status === 'voided' ? { takenBack: true } : {}),
          };
        }),
    expireAccessTokens: () => authorization.expireAccessTokens(),
  } satisfies Partial<QuickBooksSimulator>;
}

function customerFields(name: string, email: string) {
  return {
    DisplayName: name,
    FullyQualifiedName: name,
    Active: true,
    PrimaryEmailAddr: { Address: email },
  };
}

function invoiceFields(
  { number, customerExternalId, amountMinor, currency, workOrder }: SimulatedInvoice,
  named: (id: string) => { value: string },
) {
  const field = { DefinitionId: '1', Name: 'Work order', Type: 'StringType' };
  return {
    DocNumber: number,
    CustomerRef: named(customerExternalId),
    CurrencyRef: { value: currency },
    TotalAmt: decimal(amountMinor, currency),
    CustomField: workOrder === undefined ? [] : [{ ...field, StringValue: workOrder }],
  };
}

/** Signed as Intuit signs: the HMAC of the very bytes, in base64. */
function notice(body: string, verifierToken: string, change: Change): SimulatedNotice {
  const { entity, id, operation } = change;
  return {
    label: `${entity} ${operation} ${id}`,
    sign: () => ({
      headers: {
        'content-type': 'application/json',
        'user-agent': 'intuit_notification_server/1.0',
        'intuit-signature': createHmac('sha256', verifierToken).update(body).digest('base64'),
      },
      body: Buffer.from(body),
    }),
  };
}

function legacyBody({ entity, id, operation, at }: Change, realmId: string): string {
  const lastUpdated = companyTime(at).replace(/:(\d\d)$/, '$1');
  const entities = [{ name: entity, id, operation, lastUpdated }];
  return JSON.stringify({ eventNotifications: [{ realmId, dataChangeEvent: { entities } }] });
}

const CLOUD_OPERATIONS = {
  Create: 'created',
  Update: 'updated',
  Void: 'void',
  Delete: 'deleted',
} as const;

function cloudEventsBody(change: Change, realmId: string, random: Random): string {
  const { entity, id, operation, at } = change;
  const event = {
    specversion: '1.0',
    id: `${random.token(8)}-${random.token(4)}-${random.token(4)}-${random.token(12)}`,
    source: 'intuit.c2ltdWxhdGVk',
    type: `qbo.${entity.toLowerCase()}.${CLOUD_OPERATIONS[operation]}.v1`,
    datacontenttype: 'application/json',
    time: at.toISOString().replace('Z', '000000Z'),
    intuitentityid: id,
    intuitaccountid: realmId,
    data: {},
  };
  return JSON.stringify([event]);
}
