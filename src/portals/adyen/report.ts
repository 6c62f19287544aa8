/** What a line of the settlement details report becomes: payouts, and the fees of payments. */
import type { Normalized } from '../contract.ts';
import type { CanonicalEvent } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { reportInstant } from './instants.ts';
import { methodOf } from './methods.ts';
import { merchantReferences } from './references.ts';
import { type ReportLine, readReport } from './report-lines.ts';
import type { AdyenSettings } from './settings.ts';
import { reportAmount } from './units.ts';

const FEE_COLUMNS = [
  'Commission (NC)',
  'Markup (NC)',
  'Scheme Fees (NC)',
  'Interchange (NC)',
] as const;

/** One line, or a payout with the costs taken from it, under the report's header. @throws WireMismatch */
export function readReportLine(body: Buffer, settings: AdyenSettings): Normalized {
  const { lines } = readReport(body);
  const line = lines.find(({ isPayout }) => isPayout) ?? lines[0];
  if (!line) return { ignored: 'the report has no lines' };
  const account = line.column('Merchant Account');
  const { merchantAccounts } = settings;
  if (merchantAccounts.length > 0 && !merchantAccounts.includes(account)) {
    return { ignored: `merchant account ${account} is none of this connection’s` };
  }
  if (line.type === '') throw new WireMismatch('Type: a line of the report has none');
  if (line.isPayout)
    return payoutOf(
      line,
      lines.filter(({ isCost }) => isCost),
    );
  if (line.column('Psp Reference') !== '') return feeOfPayment(line, settings);
  if (line.isCost) {
    return {
      quarantined:
        `${line.name}: a cost of ${line.column('Net Debit (NC)')} ${line.column('Net Currency')} in a ` +
        'batch that paid nothing out; book it by hand',
    };
  }
  return { ignored: `${line.type}: it moves money between batches at Adyen, not to the firm` };
}

/** A credit to our bank stands in Net Debit, because it leaves Adyen. */
function payoutOf(line: ReportLine, costs: readonly ReportLine[]): Normalized {
  const currency = line.column('Net Currency');
  const amountMinor = debitOf(line, currency);
  if (amountMinor === 0n) return { ignored: `${line.name}: a payout of nothing` };
  const costMinor = costs.reduce((sum, cost) => sum + debitOf(cost, currency), 0n);
  const payoutId = [line.column('Batch Number'), line.column('Modification Reference')]
    .filter((part) => part !== '')
    .join(':');
  if (payoutId === '') throw new WireMismatch('Modification Reference: a payout has none');
  const event: CanonicalEvent = {
    type: 'payout.paid',
    externalPaymentId: null,
    payoutId,
    eventId: `${line.name}:paid`,
    occurredAt: instantOfLine(line),
    amountMinor,
    currency,
    feeMinor: null,
    ...(costMinor === 0n ? {} : { payoutCostMinor: costMinor }),
    method: null,
    references: [],
    customer: null,
    links: {},
  };
  return { events: [event] };
}

/**
 * What Adyen kept of one settled capture, refund or chargeback. The money itself is told by its webhook; a line
 * only adds its fee to the payment's.
 */
function feeOfPayment(line: ReportLine, settings: AdyenSettings): Normalized {
  const isSettled = line.type === 'Settled';
  const netCurrency = line.column('Net Currency') || line.column('Gross Currency');
  const currency = line.column('Gross Currency') || netCurrency;
  if (line.type === 'PaidOut') return { ignored: 'PaidOut: a payout to somebody else' };
  const feeMinor =
    line.type === 'PaymentCost' ? debitOf(line, netCurrency) : feeIn(line, netCurrency);
  if (feeMinor === 0n && !isSettled) {
    return { ignored: `${line.name}: without a fee; the money is told by its webhook` };
  }
  const event: CanonicalEvent = {
    type: 'payment.referenced',
    externalPaymentId: line.column('Psp Reference'),
    part: line.name,
    eventId: `${line.name}:fee`,
    occurredAt: instantOfLine(line),
    amountMinor: grossOf(line, currency),
    currency,
    feeMinor,
    ...(netCurrency === currency ? {} : { feeCurrency: netCurrency }),
    method: methodOf(line.column('Payment Method')),
    references: merchantReferences(line.column('Merchant Reference'), settings),
    customer: null,
    links: {},
  };
  return { events: [event] };
}

/** Blended pricing fills Commission only, interchange++ the other three; newer reports may give the sum alone. */
function feeIn(line: ReportLine, currency: string): bigint {
  const isSplit = FEE_COLUMNS.some((name) => line.column(name) !== '');
  const names = isSplit ? FEE_COLUMNS : ['Payment Fees (NC)'];
  return names.reduce((sum, name) => sum + reportAmount(line.column(name), currency), 0n);
}

/** The direction follows from the type; Adyen's own sample has settled money in the debit column. */
function grossOf(line: ReportLine, currency: string): bigint {
  const sides = ['Gross Credit (GC)', 'Gross Debit (GC)'];
  const [filled = 0n] = sides
    .map((name) => reportAmount(line.column(name), currency))
    .filter((minor) => minor !== 0n);
  return filled < 0n ? -filled : filled;
}

function debitOf(line: ReportLine, currency: string): bigint {
  const debit = reportAmount(line.column('Net Debit (NC)'), currency);
  return debit - reportAmount(line.column('Net Credit (NC)'), currency);
}

function instantOfLine(line: ReportLine): string {
  return reportInstant(line.column('Creation Date'), line.column('TimeZone'));
}
