/** A simulated Sage 50 on a PC of the firm: one ledger, behind any bridge or by files alone, and its truth. */

import type { SimulatedBooks, SimulatedNotice, SimulatorOptions, TruePayment } from './contract.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import { serveFaulty } from './faulty-server.ts';
import { seededRandom } from './random.ts';
import { answerBridge, BRIDGE_BUSY, noticeOf, pingOf } from './sage-50-bridge.ts';
import { exportLedger, importLedger } from './sage-50-files.ts';
import {
  answerHyper,
  answerOpenSource,
  HYPER_BUSY,
  OPEN_SOURCE_BUSY,
} from './sage-50-foreign-bridges.ts';
import {
  type Allocation,
  addCustomer,
  allocate,
  find,
  idOf,
  type Ledger,
  newLedger,
  numberIn,
  outstandingOf,
  payBack,
  post,
  receive,
  remove,
} from './sage-50-ledger.ts';

export type Sage50SimulatorOptions = SimulatorOptions & {
  readonly edition?: 'uk' | 'us';
  readonly bridge?: 'none' | 'own' | 'oss' | 'hyperaccounts';
  /** The own bridge pushes what changes. */
  readonly pushes?: boolean;
  /** HyperAccounts: how Windows on its PC writes days. */
  readonly dateFormat?: 'dd/mm/yyyy' | 'mm/dd/yyyy';
  /** The open-source bridge has its ledger where its code says, not where its documents say. */
  readonly ledgerByCode?: boolean;
  /** False for an open-source bridge that only says that it allocated. */
  readonly allocates?: boolean;
};

export type Sage50Simulator = SimulatedBooks & {
  refund(paymentId: string, amountMinor: bigint, at: Date): string;
  remove(paymentId: string, at: Date): void;
  /** Gives a receipt on account to invoices. */
  allocate(
    paymentId: string,
    shares: readonly { readonly externalId: string; readonly amountMinor: bigint }[],
    at: Date,
  ): void;
  /** Deletes a receipt and enters it anew under another number, as corrections are made. */
  correct(paymentId: string, amountMinor: bigint, at: Date): string;
  /** Everything in the ledger as a file that people export. */
  exportFile(): string;
  importFile: NonNullable<SimulatedBooks['importFile']>;
  /** A push that only says that the bridge is there. */
  ping(): SimulatedNotice;
};

const BASE_CURRENCY = 'USD';
const CURRENCIES = [BASE_CURRENCY, 'EUR', 'JPY'];

/** Starts Sage 50 and its bridge; the same seed gives the same numbers and keys. */
export async function simulateSage50(options: Sage50SimulatorOptions): Promise<Sage50Simulator> {
  const random = seededRandom(options.seed);
  const { edition = 'uk', bridge = 'own', pushes = false } = options;
  const secret = random.token(32);
  const apiKey = random.token(24);
  const notices: SimulatedNotice[] = [];
  const ledger = newLedger({
    edition,
    dataset: `SIM-${options.seed}`,
    baseCurrency: BASE_CURRENCY,
    timeZone: edition === 'uk' ? 'Europe/London' : 'America/New_York',
    random,
    changed(transaction) {
      if (!pushes) return;
      const eventId = `s50-${String(notices.length).padStart(3, '0')}-${random.token(8)}`;
      notices.push(noticeOf(ledger, transaction, { secret, eventId }));
    },
  });
  const way = wayOf(options, { ledger, apiKey, bridge });
  const server = await serveFaulty(way.answer, {
    random: seededRandom(options.seed + 1),
    faultRate: options.faultRate ?? 0,
    tooMany: way.busy,
    between: options.between,
  });
  return {
    portal: 'sage-50',
    role: 'books',
    unlinkedRefunds: true,
    // The open-source bridge lists neither currencies nor what was deleted.
    ...(bridge === 'oss' ? { forgetsVoided: true as const } : {}),
    currencies: bridge === 'oss' || edition === 'us' ? [BASE_CURRENCY] : CURRENCIES,
    settings: {
      edition,
      bridge,
      dataset: ledger.dataset,
      baseCurrency: BASE_CURRENCY,
      timeZone: ledger.timeZone,
      ...(edition === 'uk' ? UK_SETTINGS : US_SETTINGS),
      ...(bridge === 'none' ? {} : { apiBaseUrl: server.baseUrl }),
      ...way.settings,
      ...(pushes ? { webhookSecret: secret } : {}),
    },
    ...bookkeeping(ledger),
    exportFile: () => exportLedger(ledger, CURRENCIES),
    importFile: (file, at) => importLedger(ledger, file, at).map((one) => idOf(ledger, one)),
    ping: () => pingOf(ledger, secret),
    takeNotices: () => notices.splice(0),
    truth: () =>
      [...ledger.truths.values()]
        .filter(({ recorded }) => !recorded)
        .map(({ recorded: _, ...truth }) => truth),
    requestCount: server.requestCount,
    close: server.close,
  };
}

