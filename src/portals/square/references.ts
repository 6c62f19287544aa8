/** Which invoices and work orders a payment says it pays, and who paid. */
import type { Payer, Reference } from '../events.ts';
import type { Customer, Invoice, Payment, PaymentWithContext } from './wire.ts';

type Kind = Reference['kind'];

/** Kinds by the word that people begin a number or the label of a field with. */
const KINDS: readonly (readonly [Kind, RegExp])[] = [
  ['workOrder', /^(work[ _-]?order|wo)(?![a-z])/i],
  ['purchaseOrder', /^(purchase[ _-]?order|po)(?![a-z])/i],
  ['order', /^(sales[ _-]?)?order(?![a-z])/i],
  ['invoice', /^(invoice|inv)(?![a-z])/i],
];

/** What the payment itself names: `reference_id` is its creator's free text, by custom the invoice number. */
export function paymentReferences({ reference_id, note }: Payment): Reference[] {
  return [...numbered(reference_id, 'invoice'), ...memo(note)];
}

/** The references of a payment by the invoice of its order. */
export function invoiceReferences(invoice: Invoice, amountMinor?: bigint): Reference[] {
  const number = invoice.invoice_number?.trim();
  const subscription = invoice.subscription_id?.trim();
  return [
    {
      kind: 'invoice',
      externalId: invoice.id,
      ...(number && { number }),
      ...(amountMinor !== undefined && amountMinor > 0n && { amountMinor }),
    },
    ...fieldReferences(invoice),
    ...(subscription ? [{ kind: 'subscription' as const, externalId: subscription }] : []),
    ...memo(invoice.title),
  ];
}

/** What an order names that was made by another program. */
export function orderReferences(referenceId: string | null | undefined): Reference[] {
  return numbered(referenceId, 'order');
}

/** The first number of a kind among the invoice's own fields. */
export function fieldNumber(invoice: Invoice, kind: Kind): string | null {
  return fieldReferences(invoice).find((one) => one.kind === kind)?.number ?? null;
}

function fieldReferences({ custom_fields }: Invoice): Reference[] {
  return (custom_fields ?? []).flatMap(({ label, value }) => {
    const kind = kindOf(label?.trim() ?? '');
    return kind ? split(value).map((number) => ({ kind, number })) : [];
  });
}

function numbered(text: string | null | undefined, otherwise: Kind): Reference[] {
  return split(text).map((number) => ({ kind: kindOf(number) ?? otherwise, number }));
}

function kindOf(words: string): Kind | undefined {
  return KINDS.find(([, pattern]) => pattern.test(words))?.[0];
}

function split(text: string | null | undefined): string[] {
  return (text ?? '')
    .split(/[,;\n]/)
    .map((part) => part.trim())
    .filter((part) => part.length > 0);
}

function memo(value: string | null | undefined): Reference[] {
  const text = value?.trim();
  return text ? [{ kind: 'memo', text }] : [];
}

/** The payer as a payment alone tells: no name. */
export function payerOfPayment({ customer_id, buyer_email_address }: Payment): Payer | null {
  return payer(customer_id, null, buyer_email_address);
}

/** The payer by the customer directory, else by the invoice's recipient; a firm's name before a person's. */
export function payerOf({ payment, order, invoice, customer }: PaymentWithContext): Payer | null {
  const recipient = invoice?.primary_recipient;
  return payer(
    payment.customer_id || customer?.id || order?.customer_id || recipient?.customer_id,
    nameOf(customer) ?? nameOf(recipient),
    payment.buyer_email_address || customer?.email_address || recipient?.email_address,
  );
}

/** The firm's name, else the person's; null when neither is known. */
export function nameOf(
  named: Pick<Customer, 'company_name' | 'given_name' | 'family_name'> | null | undefined,
): string | null {
  const person = [named?.given_name, named?.family_name].map((part) => part?.trim());
  return named?.company_name?.trim() || person.filter((part) => part).join(' ') || null;
}

function payer(
  id: string | null | undefined,
  name: string | null,
  email: string | null | undefined,
): Payer | null {
  const found = { externalId: id || null, name, email: email?.trim() || null };
  return found.externalId || found.name || found.email ? found : null;
}
