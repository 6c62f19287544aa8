/** Braintree documents to canonical events: notices in XML, and records that were pulled or fetched in JSON. */
import { z } from 'zod';
import type { FetchRequest, Normalized, PortalDocument } from '../contract.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { type XmlNode, xmlList, xmlNode } from '../kit/xml.ts';
import type { PaymentFacts } from './facts.ts';
import { isWholeDispute, tellDisbursement, tellDispute } from './money-back.ts';
import { isWhole, tellPayment } from './payments.ts';
import type { Settings } from './settings.ts';
import { disputeFromGraphql, paymentFromGraphql } from './wire.ts';
import { disputeFromXml, nodeOf, paymentFromXml, readXml, type WireNotice } from './xml.ts';

/** Pure. @throws WireMismatch, MalformedAmount, UnknownCurrency: each quarantines the document. */
export function normalize({ body }: PortalDocument, settings: Settings): Normalized {
  if (/^\s*</.test(body.subarray(0, 100).toString('utf8'))) return fromXml(body, settings);
  const value = parseExactJson(body);
  const { __typename } = readWire(z.object({ __typename: z.string() }), value);
  if (__typename === 'Dispute') {
    const facts = disputeFromGraphql(value);
    if (!isWholeDispute(facts)) return { quarantined: `dispute ${facts.id} states no amount` };
    return tellDispute(facts, facts.status);
  }
  const facts = paymentFromGraphql(value, settings);
  if (!isWhole(facts)) return { quarantined: `${facts.id} states no amount or no status` };
  return tellPayment(facts, undefined, settings);
}

function fromXml(body: Buffer, settings: Settings): Normalized {
  const read = readXml(body);
  if ('notice' in read) return fromNotice(read.notice, settings);
  const told = read.transactions.map((node) => {
    const facts = paymentFromXml(node, settings);
    return isWhole(facts) ? tellPayment(facts, undefined, settings) : fetchPayment(facts);
  });
  const [first] = told;
  if (first && told.length === 1) return first;
  const events = told.flatMap((one) => ('events' in one ? one.events : []));
  const fetch = told.flatMap((one) => ('fetch' in one ? (one.fetch ?? []) : []));
  if (fetch.length > 0) return { events, fetch };
  return events.length > 0 ? { events } : { ignored: 'no transaction in it moved money' };
}

/** Kinds that tell of no money, or of money only in other words; longer beginnings stand first. */
const IGNORED: readonly (readonly [beginning: string, why: string])[] = [
  ['check', 'a test of the address'],
  ['transaction_retried', 'the new attempt is a transaction of its own'],
  ['transaction_reviewed', 'a review moves no money'],
  ['subscription_', 'a change of the subscription moves no money'],
  ['dispute_disputed', 'evidence was sent, the money stays withdrawn'],
  ['dispute_under_review', 'the bank looks at it, the money stays withdrawn'],
  ['local_payment_funded', 'the transaction tells of its money'],
  ['payment_method_', 'a payment method is no payment'],
  ['granted_', 'a granted payment method is no payment'],
  ['grantor_', 'a granted payment method is no payment'],
  ['recipient_', 'a granted payment method is no payment'],
  ['account_updater_', 'a report of changed cards'],
  ['connected_merchant_', 'the state of another account'],
  ['partner_merchant_', 'the state of another account'],
  ['oauth_', 'access of another application'],
  ['sub_merchant_account_', 'the state of an account'],
];

const DISPUTES: readonly string[] = [
  'dispute_opened',
  'dispute_won',
  'dispute_lost',
  'dispute_accepted',
  'dispute_auto_accepted',
  'dispute_expired',
];

function fromNotice(notice: WireNotice, settings: Settings): Normalized {
  const { kind, sourceMerchantId, subject } = notice;
  if (settings.merchantId && sourceMerchantId && sourceMerchantId !== settings.merchantId) {
    return { ignored: `${kind} of merchant ${sourceMerchantId}, not of ${settings.merchantId}` };
  }
  if (kind === 'disbursement') {
    return tellDisbursement(nodeOf(subject.disbursement, 'disbursement'), notice.at);
  }
  if (DISPUTES.includes(kind)) {
    const facts = disputeFromXml(nodeOf(subject.dispute, 'dispute'));
    // The kind says what happened; the dispute inside shows how it stood when the notice was written.
    const status = kind === 'dispute_opened' ? 'open' : kind.slice('dispute_'.length);
    if (!isWholeDispute(facts)) return { fetch: [{ entity: 'dispute', id: facts.id }] };
    return tellDispute(facts, status, notice.at);
  }
  const transaction = transactionOf(notice, settings);
  if (transaction) return transaction;
  const known = IGNORED.find(([beginning]) => kind.startsWith(beginning));
  if (known) return { ignored: `${kind}: ${known[1]}` };
  return { quarantined: `${kind}: not a kind of notice we know` };
}

