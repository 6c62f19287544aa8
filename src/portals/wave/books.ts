/**
 * Recording our payments in Wave, which has no idempotency key and may list no payments: one share of an invoice at a
 * time, noted before it is sent, and after a lost answer by what the invoice then says was paid.
 */
import { toDecimalText } from '../../money/money.ts';
import type { PaymentToRecord, Portal, PortalApi, Recording, RecordingNote } from '../contract.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { findOwnMark } from '../kit/own-mark.ts';
import { differenceOfShares, sumShares } from '../kit/shares.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { askWave, DoesNotFitSchema } from './graphql.ts';
import { type CurrentInvoice, readInvoice } from './invoice.ts';
import { APPROVE_INVOICE, RECORD_PAYMENT } from './queries.ts';
import { isUnderWay, readStep, type SentShare, writeStep } from './recorded.ts';
import { businessOf, type WaveSettings } from './settings.ts';
import { approvedAnswer, DRAFT, type InputErrors, minorOf, recordedAnswer } from './wire.ts';

const MEMO_MAX_LENGTH = 255;
/** Wave may still be busy with what we did not see it answer. */
const PATIENCE_MS = 60_000;
const NOTHING = writeStep({ step: 'nothing' });

type Books = Recording<WaveSettings> & { readonly api: PortalApi };
type Marked = Pick<PaymentToRecord, 'paymentId' | 'mark'>;

export const books: NonNullable<Portal<WaveSettings>['books']> = {
  /** Known by its mark, which stands in the memo of each of its payments in Wave. */
  async recordPayment(api, payment, context) {
    const own = { ...context, api };
    const held = await whatStands(own, payment);
    requireInvoicesOnly(payment);
    const account = accountOf(own);
    const meant = sumShares(payment.invoices);
    const wanted = new Map([...meant].filter(([invoiceId]) => held.has(invoiceId)));
    const different = differenceOfShares(held, wanted);
    if (different !== undefined) throw refusal(`${payment.mark} stands in Wave, but ${different}`);
    for (const [invoiceId, minor] of meant) {
      if (!held.has(invoiceId)) await recordShare(own, payment, { account, invoiceId, minor });
    }
    return { externalId: payment.mark };
  },

  async abandonRecording(api, payment, context) {
    const held = await whatStands({ ...context, api }, payment);
    return held.size > 0 ? { externalId: payment.mark } : undefined;
  },
};

/** What stands in Wave of earlier attempts, by invoice, once each of them is certain. */
async function whatStands(own: Books, payment: Marked): Promise<ReadonlyMap<string, bigint>> {
  const held = new Map<string, bigint>();
  for (const note of await own.notes.kept()) {
    const minor = await whatBecame(own, payment, note);
    if (minor !== undefined) held.set(note.about, minor);
  }
  return held;
}

async function whatBecame(
  own: Books,
  payment: Marked,
  note: RecordingNote,
): Promise<bigint | undefined> {
  const { notes } = own;
  const { about } = note;
  const kept = readStep(note);
  switch (kept.step) {
    case 'recorded':
      return kept.minor;
    case 'nothing':
      return undefined;
    case 'turn':
      await notes.keep(about, NOTHING);
      return undefined;
    case 'sent':
    case 'asked':
      return settle(own, payment, { about, sent: kept, isSeenTo: kept.step === 'asked' });
  }
}

async function settle(
  { api, notes, settings }: Books,
  { mark }: Marked,
  {
    about,
    sent,
    isSeenTo,
  }: {
    readonly about: string;
    readonly sent: SentShare;
    /** Whoever lets us try again has seen to it that it is there. */
    readonly isSeenTo: boolean;
  },
): Promise<bigint | undefined> {
  const businessId = businessOf(settings);
  const invoice = await readInvoice(api, { businessId, invoiceId: about });
  const { minor, currency, before } = sent;
  const judged = judge(sent, invoice, mark);
  switch (judged === 'unclear' && isSeenTo ? 'there' : judged) {
    case 'there':
      await notes.keep(about, writeStep({ step: 'recorded', minor, currency, before }));
      return minor;
    case 'missing':
      await notes.keep(about, NOTHING);
      return undefined;
    case 'unclear': {
      await notes.keep(about, writeStep({ step: 'asked', minor, currency, before }));
      const amount = `${toDecimalText({ minor, currency })} ${currency}`;
      const name = invoice?.row.invoiceNumber ?? about;
      throw refusal(
        `nobody can tell whether ${amount} arrived on invoice ${name} in Wave, because what is paid of it changed ` +
          `otherwise meanwhile. Make sure that it stands there once, with ${mark} in its memo, then retry this`,
      );
    }
  }
}

