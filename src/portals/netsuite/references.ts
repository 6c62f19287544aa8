/** What a transaction says of who paid, how, and what for. */
import { fromDecimalText } from '../../money/money.ts';
import type { CanonicalEvent, Method, Payer, Reference } from '../events.ts';
import { findOwnMark } from '../kit/own-mark.ts';
import type { Application, Transaction } from './wire.ts';

export type Money = { readonly minor: bigint; readonly currency: string };

/** Invoices first, then orders, then every text that may name what is paid; our own mark stands in them. */
export function referencesOf(facts: Transaction, money: Money): readonly Reference[] {
  const { memo, otherrefnum } = facts;
  const workOrder = workOrderIn(memo, otherrefnum);
  return [
    ...invoicesPaid(facts, money),
    ...ordersPaid(facts.applications ?? [], workOrder),
    ...memosOf(facts),
  ];
}

/** A check's number, the memo, and the external id where it is our mark, because people edit memos. */
export function memosOf({ otherrefnum, memo, externalid }: Transaction): readonly Reference[] {
  const mark = findOwnMark(externalid ?? '') === undefined ? null : externalid;
  return [otherrefnum, memo, mark].flatMap((one) => {
    const text = present(one);
    return text === null ? [] : [{ kind: 'memo', text } as const];
  });
}

/** Links that pay an invoice: others lead to journals, or to refunds that used the payment up. */
function paidInvoices({ applications }: Transaction): readonly Application[] {
  return (applications ?? []).filter(
    ({ linktype, invoicetype }) =>
      /^payment$/i.test(linktype) && (invoicetype ?? 'CustInvc') === 'CustInvc',
  );
}

/**
 * One reference per invoice. Where the shares exceed the money (a discount is part of what is applied), a single
 * invoice takes all of it and several leave theirs open.
 */
function invoicesPaid(facts: Transaction, { minor, currency }: Money): readonly Reference[] {
  const shares = new Map<string, { number: string | null; share: bigint }>();
  for (const { invoice, invoicenumber, foreignamount } of paidInvoices(facts)) {
    const share = absolute(fromDecimalText(foreignamount ?? '0', currency).minor);
    const known = shares.get(invoice);
    shares.set(invoice, {
      number: known?.number ?? present(invoicenumber),
      share: (known?.share ?? 0n) + share,
    });
  }
  const paid = [...shares].filter(([, { share }]) => share > 0n);
  const sum = paid.reduce((total, [, { share }]) => total + share, 0n);
  return paid.map(([externalId, { number, share }]) => {
    const money = sum <= minor ? share : paid.length === 1 ? minor : undefined;
    return {
      kind: 'invoice',
      externalId,
      ...(number === null ? {} : { number }),
      ...(money === undefined ? {} : { amountMinor: money }),
    };
  });
}

/** Orders that the payment itself names, and those of the invoices it pays. */
function ordersPaid(
  applications: readonly Application[],
  named: string | null,
): readonly Reference[] {
  const numbers = applications.flatMap(({ ponumber }) => present(ponumber) ?? []);
  const workOrders = [named, ...numbers.map((number) => workOrderIn(number))];
  const purchaseOrders = numbers.filter((number) => workOrderIn(number) === null);
  return [
    ...distinct(workOrders).map((number) => ({ kind: 'workOrder', number }) as const),
    ...distinct(purchaseOrders).map((number) => ({ kind: 'purchaseOrder', number }) as const),
  ];
}

function distinct(texts: readonly (string | null)[]): readonly string[] {
  return [...new Set(texts.filter((text) => text !== null))];
}

/** The one payment that a refund gives back; none where it pays out a credit memo, or several are linked. */
export function refundedPayment({ applications }: Transaction): string | null {
  const payments = new Set(
    (applications ?? [])
      .filter(({ invoicetype }) => invoicetype === 'CustPymt' || invoicetype === 'CustDep')
      .map(({ invoice }) => invoice),
  );
  const [only, ...others] = payments;
  return only !== undefined && others.length === 0 ? only : null;
}

/** Integrations write the processor's id of a payment into its external id, behind a name of their own (`anet:…`). */
export function elsewhere({ externalid }: Transaction): CanonicalEvent['links'] {
  const [, externalId] = /^[a-z][a-z0-9_-]*:(\S+)$/i.exec(present(externalid) ?? '') ?? [];
  return externalId === undefined ? {} : { elsewhere: [{ externalId }] };
}

type Person = Pick<Transaction, 'companyname' | 'firstname' | 'lastname'>;

/** The company, or else the person. */
export function nameOf({ companyname, firstname, lastname }: Person): string | null {
  const person = [firstname, lastname].flatMap((part) => present(part) ?? []).join(' ');
  return present(companyname) ?? present(person);
}

export function payerOf(facts: Transaction): Payer | null {
  if (!facts.entity) return null;
  return {
    externalId: facts.entity,
    name: nameOf(facts) ?? present(facts.customernumber),
    email: present(facts.email),
  };
}

/** A work order as people write it: `WO-2026-0184`. */
export function workOrderIn(...texts: readonly (string | null | undefined)[]): string | null {
  const found = texts.map((text) => /\bWO[-#\s]{0,2}\d[A-Z0-9-]*/i.exec(text ?? '')?.[0]);
  return found.find((one) => one !== undefined) ?? null;
}

/** Names of methods are the account's own. */
export function methodOf(said: string | null | undefined): Method | null {
  const name = present(said);
  if (name === null) return null;
  return METHOD_NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';
}

const METHOD_NAMES: readonly (readonly [RegExp, Method])[] = [
  [/\bach\b|\be-?che(ck|que)\b|direct debit/i, 'ach'],
  [/card|visa|master|amex|american express|discover|diners|\bjcb\b/i, 'card'],
  [/che(ck|que)/i, 'check'],
  [/cash/i, 'cash'],
  [/bank|wire|transfer|\beft\b|\bsepa\b/i, 'bank'],
  [/paypal|venmo|apple pay|google pay|wallet/i, 'wallet'],
];

export function present(text: string | null | undefined): string | null {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}

export function absolute(minor: bigint): bigint {
  return minor < 0n ? -minor : minor;
}
