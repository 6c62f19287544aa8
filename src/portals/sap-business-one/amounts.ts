/**
 * How much a payment is, and in which currency. Business One states no total: it is the sum of the means of payment.
 * For a payment in foreign currency its sources do not agree whether these are in that currency or in the local one.
 */
import {
  exponentOf,
  fromDecimalText,
  MalformedAmount,
  type Money,
  scaleDecimalText,
} from '../../money/money.ts';
import type { Method } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { isoOf, type ReadingSettings } from './settings.ts';
import type { AppliedLine, Payment } from './wire.ts';

/** Business One keeps six decimals, whatever the currency: sums are compared in millionths. */
const DECIMALS = 6;
const RATE_DECIMALS = 9;

type AppliedField = 'SumApplied' | 'AppliedFC';
type CurrencySettings = Pick<ReadingSettings, 'localCurrency' | 'currencies'>;

/** The ISO 4217 currency of a payment. @throws WireMismatch */
export function currencyOf(
  { DocCurrency, LocalCurrency }: Pick<Payment, 'DocCurrency' | 'LocalCurrency'>,
  settings: CurrencySettings,
): string {
  const { localCurrency } = settings;
  const isLocal = LocalCurrency === 'tYES';
  if (!DocCurrency) {
    if (isLocal) return localCurrency;
    throw new WireMismatch('DocCurrency: missing');
  }
  const iso = isoOf(DocCurrency, settings);
  if (isLocal && iso !== localCurrency) {
    throw new WireMismatch(`LocalCurrency: tYES, but DocCurrency is ${DocCurrency}`);
  }
  return iso;
}

/** Each means of payment with its sum in millionths; those of 0 are left out, the largest stands first. */
export function meansOf(
  facts: Payment,
): readonly { readonly name: string; readonly method: Method; readonly sum: bigint }[] {
  const sum = (texts: readonly (string | null | undefined)[]): bigint =>
    texts.reduce((total, text) => total + millionths(text), 0n);
  const means = [
    { name: 'transfer', method: 'bank', sum: sum([facts.TransferSum]) },
    {
      name: 'check',
      method: 'check',
      sum: sum(facts.PaymentChecks.map(({ CheckSum }) => CheckSum)),
    },
    {
      name: 'card',
      method: 'card',
      sum: sum(facts.PaymentCreditCards.map(({ CreditSum }) => CreditSum)),
    },
    { name: 'cash', method: 'cash', sum: sum([facts.CashSum]) },
    { name: 'bill of exchange', method: 'other', sum: sum([facts.BillOfExchangeAmount]) },
  ] as const;
  return means
    .filter((one) => one.sum !== 0n)
    .toSorted((left, right) => (left.sum === right.sum ? 0 : left.sum > right.sum ? -1 : 1));
}

/**
 * The amount. `outgoing` payments pay what incoming ones use: credit notes and money on account.
 * @throws WireMismatch where the sums contradict what is applied, or their currency is not certain
 */
export function moneyOf(
  facts: Payment,
  settings: CurrencySettings & Pick<ReadingSettings, 'foreignSums'>,
  outgoing = false,
): Money {
  const currency = currencyOf(facts, settings);
  const total = meansOf(facts).reduce((sum, one) => sum + one.sum, 0n);
  const lines = facts.PaymentInvoices;
  const applied = (field: AppliedField, some = lines): bigint =>
    outgoing ? -net(some, field) : net(some, field);
  if (currency === settings.localCurrency) {
    requireCovered(total, applied('SumApplied'), 'SumApplied');
    return { minor: toMinor(total, currency), currency };
  }
  const inForeign = lines.filter(({ AppliedFC }) => millionths(AppliedFC) !== 0n);
  const foreign = applied('AppliedFC');
  // What those lines leave of a local total was paid beyond them.
  const rest = total - applied('SumApplied', inForeign);
  switch (settings.foreignSums) {
    case 'document':
      requireCovered(total, foreign, 'AppliedFC');
      return { minor: toMinor(total, currency), currency };
    case 'local': {
      requireCovered(total, applied('SumApplied'), 'SumApplied');
      const minor = toMinor(foreign, currency) + converted(facts, { rest, currency, settings });
      return { minor, currency };
    }
    default:
      return { minor: toMinor(certainTotal(facts, { total, foreign, rest }), currency), currency };
  }
}