/**
 * Whether what was sent arrived. Its mark proves it; without, `amountPaid` must have risen by exactly as much. It
 * cannot be there when less is paid in all, or nothing moved, or no payment of that amount is listed.
 */
function judge(
  { minor, currency, before }: SentShare,
  invoice: CurrentInvoice | undefined,
  mark: string,
): 'there' | 'missing' | 'unclear' {
  if (!invoice) return 'missing';
  const { payments, amountPaid } = invoice.row;
  if (invoice.row.currency.code !== currency) return 'unclear';
  const paid = minorOf(amountPaid.value, currency);
  const listed = (payments ?? []).map(({ amount, memo }) => ({
    minor: minorOf(amount, currency),
    isOurs: isMarked(memo, mark),
  }));
  const ours = listed.filter(({ isOurs }) => isOurs);
  if (ours.length > 0) return ours.every((one) => one.minor === minor) ? 'there' : 'unclear';
  if (paid < minor || paid === before) return 'missing';
  if (!payments) return paid === before + minor ? 'there' : 'unclear';
  const isComplete = listed.reduce((sum, one) => sum + one.minor, 0n) === paid;
  return isComplete && listed.every((one) => one.minor !== minor) ? 'missing' : 'unclear';
}

function isMarked(memo: string | null | undefined, mark: string): boolean {
  const [found, wanted] = [findOwnMark(memo ?? ''), findOwnMark(mark)];
  return (
    found !== undefined &&
    found.installation === wanted?.installation &&
    found.paymentId === wanted.paymentId
  );
}

type Share = {
  readonly account: string;
  readonly invoiceId: string;
  readonly minor: bigint;
};

async function recordShare(own: Books, payment: PaymentToRecord, share: Share): Promise<void> {
  const { notes } = own;
  const { invoiceId, minor } = share;
  const { currency } = payment;
  const other = await notes.keepUnless(invoiceId, writeStep({ step: 'turn' }), isUnderWay);
  if (other) {
    const because = `${other.paymentId} is being recorded on the same invoice in Wave`;
    throw new RetryLater(because, { ourSide: true });
  }
  let before: bigint;
  try {
    before = await prepare(own, payment, share);
  } catch (error) {
    await notes.keep(invoiceId, NOTHING);
    throw error;
  }
  const sent = { minor, currency, before };
  await notes.keep(invoiceId, writeStep({ step: 'sent', ...sent }));
  try {
    await send(own, payment, share);
  } catch (error) {
    if (wasRefused(error)) await notes.keep(invoiceId, NOTHING);
    throw patient(error);
  }
  await notes.keep(invoiceId, writeStep({ step: 'recorded', ...sent }));
}

/** Sees that the invoice takes the payment; resolves to what is paid of it now. @throws Rejected, RetryLater */
async function prepare(
  own: Books,
  { currency }: PaymentToRecord,
  { invoiceId, minor }: Share,
): Promise<bigint> {
  const businessId = businessOf(own.settings);
  const invoice = await readInvoice(own.api, { businessId, invoiceId });
  if (!invoice) throw refusal(`Wave knows no invoice ${invoiceId}; it was deleted there`);
  const { row, homeCurrency } = invoice;
  const name = `invoice ${row.invoiceNumber ?? invoiceId} in Wave`;
  if (row.currency.code !== currency) {
    throw refusal(`${name} is in ${row.currency.code}, the payment in ${currency}`);
  }
  if (currency !== homeCurrency) {
    throw refusal(
      `${name} is in ${currency}, the business in ${homeCurrency}: only a person knows the exchange rate; enter it there`,
    );
  }
  const paid = minorOf(row.amountPaid.value, currency);
  const left = minorOf(row.total.value, currency) - paid;
  if (left < minor) {
    const due = toDecimalText({ minor: left > 0n ? left : 0n, currency });
    const because = `only ${due} ${currency} of ${name} is left to be paid: somebody may have entered this there`;
    throw new RetryLater(because, { ourSide: true });
  }
  if (row.status === DRAFT) await approve(own, invoiceId, name);
  return paid;
}

