/** A simulated SAP Business One on loopback: its Service Layer, the nudges of an add-on, and its own truth. */
import { createHash, createHmac } from 'node:crypto';
import type { SimulatedBooks, SimulatedNotice, SimulatorOptions } from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { seededRandom } from './random.ts';
import { type ApiState, answerRequest, TOO_MANY } from './sap-business-one-api.ts';
import {
  addInvoice,
  addPartner,
  addPayment,
  addRefund,
  approvePayment,
  type CompanyChange,
  cancelInvoice,
  cancelPayment,
  type Means,
  newCompany,
  openOf,
  type Share,
  TIME_ZONE,
  withdrawPayment,
} from './sap-business-one-company.ts';
import type { Version } from './sap-business-one-filter.ts';
import { sessionsOf } from './sap-business-one-session.ts';

export type BusinessOneSimulatorOptions = SimulatorOptions & {
  readonly version?: Version;
  /** Somebody added U_SyncId to payments. */
  readonly syncIdField?: boolean;
  /** In which currency the sums of foreign payments are told; the connection knows unless `untold`. */
  readonly foreignSums?: 'document' | 'local';
  readonly untold?: boolean;
  /** Work orders stand in a field of their own, not in the customer's reference. */
  readonly workOrderField?: boolean;
  /** An add-on nudges when documents are added or cancelled. */
  readonly nudges?: boolean;
};

export type BusinessOneSimulator = SimulatedBooks & {
  refund(paymentId: string, amountMinor: bigint, at: Date): string;
  void(paymentId: string, at: Date): void;
  /** A payment that awaits approval, until `settle` or `withdraw`. */
  begin: NonNullable<SimulatedBooks['begin']>;
  settle: NonNullable<SimulatedBooks['settle']>;
  withdraw(paymentId: string): void;
  addDownPayment(cardCode: string, amountMinor: bigint, at: Date): string;
  cancelInvoice(invoiceId: string, at: Date): void;
  /** What we record waits for approval from now on, or no longer. */
  requireApproval(required: boolean): void;
  drafts(): number;
  /** The payment is inside a bank deposit. */
  deposit(paymentId: string): void;
  expireAccessTokens(): void;
  logIns(): number;
};

const COMPANY_DB = 'SBODEMOUS';
const USER_NAME = 'payments-sync';
const TRANSFER_ACCOUNT = '_SYS00000000002';

/** Starts the company; the same seed gives the same numbers, sessions and nudges. */
export async function simulateBusinessOne(
  options: BusinessOneSimulatorOptions,
): Promise<BusinessOneSimulator> {
  const { version = 'v2', foreignSums = 'document' } = options;
  const random = seededRandom(options.seed);
  const password = random.token(16);
  const nudgeSecret = `b1-nudge-${random.token(20)}`;
  const notices: SimulatedNotice[] = [];
  const company = newCompany({
    random,
    foreignSums,
    workOrderField: options.workOrderField ? 'U_WorkOrder' : 'NumAtCard',
    tell: (change) => {
      if (options.nudges) notices.push(nudgeOf(change, { seed: options.seed, nudgeSecret }));
    },
  });
  const sessions = sessionsOf({
    random: seededRandom(options.seed + 3),
    companyDb: COMPANY_DB,
    userName: USER_NAME,
    password,
    now: () => company.latest,
  });
  const state: ApiState = {
    company,
    sessions,
    version,
    random: seededRandom(options.seed + 2),
    transferAccount: TRANSFER_ACCOUNT,
    syncIdField: options.syncIdField ? 'U_SyncId' : undefined,
  };
  const server = await serveFaulty((request) => answerRequest(state, request), {
    random: seededRandom(options.seed + 1),
    faultRate: options.faultRate ?? 0,
    tooMany: TOO_MANY,
    between: options.between,
  });
  return {
    portal: 'sap-business-one',
    role: 'books',
    unlinkedRefunds: true,
    // A local sum leads back to one amount only where a unit of the currency is worth more than one of ours.
    currencies: foreignSums === 'local' ? ['USD', 'EUR'] : ['USD', 'EUR', 'JPY', 'KWD'],
    settings: {
      apiBaseUrl: server.baseUrl,
      serviceLayerVersion: version,
      companyDb: COMPANY_DB,
      userName: USER_NAME,
      password,
      localCurrency: 'USD',
      currencies: '$=USD',
      timeZone: TIME_ZONE,
      transferAccount: TRANSFER_ACCOUNT,
      invoiceNumberField: 'U_InvoiceNo',
      nudgeSecret,
      ...(options.untold ? {} : { foreignSums }),
      ...(options.syncIdField ? { syncIdField: 'U_SyncId' } : {}),
      ...(options.workOrderField ? { workOrderField: 'U_WorkOrder' } : {}),
    },
    ...bookkeeping(state),
    takeNotices: () => notices.splice(0),
    truth: () =>
      [...company.truths.values()]
        .filter(({ recorded }) => !recorded)
        .map(({ recorded: _, ...truth }) => truth),
    expireAccessTokens: sessions.endAll,
    logIns: sessions.count,
    requestCount: server.requestCount,
    close: server.close,
  };
}