/** Applied in full, its lines tell what the sums are in; cash is told in both currencies. */
function certainTotal(
  facts: Payment,
  { total, foreign, rest }: Readonly<Record<'total' | 'foreign' | 'rest', bigint>>,
): bigint {
  if (total === foreign || (rest === 0n && foreign > 0n)) return foreign;
  const cash = millionths(facts.CashSumFC);
  const onlyCash = meansOf(facts).every(({ name }) => name === 'cash');
  if (onlyCash && (cash > 0n || total === 0n)) return cash;
  throw new WireMismatch(
    `DocCurrency: ${facts.DocCurrency}, and it is not certain whether the sums are in it or in the local ` +
      'currency: look at one payment in Business One, enter foreignSums in the connection, then replay',
  );
}

/** A local sum in the currency of the document, where exactly one amount of it comes to that sum. */
function converted(
  { DocRate }: Payment,
  given: { readonly rest: bigint; readonly currency: string; readonly settings: CurrencySettings },
): bigint {
  const { rest, currency, settings } = given;
  if (rest === 0n) return 0n;
  const rate = scaleDecimalText(DocRate ?? '0', RATE_DECIMALS);
  const [unit, localUnit] = [unitOf(currency), unitOf(settings.localCurrency)];
  const one = 10n ** BigInt(RATE_DECIMALS);
  const inLocal = (minor: bigint) => round(minor * unit * rate, one * localUnit) * localUnit;
  if (rest > 0n && rate > 0n && rest % localUnit === 0n) {
    const nearest = round(rest * one, rate * unit);
    const fitting = [nearest - 1n, nearest, nearest + 1n].filter(
      (minor) => inLocal(minor) === rest,
    );
    if (fitting.length === 1 && fitting[0] === nearest) return nearest;
  }
  throw new WireMismatch(`DocRate: ${DocRate ?? 'missing'} leads to no one amount in ${currency}`);
}

/** What a line pays, in millionths: money used up (a credit note) counts against it, whichever its sign. */
function net(lines: readonly AppliedLine[], field: AppliedField): bigint {
  return lines.reduce((sum, line) => {
    const share = millionths(line[field]);
    return isCredit(line) ? sum - (share < 0n ? -share : share) : sum + share;
  }, 0n);
}

function isCredit({ InvoiceType }: AppliedLine): boolean {
  return InvoiceType === 'it_CredItnote' || InvoiceType === 'it_Receipt';
}

function requireCovered(total: bigint, applied: bigint, field: string): void {
  if (applied <= total) return;
  const [means, lines] = [total, applied].map(inWords);
  throw new WireMismatch(
    `PaymentInvoices: ${field} comes to ${lines}, the means of payment to ${means}`,
  );
}

/** What a line gives its invoice, in the payment's currency; 0 where it does not say. */
export function shareOf(line: AppliedLine, currency: string, localCurrency: string): bigint {
  const field = currency === localCurrency ? line.SumApplied : line.AppliedFC;
  return fromDecimalText(field ?? '0', currency).minor;
}

function millionths(text: string | null | undefined): bigint {
  return scaleDecimalText(text ?? '0', DECIMALS);
}

function unitOf(currency: string): bigint {
  return 10n ** BigInt(DECIMALS - exponentOf(currency));
}

function toMinor(sum: bigint, currency: string): bigint {
  const unit = unitOf(currency);
  if (sum % unit === 0n) return sum / unit;
  throw new MalformedAmount(`${inWords(sum)} has more digits than ${currency}`);
}

function inWords(sum: bigint): string {
  const digits = (sum < 0n ? -sum : sum).toString().padStart(DECIMALS + 1, '0');
  return `${sum < 0n ? '-' : ''}${digits.slice(0, -DECIMALS)}.${digits.slice(-DECIMALS)}`;
}

/** Half away from zero; both are positive here. */
function round(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator / 2n) / denominator;
}
