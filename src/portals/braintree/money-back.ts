/** Disputes, and the disbursements that bring the money to the firm's bank. */
import { fromDecimalText, MalformedAmount } from '../../money/money.ts';
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { type XmlNode, xmlText } from '../kit/xml.ts';
import { type DisputeFacts, latestOf, passedAt } from './facts.ts';
import { idOf } from './xml.ts';

type WholeDispute = DisputeFacts & { readonly disputed: string; readonly currency: string };

/** False for what a minimal notice leaves out: then the dispute has to be fetched. */
export function isWholeDispute(facts: DisputeFacts): facts is WholeDispute {
  return facts.disputed !== undefined && facts.currency !== undefined;
}

const LOST: readonly string[] = ['lost', 'accepted', 'auto_accepted', 'expired'];
const UNDER_WAY: readonly string[] = ['open', 'disputed', 'under_review'];

/**
 * What the dispute tells: that it was opened, and its outcome. A notice of the outcome tells that alone.
 * @throws WireMismatch, MalformedAmount, UnknownCurrency
 */
export function tellDispute(
  facts: WholeDispute,
  status: string | undefined,
  toldAt?: string,
): Normalized {
  const { id, kind } = facts;
  const known = status !== undefined && [...LOST, ...UNDER_WAY, 'won'].includes(status);
  if (!known) throw new WireMismatch(`status: "${status}" of dispute ${id} is not known`);
  const asking = kind === 'retrieval';
  if (asking && !UNDER_WAY.includes(status)) {
    return { ignored: `${id}: a retrieval asks for papers, its end moves no money` };
  }
  const minor = disputedMinor(facts, asking);
  if (minor === 0n) return { ignored: `dispute ${id} is about 0.00: no money is withdrawn` };
  const opened = openedEvent(facts, minor, toldAt);
  if (asking) return { events: [{ ...opened, fundsWithdrawn: false }] };
  if (UNDER_WAY.includes(status)) return { events: [{ ...opened, fundsWithdrawn: true }] };
  const ended = status === 'won' ? won(facts, opened, toldAt) : lost(facts, opened, toldAt);
  const notice = toldAt !== undefined;
  return { events: notice ? ended : [{ ...opened, fundsWithdrawn: true }, ...ended] };
}

/** A request for papers may state no amount of its own. */
function disputedMinor(facts: WholeDispute, asking: boolean): bigint {
  const read = (text: string) => fromDecimalText(text, facts.currency).minor;
  const minor = read(facts.disputed);
  if (minor < 0n) throw new MalformedAmount(`"${facts.disputed}" of ${facts.id} is negative`);
  return asking && minor === 0n ? read(facts.paymentAmount ?? '0') : minor;
}

function openedEvent(facts: WholeDispute, amountMinor: bigint, toldAt?: string): CanonicalEvent {
  const { id, paymentId, reason } = facts;
  return {
    type: 'dispute.opened',
    externalPaymentId: paymentId ?? null,
    disputeId: id,
    eventId: `${id}:open`,
    occurredAt: whenOf(facts, 'open', facts.createdAt ?? toldAt),
    amountMinor,
    currency: facts.currency,
    feeMinor: null,
    method: null,
    references: [],
    customer: null,
    links: paymentId === undefined ? {} : { paymentExternalId: paymentId },
    ...(reason === undefined ? {} : { reason }),
  };
}

function lost(
  facts: WholeDispute,
  opened: CanonicalEvent,
  toldAt: string | undefined,
): readonly CanonicalEvent[] {
  const at = LOST.map((status) => passedAt(facts.history, status)).find((one) => one !== undefined);
  const occurredAt = at ?? whenOf(facts, 'lost', toldAt);
  return [{ ...opened, type: 'dispute.lost', eventId: `${facts.id}:lost`, occurredAt }];
}

/**
 * The money comes back. When the bank awards only a part of it, the rest is lost under an id of its own,
 * because a dispute of ours is won or lost as a whole.
 */
function won(
  facts: WholeDispute,
  opened: CanonicalEvent,
  toldAt: string | undefined,
): readonly CanonicalEvent[] {
  const { id } = facts;
  const occurredAt = whenOf(facts, 'won', toldAt);
  const awarded = fromDecimalText(facts.won ?? '0', facts.currency).minor;
  const whole = awarded <= 0n || awarded >= opened.amountMinor;
  const amountMinor = whole ? opened.amountMinor : awarded;
  const event = { ...opened, type: 'dispute.won', eventId: `${id}:won`, occurredAt } as const;
  if (whole) return [{ ...event, amountMinor }];
  return [
    { ...event, amountMinor },
    {
      ...opened,
      type: 'dispute.lost',
      disputeId: `${id}:not-awarded`,
      eventId: `${id}:not-awarded`,
      occurredAt,
      amountMinor: opened.amountMinor - awarded,
    },
  ];
}

function whenOf(facts: DisputeFacts, status: string, otherwise: string | undefined): string {
  const at =
    passedAt(facts.history, status) ?? otherwise ?? latestOf(facts.history) ?? facts.createdAt;
  if (at === undefined) throw new WireMismatch(`no instant of dispute ${facts.id} is told`);
  return at;
}

/**
 * One transfer to the firm's bank, or from it. Chargebacks and refunds are netted in its amount.
 * @throws WireMismatch, MalformedAmount, UnknownCurrency
 */
export function tellDisbursement(node: XmlNode, toldAt: string): Normalized {
  const id = idOf(node, 'disbursement');
  const required = (...path: readonly string[]) => {
    const text = xmlText(node, ...path);
    if (text === undefined) throw new WireMismatch(`disbursement.${path.join('.')}: missing`);
    return text;
  };
  if (required('success') !== 'true') {
    const why = xmlText(node, 'exception-message') ?? 'Braintree does not say why';
    const then = xmlText(node, 'follow-up-action');
    return {
      quarantined:
        `disbursement ${id} did not reach the bank (${why})${then ? `; to do: ${then}` : ''}. ` +
        'Nothing was booked; another notice tells of the next attempt',
    };
  }
  const { minor, currency } = fromDecimalText(
    required('amount'),
    required('merchant-account', 'currency-iso-code'),
  );
  if (minor === 0n) return { ignored: `disbursement ${id} is of 0.00` };
  const type = xmlText(node, 'disbursement-type') ?? 'credit';
  if (type !== 'credit' && type !== 'debit') {
    throw new WireMismatch(`disbursement.disbursement-type: "${type}" is neither credit nor debit`);
  }
  return {
    events: [
      {
        type: 'payout.paid',
        externalPaymentId: null,
        payoutId: id,
        eventId: `${id}:paid`,
        occurredAt: toldAt,
        amountMinor: type === 'debit' && minor > 0n ? -minor : minor,
        currency,
        feeMinor: null,
        method: null,
        references: [],
        customer: null,
        links: {},
      },
    ],
  };
}
