/**
 * The ledger of one simulated QuickBooks company: its objects, revisions and what became of them.
 */
import { toDecimalText } from '../src/money/money.ts';
import type { SimulatedInvoice, SimulatedOrder, TruePayment } from './contract.ts';
import type { Row } from './quickbooks-query.ts';

export const SIMULATED_ENTITIES = [
  'Customer',
  'Invoice',
  'Payment',
  'RefundReceipt',
  'SalesReceipt',
  'Deposit',
] as const;
export type SimulatedEntity = (typeof SIMULATED_ENTITIES)[number];

export type Change = {
  readonly entity: SimulatedEntity;
  readonly id: string;
  readonly operation: 'Create' | 'Update' | 'Void' | 'Delete';
  readonly at: Date;
};

export type NewPayment = {
  readonly customer: { readonly value: string; readonly name?: string };
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly shares: readonly { readonly invoiceId: string; readonly amountMinor: bigint }[];
  readonly method?: string;
  readonly reference?: string;
  readonly note?: string;
  /** The transaction by which Intuit's processor took it. */
  readonly processed?: string;
  readonly by: EnteredBy;
};

/** Who entered a payment: people, the client of the API, or Intuit's processor, whose money it is. */
type EnteredBy = 'people' | 'client' | 'processor';

type Known = { row: Row; deletedAt: string | undefined };
type Fields = Readonly<Record<string, unknown>>;
type Truth = TruePayment & { readonly by: EnteredBy };

export type Company = {
  readonly objects: ReadonlyMap<SimulatedEntity, Map<string, Known>>;
  readonly truths: Map<string, Truth>;
  readonly changed: (change: Change) => void;
  nextId: number;
  /** The company's clock: it stands at the latest change. */
  latest: Date;
};

/** An empty company; every change of an object is told to `changed`. */
export function newCompany(firstId: number, changed: (change: Change) => void): Company {
  const objects = new Map(
    SIMULATED_ENTITIES.map((entity) => [entity, new Map<string, Known>()] as const),
  );
  return { objects, truths: new Map(), changed, nextId: firstId, latest: new Date(0) };
}

/** A decimal that prints as money does in QuickBooks' JSON, digit for digit. */
export function decimal(amountMinor: bigint, currency: string): unknown {
  const text = toDecimalText({ minor: amountMinor, currency });
  return (JSON as typeof JSON & { rawJSON(source: string): unknown }).rawJSON(text);
}

/** The company lives in Pacific summer time: an offset that is never UTC shows who forgets it. */
export function companyTime(at: Date): string {
  return `${new Date(at.getTime() - 7 * 3_600_000).toISOString().slice(0, 19)}-07:00`;
}

/** The living rows of an entity. */
export function livingRows(company: Company, entity: SimulatedEntity): Row[] {
  return [...tableOf(company, entity).values()]
    .filter(({ deletedAt }) => deletedAt === undefined)
    .map(({ row }) => row);
}

/** The living row of that id. */
export function findRow(company: Company, entity: SimulatedEntity, id: string): Row | undefined {
  const known = tableOf(company, entity).get(id);
  return known?.deletedAt === undefined ? known?.row : undefined;
}

/** Rows changed since an instant, the deleted ones as the stubs of change data capture. */
export function changedSince(company: Company, entity: SimulatedEntity, since: Date): unknown[] {
  return [...tableOf(company, entity).values()].flatMap(({ row, deletedAt }): unknown[] => {
    const at = deletedAt ?? row.MetaData.LastUpdatedTime;
    if (Date.parse(at) < since.getTime()) return [];
    if (deletedAt === undefined) return [row];
    const MetaData = { LastUpdatedTime: deletedAt };
    return [{ domain: 'QBO', status: 'Deleted', Id: row.Id, MetaData }];
  });
}

/** Creates an object of revision 0; an id is given only where the caller chose one. */
export function createRow(
  company: Company,
  entity: SimulatedEntity,
  fields: Fields & { readonly Id?: string },
  at: Date,
): string {
  const Id = fields.Id ?? String(company.nextId++);
  const time = moment(company, at);
  const row = {
    ...fields,
    domain: 'QBO',
    sparse: false,
    Id,
    SyncToken: '0',
    MetaData: { CreateTime: time, LastUpdatedTime: time },
  };
  tableOf(company, entity).set(Id, { row, deletedAt: undefined });
  company.changed({ entity, id: Id, operation: 'Create', at });
  return Id;
}