/** The transaction that a notice is about; undefined when the kind is about none. */
function transactionOf(notice: WireNotice, settings: Settings): Normalized | undefined {
  const { kind, subject } = notice;
  const read = (node: XmlNode | undefined) => paymentFromXml(nodeOf(node, 'transaction'), settings);
  switch (kind) {
    case 'transaction_settled':
      return tell(read(xmlNode(subject, 'transaction')), { status: 'settled' }, notice, settings);
    case 'transaction_settlement_declined': {
      const status = 'settlement_declined';
      return tell(read(xmlNode(subject, 'transaction')), { status }, notice, settings);
    }
    case 'transaction_disbursed': {
      const facts = read(xmlNode(subject, 'transaction'));
      return tell(facts, disbursed(facts), notice, settings);
    }
    case 'refund_failed': {
      const facts = read(xmlNode(subject, 'transaction'));
      return tell(facts, { direction: 'credit', ...failed(facts) }, notice, settings);
    }
    case 'subscription_charged_successfully':
    case 'subscription_charged_unsuccessfully':
      return charged(notice, settings);
    case 'local_payment_completed':
    case 'local_payment_expired':
    case 'local_payment_reversed':
      return localPayment(notice, settings);
    default:
      return undefined;
  }
}

type Implied = Partial<Pick<PaymentFacts, 'direction' | 'status' | 'reason'>>;

/** Money that reached the bank was settled, whatever the transaction inside still says. */
function disbursed({ status }: PaymentFacts): Implied {
  const behind = ['submitted_for_settlement', 'settling', 'settlement_pending'];
  return status === undefined || behind.includes(status) ? { status: 'settled' } : {};
}

function failed({ status }: PaymentFacts): Implied {
  const known = ['failed', 'processor_declined', 'gateway_rejected', 'settlement_declined'];
  return known.includes(status ?? '') || status === 'voided' ? {} : { status: 'failed' };
}

/** The newest transaction of a subscription stands first; the others had notices of their own. */
function charged({ kind, at, subject }: WireNotice, settings: Settings): Normalized {
  const [newest] = xmlList(subject, 'subscription', 'transactions', 'transaction');
  if (newest === undefined) return { ignored: `${kind}: no transaction was made` };
  const facts = paymentFromXml(nodeOf(newest, 'transaction'), settings);
  const unsuccessful = kind === 'subscription_charged_unsuccessfully';
  const implied: Implied = { direction: 'sale', ...(unsuccessful ? failed(facts) : {}) };
  return tell(facts, implied, { at }, settings);
}

/** Local payments that came to nothing before they were a transaction have only an id of PayPal's. */
function localPayment({ kind, at, subject }: WireNotice, settings: Settings): Normalized {
  const element = kind === 'local_payment_completed' ? 'local-payment' : kind.replaceAll('_', '-');
  const node =
    xmlNode(subject, element, 'transaction') ?? xmlNode(subject, 'local-payment', 'transaction');
  if (!node) {
    return kind === 'local_payment_expired'
      ? { ignored: `${kind}: it never became a transaction` }
      : { quarantined: `${kind} names no transaction: look in the Control Panel which one it was` };
  }
  const facts = paymentFromXml(node, settings);
  if (kind === 'local_payment_completed')
    return tell(facts, { direction: 'sale' }, { at }, settings);
  const reason = kind.slice('local_payment_'.length);
  // A reversal comes after the success that the transaction's history still shows.
  const undone = { ...facts, history: facts.history.filter(({ status }) => status !== 'failed') };
  return tell(undone, { direction: 'sale', status: 'failed', reason }, { at }, settings);
}

/** What the transaction tells; a minimal one is fetched, for what it leaves out or for its payer and invoice. */
function tell(
  given: PaymentFacts,
  implied: Implied,
  { at }: Pick<WireNotice, 'at'>,
  settings: Settings,
): Normalized {
  const facts: PaymentFacts = { ...given, ...implied };
  if (!isWhole(facts)) return fetchPayment(facts);
  const told = tellPayment(facts, at, settings);
  const minimal = facts.history.length === 0;
  return 'events' in told && minimal ? { ...told, ...fetchPayment(facts) } : told;
}

function fetchPayment({ id, direction }: PaymentFacts): { readonly fetch: FetchRequest[] } {
  const entity = { sale: 'transaction', credit: 'refund' }[direction ?? 'sale'];
  return { fetch: [{ entity: direction === undefined ? 'payment' : entity, id }] };
}
