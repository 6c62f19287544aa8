/**
 * Recording by the open-source bridge: a payment on account, then an allocation for each invoice. Neither has a key
 * against repetition, so what stands in the account decides what is still to be done.
 */
import { z } from 'zod';
import { rawNumber } from '../../money/raw-number.ts';
import type { PaymentToRecord, PortalApi, Recording, RecordingNote } from '../contract.ts';
import { RetryLater, WireMismatch } from '../kit/errors.ts';
import { readWire } from '../kit/wire.ts';
import { hundredths } from './amounts.ts';
import { present } from './facts.ts';
import { ALLOCATE, ask, askAny, readAccount, readReceiptsSince, readSince } from './open-source.ts';
import { amountOf, bankOf, cut, refusal, type Share, sharesOf, totalOf } from './recording.ts';
import { idOf, type Sage50Settings } from './settings.ts';
import { typeOf } from './types.ts';
import type { LedgerRow } from './wire.ts';

const DETAILS_WIDTH = 60;
const NOTED = 'receipt';

export async function recordOpenSource(
  api: PortalApi,
  payment: PaymentToRecord,
  { settings, notes }: Recording<Sage50Settings>,
): Promise<{ readonly externalId: string }> {
  const { mark, customerExternalId: account } = payment;
  const meant = requestOf(payment, settings);
  const shares = sharesOf(payment, settings);
  let rows = await readAccount(api, account);
  if (!findReceipt(rows, mark)) {
    // Nothing is posted that could not be allocated.
    for (const share of shares) requireAllocatable(rows, share, payment.currency);
    await requireUnsent(api, payment, await notes.kept());
    const { receivedOn: on } = payment;
    await notes.keep(NOTED, JSON.stringify({ account, amount: meant.amount, on }));
    await ask(api, receiptCall(meant), { absent: undefined });
    rows = await readAccount(api, account);
  }
  const receipt = findReceipt(rows, mark);
  if (!receipt) throw new RetryLater(`the bridge took ${mark}, but does not list it yet`);
  if (hundredths(receipt.grossAmount) !== hundredths(meant.amount)) {
    const held = `the amount is ${receipt.grossAmount}, not ${meant.amount}`;
    throw new WireMismatch(`${receipt.transactionNumber}, recorded as ${mark}: ${held}`);
  }
  const left = toAllocate(receipt, shares, payment.currency);
  for (const share of left) {
    const invoice = requireAllocatable(rows, share, payment.currency);
    const amount = amountOf(share.amountMinor, payment.currency);
    const step = { invoiceRef: invoice.reference, amount, outstanding: invoice.outstanding };
    await notes.keep(`allocation:${share.tran}`, JSON.stringify(step));
    const json = {
      accountRef: account,
      paymentReference: mark,
      invoiceReference: invoice.reference,
      amount: rawNumber(amount),
    };
    await askAny(api, ALLOCATE, { method: 'POST', json });
  }
  if (left.length > 0) await requireAllocated(api, payment, shares);
  return { externalId: idOf(settings, String(receipt.transactionNumber)) };
}

/** The bridge can neither delete nor pay back; what a person did is recognised. */
export async function reverseOpenSource(
  api: PortalApi,
  recorded: { readonly externalId: string; readonly mark: string },
  { settings, notes }: Recording<Sage50Settings>,
): Promise<void> {
  const { externalId, mark } = recorded;
  const byHand = `delete it there (Transactions > Delete), or pay it back with the reference ${mark}-R, by hand`;
  const note = (await notes.kept()).find(({ about }) => about === NOTED);
  if (!note) throw refusal(`the bridge cannot take back ${externalId} (${mark}): ${byHand}`);
  const { account, on } = readWire(noted, JSON.parse(note.text));
  const number = Number(externalId.slice(idOf(settings, '').length));
  // A list may end early without a word: the receipt is gone when later ones are listed.
  const gone =
    !findReceipt(await readAccount(api, account), mark) &&
    (await readSince(api, on)).some(({ transactionNumber }) => transactionNumber > number);
  if (gone) return;
  throw refusal(`the bridge cannot take back ${externalId} (${mark}) of ${account}: ${byHand}`);
}

const noted = z.object({ account: z.string(), on: z.string() });

/**
 * What was sent before and is not listed may be cut off from the list: it is only sent again when the other list lacks
 * it, too. @throws RetryLater
 */