/** A customer as accounting keeps one. */
export function customerFields(name: string, email: string) {
  return {
    DisplayName: name,
    FullyQualifiedName: name,
    Active: true,
    PrimaryEmailAddr: { Address: email },
  };
}

/** An invoice, of one amount and without lines. */
export function invoiceFields(
  { number, customerExternalId, amountMinor, currency, workOrder }: SimulatedInvoice,
  named: (id: string) => { value: string },
) {
  const field = { DefinitionId: '1', Name: 'Work order', Type: 'StringType' };
  return {
    DocNumber: number,
    CustomerRef: named(customerExternalId),
    CurrencyRef: { value: currency },
    TotalAmt: decimal(amountMinor, currency),
    CustomField: workOrder === undefined ? [] : [{ ...field, StringValue: workOrder }],
  };
}

/** Enters a payment and marks the invoices it pays as changed. */
export function enterPayment(company: Company, payment: NewPayment, at: Date): string {
  const { currency, shares, amountMinor, by } = payment;
  const taken = shares.reduce((sum, share) => sum + share.amountMinor, 0n);
  const id = createRow(
    company,
    'Payment',
    {
      CustomerRef: payment.customer,
      DepositToAccountRef: { value: '4' },
      ...(payment.method ? { PaymentMethodRef: { value: '2', name: payment.method } } : {}),
      ...(payment.reference ? { PaymentRefNum: payment.reference } : {}),
      ...(payment.note ? { PrivateNote: payment.note } : {}),
      TotalAmt: decimal(amountMinor, currency),
      UnappliedAmt: decimal(amountMinor - taken, currency),
      ...processing(payment.processed),
      TxnDate: companyTime(at).slice(0, 10),
      CurrencyRef: { value: currency },
      Line: shares.map((share) => ({
        Amount: decimal(share.amountMinor, currency),
        LinkedTxn: [{ TxnId: share.invoiceId, TxnType: 'Invoice' }],
        LineEx: { any: [nameValue('txnReferenceNumber', numberOf(company, share.invoiceId))] },
      })),
    },
    at,
  );
  for (const { invoiceId } of shares) {
    if (!findRow(company, 'Invoice', invoiceId)) continue;
    updateRow(company, { entity: 'Invoice', id: invoiceId, operation: 'Update', at }, {});
  }
  const unmoved = { refundedMinor: 0n, disputedMinor: 0n, lostMinor: 0n, feeMinor: null };
  const truth = { externalId: id, status: 'succeeded', amountMinor, currency, ...unmoved } as const;
  company.truths.set(id, { ...truth, by });
  return id;
}

/** Enters what a customer paid, whom the company meets by it, for the invoice of that number if it has one. */
export function payOrder(
  company: Company,
  order: SimulatedOrder,
  as: Pick<NewPayment, 'by' | 'processed'> & { readonly reference: string },
  at: Date,
): string {
  const { customer, amountMinor, currency } = order;
  if (!findRow(company, 'Customer', customer.externalId)) {
    const fields = customerFields(customer.name, customer.email);
    createRow(company, 'Customer', { ...fields, Id: customer.externalId }, at);
  }
  const invoice = livingRows(company, 'Invoice').find(
    ({ DocNumber }) => DocNumber === order.invoiceNumber,
  );
  const texts = [invoice ? undefined : order.invoiceNumber, order.workOrder, order.memo];
  const note = texts.filter((text) => text !== undefined).join(' ');
  const payment = {
    ...as,
    customer: { value: customer.externalId, name: customer.name },
    amountMinor,
    currency,
    shares: invoice ? [{ invoiceId: invoice.Id, amountMinor }] : [],
    ...(note === '' ? {} : { note }),
  };
  return enterPayment(company, payment, at);
}

