/** A simulated FreshBooks account on loopback: its API, its callbacks and its own truth. */
import { createHmac } from 'node:crypto';
import { authorizationServer } from './authorization-server.ts';
import type {
  RecordedPayment,
  SimulatedBooks,
  SimulatedNotice,
  SimulatorOptions,
} from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import {
  addPayment,
  addRow,
  deletePayment,
  type FreshBooksAccount,
  type FreshBooksChange,
  giveMoneyBack,
  newAccount,
  printMoney,
} from './freshbooks-account.ts';
import {
  answerFreshBooks,
  FRESHBOOKS_TOO_MANY,
  type FreshBooksCallback,
  type FreshBooksState,
} from './freshbooks-api.ts';
import { seededRandom } from './random.ts';

export type FreshBooksSimulatorOptions = SimulatorOptions & {
  /** Businesses that the consent opens beside the simulated one. */
  readonly furtherBusinesses?: readonly string[];
};

export type FreshBooksSimulator = SimulatedBooks & {
  refund(paymentId: string, amountMinor: bigint, at: Date): string;
  void(paymentId: string, at: Date): void;
  expireAccessTokens(): void;
  /** Registers a callback, as a person does by FreshBooks' API; its introduction is among the notices. */
  registerCallback(event: string): { readonly callbackid: number; readonly verifier: string };
  isVerified(callbackid: number): boolean;
};

/** Starts the account; the same seed gives the same ids, verifiers and callbacks. */
export async function simulateFreshBooks(
  options: FreshBooksSimulatorOptions,
): Promise<FreshBooksSimulator> {
  const random = seededRandom(options.seed);
  const accountId = `z${random.token(5)}`;
  const notices: SimulatedNotice[] = [];
  const callbacks = new Map<number, FreshBooksCallback>();
  const tell = (change: FreshBooksChange): void => {
    for (const callback of callbacks.values()) {
      const [kind] = change.name.split('.');
      const wanted = callback.event === change.name || callback.event === kind;
      if (wanted && callback.verified) notices.push(notice(change, accountId, callback.verifier));
    }
  };
  const introduce = ({ callbackid, verifier }: FreshBooksCallback): void => {
    notices.push(
      notice({ name: 'callback.verify', id: callbackid, verifier }, accountId, verifier),
    );
  };
  const state: FreshBooksState = {
    account: newAccount(random.between(10_000_000, 20_000_000), tell),
    businesses: [
      { name: 'Simulated Air Services', account_id: accountId },
      { name: 'A business without accounting', account_id: null },
      ...(options.furtherBusinesses ?? []).map((name) => ({ name, account_id: random.token(6) })),
    ],
    accountId,
    authorization: authorizationServer({
      random: seededRandom(options.seed + 3),
      authorizePath: '/oauth/authorize',
      tokenPath: '/auth/oauth/token',
      client: 'json',
      accessSeconds: 43_200,
      rotation: 'single-use',
      extra: () => ({ created_at: 1_792_000_000, direct_buy_tokens: {} }),
      required: ['scope', 'state'],
    }),
    callbacks,
    introduce,
    newVerifier: () => `fbvt_${random.token(24)}`,
  };
  // Verified long ago, each with a secret of its own.
  for (const event of ['payment', 'invoice', 'client']) {
    const callbackid = 2001 + callbacks.size;
    const uri = 'https://sync.example.com/hooks/freshbooks';
    const verifier = state.newVerifier();
    callbacks.set(callbackid, { callbackid, event, uri, verifier, verified: true });
  }
  const verifiers = [...callbacks.values()].map(({ verifier }) => verifier).join(',');
  const server = await serveFaulty((request) => answerFreshBooks(state, request), {
    random: seededRandom(options.seed + 1),
    faultRate: options.faultRate ?? 0,
    tooMany: FRESHBOOKS_TOO_MANY,
    between: options.between,
    // A refresh token is for one use: an answer lost here would end the consent.
    spared: /^\/auth\/oauth\/token/,
  });
  const { clientId, clientSecret, refreshToken } = state.authorization;
  return {
    portal: 'freshbooks',
    role: 'books',
    unlinkedRefunds: true,
    voidsPaid: true,
    settings: {
      clientId,
      clientSecret,
      refreshToken,
      accountId,
      verifiers,
      apiBaseUrl: server.baseUrl,
      authBaseUrl: server.baseUrl,
    },
    ...bookkeeping(state),
    registerCallback: (event) => {
      const callbackid = 2001 + callbacks.size;
      const uri = 'https://sync.example.com/hooks/freshbooks';
      const callback = { callbackid, event, uri, verifier: state.newVerifier(), verified: false };
      callbacks.set(callbackid, callback);
      introduce(callback);
      return callback;
    },
    isVerified: (callbackid) => callbacks.get(callbackid)?.verified ?? false,
    takeNotices: () => notices.splice(0),
    requestCount: server.requestCount,
    close: server.close,
  };
}

