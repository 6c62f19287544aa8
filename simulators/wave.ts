/** A simulated Wave business on loopback: its GraphQL API, its authorization server and its own truth. */
import { authorizationServer } from './authorization-server.ts';
import type { SimulatedPortal, SimulatorOptions, TruePayment } from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { seededRandom } from './random.ts';
import { answerWave, TOO_MANY, type WaveApi } from './wave-api.ts';
import { type WaveInvoice, waveId } from './wave-business.ts';

export type WaveSimulatorOptions = SimulatorOptions & {
  /** Whose token it is: a person's own, or an application's by consent. */
  readonly credentials?: 'token' | 'client';
  /** The firm's invoices are kept here; else each is written elsewhere and here only named by its number. */
  readonly billsHere?: boolean;
  /** False for a schema that does not know the order we ask for. */
  readonly sorts?: boolean;
};

export type WaveSimulator = SimulatedPortal & {
  void(paymentId: string, at: Date): void;
  /** More, or less when negative, is paid of the invoice of that payment. */
  change(paymentId: string, byMinor: bigint, at: Date): string;
  /** Somebody looks at the invoice, which moves its `modifiedAt`. */
  view(paymentId: string, at: Date): void;
  expireAccessTokens(): void;
};

/** Starts the business; the same seed gives the same ids and amounts. Wave tells nothing: all is found by pull. */
export async function simulateWave(options: WaveSimulatorOptions): Promise<WaveSimulator> {
  const random = seededRandom(options.seed);
  const businessId = Buffer.from(`Business:${random.token(8)}-${random.token(12)}`).toString(
    'base64',
  );
  const invoices: WaveInvoice[] = [];
  const state: WaveApi = {
    businessId,
    invoices,
    accessToken: `simulated-token-${random.token(24)}`,
    sorts: options.sorts ?? true,
    billsHere: options.billsHere ?? false,
    authorization: authorizationServer({
      random: seededRandom(options.seed + 3),
      authorizePath: '/oauth2/authorize/',
      tokenPath: '/oauth2/token/',
      client: 'form',
      accessSeconds: 7200,
      rotation: 'with-grace',
      extra: () => ({ businessId }),
      required: ['scope', 'state'],
    }),
  };
  const server = await serveFaulty((request) => answerWave(state, request), {
    // Of its own, so that the order of requests does not change the story.
    random: seededRandom(options.seed + 1),
    faultRate: options.faultRate ?? 0,
    tooMany: TOO_MANY,
  });
  const { clientId, clientSecret, refreshToken } = state.authorization;
  return {
    portal: 'wave',
    role: 'source',
    settings: {
      ...(options.credentials === 'token'
        ? { accessToken: state.accessToken }
        : { clientId, clientSecret, refreshToken }),
      businessId,
      importInvoices: String(state.billsHere),
      apiBaseUrl: server.baseUrl,
      authBaseUrl: server.baseUrl,
    },
    ...bookkeeping(state),
    takeNotices: () => [],
    truth: () => invoices.flatMap(truthsOf),
    expireAccessTokens: () => state.authorization.expireAccessTokens(),
    requestCount: server.requestCount,
    close: server.close,
  };
}

/** What people do in the business. */
function bookkeeping({ businessId, invoices, billsHere }: WaveApi) {
  const find = (paymentId: string): WaveInvoice => {
    const invoice = invoices.find(({ id }) => paymentId.startsWith(`${id}#`));
    if (!invoice) throw new Error(`Payment ${paymentId} does not exist`);
    return invoice;
  };
  const change = (invoice: WaveInvoice, paidMinor: bigint, at: Date): string => {
    const id = `${invoice.id}#${invoice.fallen.length + 1}`;
    if (paidMinor === 0n && invoice.paidMinor > 0n) invoice.fallen.push(invoice.paidMinor);
    invoice.paidMinor = paidMinor;
    invoice.modifiedAt = at;
    return id;
  };
  return {
    // An invoice for each payment; where the firm's are kept here, what it pays elsewhere stands in the memo.
    pay: ({ amountMinor, currency, customer, ...order }, at) => {
      const { invoiceNumber, workOrder } = order;
      const texts = billsHere ? [invoiceNumber, workOrder, order.memo] : [order.memo];
      const memo = texts.filter((text) => text !== undefined).join(' ');
      const last = invoices.at(-1);
      // A customer opens an older invoice: its last change moves, and no money with it.
      if (last && invoices.length % 3 === 0) last.modifiedAt = at;
      const invoice: WaveInvoice = {
        id: waveId(businessId, 'Invoice', 1_500_001 + invoices.length),
        number: (billsHere ? undefined : invoiceNumber) ?? `W-${1016 + invoices.length}`,
        createdAt: at,
        modifiedAt: at,
        poNumber: (billsHere ? undefined : workOrder) ?? null,
        memo: memo === '' ? null : memo,
        customer: { id: customer.externalId, name: customer.name, email: customer.email },
        currency,
        totalMinor: amountMinor,
        paidMinor: 0n,
        fallen: [],
      };
      invoices.push(invoice);
      return change(invoice, amountMinor, at);
    },
    void: (paymentId, at) => {
      const invoice = find(paymentId);
      if (invoice.paidMinor === 0n) throw new Error(`Payment ${paymentId} is voided already`);
      change(invoice, 0n, at);
    },
    change: (paymentId, byMinor, at) => {
      const invoice = find(paymentId);
      return change(invoice, invoice.paidMinor + byMinor, at);
    },
    view: (paymentId, at) => {
      find(paymentId).modifiedAt = at;
    },
  } satisfies Partial<WaveSimulator>;
}

function truthsOf(invoice: WaveInvoice): readonly TruePayment[] {
  const { id, currency, paidMinor, fallen } = invoice;
  const unmoved = { refundedMinor: 0n, disputedMinor: 0n, lostMinor: 0n, feeMinor: null };
  const truth = (status: TruePayment['status'], amountMinor: bigint, number: number) => ({
    externalId: `${id}#${number}`,
    status,
    amountMinor,
    currency,
    ...unmoved,
  });
  return [
    ...fallen.map((amountMinor, index) => truth('voided', amountMinor, index + 1)),
    ...(paidMinor > 0n ? [truth('succeeded', paidMinor, fallen.length + 1)] : []),
  ];
}
