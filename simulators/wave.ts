/** A simulated Wave business on loopback: its GraphQL API, its authorization server and its own truth. */
import { findOwnMark, ownMark } from '../src/portals/kit/own-mark.ts';
import { authorizationServer } from './authorization-server.ts';
import type {
  RecordedPayment,
  SimulatedBooks,
  SimulatedPortal,
  SimulatorOptions,
  TruePayment,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { seededRandom } from './random.ts';
import { answerWave, TOO_MANY } from './wave-api.ts';
import { paidOf, type SimulatedCustomer, type WaveInvoice, waveId } from './wave-business.ts';
import type { WaveApi } from './wave-state.ts';

export type WaveSimulatorOptions = SimulatorOptions & {
  /** The firm keeps its invoices here and our payments are recorded; else it only collects through Wave. */
  readonly role?: 'source' | 'books';
  /** Whose token it is: a person's own, or an application's by consent. */
  readonly credentials?: 'token' | 'client';
  /** The firm's invoices are kept here; else each is written elsewhere and here only named by its number. */
  readonly billsHere?: boolean;
  /** False for a schema that does not know the order we ask for. */
  readonly sorts?: boolean;
  /** True for a schema in which an invoice lists its payments. */
  readonly listsPayments?: boolean;
  /** False for a schema in which no invoice can be asked for by its id. */
  readonly asksForOne?: boolean;
  readonly homeCurrency?: string;
  /** Businesses that the consent opens beside the simulated one. */
  readonly furtherBusinesses?: readonly string[];
};

export type WaveSimulator = Omit<SimulatedBooks, 'role'> & {
  readonly role: 'source' | 'books';
  /** Everything that people paid of the invoice of that payment is removed. */
  void(paymentId: string, at: Date): void;
  remove(paymentId: string, at: Date): void;
  /** More, or less when negative, is paid of the invoice of that payment. */
  change(paymentId: string, byMinor: bigint, at: Date): string;
  /** Somebody looks at the invoice, which moves its `modifiedAt`. */
  view(paymentId: string, at: Date): void;
  /** Somebody removes what carries that mark. */
  removeRecorded(mark: string, at: Date): void;
  /** A bookkeeper enters for us what we asked for, so it is not in `truth()` either. */
  enterForUs(
    payment: { readonly invoice: string; readonly amountMinor: bigint; readonly memo: string },
    at: Date,
  ): void;
  makeDraft(invoiceId: string, at: Date): void;
  expireAccessTokens(): void;
};

/** Starts the business; the same seed gives the same ids and amounts. Wave tells nothing: all is found by pull. */
export async function simulateWave(options: WaveSimulatorOptions): Promise<WaveSimulator> {
  const { role = 'source' } = options;
  const state = openBusiness(options);
  const { businessId, invoices, authorization, accounts } = state;
  const server = await serveFaulty((request) => answerWave(state, request), {
    // Of its own, so that the order of requests does not change the story.
    random: seededRandom(options.seed + 1),
    faultRate: options.faultRate ?? 0,
    tooMany: TOO_MANY,
    between: options.between,
  });
  const { clientId, clientSecret, refreshToken } = authorization;
  const [account = ''] = [...accounts.keys()];
  return {
    portal: 'wave',
    role,
    forgetsVoided: true,
    settings: {
      ...(options.credentials === 'token'
        ? { accessToken: state.accessToken }
        : { clientId, clientSecret, refreshToken }),
      businessId,
      ...(role === 'books' ? { paymentAccountId: account } : {}),
      importInvoices: String(state.billsHere),
      apiBaseUrl: server.baseUrl,
      authBaseUrl: server.baseUrl,
    },
    ...bookkeeping(state),
    takeNotices: () => [],
    truth: () => invoices.flatMap(truthsOf),
    recordedPayments: () => recordedIn(invoices),
    expireAccessTokens: () => authorization.expireAccessTokens(),
    requestCount: server.requestCount,
    close: server.close,
  };
}

function openBusiness(options: WaveSimulatorOptions): WaveApi {
  const random = seededRandom(options.seed);
  const businessId = Buffer.from(`Business:${random.token(8)}-${random.token(12)}`).toString(
    'base64',
  );
  const accounts = ['Cash on Hand', 'Undeposited Funds'].map(
    (name, index) => [waveId(businessId, 'Account', 7001 + index), name] as const,
  );
  return {
    businessId,
    furtherBusinesses: options.furtherBusinesses ?? [],
    homeCurrency: options.homeCurrency ?? 'USD',
    invoices: [],
    accessToken: `simulated-token-${random.token(24)}`,
    sorts: options.sorts ?? true,
    billsHere: options.billsHere ?? options.role === 'books',
    offers: {
      payments: options.listsPayments ?? false,
      oneInvoice: options.asksForOne ?? true,
    },
    accounts: new Map(accounts),
    now: new Date(0),
    lastPayment: 0,
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
}

type NewInvoice = Omit<WaveInvoice, 'id' | 'modifiedAt' | 'payments' | 'fallen' | 'isDraft'>;

/** What people do in the business. */
function bookkeeping(state: WaveApi) {
  const { businessId, invoices } = state;
  const customers = new Map<string, SimulatedCustomer>();
  const find = (id: string): WaveInvoice => {
    const invoice = invoices.find((one) => id === one.id || id.startsWith(`${one.id}#`));
    if (!invoice) throw new Error(`Invoice ${id} does not exist`);
    return invoice;
  };
  const touch = (invoice: WaveInvoice, at: Date): void => {
    invoice.modifiedAt = at;
    state.now = at;
  };
  /** What people paid becomes this much. */
  const change = (invoice: WaveInvoice, paidMinor: bigint, at: Date, memo?: string): string => {
    const id = `${invoice.id}#${invoice.fallen.length + 1}`;
    const before = paidOf(invoice, 'people');
    if (paidMinor === 0n && before > 0n) invoice.fallen.push(before);
    if (paidMinor > before) {
      state.lastPayment += 1;
      invoice.payments.push({
        id: waveId(businessId, 'InvoicePayment', 880_000 + state.lastPayment),
        amountMinor: paidMinor - before,
        memo: memo ?? null,
        recorded: false,
      });
    } else takeAway(invoice, before - paidMinor);
    touch(invoice, at);
    return id;
  };
  const add = (invoice: NewInvoice): WaveInvoice => {
    const made: WaveInvoice = {
      ...invoice,
      id: waveId(businessId, 'Invoice', 1_500_001 + invoices.length),
      modifiedAt: invoice.createdAt,
      payments: [],
      fallen: [],
      isDraft: false,
    };
    invoices.push(made);
    touch(made, invoice.createdAt);
    return made;
  };
  return {
    ...paying({ state, add, change }),
    addCustomer: ({ name, email }, _at) => {
      const id = waveId(businessId, 'Customer', 900 + customers.size);
      customers.set(id, { id, name, email });
      return id;
    },
    addInvoice: ({ number, customerExternalId, amountMinor, currency, workOrder }, at) => {
      const customer = customers.get(customerExternalId);
      if (!customer) throw new Error(`Customer ${customerExternalId} does not exist`);
      const poNumber = workOrder ?? null;
      const invoice = { number, createdAt: at, poNumber, memo: null, customer, currency };
      return add({ ...invoice, totalMinor: amountMinor }).id;
    },
    // Each invoice has payments of its own; the first names them all, as no test enters more than one.
    enterPayment: ({ invoices: shares, reference }, at) => {
      const ids = shares.map(({ externalId, amountMinor }) => {
        const invoice = find(externalId);
        return change(invoice, paidOf(invoice, 'people') + amountMinor, at, reference);
      });
      return ids[0] ?? '';
    },
    void: (paymentId, at) => {
      const invoice = find(paymentId);
      if (paidOf(invoice, 'people') === 0n) throw new Error(`${paymentId} is voided already`);
      change(invoice, 0n, at);
    },
    remove: (paymentId, at) => void change(find(paymentId), 0n, at),
    change: (paymentId, byMinor, at) => {
      const invoice = find(paymentId);
      return change(invoice, paidOf(invoice, 'people') + byMinor, at);
    },
    view: (paymentId, at) => touch(find(paymentId), at),
    removeRecorded: (mark, at) => {
      for (const invoice of invoices) {
        const kept = invoice.payments.filter(({ memo }) => !memo?.includes(mark));
        if (kept.length === invoice.payments.length) continue;
        invoice.payments.splice(0, invoice.payments.length, ...kept);
        touch(invoice, at);
      }
    },
    enterForUs: ({ invoice: invoiceId, amountMinor, memo }, at) => {
      const invoice = find(invoiceId);
      state.lastPayment += 1;
      const id = waveId(businessId, 'InvoicePayment', 880_000 + state.lastPayment);
      invoice.payments.push({ id, amountMinor, memo, recorded: true });
      touch(invoice, at);
    },
    makeDraft: (invoiceId, at) => {
      find(invoiceId).isDraft = true;
      touch(find(invoiceId), at);
    },
  } satisfies Partial<WaveSimulator>;
}

/** The latest of what people paid is removed or made smaller. */
function takeAway({ payments }: WaveInvoice, byMinor: bigint): void {
  let left = byMinor;
  for (const payment of payments.filter(({ recorded }) => !recorded).reverse()) {
    const taken = payment.amountMinor < left ? payment.amountMinor : left;
    payment.amountMinor -= taken;
    left -= taken;
    if (payment.amountMinor === 0n) payments.splice(payments.indexOf(payment), 1);
  }
}

type Ledger = {
  readonly state: WaveApi;
  add(invoice: NewInvoice): WaveInvoice;
  change(invoice: WaveInvoice, paidMinor: bigint, at: Date): string;
};

function paying({ state, add, change }: Ledger): Pick<SimulatedPortal, 'pay'> {
  const { invoices, billsHere } = state;
  return {
    // An invoice for each payment; where the firm's are kept here, what it pays elsewhere stands in the memo.
    pay: ({ amountMinor, currency, customer, ...order }, at) => {
      const { invoiceNumber, workOrder } = order;
      const texts = billsHere ? [invoiceNumber, workOrder, order.memo] : [order.memo];
      const memo = texts.filter((text) => text !== undefined).join(' ');
      const last = invoices.at(-1);
      // A customer opens an older invoice: its last change moves, and no money with it.
      if (last && invoices.length % 3 === 0) last.modifiedAt = at;
      const invoice = add({
        number: (billsHere ? undefined : invoiceNumber) ?? `W-${1016 + invoices.length}`,
        createdAt: at,
        poNumber: (billsHere ? undefined : workOrder) ?? null,
        memo: memo === '' ? null : memo,
        customer: { id: customer.externalId, name: customer.name, email: customer.email },
        currency,
        totalMinor: amountMinor,
      });
      return change(invoice, amountMinor, at);
    },
  };
}

function truthsOf(invoice: WaveInvoice): readonly TruePayment[] {
  const { id, currency, fallen } = invoice;
  const paidMinor = paidOf(invoice, 'people');
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

/** One for each mark, for it pays several invoices by several payments; one more where an invoice has it twice. */
function recordedIn(invoices: readonly WaveInvoice[]): readonly RecordedPayment[] {
  const recorded = new Map<string, RecordedPayment>();
  for (const invoice of invoices) {
    const times = new Map<string, number>();
    for (const { amountMinor, memo, recorded: isRecorded } of invoice.payments) {
      if (!isRecorded) continue;
      const found = findOwnMark(memo ?? '');
      const externalId = found ? ownMark(found) : `unmarked: ${memo}`;
      const time = (times.get(externalId) ?? 0) + 1;
      times.set(externalId, time);
      const { currency } = invoice;
      const before = recorded.get(`${externalId} ${time}`)?.amountMinor ?? 0n;
      recorded.set(`${externalId} ${time}`, {
        externalId,
        reference: memo ?? '',
        customerExternalId: invoice.customer.id,
        amountMinor: before + amountMinor,
        currency,
      });
    }
  }
  return [...recorded.values()];
}