/** What people do in the account. */
function bookkeeping({ account, authorization }: FreshBooksState) {
  const clientOf = new Map<string, number>();
  const dayOf = (at: Date) => at.toISOString().slice(0, 10);
  return {
    addCustomer: ({ name, email }, at) => String(addClient(account, name, email, at)),
    addInvoice: ({ number, customerExternalId, amountMinor, currency, workOrder }, at) => {
      const fields = {
        invoice_number: number,
        po_number: workOrder ?? '',
        amount: printMoney(amountMinor, currency),
        customerid: Number(customerExternalId),
        create_date: dayOf(at),
        due_date: null,
        v3_status: 'sent',
      };
      return String(addRow(account, 'invoices', fields, at));
    },
    // One payment pays one invoice there, so a cheque for several is typed in several times.
    enterPayment: ({ customerExternalId, invoices, amountMinor, currency, ...entered }, at) => {
      const note = [entered.reference, entered.note].filter(Boolean).join(' ');
      const common = { clientId: Number(customerExternalId), currency, type: entered.method, note };
      const rest = invoices.reduce((left, share) => left - share.amountMinor, amountMinor);
      const shares = [
        ...invoices.map((share) => ({ id: Number(share.externalId), minor: share.amountMinor })),
        ...(rest > 0n ? [{ id: null, minor: rest }] : []),
      ];
      const ids = shares.map(({ id, minor }) => {
        const share = { invoiceId: id, amountMinor: minor, date: dayOf(at), recorded: false };
        return addPayment(account, { ...common, ...share }, at);
      });
      return String(ids[0]);
    },
    pay: ({ customer, amountMinor, currency, ...order }, at) => {
      const known = clientOf.get(customer.externalId);
      const clientId = known ?? addClient(account, customer.name, customer.email, at);
      clientOf.set(customer.externalId, clientId);
      const invoice = [...account.rows.invoices.values()].find(
        (row) => row.invoice_number === order.invoiceNumber && row.vis_state === 0,
      );
      const texts = [invoice ? undefined : order.invoiceNumber, order.workOrder, order.memo];
      const payment = {
        clientId,
        invoiceId: invoice?.id ?? null,
        amountMinor,
        currency,
        type: 'Check',
        note: texts.filter((text) => text !== undefined).join(' '),
        date: dayOf(at),
        recorded: false,
      };
      return String(addPayment(account, payment, at));
    },
    void: (paymentId, at) => deletePayment(account, Number(paymentId), at),
    refund: (paymentId, amountMinor, at) =>
      String(giveMoneyBack(account, { id: Number(paymentId), amountMinor }, at)),
    truth: () =>
      [...account.truths.values()]
        .filter(({ recorded }) => !recorded)
        .map(({ recorded: _, ...truth }) => truth),
    recordedPayments: () => recordsOf(account),
    expireAccessTokens: () => authorization.expireAccessTokens(),
  } satisfies Partial<FreshBooksSimulator>;
}

function addClient(account: FreshBooksAccount, name: string, email: string, at: Date): number {
  const fields = { organization: name, fname: '', lname: '', email, currency_code: 'USD' };
  return addRow(account, 'clients', fields, at);
}

/** What the client created, each recording once: its rows carry one mark, and each invoice once. */
function recordsOf({ truths, rows }: FreshBooksAccount): readonly RecordedPayment[] {
  const records = new Map<string, RecordedPayment>();
  const times = new Map<string, number>();
  for (const [id, { recorded, amountMinor, currency, status }] of truths) {
    if (!recorded) continue;
    const row = rows.payments.get(id);
    const reference = /CV-\S+$/.exec(String(row?.note))?.[0] ?? String(row?.note);
    const paid = `${reference} ${String(row?.invoiceid)}`;
    const time = (times.get(paid) ?? 0) + 1;
    times.set(paid, time);
    const known = records.get(`${reference} ${time}`);
    records.set(`${reference} ${time}`, {
      externalId: known?.externalId ?? String(id),
      reference,
      customerExternalId: String(row?.clientid),
      amountMinor: (known?.amountMinor ?? 0n) + amountMinor,
      currency,
      // Of several rows that are one recording all must be gone.
      ...((known?.takenBack ?? !known) && status === 'voided' ? { takenBack: true } : {}),
    });
  }
  return [...records.values()];
}

/** Signed as FreshBooks signs: over the fields as Python prints them, not over the bytes. */
function notice(
  change: FreshBooksChange & { readonly verifier?: string },
  accountId: string,
  key: string,
): SimulatedNotice {
  const fields = {
    name: change.name,
    object_id: String(change.id),
    ...(change.verifier === undefined ? {} : { verifier: change.verifier }),
    account_id: accountId,
    business_id: '6543',
    identity_id: '1234',
    user_id: '1',
  };
  const pairs = Object.entries(fields).map(([name, value]) => `"${name}": "${value}"`);
  const delivery = (secret: string) => ({
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-freshbooks-hmac-sha256': createHmac('sha256', secret)
        .update(`{${pairs.join(', ')}}`)
        .digest('base64'),
    },
    body: Buffer.from(new URLSearchParams(fields).toString()),
  });
  return {
    label: `${change.name} ${change.id}`,
    sign: () => delivery(key),
    forge: () => delivery(`${key}x`),
  };
}
