/** What a payment says it pays, and what else names it. */
import type { Money } from '../../money/money.ts';
import type { Reference } from '../events.ts';
import { findOwnMark } from '../kit/own-mark.ts';
import { shareOf } from './amounts.ts';
import type { ReadingSettings } from './settings.ts';
import type { AppliedLine, InvoiceEntity, Payment } from './wire.ts';

type Numbers = Readonly<Record<string, string>>;

/** Two entity sets number their documents by themselves, so those of down payments have a prefix. */
export function invoiceId(entity: InvoiceEntity, docEntry: number): string {
  return entity === 'Invoices' ? String(docEntry) : `dp:${docEntry}`;
}

/** The other way round; undefined for an id that is none of these. */
export function invoiceOf(
  id: string,
): { readonly entity: InvoiceEntity; readonly docEntry: number } | undefined {
  const [, prefix, digits] = /^(dp:)?(\d{1,15})$/.exec(id) ?? [];
  if (digits === undefined) return undefined;
  return { entity: prefix ? 'DownPayments' : 'Invoices', docEntry: Number(digits) };
}

/** The entity set of an applied line that pays an invoice; journal entries and credit notes are none. */
export function invoiceEntity({
  InvoiceType,
}: Pick<AppliedLine, 'InvoiceType'>): InvoiceEntity | undefined {
  if (InvoiceType === 'it_Invoice') return 'Invoices';
  return InvoiceType === 'it_DownPayment' ? 'DownPayments' : undefined;
}

/** Invoices first, then a work order, then every text that may name what is paid; our own mark is among them. */
export function referencesOf(
  facts: Payment,
  money: Money,
  given: { readonly settings: ReadingSettings; readonly numbers: Numbers },
): readonly Reference[] {
  const { settings, numbers } = given;
  const { Remarks, TransferReference, CounterReference, Reference2 } = facts;
  const texts = [Remarks, TransferReference, CounterReference, Reference2];
  const field = settings.workOrderField && textIn(facts, settings.workOrderField);
  const workOrder = field || workOrderIn(...texts);
  return [
    ...paidInvoices(facts, money, { numbers, localCurrency: settings.localCurrency }),
    ...(workOrder ? [{ kind: 'workOrder', number: workOrder } as const] : []),
    ...memosOf(facts, settings),
  ];
}

/** Every text, each once; that which Business One writes into the journal by itself says nothing. */
function memosOf(facts: Payment, settings: ReadingSettings): readonly Reference[] {
  const { CardCode, JournalRemarks } = facts;
  const ownText = CardCode && JournalRemarks?.trim().endsWith(CardCode);
  const texts = [
    settings.syncIdField && textIn(facts, settings.syncIdField),
    facts.TransferReference,
    facts.CounterReference,
    facts.Reference2,
    ...cardNumbers(facts),
    facts.Remarks,
    ownText ? null : JournalRemarks,
  ].flatMap((one) => present(one) ?? []);
  return [...new Set(texts)].map((text) => ({ kind: 'memo', text }));
}

/** Numbers by which a card's processor, or the bank, knows the same money. */
export function numbersElsewhere(facts: Payment): readonly { readonly externalId: string }[] {
  const texts = [...cardNumbers(facts), facts.TransferReference].flatMap(
    (one) => present(one) ?? [],
  );
  const ids = texts.filter((text) => /^(?=.*\d)[\w.:-]{6,}$/.test(text) && !findOwnMark(text));
  return [...new Set(ids)].map((externalId) => ({ externalId }));
}

/** The number by which customers know an invoice. */
export function numberOf(
  row: Readonly<Record<string, unknown>>,
  { invoiceNumberField }: Pick<ReadingSettings, 'invoiceNumberField'>,
): string | null {
  return textIn(row, invoiceNumberField);
}

export function workOrderIn(...texts: readonly (string | null | undefined)[]): string | null {
  const found = texts.map((text) => /\bWO[-#\s]{0,2}\d[A-Z0-9-]*/i.exec(text ?? '')?.[0]);
  return found.find((one) => one !== undefined) ?? null;
}

/** A user-defined field as text; null where it is blank or not there. */
export function textIn(row: Readonly<Record<string, unknown>>, field: string): string | null {
  const value = row[field];
  return typeof value === 'string' || typeof value === 'number' ? present(String(value)) : null;
}

export function present(text: string | null | undefined): string | null {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}

/**
 * One reference for each invoice: instalments repeat it. Where credit notes were used beside the money the lines
 * exceed it: then a single invoice takes all the money and several leave their shares open.
 */
function paidInvoices(
  { PaymentInvoices }: Payment,
  { minor: total, currency }: Money,
  given: { readonly numbers: Numbers; readonly localCurrency: string },
): readonly Reference[] {
  const shares = new Map<string, bigint>();
  for (const line of PaymentInvoices) {
    const entity = invoiceEntity(line);
    if (entity === undefined) continue;
    const id = invoiceId(entity, line.DocEntry);
    const share = shareOf(line, currency, given.localCurrency);
    shares.set(id, (shares.get(id) ?? 0n) + share);
  }
  const sum = [...shares.values()].reduce((all, share) => all + share, 0n);
  return [...shares].map(([externalId, share]) => {
    const number = given.numbers[externalId];
    const money = sum <= total ? share : shares.size === 1 ? total : 0n;
    return {
      kind: 'invoice',
      externalId,
      ...(number === undefined ? {} : { number }),
      ...(money > 0n ? { amountMinor: money } : {}),
    };
  });
}

function cardNumbers({ PaymentCreditCards }: Payment): readonly (string | null | undefined)[] {
  return PaymentCreditCards.flatMap(({ VoucherNum, ConfirmationNum }) => [
    VoucherNum,
    ConfirmationNum,
  ]);
}
