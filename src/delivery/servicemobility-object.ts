/** Maps the state of a payment to ServiceMobility's Payment Processor Webhook object. Pure. */
import { toDecimalText } from '../money/money.ts';
import { rawNumber } from '../money/raw-number.ts';
import { baseStatus } from '../payments/fold.ts';
import type { DeliveryState } from './delivery-state.ts';
import type { ServiceMobilitySettings } from './system-settings.ts';

type ObjectSettings = Pick<
  ServiceMobilitySettings,
  'merchantId' | 'currency' | 'unsupportedMethods'
>;

type Moment = {
  readonly status: 'Approved' | 'Declined';
  readonly type: 'Sales' | 'Authorization' | 'Void' | 'Cancel' | 'Refund';
  readonly at: string;
  readonly id: string;
  readonly amountMinor: bigint;
};

/** The portal whose payments came through this very connector. */
const OWN_PORTAL = 'servicemobility';

/** The body to send, or why there is nothing to tell. All nine properties are always filled. */
export function serviceMobilityObject(
  state: DeliveryState,
  settings: ObjectSettings,
): { readonly body: Buffer } | { readonly skip: string } {
  const { payment, portal, workOrders } = state;
  if (portal === OWN_PORTAL) return { skip: 'it was received through ServiceMobility itself' };
  if (payment.mirrors !== null) return { skip: 'it is a copy of another payment' };
  const moment = momentOf(state);
  if (typeof moment === 'string') return { skip: moment };
  const type = typeOf(payment.method, settings.unsupportedMethods);
  if (type === undefined) return { skip: `the object has no Type for ${payment.method}` };
  if (payment.currency !== settings.currency) {
    return { skip: `the object names no currency, and ${payment.currency} is not the site's` };
  }
  if (moment.amountMinor <= 0n) return { skip: 'there is no amount to tell' };
  const [refNum, ...others] = workOrders;
  if (refNum === undefined) return { skip: 'it names no work order' };
  if (others.length > 0) {
    return { skip: `it pays ${workOrders.join(', ')}; the object can name one work order only` };
  }
  const amount = toDecimalText({ minor: moment.amountMinor, currency: payment.currency });
  const object = {
    Amount: exactNumber(amount),
    MerchantID: settings.merchantId,
    PaymentUTC: new Date(moment.at).toISOString(),
    RefNum: refNum,
    Source: isCardPresent(payment.channel) ? 'Terminal' : 'Link',
    TransactionID: moment.id,
    TransactionStatus: moment.status,
    TransactionType: moment.type,
    Type: type,
  };
  return { body: Buffer.from(JSON.stringify(object)) };
}

/** What the topic says, as long as the payment's state still bears it out; otherwise why not. */
function momentOf(state: DeliveryState): Moment | string {
  const { payment, refund, portal, delivery } = state;
  const { amountMinor } = payment;
  const sale = { id: `${portal}:${payment.externalId}`, amountMinor };
  switch (delivery.topic) {
    case 'payment.succeeded': {
      const at = payment.succeededAt;
      return at ? { ...sale, status: 'Approved', type: 'Sales', at } : 'it has not succeeded';
    }
    case 'payment.authorized': {
      const at = payment.authorizedAt;
      return at
        ? { ...sale, status: 'Approved', type: 'Authorization', at }
        : 'it was not authorized';
    }
    case 'payment.failed': {
      const at = payment.failedAt;
      if (!at || baseStatus(payment) !== 'failed') return 'a later attempt took its place';
      const wasAuthorization = payment.authorizedAt !== null && payment.succeededAt === null;
      const type = wasAuthorization ? 'Authorization' : 'Sales';
      return { ...sale, status: 'Declined', type, at };
    }
    case 'payment.voided': {
      const at = payment.voidedAt;
      if (!at) return 'it is not void';
      const type = payment.succeededAt === null ? 'Cancel' : 'Void';
      return { ...sale, status: 'Approved', type, at };
    }
    case 'refund.succeeded':
    case 'refund.failed': {
      if (!refund) return 'its refund is not known';
      const failed = delivery.topic === 'refund.failed';
      const at = failed ? refund.failedAt : refund.succeededAt;
      if (!at) return 'the refund has another state now';
      return {
        id: refundTransactionId(portal, refund.externalId, payment.externalId),
        amountMinor: refund.amountMinor,
        status: failed ? 'Declined' : 'Approved',
        type: 'Refund',
        at,
      };
    }
    default:
      return `ServiceMobility has no word for ${delivery.topic}`;
  }
}

/** A refund must never go by the id of its sale. */
function refundTransactionId(portal: string, refundId: string, paymentId: string): string {
  return refundId === paymentId ? `${portal}:${refundId}:refund` : `${portal}:${refundId}`;
}

function typeOf(
  method: string | null,
  unsupported: ObjectSettings['unsupportedMethods'],
): 'Card' | 'Check' | 'Phone' | undefined {
  switch (method) {
    case 'check':
      return 'Check';
    case 'phone':
      return 'Phone';
    case 'card':
    case null:
      return 'Card';
    // Cash was not collected by any processor: it is never passed off as a card.
    case 'cash':
      return undefined;
    default:
      return unsupported === 'card' ? 'Card' : undefined;
  }
}

/** By the words portals use for a card read by a terminal: `Terminal`, `card_present`, `POS` … */
function isCardPresent(channel: string | null): boolean {
  return /\bterminal\b|card.?present|\bpos\b|point.of.sale|in.?person/i.test(channel ?? '');
}

/** A JSON number with these very digits, less the zeros nobody writes: `1075.50` is `1075.5`. */
function exactNumber(decimal: string): unknown {
  const text = decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
  return rawNumber(text);
}