/** QuickBooks forgets the amount and the lines of a voided payment and says so in its note. */
export function voidPayment(company: Company, id: string, at: Date): void {
  const truth = truthOf(company, id);
  if (truth.status === 'voided') throw new Error(`Payment ${id} is voided already`);
  const note = findRow(company, 'Payment', id)?.PrivateNote;
  const nothing = decimal(0n, truth.currency);
  updateRow(
    company,
    { entity: 'Payment', id, operation: 'Void', at },
    {
      TotalAmt: nothing,
      UnappliedAmt: nothing,
      Line: [],
      PrivateNote: note === undefined ? 'Voided' : `Voided - ${String(note)}`,
    },
  );
  company.truths.set(id, { ...truth, status: 'voided' });
}

/** Deletes a payment: queries and reads no longer find it. */
export function removePayment(company: Company, id: string, at: Date): void {
  const known = tableOf(company, 'Payment').get(id);
  if (!known || known.deletedAt !== undefined) throw new Error(`Payment ${id} does not exist`);
  known.deletedAt = moment(company, at);
  company.truths.set(id, { ...truthOf(company, id), status: 'voided' });
  company.changed({ entity: 'Payment', id, operation: 'Delete', at });
}

/** Enters a refund receipt; QuickBooks links it to its payment by customer and reference only. */
export function refundPayment(
  company: Company,
  refund: { readonly paymentId: string; readonly amountMinor: bigint },
  at: Date,
): string {
  const { paymentId, amountMinor } = refund;
  const truth = truthOf(company, paymentId);
  const refundedMinor = truth.refundedMinor + amountMinor;
  if (truth.status !== 'succeeded' || refundedMinor > truth.amountMinor) {
    throw new Error(`Payment ${paymentId} has not ${amountMinor} left to refund`);
  }
  company.truths.set(paymentId, { ...truth, refundedMinor });
  const row = findRow(company, 'Payment', paymentId);
  const reference = row?.PaymentRefNum;
  return createRow(
    company,
    'RefundReceipt',
    {
      TxnDate: companyTime(at).slice(0, 10),
      CurrencyRef: { value: truth.currency },
      CustomerRef: row?.CustomerRef,
      ...(reference === undefined ? {} : { PaymentRefNum: reference }),
      TotalAmt: decimal(amountMinor, truth.currency),
      Balance: 0,
      DepositToAccountRef: { value: '35', name: 'Checking' },
    },
    at,
  );
}

/** How QuickBooks shows what its own processor did. */
export function processing(transactionId: string | undefined): Fields {
  if (transactionId === undefined) return { ProcessPayment: false };
  return {
    ProcessPayment: true,
    TxnSource: 'IntuitPayment',
    CreditCardPayment: {
      CreditChargeInfo: { ProcessPayment: true },
      CreditChargeResponse: { Status: 'Completed', CCTransId: transactionId },
    },
  };
}

function updateRow(company: Company, change: Change, fields: Fields): void {
  const { entity, id, at } = change;
  const known = tableOf(company, entity).get(id);
  if (!known || known.deletedAt !== undefined) throw new Error(`${entity} ${id} does not exist`);
  known.row = {
    ...known.row,
    ...fields,
    SyncToken: String(Number(known.row.SyncToken) + 1),
    MetaData: { ...known.row.MetaData, LastUpdatedTime: moment(company, at) },
  };
  company.changed(change);
}

function tableOf({ objects }: Company, entity: SimulatedEntity): Map<string, Known> {
  return objects.get(entity) as Map<string, Known>;
}

function truthOf({ truths }: Company, id: string): Truth {
  const truth = truths.get(id);
  if (!truth) throw new Error(`Payment ${id} does not exist`);
  return truth;
}

function numberOf(company: Company, invoiceId: string): string {
  return String(findRow(company, 'Invoice', invoiceId)?.DocNumber ?? '');
}

function moment(company: Company, at: Date): string {
  if (at > company.latest) company.latest = at;
  return companyTime(at);
}

function nameValue(Name: string, Value: string) {
  return {
    name: '{http://schema.intuit.com/finance/v3}NameValue',
    declaredType: 'com.intuit.schema.finance.v3.NameValue',
    scope: 'javax.xml.bind.JAXBElement$GlobalScope',
    value: { Name, Value },
    nil: false,
    globalScope: true,
    typeSubstituted: false,
  };
}
