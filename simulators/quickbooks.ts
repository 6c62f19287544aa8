/** A simulated QuickBooks Online company on loopback: its API, its notices and its own truth. */
import { authorizationServer } from './authorization-server.ts';
import type {
  ShownPayment,
  SimulatedBooks,
  SimulatedNotice,
  SimulatorOptions,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { accountingBody, type NoticeForm, signedNotice } from './intuit-notices.ts';
import { type ApiState, answerRequest, TOO_MANY } from './quickbooks-api.ts';
import {
  createRow,
  customerFields,
  enterPayment,
  findRow,
  invoiceFields,
  newCompany,
  payOrder,
  refundPayment,
  removePayment,
  voidPayment,
} from './quickbooks-company.ts';
import { seededRandom } from './random.ts';

export type QuickBooksSimulatorOptions = SimulatorOptions & {
  /** The form of its notices; Intuit moved from the first to the second in 2026. */
  readonly notices?: NoticeForm;
};

export type QuickBooksSimulator = SimulatedBooks & {
  show(payment: ShownPayment, at: Date): string;
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
  const form = options.notices ?? 'cloud-events';
  const company = newCompany(random.between(100, 900), (change) => {
    const label = `${change.entity} ${change.operation} ${change.id}`;
    const body = accountingBody(change, { form, realmId, random });
    notices.push(signedNotice(label, body, verifierToken));
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
        .filter(({ by }) => by === 'people')
        .map(({ by: _, ...truth }) => truth),
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
      return enterPayment(company, { ...payment, customer, shares, by: 'people' }, at);
    },
    pay: (order, at) => {
      const reference = `CHK-${random.between(1000, 9999)}`;
      return payOrder(company, order, { reference, by: 'people' }, at);
    },
    show: ({ order, portal, externalId = '' }, at) => {
      // Only of its own processor QuickBooks keeps the id; what others took is typed in.
      const isOwn = externalId !== '' && portal === 'intuit-payments';
      const processed = isOwn ? { processed: externalId } : {};
      return payOrder(company, order, { reference: externalId, by: 'processor', ...processed }, at);
    },
    void: (paymentId, at) => voidPayment(company, paymentId, at),
    remove: (paymentId, at) => removePayment(company, paymentId, at),
    refund: (paymentId, amountMinor, at) => refundPayment(company, { paymentId, amountMinor }, at),
    recordedPayments: () =>
      [...company.truths.values()]
        .filter(({ by }) => by === 'client')
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