async function requireUnsent(
  api: PortalApi,
  { mark, receivedOn }: PaymentToRecord,
  kept: readonly RecordingNote[],
): Promise<void> {
  if (!kept.some(({ about }) => about === NOTED)) return;
  const receipts = await readReceiptsSince(api, receivedOn);
  if (!receipts.some(({ reference }) => present(reference) === mark)) return;
  throw new RetryLater(`${mark} stands in one list of the bridge and not yet in the other`);
}

type Meant = {
  readonly account: string;
  readonly mark: string;
  readonly amount: string;
  readonly bank: string;
  readonly details: string;
};

/** It knows the base currency only, and dates everything on the day it is told. */
function requestOf(payment: PaymentToRecord, settings: Sage50Settings): Meant {
  const { currency, amountMinor, mark, memo, customerExternalId: account } = payment;
  if (currency !== settings.baseCurrency) {
    throw refusal(`the bridge records ${settings.baseCurrency} only, not ${currency}`);
  }
  return {
    account,
    mark,
    amount: amountOf(amountMinor, currency),
    bank: bankOf(settings),
    details: cut(memo, DETAILS_WIDTH),
  };
}

function receiptCall({ account, mark, amount, bank, details }: Meant) {
  return {
    method: 'POST',
    path: 'api/sales/receipt',
    json: {
      customerAccount: account,
      receiptRef: mark,
      amount: rawNumber(amount),
      bankNominal: bank,
      details,
    },
  } as const;
}

/** @throws WireMismatch when it was posted twice */
function findReceipt(rows: readonly LedgerRow[], mark: string): LedgerRow | undefined {
  const found = rows.filter(
    ({ type, reference }) => ['SA', 'SR'].includes(typeOf(type)) && present(reference) === mark,
  );
  if (found.length <= 1) return found[0];
  const numbers = found.map(({ transactionNumber }) => transactionNumber).join(', ');
  throw new WireMismatch(`transactions ${numbers} all carry ${mark}`);
}

/**
 * The shares still to be allocated: they are sent in order, so what the receipt has given tells how far it came.
 * @throws Rejected when it gave something else
 */
function toAllocate(
  receipt: LedgerRow,
  shares: readonly Share[],
  currency: string,
): readonly Share[] {
  let given = hundredths(receipt.grossAmount) - hundredths(receipt.outstanding ?? '0');
  const left = shares.filter(({ amountMinor }) => {
    const share = hundredths(amountOf(amountMinor, currency));
    if (given < share) return true;
    given -= share;
    return false;
  });
  if (given === 0n || left.length === 0) return left;
  const names = left.map(({ name }) => name).join(', ');
  throw refusal(
    `receipt ${receipt.transactionNumber} was allocated by hand in part: allocate the rest to ${names} by hand, too`,
  );
}

/** The bridge finds an invoice by its reference alone, whatever else carries it. @throws Rejected */
function requireAllocatable(
  rows: readonly LedgerRow[],
  { tran, name, amountMinor }: Share,
  currency: string,
): LedgerRow {
  const invoice = rows.find(({ transactionNumber }) => String(transactionNumber) === tran);
  const reference = present(invoice?.reference);
  if (!invoice || reference === null) {
    throw refusal(`invoice ${name} is not in the account, or has no reference to name it by`);
  }
  const same = rows.filter(
    (row) => present(row.reference)?.toUpperCase() === reference.toUpperCase(),
  );
  if (same.length > 1) {
    const numbers = same.map(({ transactionNumber }) => transactionNumber).join(', ');
    throw refusal(`transactions ${numbers} all have the reference ${reference}: allocate by hand`);
  }
  const amount = amountOf(amountMinor, currency);
  if (hundredths(invoice.outstanding ?? '0') < hundredths(amount)) {
    const left = `only ${invoice.outstanding ?? '0'} of it is outstanding`;
    throw refusal(`${amount} cannot be allocated to invoice ${reference}: ${left}`);
  }
  return invoice;
}

/** Some versions of the bridge say that they allocated, and do nothing. @throws Rejected */
async function requireAllocated(
  api: PortalApi,
  payment: PaymentToRecord,
  shares: readonly Share[],
): Promise<void> {
  const { mark, customerExternalId: account, currency } = payment;
  const receipt = findReceipt(await readAccount(api, account), mark);
  if (!receipt) throw new RetryLater(`receipt ${mark} is not listed any more`);
  const given = hundredths(receipt.grossAmount) - hundredths(receipt.outstanding ?? '0');
  if (given >= hundredths(amountOf(totalOf(shares), currency))) return;
  const names = shares.map(({ name }) => name).join(', ');
  throw refusal(
    `the bridge said that it allocated receipt ${receipt.transactionNumber} (${mark}), but nothing changed: allocate it to ${names} by hand, then try again`,
  );
}