const UK_SETTINGS = { currencyTable: '2=EUR,3=JPY', bankNominal: '1200' };
const US_SETTINGS = {
  cashAccount: '10200',
  receivablesAccount: '11000',
  depositsAccount: '24400',
  discountAccount: '49000',
};

type Way = {
  readonly busy: SimulatedAnswer;
  readonly settings: Readonly<Record<string, string>>;
  answer(request: SimulatedRequest): SimulatedAnswer;
};

function wayOf(
  { dateFormat = 'dd/mm/yyyy', ledgerByCode = false, allocates = true }: Sage50SimulatorOptions,
  given: {
    readonly ledger: Ledger;
    readonly apiKey: string;
    readonly bridge: NonNullable<Sage50SimulatorOptions['bridge']>;
  },
): Way {
  const { ledger, apiKey, bridge } = given;
  switch (bridge) {
    case 'none':
      return { busy: BRIDGE_BUSY, settings: {}, answer: () => ({ status: 404, body: '' }) };
    case 'own': {
      const state = { ledger, apiKey, keys: new Map() };
      const answer = (request: SimulatedRequest) => answerBridge(state, request);
      return { busy: BRIDGE_BUSY, settings: { apiKey }, answer };
    }
    case 'oss': {
      const ledgerPath = ledgerByCode ? '/api/search/salesledger' : '/api/sales/ledger';
      const state = { ledger, ledgerPath, allocates } as const;
      const answer = (request: SimulatedRequest) => answerOpenSource(state, request);
      return { busy: OPEN_SOURCE_BUSY, settings: {}, answer };
    }
    case 'hyperaccounts': {
      const state = { ledger, authToken: apiKey, dateFormat, currencies: CURRENCIES };
      const answer = (request: SimulatedRequest) => answerHyper(state, request);
      return { busy: HYPER_BUSY, settings: { authToken: apiKey, dateFormat }, answer };
    }
  }
}

