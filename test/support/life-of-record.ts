/** For tests of accounting systems: what happens to one payment of ours that is recorded in a simulated one. */
import assert from 'node:assert/strict';
import type { SimulatedBooks } from '../../simulators/contract.ts';
import type { ApiCall, PaymentToRecord, PortalApi } from '../../src/portals/contract.ts';
import type { CanonicalEvent } from '../../src/portals/events.ts';
import { findPortal } from '../../src/portals/index.ts';
import { RetryLater } from '../../src/portals/kit/errors.ts';
import type { Meddle } from './simulated-api.ts';
import { memoryNotes } from './simulated-books.ts';

/** The first of these calls is done by the portal, and its answer lost. */
export function loseFirstAnswer(isIt: (call: ApiCall) => boolean): Meddle {
  let losing = true;
  return async (call, send) => {
    const answer = await send();
    if (!losing || !isIt(call)) return answer;
    losing = false;
    throw new RetryLater('the answer was lost on its way');
  };
}

/**
 * The invoice is pulled; the payment recorded once, though the answer was lost and the sign-in ended; its echo
 * recognised by our mark; taken back, and told as void. Resolves to the last round, after a quarter of an hour.
 */
export async function tellLifeOfRecord<
  Round extends { readonly events: readonly CanonicalEvent[] },
>(given: {
  readonly portal: string;
  /** Loses the answer to the first recording. */
  readonly connection: { readonly api: PortalApi; readonly settings: unknown };
  readonly simulated: Pick<SimulatedBooks, 'recordedPayments' | 'expireAccessTokens'>;
  /** What `fillBooks` made. */
  readonly books: { readonly customer: string; readonly invoice: string };
  /** `YYYY-MM-DD` of the story. */
  readonly receivedOn: string;
  /** Pulls a round so many minutes after the story's beginning. */
  readonly pull: (minute: number, before?: Round) => Promise<Round>;
}): Promise<Round> {
  const { connection, simulated, receivedOn, pull } = given;
  const { api, settings } = connection;
  const { customer: customerExternalId, invoice: externalInvoiceId } = given.books;
  const books = findPortal(given.portal)?.books ?? assert.fail('no books');
  const first = await pull(5);
  const known = first.events.find(({ type }) => type === 'invoice.upserted')?.invoice;
  assert.equal(known?.externalId, externalInvoiceId);
  assert.equal(known?.workOrder, 'WO-20881');
  const payment: PaymentToRecord = {
    paymentId: 'pay_7',
    from: { portal: 'stripe', externalId: 'pi_7' },
    mark: 'CV-ab12cd-pay_7',
    customerExternalId,
    amountMinor: 123_910n,
    currency: 'USD',
    receivedOn,
    method: 'card',
    memo: 'stripe pi_7',
    invoices: [{ externalId: externalInvoiceId, amountMinor: 123_910n }],
  };
  const { mark } = payment;
  const context = { settings, idempotencyKey: mark, notes: memoryNotes('pay_7') };
  await assert.rejects(books.recordPayment(api, payment, context), RetryLater);
  simulated.expireAccessTokens?.();
  const { externalId } = await books.recordPayment(api, payment, context);
  const kept = simulated.recordedPayments().map((one) => one.externalId);
  assert.deepEqual(kept, [externalId]);
  const second = await pull(10, first);
  const echo = second.events.find((one) => one.type === 'payment.succeeded');
  assert.equal(echo?.externalPaymentId, externalId);
  assert.ok(echo?.references.some(({ text }) => text?.includes(mark)));
  const reversal = { ...context, idempotencyKey: `${mark}-reversed` };
  await books.reversePayment?.(api, { externalId, mark }, reversal);
  const third = await pull(15, second);
  const money = third.events.filter(({ type }) => /^(payment|refund)\./.test(type));
  assert.deepEqual(
    money.map((event) => [event.type, event.externalPaymentId]),
    [['payment.voided', externalId]],
  );
  return third;
}
