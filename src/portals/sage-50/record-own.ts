/** Recording by the bridge of our own contract, which looks for our key before it posts anything. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { fromDecimalText } from '../../money/money.ts';
import type { PaymentToRecord, PortalApi, Recording } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { reversalMark } from '../kit/own-mark.ts';
import { differenceOfShares, sumShares } from '../kit/shares.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { amountOf, bankOf, cut, refusal, sharesOf, totalOf } from './recording.ts';
import { idOf, type Sage50Settings } from './settings.ts';
import { type Receipt, receipt as wireReceipt } from './wire.ts';

const EXTRA_REFERENCE_WIDTH = 60;
const DETAILS_WIDTH = 60;
const NOTED = 'receipt';

/** What is noted before it is sent, and sent; the reversal is made of it. */
const request = z.object({
  type: z.enum(['SR', 'SA']),
  accountRef: z.string(),
  bankCode: z.string(),
  date: z.string(),
  reference: z.string(),
  details: z.string(),
  currency: z.string(),
  grossAmount: z.string(),
  allocations: z.array(
    z.object({ invoiceTran: z.string(), invoiceRef: z.string(), amount: z.string() }),
  ),
});
type Request = z.output<typeof request>;

export async function recordOwn(
  api: PortalApi,
  payment: PaymentToRecord,
  { settings, idempotencyKey, notes }: Recording<Sage50Settings>,
): Promise<{ readonly externalId: string }> {
  const meant = requestOf(payment, settings);
  await notes.keep(NOTED, JSON.stringify(meant));
  const kept = await post(api, { ...meant, idempotencyKey: boundedKey(idempotencyKey) });
  const externalId = idOf(settings, kept.tranNumber);
  if (kept.deleted) throw refusal(`${externalId} (${payment.mark}) was deleted in Sage 50 by hand`);
  const different = difference(kept, payment, settings);
  if (different === undefined) return { externalId };
  throw new WireMismatch(`${externalId}, recorded as ${payment.mark}: ${different}`);
}

/** Paid back to the customer's account, as Sage 50 has no other way that leaves a trace; dated by the bridge. */
export async function reverseOwn(
  api: PortalApi,
  recorded: { readonly externalId: string; readonly mark: string },
  { settings, idempotencyKey, notes }: Recording<Sage50Settings>,
): Promise<void> {
  const { externalId, mark } = recorded;
  const note = (await notes.kept()).find(({ about }) => about === NOTED);
  if (!note) throw refusal(`nothing was noted of ${externalId} (${mark}): pay it back by hand`);
  const { accountRef, bankCode, currency, grossAmount } = readWire(request, JSON.parse(note.text));
  const kept = await post(api, {
    type: 'SP',
    accountRef,
    bankCode,
    reference: reversalMark(mark),
    details: cut(`takes back ${mark}`, DETAILS_WIDTH),
    currency,
    grossAmount,
    allocations: [],
    // The bridge answers with the receipt itself where somebody has deleted it.
    reverses: externalId.slice(idOf(settings, '').length),
    idempotencyKey: boundedKey(idempotencyKey),
  });
  if (kept.deleted && kept.type !== 'SP') return;
  const amount = fromDecimalText(kept.grossAmount, currency).minor;
  if (kept.type === 'SP' && amount === fromDecimalText(grossAmount, currency).minor) return;
  throw new WireMismatch(
    `${kept.tranNumber}, which takes back ${mark}, is ${kept.type} of ${kept.grossAmount}`,
  );
}

function requestOf(payment: PaymentToRecord, settings: Sage50Settings): Request {
  const { mark, memo, currency, amountMinor, customerExternalId: accountRef } = payment;
  const shares = sharesOf(payment, settings);
  return {
    type: totalOf(shares) === amountMinor ? 'SR' : 'SA',
    accountRef,
    bankCode: bankOf(settings),
    date: payment.receivedOn,
    reference: mark,
    details: cut(memo, DETAILS_WIDTH),
    currency,
    grossAmount: amountOf(amountMinor, currency),
    allocations: shares.map(({ tran, name, amountMinor: minor }) => ({
      invoiceTran: tran,
      invoiceRef: name,
      amount: amountOf(minor, currency),
    })),
  };
}

const refused = z.object({ error: z.string() });

/** @throws Rejected with the bridge's own words */
async function post(api: PortalApi, json: object): Promise<Receipt> {
  const { status, body } = await api.request({
    method: 'POST',
    path: 'v1/receipts',
    json,
    accept: [400, 404, 409, 422],
  });
  const answer = parseExactJson(body);
  if (status < 300) return readWire(wireReceipt, answer);
  const said = refused.safeParse(answer).data?.error ?? `it answered ${status}`;
  throw new Rejected(`the bridge refuses: ${said}`, { status, body: body.toString('utf8') });
}

/** It is kept as the extra reference, which is no wider. */
function boundedKey(key: string): string {
  const plain = /^[\x21-\x7e]+$/.test(key) && key.length <= EXTRA_REFERENCE_WIDTH;
  return plain ? key : createHash('sha256').update(key).digest('hex').slice(0, 40);
}

/** Names the first field in which Sage 50 holds something else than we meant. */
function difference(
  kept: Receipt,
  meant: PaymentToRecord,
  settings: Sage50Settings,
): string | undefined {
  const { currency } = meant;
  if (kept.currency !== currency) {
    return `the currency is ${kept.currency ?? 'absent'}, not ${currency}`;
  }
  if (fromDecimalText(kept.grossAmount, currency).minor !== meant.amountMinor) {
    return `the amount is ${kept.grossAmount}, not ${amountOf(meant.amountMinor, currency)}`;
  }
  if (kept.accountRef !== meant.customerExternalId) {
    return `the account is ${kept.accountRef ?? 'absent'}, not ${meant.customerExternalId}`;
  }
  const held = (kept.allocations ?? []).map(({ invoiceTran, amount }) => ({
    externalId: idOf(settings, invoiceTran),
    amountMinor: fromDecimalText(amount, currency).minor,
  }));
  return differenceOfShares(sumShares(held), sumShares(meant.invoices));
}