/** What people do in Business One. */
function bookkeeping({ company, syncIdField }: ApiState) {
  const { random } = company;
  const partners = new Map<string, string>();
  const payFor = (
    { customer, amountMinor, currency, ...order }: Parameters<SimulatedBooks['pay']>[0],
    at: Date,
    pending = false,
  ): string => {
    const cardCode = partners.get(customer.externalId) ?? addPartner(company, customer, at);
    partners.set(customer.externalId, cardCode);
    const invoice = [...company.sets.Invoices.values()].find(
      (row) => row.U_InvoiceNo === order.invoiceNumber && row.CardCode === cardCode,
    );
    const docEntry = Number(invoice?.DocEntry);
    const open = invoice ? (openOf(company, 'Invoices', docEntry)?.openMinor ?? 0n) : 0n;
    const share: Share = { set: 'Invoices', docEntry, amountMinor: smaller(open, amountMinor) };
    const texts = [invoice ? undefined : order.invoiceNumber, order.workOrder, order.memo];
    const means = random.pick(['transfer', 'check', 'cash', 'card'] as const);
    return addPayment(
      company,
      {
        cardCode,
        amountMinor,
        currency,
        shares: open > 0n ? [share] : [],
        means,
        reference: means === 'transfer' ? `TRF-${random.between(100_000, 999_999)}` : null,
        remarks: texts.filter((text) => text !== undefined).join(' '),
        pending,
        recorded: false,
      },
      at,
    );
  };
  return {
    addCustomer: (customer, at) => addPartner(company, customer, at),
    addInvoice: ({ number, customerExternalId, amountMinor, currency, workOrder }, at) =>
      String(
        addInvoice(
          company,
          {
            number,
            cardCode: customerExternalId,
            totalMinor: amountMinor,
            currency,
            workOrder: workOrder ?? null,
          },
          at,
        ),
      ),
    addDownPayment: (cardCode, totalMinor, at) => {
      const made = { number: 'DP', cardCode, totalMinor, currency: 'USD', workOrder: null };
      return `dp:${addInvoice(company, { ...made, set: 'DownPayments' }, at)}`;
    },
    cancelInvoice: (invoiceId, at) => cancelInvoice(company, Number(invoiceId), at),
    enterPayment: ({ customerExternalId, invoices, reference, note, method, ...payment }, at) =>
      addPayment(
        company,
        {
          ...payment,
          cardCode: customerExternalId,
          shares: invoices.map(({ externalId, amountMinor }) => ({
            set: 'Invoices',
            docEntry: Number(externalId),
            amountMinor,
          })),
          means: MEANS[method] ?? 'transfer',
          reference: null,
          remarks: [reference, note].filter((text) => text !== undefined).join(' '),
          recorded: false,
        },
        at,
      ),
    pay: (order, at) => payFor(order, at),
    begin: (order, at) => payFor(order, at, true),
    settle: (paymentId, at) => approvePayment(company, paymentId, at),
    withdraw: (paymentId) => withdrawPayment(company, paymentId),
    void: (paymentId, at) => cancelPayment(company, paymentId, at),
    refund: (paymentKey, amountMinor, at) =>
      addRefund(company, { paymentKey, amountMinor, named: random.chance(0.5) }, at),
    requireApproval: (required) => {
      company.approval = required;
    },
    drafts: () => company.sets.PaymentDrafts.size,
    deposit: (paymentId) => void company.deposited.add(paymentId),
    recordedPayments: () =>
      [...company.truths.values()].flatMap(({ recorded, status, ...truth }) => {
        const row = company.sets.IncomingPayments.get(truth.externalId);
        if (!recorded || !row) return [];
        const { externalId, amountMinor, currency } = truth;
        const reference = String(syncIdField ? row[syncIdField] : row.TransferReference);
        const customerExternalId = String(row.CardCode);
        const kept = { externalId, reference, customerExternalId, amountMinor, currency };
        return [{ ...kept, ...(status === 'voided' ? { takenBack: true } : {}) }];
      }),
  } satisfies Partial<BusinessOneSimulator>;
}

const MEANS: Readonly<Record<string, Means>> = { Check: 'check', 'Credit Card': 'card' };

/** As the script of docs/setup/sap-business-one.md signs: the time in seconds, a dot, the body. */
function nudgeOf(
  change: CompanyChange,
  { seed, nudgeSecret }: { readonly seed: number; readonly nudgeSecret: string },
): SimulatedNotice {
  const { objectType, transactionType, key, at } = change;
  const about = [seed, objectType, transactionType, key].join(' ');
  const body = Buffer.from(
    JSON.stringify({
      eventId: createHash('sha256').update(about).digest('hex').slice(0, 32),
      companyDb: COMPANY_DB,
      objectType,
      transactionType,
      key,
      occurredAt: `${at.toISOString().slice(0, 19)}Z`,
    }),
  );
  return {
    label: `${objectType} ${transactionType} ${key}`,
    sign: (now) => {
      const timestamp = String(Math.floor(now.getTime() / 1000));
      const mac = createHmac('sha256', nudgeSecret).update(`${timestamp}.`).update(body);
      return {
        headers: {
          'content-type': 'application/json',
          'x-sync-timestamp': timestamp,
          'x-sync-signature': `v1=${mac.digest('hex')}`,
        },
        body,
      };
    },
  };
}

function smaller(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}
