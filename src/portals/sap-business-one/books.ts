/** Recording our payments in Business One: once, exactly, and read back. */
import { MalformedAmount, toDecimalText } from '../../money/money.ts';
import { rawNumber } from '../../money/raw-number.ts';
import type { PaymentToRecord, Portal, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { differenceOfShares, sumShares } from '../kit/shares.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { currencyOf, moneyOf, shareOf } from './amounts.ts';
import { listPath, quoted, readPage } from './listing.ts';
import { invoiceEntity, invoiceId, invoiceOf } from './references.ts';
import { inWords, NOT_FOUND, refused, saidIn } from './refusal.ts';
import { type BusinessOneSettings, codeOf } from './settings.ts';
import { type Payment, payment } from './wire.ts';

/** Our mark has at most 21 characters, so that it fits whole. */
const TRANSFER_REFERENCE_MAX_LENGTH = 27;
const REMARKS_MAX_LENGTH = 254;

export const books: NonNullable<Portal<BusinessOneSettings>['books']> = {
  /**
   * Business One knows no idempotency key: before each attempt the mark is looked for among payments and among drafts
   * that await approval, and what Business One holds in the end is compared with what we meant.
   */
  async recordPayment(api, meant, { settings }) {
    const kept =
      (await findByMark(api, meant.mark, settings)) ?? (await create(api, meant, settings));
    const different = difference(kept, meant, settings);
    if (different !== undefined) {
      throw new WireMismatch(`payment ${kept.DocEntry}, recorded as ${meant.mark}: ${different}`);
    }
    return { externalId: String(kept.DocEntry) };
  },

  /** Cancelled, which reverses its journal entry and opens its invoices again; refused once it was deposited. */
  async reversePayment(api, { externalId }) {
    if (!/^\d{1,15}$/.test(externalId)) throw conflict(`"${externalId}" is no DocEntry`);
    const path = `IncomingPayments(${externalId})`;
    const kept = await readOne(api, path);
    if (kept === undefined || kept.Cancelled === 'tYES') return;
    await inWords(`cancel payment ${externalId}`, () =>
      api.request({ method: 'POST', path: `${path}/Cancel` }),
    );
  },
};

/** @throws Rejected when it awaits approval, or somebody cancelled it: then a person decides */
async function findByMark(
  api: PortalApi,
  mark: string,
  settings: BusinessOneSettings,
): Promise<Payment | undefined> {
  const filter = markFilter(mark, settings);
  const { rows } = await readPage(api, listPath({ entity: 'IncomingPayments', filter }, settings));
  const found = rows.map((row) => readWire(payment, row));
  const living = found.filter(({ Cancelled }) => Cancelled === 'tNO');
  if (living.length > 1) {
    const entries = living.map(({ DocEntry }) => DocEntry).join(', ');
    throw new WireMismatch(`payments ${entries} all carry ${mark}`);
  }
  const [kept] = living;
  if (kept) {
    requireApproved(kept, mark);
    return kept;
  }
  const [cancelled] = found;
  if (cancelled) {
    throw conflict(
      `payment ${cancelled.DocEntry} was recorded as ${mark} and cancelled in Business One: enter it there if it is still meant`,
    );
  }
  await requireNoDraft(api, mark, settings);
  return undefined;
}

/** What awaits approval is a draft, and would be one more with each attempt. */
async function requireNoDraft(
  api: PortalApi,
  mark: string,
  settings: BusinessOneSettings,
): Promise<void> {
  const filter = markFilter(mark, settings);
  const path = listPath({ entity: 'PaymentDrafts', filter }, settings);
  // A user without that permission, or a version without these drafts, made none either.
  const { rows } = await readPage(api, path, [400, 403, 404]);
  if (rows.length > 0) throw awaitsApproval(mark);
}

function markFilter(mark: string, { syncIdField }: BusinessOneSettings): string {
  return `${syncIdField ?? 'TransferReference'} eq ${quoted(mark)}`;
}

async function create(
  api: PortalApi,
  meant: PaymentToRecord,
  settings: BusinessOneSettings,
): Promise<Payment> {
  const json = paymentBody(meant, settings);
  const wanted = `record ${meant.mark}`;
  const answer = await inWords(wanted, () =>
    api.request({ method: 'POST', path: 'IncomingPayments', json, accept: [400, 404] }),
  );
  if (answer.status >= 300) {
    // A payment held back for approval is stored as a draft and then not found.
    const isMissing = saidIn(answer.body)?.code === NOT_FOUND;
    if (isMissing) await requireNoDraft(api, meant.mark, settings);
    throw refused(wanted, answer);
  }
  const { DocEntry } = readWire(payment.pick({ DocEntry: true }), parseExactJson(answer.body));
  const kept = await readOne(api, `IncomingPayments(${DocEntry})`);
  if (kept === undefined) throw awaitsApproval(meant.mark);
  requireApproved(kept, meant.mark);
  return kept;
}

/** Sums are in the payment's currency, as Business One takes them; what is applied to no invoice stays on account. */
function paymentBody(meant: PaymentToRecord, settings: BusinessOneSettings) {
  const { transferAccount, syncIdField, localCurrency } = settings;
  const { mark, currency, receivedOn } = meant;
  if (transferAccount === undefined) {
    throw conflict(
      'enter transferAccount in the connection: the G/L account that payments go into',
    );
  }
  if (mark.length > TRANSFER_REFERENCE_MAX_LENGTH) throw new RangeError(`${mark} is too long`);
  const decimal = (minor: bigint) => rawNumber(toDecimalText({ minor, currency }));
  const applied = currency === localCurrency ? 'SumApplied' : 'AppliedFC';
  return {
    DocType: 'rCustomer',
    CardCode: meant.customerExternalId,
    DocDate: receivedOn,
    TaxDate: receivedOn,
    DocCurrency: codeOf(currency, settings),
    TransferAccount: transferAccount,
    TransferSum: decimal(meant.amountMinor),
    TransferDate: receivedOn,
    TransferReference: mark,
    Remarks: meant.memo.slice(0, REMARKS_MAX_LENGTH),
    ...(syncIdField === undefined ? {} : { [syncIdField]: mark }),
    PaymentInvoices: [...sumShares(meant.invoices)].map(([id, minor], LineNum) => {
      const invoice = invoiceOf(id);
      if (!invoice) throw conflict(`"${id}" is no invoice of Business One`);
      const InvoiceType = invoice.entity === 'Invoices' ? 'it_Invoice' : 'it_DownPayment';
      return { LineNum, DocEntry: invoice.docEntry, [applied]: decimal(minor), InvoiceType };
    }),
  };
}

/** The payment at that path; undefined when there is none. */
async function readOne(api: PortalApi, path: string): Promise<Payment | undefined> {
  const answer = await api.request({ path, accept: [400, 404] });
  if (answer.status < 300) return readWire(payment, parseExactJson(answer.body));
  if (answer.status === 404 || saidIn(answer.body)?.code === NOT_FOUND) return undefined;
  throw refused(`read ${path}`, answer);
}

/** Names the first field in which Business One holds something else than we meant. */
function difference(
  kept: Payment,
  meant: PaymentToRecord,
  settings: BusinessOneSettings,
): string | undefined {
  const { localCurrency } = settings;
  const currency = currencyOf(kept, settings);
  if (currency !== meant.currency) return `the currency is ${currency}, not ${meant.currency}`;
  const amounts = readingsOf(kept, settings);
  if (!amounts.includes(meant.amountMinor)) {
    const [held = 'unreadable'] = amounts.map((minor) => toDecimalText({ minor, currency }));
    return `the amount is ${held}, not ${toDecimalText({ minor: meant.amountMinor, currency })}`;
  }
  if (kept.CardCode !== meant.customerExternalId) {
    return `the customer is ${kept.CardCode ?? 'absent'}, not ${meant.customerExternalId}`;
  }
  const shares = kept.PaymentInvoices.flatMap((line) => {
    const entity = invoiceEntity(line);
    if (entity === undefined) return [];
    const amountMinor = shareOf(line, currency, localCurrency);
    return [{ externalId: invoiceId(entity, line.DocEntry), amountMinor }];
  });
  return differenceOfShares(sumShares(shares), sumShares(meant.invoices));
}

/** What the amount may be, where the connection does not say in which currency foreign sums are told. */
function readingsOf(kept: Payment, settings: BusinessOneSettings): readonly bigint[] {
  const { foreignSums } = settings;
  const ways = foreignSums === undefined ? (['document', 'local'] as const) : [foreignSums];
  return ways.flatMap((way) => {
    try {
      return [moneyOf(kept, { ...settings, foreignSums: way }).minor];
    } catch (error) {
      if (error instanceof WireMismatch || error instanceof MalformedAmount) return [];
      throw error;
    }
  });
}

function requireApproved({ AuthorizationStatus }: Payment, mark: string): void {
  if (AuthorizationStatus === 'pasPending') throw awaitsApproval(mark);
}

function awaitsApproval(mark: string): Rejected {
  return conflict(
    `${mark} awaits approval in Business One: have the draft approved and added there, then try again`,
  );
}

function conflict(message: string): Rejected {
  return new Rejected(message, { status: 409, body: '' });
}