/** What people do in Sage 50. */
function bookkeeping(ledger: Ledger) {
  const customers = new Map<string, string>();
  const { random, edition } = ledger;
  const bankCode = edition === 'uk' ? '1200' : '10200';
  const enter = (
    given: {
      readonly accountRef: string;
      readonly amountMinor: bigint;
      readonly currency: string;
      readonly reference: string;
      readonly details: string;
      readonly shares: readonly Allocation[];
    },
    at: Date,
  ): string => {
    const { accountRef, amountMinor, currency, reference, details, shares } = given;
    const paid = shares.reduce((sum, share) => sum + share.amountMinor, 0n);
    const kind = paid === amountMinor ? 'SR' : 'SA';
    const texts = { reference, details: details.slice(0, 60), extraRef: null };
    const money = { accountRef, bankCode, currency, grossMinor: amountMinor, allocations: shares };
    return idOf(ledger, receive(ledger, { ...texts, ...money, kind }, at, false));
  };
  /** No more than the invoice lacks: the rest stays on account. */
  const shareOf = (invoice: number, amountMinor: bigint): readonly Allocation[] => {
    const open = outstandingOf(ledger, find(ledger, invoice));
    const share = amountMinor < open ? amountMinor : open;
    return share > 0n ? [{ invoice, amountMinor: share }] : [];
  };
  return {
    addCustomer: (customer, _at) => addCustomer(ledger, customer),
    addInvoice: (
      { number, customerExternalId: accountRef, amountMinor, currency, workOrder },
      at,
    ) => {
      const texts = { reference: number, details: workOrder ?? 'Service', extraRef: null };
      const money = { accountRef, bankCode: null, currency, grossMinor: amountMinor };
      return idOf(ledger, post(ledger, { ...texts, ...money, kind: 'SI', allocations: [] }, at));
    },
    enterPayment: ({ customerExternalId, invoices, reference, note, ...payment }, at) => {
      const shares = invoices.flatMap(({ externalId, amountMinor }) =>
        shareOf(numberIn(ledger, externalId), amountMinor),
      );
      const texts = { reference, details: note ?? 'Sales Receipt' };
      return enter({ ...payment, ...texts, accountRef: customerExternalId, shares }, at);
    },
    pay: ({ customer, amountMinor, currency, ...order }, at) => {
      const invoice = [...ledger.transactions.values()].find(
        (one) => one.kind === 'SI' && one.reference === order.invoiceNumber,
      );
      // A receipt can only pay invoices of its own account.
      const accountRef =
        invoice?.accountRef ?? customers.get(customer.externalId) ?? addCustomer(ledger, customer);
      customers.set(customer.externalId, accountRef);
      const texts = [invoice ? undefined : order.invoiceNumber, order.workOrder, order.memo];
      const details = texts.filter((text) => text !== undefined).join(' ');
      const reference = `FP ${random.between(100_000, 999_999)}`;
      const shares = invoice ? shareOf(invoice.number, amountMinor) : [];
      return enter({ accountRef, amountMinor, currency, reference, details, shares }, at);
    },
    remove: (paymentId, at) => {
      const number = numberIn(ledger, paymentId);
      remove(ledger, number, at);
      // Lists are believed about what is gone once something later is in them; in a firm something always is.
      const { accountRef, currency } = find(ledger, number);
      const credit = { kind: 'SC', bankCode: null, grossMinor: 100n, allocations: [] } as const;
      const texts = { reference: 'CREDIT', details: 'Goodwill', extraRef: null };
      post(ledger, { ...credit, ...texts, accountRef, currency }, at);
    },
    refund: (paymentId, amountMinor, at) => {
      const given = { receipt: numberIn(ledger, paymentId), amountMinor, reference: 'REFUND' };
      return idOf(ledger, payBack(ledger, given, at));
    },
    allocate: (paymentId, shares, at) => {
      const given = shares.map(({ externalId, amountMinor }) => ({
        invoice: numberIn(ledger, externalId),
        amountMinor,
      }));
      allocate(ledger, numberIn(ledger, paymentId), given, at);
    },
    correct: (paymentId, amountMinor, at) => {
      const number = numberIn(ledger, paymentId);
      const { modifiedAt: _, deleted: __, ...wrong } = find(ledger, number);
      remove(ledger, number, at);
      const corrected = { ...wrong, kind: 'SA', grossMinor: amountMinor, allocations: [] } as const;
      return idOf(ledger, receive(ledger, corrected, at, false));
    },
    recordedPayments: () =>
      [...ledger.truths].flatMap(([number, { recorded, ...truth }]) => {
        if (!recorded) return [];
        const { externalId, amountMinor, currency } = truth;
        const { reference, accountRef: customerExternalId } = find(ledger, number);
        const isPaidBack = [...ledger.transactions.values()].some(
          (one) => one.kind === 'SP' && !one.deleted && one.reference === `${reference}-R`,
        );
        const kept = { externalId, reference, customerExternalId, amountMinor, currency };
        return [{ ...kept, ...(isPaidBack || isGone(truth) ? { takenBack: true } : {}) }];
      }),
  } satisfies Partial<Sage50Simulator>;
}

/** Deleted, or paid back whole. */
function isGone({ status, amountMinor, refundedMinor }: TruePayment): boolean {
  return status === 'voided' || refundedMinor >= amountMinor;
}
