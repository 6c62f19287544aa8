/** What a simulated Wave lets others change: payments of invoices, and the approval of drafts. */
import { fromDecimalText, toDecimalText } from '../src/money/money.ts';
import type { SimulatedAnswer } from './faulty-server.ts';
import { paidOf, statusOf, type WaveInvoice, waveId } from './wave-business.ts';
import { type Asked, fault, ok, type WaveApi } from './wave-state.ts';

const METHODS = ['BANK_TRANSFER', 'CASH', 'CHEQUE', 'CREDIT_CARD', 'PAYPAL', 'OTHER'];
const REQUIRED = [
  'invoiceId',
  'paymentAccountId',
  'amount',
  'paymentDate',
  'paymentMethod',
  'exchangeRate',
];
const KNOWN = [...REQUIRED, 'memo'];

type Input = Readonly<Record<string, unknown>>;

/** `invoicePaymentCreateManual`; what does not fit the input type is an error of the query, the rest an input error. */
export function recordPayment(state: WaveApi, { variables }: Asked): SimulatedAnswer {
  const { input = {} } = variables;
  const odd = [
    ...REQUIRED.filter((name) => typeof input[name] !== 'string'),
    ...Object.keys(input).filter((name) => !KNOWN.includes(name)),
  ];
  if (odd.length > 0) return fault('BAD_USER_INPUT', `Variable "$input" got invalid ${odd.join()}`);
  const invoice = state.invoices.find(({ id }) => id === input.invoiceId);
  const wrong = invoice ? whatIsWrong(state, invoice, input) : ['invoiceId', 'Invoice not found.'];
  if (!invoice || wrong) return refused('invoicePaymentCreateManual', wrong ?? []);
  const { currency, payments } = invoice;
  const amount = String(input.amount);
  state.lastPayment += 1;
  const id = waveId(state.businessId, 'InvoicePayment', 880_000 + state.lastPayment);
  payments.push({
    id,
    amountMinor: fromDecimalText(amount, currency).minor,
    memo: typeof input.memo === 'string' ? input.memo : null,
    recorded: true,
  });
  invoice.modifiedAt = state.now;
  const { paymentDate, paymentMethod } = input;
  const invoicePayment = { id, amount, paymentDate, paymentMethod };
  return ok({ invoicePaymentCreateManual: { didSucceed: true, inputErrors: [], invoicePayment } });
}

function whatIsWrong(
  { accounts, homeCurrency }: WaveApi,
  { currency, isDraft }: WaveInvoice,
  input: Input,
): readonly [path: string, message: string] | undefined {
  const text = (name: string) => String(input[name]);
  if (isDraft) return ['invoiceId', 'Payments cannot be recorded for draft invoices.'];
  if (!accounts.has(text('paymentAccountId'))) return ['paymentAccountId', 'Account not found.'];
  if (!isAmount(text('amount'), currency)) return ['amount', 'Enter a valid amount.'];
  if (!/^\d{4}-\d\d-\d\d$/.test(text('paymentDate'))) return ['paymentDate', 'Invalid date.'];
  if (!METHODS.includes(text('paymentMethod'))) return ['paymentMethod', 'Invalid choice.'];
  const wantsRate = currency !== homeCurrency;
  if ((text('exchangeRate') === '1') === wantsRate) {
    return ['exchangeRate', `${currency} to ${homeCurrency} needs another rate.`];
  }
  return undefined;
}

/** Without separators, with the digits of its currency, above zero. */
function isAmount(amount: string, currency: string): boolean {
  if (!/^\d+(\.\d+)?$/.test(amount) || !/[1-9]/.test(amount)) return false;
  const { minor } = fromDecimalText(amount, currency);
  return toDecimalText({ minor, currency }) === amount;
}

export function approveInvoice({ invoices, now }: WaveApi, { variables }: Asked): SimulatedAnswer {
  const invoice = invoices.find(({ id }) => id === variables.input?.invoiceId);
  if (!invoice?.isDraft) return refused('invoiceApprove', ['invoiceId', 'No draft of that id.']);
  invoice.isDraft = false;
  invoice.modifiedAt = now;
  const status = statusOf(invoice, paidOf(invoice, 'everybody'));
  const approved = { id: invoice.id, status };
  return ok({ invoiceApprove: { didSucceed: true, inputErrors: [], invoice: approved } });
}

/** Nothing was done, with HTTP 200. */
function refused(mutation: string, [path, message]: readonly string[]): SimulatedAnswer {
  const inputErrors = [{ path: [path], message, code: 'INVALID' }];
  return ok({ [mutation]: { didSucceed: false, inputErrors, invoicePayment: null } });
}
