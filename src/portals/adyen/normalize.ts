/** What an Adyen document becomes. Pure; anything it cannot be certain of is set aside with the reason. */
import type { Normalized, PortalDocument } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { readWire } from '../kit/wire.ts';
import { disputeReaders } from './disputes.ts';
import { reportPath, requestOf } from './fetch.ts';
import { moneyBackReaders } from './money-back.ts';
import { paymentReaders } from './payments.ts';
import { readReportLine } from './report.ts';
import { isReport } from './report-lines.ts';
import { type AdyenSettings, canFetchReports, settings as settingsSchema } from './settings.ts';
import type { ItemReader } from './telling.ts';
import { type Item, notificationItem, readDelivery } from './wire.ts';

/** Every event that can mean money, and what reads it; all others are ignored by name. */
const readers: ReadonlyMap<string, ItemReader> = new Map([
  ...paymentReaders,
  ...moneyBackReaders,
  ...disputeReaders,
  ['REPORT_AVAILABLE', announcedReport],
  ['SETTLED_REVERSED', undone],
  ['PAIDOUT_REVERSED', undone],
]);

/** Known to move no money of ours; codes that are not listed anywhere are ignored as Adyen asks. */
const WITHOUT_MONEY: ReadonlyMap<string, string> = new Map([
  ['NOTIFICATION_OF_FRAUD', 'information only'],
  ['RECURRING_CONTRACT', 'a stored card, not a payment'],
  ['ORDER_OPENED', 'its payments are told one by one'],
  ['ORDER_CLOSED', 'its payments are told one by one'],
  ['AUTHORISATION_ADJUSTMENT', 'what is captured is told by CAPTURE'],
  ['INFORMATION_SUPPLIED', 'the dispute goes on'],
  ['ISSUER_COMMENTS', 'the dispute goes on'],
  ['CHARGEBACK_REVERSED', 'the money is back for now; the outcome is told by another event'],
  ['POSTPONED_REFUND', 'the refund waits for its capture'],
  ['VOID_PENDING_REFUND', 'the refund was called off before anything left'],
]);

const defaults = settingsSchema.parse({});

/** One item of a webhook, or one line of a settlement details report. @throws WireMismatch, MalformedAmount */
export function normalize(document: PortalDocument, given: AdyenSettings): Normalized {
  const settings = { ...defaults, ...given };
  if (isReport(document.body)) return readReportLine(document.body, settings);
  const delivery = readDelivery(document.body);
  if (!delivery) throw new WireMismatch('neither a notification of Adyen’s nor a report');
  const [only] = delivery.items;
  if (delivery.items.length !== 1) throw new WireMismatch('notificationItems: one is expected');
  return readItem(readWire(notificationItem, only), settings);
}

function readItem(item: Item, settings: AdyenSettings): Normalized {
  const { merchantAccounts } = settings;
  if (merchantAccounts.length > 0 && !merchantAccounts.includes(item.merchantAccountCode)) {
    return {
      ignored: `merchant account ${item.merchantAccountCode} is none of this connection’s`,
    };
  }
  // What the customer area sends when somebody presses "Test configuration".
  if (/^test_/i.test(item.pspReference)) return { ignored: 'a test of the webhook, not a payment' };
  const read = readers.get(item.eventCode);
  if (read) return read(item, settings);
  const why = WITHOUT_MONEY.get(item.eventCode) ?? 'not an event that moves money';
  return { ignored: `${item.eventCode}: ${why}` };
}

const SETTLEMENT_DETAILS = /^settlement_details?_report.*\.csv$/i;

function announcedReport(item: Item, settings: AdyenSettings): Normalized {
  const name = item.pspReference;
  if (!SETTLEMENT_DETAILS.test(name)) {
    return { ignored: `report ${name}: fees and payouts are read from settlement details (CSV)` };
  }
  if (!canFetchReports(settings)) {
    return {
      ignored: `report ${name} needs \`reportApiKey\`, or \`reportUser\` and \`reportPassword\``,
    };
  }
  return { fetch: [requestOf(reportPath(item, settings))] };
}

/** No event of ours undoes a settlement, so a person looks. */
function undone(item: Item): Normalized {
  return {
    quarantined:
      `${item.eventCode} of ${item.originalReference ?? item.pspReference}: Adyen takes back a ` +
      'settlement; look at the payment and its payout in the Customer Area',
  };
}
