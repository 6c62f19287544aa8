/** What people and FreshBooks write into payments: payers, methods, notes and the invoice paid. */
import type { Method, Payer, Reference } from '../events.ts';
import type { WirePayment } from './wire.ts';

const METHODS: Readonly<Record<string, Method>> = {
  check: 'check',
  cheque: 'check',
  cash: 'cash',
  'bank transfer': 'bank',
  ach: 'ach',
  'credit card': 'card',
  debit: 'card',
  visa: 'card',
  mastercard: 'card',
  discover: 'card',
  amex: 'card',
  diners: 'card',
  jcb: 'card',
  paypal: 'wallet',
  '2checkout': 'wallet',
};

/** The method by FreshBooks' payment type; types it may add later are `other`. */
export function methodOf(type: string | null | undefined): Method | null {
  const name = present(type)?.toLowerCase();
  if (name === undefined) return null;
  return Object.hasOwn(METHODS, name) ? (METHODS[name] ?? 'other') : 'other';
}

/** The client, named when the answer includes it. */
export function payerOf({ clientid, client }: WirePayment): Payer | null {
  if (!clientid && !client) return null;
  return {
    externalId: clientid ?? null,
    name: client ? personName(client) : null,
    email: present(client?.email),
  };
}

/** The organization, else the person. */
export function personName(named: {
  readonly organization?: string | null | undefined;
  readonly fname?: string | null | undefined;
  readonly lname?: string | null | undefined;
}): string | null {
  const person = [present(named.fname), present(named.lname)].filter((part) => part !== null);
  return present(named.organization) ?? present(person.join(' '));
}

/** One payment pays one invoice; an own mark stays visible in the note. */
export function referencesOf(row: WirePayment, signedMinor: bigint): readonly Reference[] {
  const { invoiceid, invoice, note, orderid, transactionid } = row;
  const number = present(invoice?.invoice_number);
  const order = present(invoice?.po_number);
  const workOrder = workOrderIn(order) ?? workOrderIn(note);
  const purchaseOrder = workOrderIn(order) === null ? order : null;
  const text = present(note);
  return [
    ...(invoiceid
      ? [
          {
            kind: 'invoice',
            externalId: invoiceid,
            ...(number === null ? {} : { number }),
            ...(signedMinor > 0n ? { amountMinor: signedMinor } : {}),
          } as const,
        ]
      : []),
    ...(workOrder === null ? [] : [{ kind: 'workOrder', number: workOrder } as const]),
    ...(purchaseOrder === null ? [] : [{ kind: 'purchaseOrder', number: purchaseOrder } as const]),
    ...(orderid ? [{ kind: 'order', externalId: orderid } as const] : []),
    ...(text === null ? [] : [{ kind: 'memo', text } as const]),
    ...(transactionid ? [{ kind: 'memo', text: `transaction ${transactionid}` } as const] : []),
  ];
}

/** The work order written into a note or the purchase order's field (`WO-20881`). */
export function workOrderIn(text: string | null | undefined): string | null {
  return /\bWO[-#\s]{0,2}\d[A-Z0-9-]*/i.exec(text ?? '')?.[0] ?? null;
}

/** A text that says something; blanks are absences. */
export function present(text: string | null | undefined): string | null {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}
