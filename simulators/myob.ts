/** A simulated MYOB company file on loopback: its API, its consent and its own truth. It sends nothing by itself. */
import { authorizationServer } from './authorization-server.ts';
import type { SimulatedBooks, SimulatorOptions } from './contract.ts';
import { serveFaulty } from './faulty-server.ts';
import { type ApiState, answerRequest, TOO_MANY } from './myob-api.ts';
import {
  addCustomer,
  addInvoice,
  addReceipt,
  addRefund,
  BASE_CURRENCY,
  deleteReceipt,
  guid,
  newFile,
} from './myob-file.ts';
import { seededRandom } from './random.ts';

export type MyobSimulatorOptions = SimulatorOptions & {
  /** The file has a log-in of its own, as desktop files have. */
  readonly fileLogIn?: boolean;
};

export type MyobSimulator = SimulatedBooks & {
  refund(paymentId: string, amountMinor: bigint, at: Date): string;
  remove(paymentId: string, at: Date): void;
  expireAccessTokens(): void;
};

const FILE_USER = 'Administrator';
const FILE_PASSWORD = 'simulated-password';

/** Starts the company file; the same seed gives the same ids and tokens. */
export async function simulateMyob(options: MyobSimulatorOptions): Promise<MyobSimulator> {
  const random = seededRandom(options.seed);
  const companyFileId = guid(random);
  const state: ApiState = {
    file: newFile(random),
    random: seededRandom(options.seed + 2),
    companyFileId,
    authorization: authorizationServer({
      random: seededRandom(options.seed + 3),
      authorizePath: '/oauth2/account/authorize',
      tokenPath: '/oauth2/v1/authorize',
      client: 'form',
      accessSeconds: 1200,
      rotation: 'with-grace',
      redirect: () => ({ businessId: companyFileId, businessName: 'Simulated Air Services' }),
      // A number, but sent as text.
      extra: () => ({ expires_in: '1200' }),
      required: ['scope', 'state', 'prompt'],
    }),
    fileToken: options.fileLogIn
      ? Buffer.from(`${FILE_USER}:${FILE_PASSWORD}`).toString('base64')
      : undefined,
  };
  const server = await serveFaulty((request) => answerRequest(state, request), {
    random: seededRandom(options.seed + 1),
    faultRate: options.faultRate ?? 0,
    tooMany: TOO_MANY,
    between: options.between,
  });
  const { file, authorization } = state;
  const { clientId, clientSecret, refreshToken } = authorization;
  return {
    portal: 'myob',
    role: 'books',
    forgetsVoided: true,
    unlinkedRefunds: true,
    // Base amounts have two decimals in the file, so fils cannot be written there.
    currencies: ['USD', 'EUR', 'JPY'],
    settings: {
      clientId,
      clientSecret,
      refreshToken,
      companyFileId,
      baseCurrency: BASE_CURRENCY,
      timeZone: 'Australia/Brisbane',
      apiBaseUrl: `${server.baseUrl}/accountright`,
      authBaseUrl: server.baseUrl,
      ...(options.fileLogIn
        ? { companyFileUser: FILE_USER, companyFilePassword: FILE_PASSWORD }
        : {}),
    },
    ...bookkeeping(state),
    takeNotices: () => [],
    truth: () =>
      [...file.truths.values()]
        .filter(({ recorded }) => !recorded)
        .map(({ recorded: _, ...truth }) => truth),
    expireAccessTokens: () => authorization.expireAccessTokens(),
    requestCount: server.requestCount,
    close: server.close,
  };
}

/** What people do in the company file. */
function bookkeeping({ file }: ApiState) {
  const customers = new Map<string, string>();
  const { random } = file;
  return {
    addCustomer: (customer, at) => addCustomer(file, customer, at),
    addInvoice: ({ number, customerExternalId, amountMinor, currency, workOrder }, at) =>
      addInvoice(
        file,
        {
          number,
          customerUid: customerExternalId,
          totalMinor: amountMinor,
          currency,
          purchaseOrder: workOrder ?? null,
        },
        at,
      ),
    enterPayment: ({ customerExternalId, invoices, reference, note, ...payment }, at) =>
      addReceipt(
        file,
        {
          ...payment,
          customerUid: customerExternalId,
          shares: invoices.map(({ externalId, amountMinor }) => ({
            invoiceUid: externalId,
            amountMinor,
          })),
          receiptNumber: reference,
          memo: note ?? '',
          recorded: false,
        },
        at,
      ),
    pay: ({ customer, amountMinor, currency, ...order }, at) => {
      const customerUid = customers.get(customer.externalId) ?? addCustomer(file, customer, at);
      customers.set(customer.externalId, customerUid);
      const invoice = [...file.lists['Sale/Invoice'].values()].find(
        ({ Number: number }) => number === order.invoiceNumber,
      );
      const texts = [invoice ? undefined : order.invoiceNumber, order.workOrder, order.memo];
      const receipt = {
        customerUid,
        amountMinor,
        currency,
        shares: invoice ? [{ invoiceUid: invoice.UID, amountMinor }] : [],
        receiptNumber: `CR${random.between(100_000, 999_999)}`,
        method: random.pick(['EFT', 'Cheque', 'Visa', null]),
        memo: texts.filter((text) => text !== undefined).join(' '),
        recorded: false,
      };
      return addReceipt(file, receipt, at);
    },
    remove: (paymentId, _at) => deleteReceipt(file, paymentId),
    refund: (paymentUid, amountMinor, at) => addRefund(file, { paymentUid, amountMinor }, at),
    recordedPayments: () =>
      [...file.truths.values()].flatMap(({ recorded, externalId, amountMinor, currency }) => {
        const row = file.lists['Sale/CustomerPayment'].get(externalId);
        if (!recorded || !row) return [];
        const customerExternalId = (row.Customer as { readonly UID: string }).UID;
        const reference = String(row.Memo);
        return [{ externalId, reference, customerExternalId, amountMinor, currency }];
      }),
  } satisfies Partial<MyobSimulator>;
}
