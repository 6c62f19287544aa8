/** The simulated Braintree's notices: XML in base64 in a form, signed for each API key of the account. */
import { createHash, createHmac } from 'node:crypto';
import { toDecimalText } from '../src/money/money.ts';
import {
  type BraintreeWorld,
  feeOf,
  orderIdOf,
  type SimulatedDispute,
  type SimulatedTransaction,
  stateOf,
} from './braintree-api.ts';
import type { SimulatedDelivery, SimulatedNotice } from './contract.ts';
import type { Random } from './random.ts';

/** Queues a notice of that kind about the subject, as it stands at that instant. */
export type Tell = (kind: string, subject: string, at: Date) => void;

/** Writes notices into `notices`; some accounts have a second API key. */
export function noticeWriter(
  world: Pick<BraintreeWorld, 'publicKey' | 'privateKey'>,
  random: Random,
  notices: SimulatedNotice[],
): Tell {
  return (kind, subject, at) => {
    const xml =
      `<?xml version="1.0" encoding="UTF-8"?>\n<notification>\n  <kind>${kind}</kind>\n` +
      `  <timestamp type="datetime">${seconds(at)}</timestamp>\n` +
      `  <subject>\n    ${subject}\n  </subject>\n</notification>\n`;
    const payload = base64Lines(xml);
    const otherKey = random.token(16);
    const twoKeys = random.chance(0.3);
    const forgery = random.pick(['stranger', 'changed', 'borrowed'] as const);
    const ours = `${world.publicKey}|${hex(world.privateKey, payload)}`;
    const other = `${otherKey}|${hex(random.token(32), payload)}`;
    notices.push({
      label: `${kind} ${/<id>([^<]+)/.exec(subject)?.[1] ?? ''}`,
      sign: () => formOf(twoKeys ? `${other}&${ours}` : ours, payload),
      forge: () => {
        if (forgery === 'stranger') {
          return formOf(`${world.publicKey}|${hex(otherKey, payload)}`, payload);
        }
        // The right signature under a key of another account, or over another amount.
        if (forgery === 'borrowed') return formOf(ours.replace(world.publicKey, otherKey), payload);
        return formOf(ours, base64Lines(xml.replace(/<id>/, '<id>x')));
      },
    });
  };
}

/** Lines of sixty characters, each ended, the last one too. */
function base64Lines(xml: string): string {
  return Buffer.from(xml)
    .toString('base64')
    .replace(/.{1,60}/g, '$&\n');
}

function hex(privateKey: string, payload: string): string {
  const key = createHash('sha1').update(privateKey).digest();
  return createHmac('sha1', key).update(payload).digest('hex');
}

function formOf(signature: string, payload: string): SimulatedDelivery {
  const fields = new URLSearchParams({ bt_signature: signature, bt_payload: payload });
  return {
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': 'Braintree Webhooks',
    },
    body: Buffer.from(fields.toString()),
  };
}

/** Whole seconds, as the XML writes instants. */
const seconds = (at: Date) => at.toISOString().replace(/\.\d{3}Z$/, 'Z');

const escaped = (text: string) =>
  text.replace(/[&<>]/g, (one) => ({ '&': '&amp;', '<': '&lt;' })[one] ?? '&gt;');

const element = (name: string, text: string | undefined) =>
  text === undefined ? `<${name} nil="true"/>` : `<${name}>${escaped(text)}</${name}>`;

const instant = (name: string, at: Date) => `<${name} type="datetime">${seconds(at)}</${name}>`;

/** The transaction with all that a notice in production tells of it. */
export function transactionXml(payment: SimulatedTransaction): string {
  const { order, refundOf, history, instrument, amountMinor } = payment;
  const { currency, customer, workOrder } = order;
  const sale = refundOf === undefined;
  const fee = feeOf(payment);
  const states = history.map(
    ({ status, at }) =>
      `<status-event>${instant('timestamp', at)}${element('status', status.toLowerCase())}</status-event>`,
  );
  const paypal =
    fee === null
      ? ''
      : `<paypal>${element('transaction-fee-amount', toDecimalText({ minor: fee, currency }))}` +
        `${element('transaction-fee-currency-iso-code', currency)}</paypal>`;
  return (
    `<transaction>${element('id', payment.id)}${element('status', stateOf(payment).toLowerCase())}` +
    `${element('type', sale ? 'sale' : 'credit')}${element('currency-iso-code', currency)}` +
    element('amount', toDecimalText({ minor: amountMinor, currency })) +
    element('order-id', sale ? orderIdOf(order) : undefined) +
    instant('created-at', payment.createdAt) +
    `<customer>${element('id', customer.externalId)}${element('company', customer.name)}` +
    `${element('email', customer.email)}</customer>` +
    element('refunded-transaction-id', refundOf) +
    `<custom-fields>${workOrder ? element('work-order', workOrder) : ''}</custom-fields>` +
    `<status-history type="array">${states.join('')}</status-history>` +
    `${element('payment-instrument-type', instrument)}${paypal}</transaction>`
  );
}

/** What is left of it in the shortest notices: its id, its amount, perhaps its status. */
export function minimalXml(payment: SimulatedTransaction): string {
  const { order, amountMinor, refundOf } = payment;
  const amount = toDecimalText({ minor: amountMinor, currency: order.currency });
  const refunded = refundOf ? element('refunded-transaction-fk', '1') : '';
  return `<transaction>${element('id', payment.id)}${element('amount', amount)}${refunded}</transaction>`;
}

/** The dispute of a notice. */
export function disputeXml(dispute: SimulatedDispute, payment: SimulatedTransaction): string {
  const { amountMinor, currency, history } = dispute;
  const amount = (minor: bigint) => toDecimalText({ minor, currency });
  const status = history.at(-1)?.status ?? 'OPEN';
  const states = history.map(
    (one) =>
      `<status-history>${element('status', one.status.toLowerCase())}${instant('timestamp', one.at)}</status-history>`,
  );
  return (
    `<dispute>${element('id', dispute.id)}${element('kind', 'chargeback')}` +
    `${element('amount-disputed', amount(amountMinor))}` +
    `${element('amount-won', amount(status === 'WON' ? amountMinor : 0n))}` +
    `${element('currency-iso-code', currency)}${element('reason', 'fraud')}` +
    `${element('status', status.toLowerCase())}` +
    `<status-history type="array">${states.join('')}</status-history>` +
    `<transaction>${element('id', payment.id)}${element('amount', amount(payment.amountMinor))}</transaction></dispute>`
  );
}

/** The disbursement of a notice; negative when Braintree debits the firm's bank. */
export function disbursementXml(of: {
  readonly id: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly at: Date;
}): string {
  const { currency, amountMinor } = of;
  const debit = amountMinor < 0n;
  const minor = debit ? -amountMinor : amountMinor;
  return (
    `<disbursement>${element('id', of.id)}${element('amount', toDecimalText({ minor, currency }))}` +
    `<disbursement-date type="date">${of.at.toISOString().slice(0, 10)}</disbursement-date>` +
    `${element('disbursement-type', debit ? 'debit' : 'credit')}` +
    '<transaction-ids type="array"></transaction-ids><success type="boolean">true</success>' +
    '<retry type="boolean">false</retry><exception-message nil="true"/>' +
    `<merchant-account>${element('id', `airworks_${currency.toLowerCase()}`)}` +
    `${element('currency-iso-code', currency)}</merchant-account></disbursement>`
  );
}