async function approve({ api, settings }: Books, invoiceId: string, name: string): Promise<void> {
  if (!settings.approveDrafts) {
    throw refusal(`${name} is a draft, which takes no payment: approve it, or set approveDrafts`);
  }
  const variables = { input: { invoiceId } };
  const body = await askWave(api, { query: APPROVE_INVOICE, variables });
  const { didSucceed, inputErrors } = readWire(approvedAnswer, parseExactJson(body)).data
    .invoiceApprove;
  if (!didSucceed) throw refusal(`Wave did not approve ${name}: ${said(inputErrors)}`);
}

/** What Wave says it did not do, with HTTP 200. */
class NotRecorded extends Rejected {}

/** @throws NotRecorded, WireMismatch, and as `askWave` */
async function send(
  { api }: Books,
  payment: PaymentToRecord,
  { account, invoiceId, minor }: Share,
): Promise<void> {
  const { currency, memo, mark, receivedOn } = payment;
  const input = {
    invoiceId,
    paymentAccountId: account,
    amount: toDecimalText({ minor, currency }),
    paymentDate: receivedOn,
    paymentMethod: methodOf(payment),
    exchangeRate: '1',
    // The mark stands last; a long memo gives way to it.
    memo: [memo, mark]
      .filter((part) => part !== '')
      .join('; ')
      .slice(-MEMO_MAX_LENGTH),
  };
  const body = await askWave(api, { query: RECORD_PAYMENT, variables: { input } });
  const { didSucceed, inputErrors, invoicePayment } = readWire(recordedAnswer, parseExactJson(body))
    .data.invoicePaymentCreateManual;
  if (!didSucceed) {
    const because = `Wave recorded nothing: ${said(inputErrors)}`;
    throw new NotRecorded(because, { status: 200, body: body.toString('utf8').slice(0, 2_000) });
  }
  if (!invoicePayment || minorOf(invoicePayment.amount, currency) !== minor) {
    const amount = invoicePayment?.amount ?? 'nothing';
    throw new WireMismatch(`invoicePayment: ${amount} was recorded, not ${input.amount}`);
  }
}

/** True where Wave surely did nothing. An answer with errors may come of a payment that was recorded. */
function wasRefused(error: unknown): boolean {
  if (error instanceof NotRecorded || error instanceof Reauthorize) return true;
  if (error instanceof DoesNotFitSchema) return true;
  return error instanceof Rejected && error.status >= 400;
}

function patient(error: unknown): unknown {
  if (!(error instanceof RetryLater)) return error;
  const afterMs = Math.max(error.afterMs ?? 0, PATIENCE_MS);
  return new RetryLater(error.message, { afterMs, cause: error });
}

/** Wave's own words. What came by a wallet is PayPal's only where PayPal took it. */
function methodOf({ method, from }: PaymentToRecord): string {
  if (from.portal === 'paypal') return 'PAYPAL';
  switch (method) {
    case 'card':
    case 'phone':
      return 'CREDIT_CARD';
    case 'ach':
    case 'bank':
      return 'BANK_TRANSFER';
    case 'check':
      return 'CHEQUE';
    case 'cash':
      return 'CASH';
    default:
      return 'OTHER';
  }
}

/** Wave keeps payments of invoices only. @throws Rejected for a payment that is meant for more than its invoices */
function requireInvoicesOnly({ invoices, amountMinor, currency }: PaymentToRecord): void {
  const shares = invoices.reduce((sum, share) => sum + share.amountMinor, 0n);
  if (shares === amountMinor) return;
  const rest = toDecimalText({ minor: amountMinor - shares, currency });
  throw refusal(
    `Wave takes no payment beyond its invoices: ${rest} ${currency} of it is meant for none`,
  );
}

function accountOf({ settings }: Books): string {
  if (settings.paymentAccountId !== undefined) return settings.paymentAccountId;
  throw refusal(
    'paymentAccountId is not set: the check of this connection lists the accounts to choose from',
  );
}

function said(errors: InputErrors): string {
  const all = (errors ?? []).map(({ path, message, code }) =>
    [path?.join('.'), message ?? code].filter((part) => part).join(': '),
  );
  return all.join('; ') || 'without a reason';
}

function refusal(because: string): Rejected {
  return new Rejected(because, { status: 200, body: '' });
}
