/** Requests to Intacct's XML gateway, element by element in the order its schema insists on. */
import { type XmlMarkup, xmlElement } from '../kit/xml-writer.ts';

/** Ascending order and a page; `offset` counts from 0. */
export type Query = {
  readonly object: string;
  readonly select: readonly string[];
  readonly filter: XmlMarkup;
  readonly orderBy: string;
  readonly pageSize: number;
  readonly offset: number;
};

export type ReadByQuery = {
  readonly object: string;
  /** SQL-like; quote values with `quoted`. */
  readonly query: string;
  readonly fields: readonly string[];
  readonly pageSize: number;
};

/** A payment as it is written; amounts are decimal texts, the day is `YYYY-MM-DD`. */
export type PaymentToWrite = {
  readonly customerId: string;
  readonly amount: string;
  /** Where the money lies: a bank account of Intacct's, or its undeposited funds. */
  readonly account: { readonly bank: string } | { readonly undeposited: string };
  readonly paymentMethod: string;
  readonly docNumber: string;
  readonly description: string;
  readonly receivedOn: string;
  readonly currency: string;
  readonly details: readonly { readonly invoiceKey: string; readonly amount: string }[];
  /** What its invoices do not take up; null when they take up everything. */
  readonly beyond: string | null;
};

/**
 * The whole body of a request. With `unique` Intacct remembers the control ids of the functions, refusing to run one
 * a second time; that of the request only comes back in the answer.
 */
export function requestBody(request: {
  readonly sender: { readonly id: string; readonly password: string };
  readonly controlId: string;
  readonly unique: boolean;
  readonly authentication: XmlMarkup;
  readonly functions: readonly XmlMarkup[];
}): string {
  const { sender, controlId, unique, authentication, functions } = request;
  const control = xmlElement('control', [
    xmlElement('senderid', sender.id),
    xmlElement('password', sender.password),
    xmlElement('controlid', controlId),
    xmlElement('uniqueid', String(unique)),
    xmlElement('dtdversion', '3.0'),
    xmlElement('includewhitespace', 'false'),
  ]);
  const content = [
    xmlElement('authentication', [authentication]),
    xmlElement('content', functions),
  ];
  const operation = xmlElement('operation', content, { transaction: 'false' });
  const { markup } = xmlElement('request', [control, operation]);
  return `<?xml version="1.0" encoding="utf-8" ?>${markup}`;
}

export function login(user: {
  readonly id: string;
  readonly companyId: string;
  readonly password: string;
  readonly locationId?: string | undefined;
}): XmlMarkup {
  return xmlElement('login', [
    xmlElement('userid', user.id),
    xmlElement('companyid', user.companyId),
    xmlElement('password', user.password),
    ...(user.locationId === undefined ? [] : [xmlElement('locationid', user.locationId)]),
  ]);
}

export function inSession(sessionId: string): XmlMarkup {
  return xmlElement('sessionid', sessionId);
}

/** One function of a request; `controlId` is what makes it unique. */
export function functionCall(controlId: string, call: XmlMarkup): XmlMarkup {
  return xmlElement('function', [call], { controlid: controlId });
}

export const getApiSession = xmlElement('getAPISession', []);

export function readByQuery({ object, query, fields, pageSize }: ReadByQuery): XmlMarkup {
  return xmlElement('readByQuery', [
    xmlElement('object', object),
    xmlElement('query', query),
    xmlElement('fields', fields.join(',')),
    xmlElement('pagesize', String(pageSize)),
    xmlElement('returnFormat', 'xml'),
  ]);
}

/** The rows behind those that were given already. */
export function readMore(resultId: string): XmlMarkup {
  return xmlElement('readMore', [xmlElement('resultId', resultId)]);
}

/** A value inside the text of `readByQuery`. */
export function quoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** Records private to an entity are shown as well. */
export function query(asked: Query): XmlMarkup {
  const { object, select, filter, orderBy, pageSize, offset } = asked;
  const order = xmlElement('order', [xmlElement('field', orderBy), xmlElement('ascending', [])]);
  return xmlElement('query', [
    xmlElement('object', object),
    xmlElement(
      'select',
      select.map((field) => xmlElement('field', field)),
    ),
    xmlElement('filter', [filter]),
    xmlElement('orderby', [order]),
    xmlElement('options', [xmlElement('showprivate', 'true')]),
    xmlElement('pagesize', String(pageSize)),
    xmlElement('offset', String(offset)),
  ]);
}

/** One comparison of `query`. */
export function compare(
  operator: 'equalto' | 'greaterthan' | 'greaterthanorequalto' | 'in',
  field: string,
  ...values: readonly string[]
): XmlMarkup {
  const given = values.map((value) => xmlElement('value', value));
  return xmlElement(operator, [xmlElement('field', field), ...given]);
}

export function allOf(...filters: readonly XmlMarkup[]): XmlMarkup {
  return xmlElement('and', filters);
}

export function anyOf(...filters: readonly XmlMarkup[]): XmlMarkup {
  return xmlElement('or', filters);
}

/** A payment that its invoices take up entirely. */
export function createArpymt(payment: PaymentToWrite): XmlMarkup {
  const { account, description, receivedOn } = payment;
  const details = payment.details.map(({ invoiceKey, amount }) =>
    xmlElement('ARPYMTDETAIL', [
      xmlElement('RECORDKEY', invoiceKey),
      xmlElement('TRX_PAYMENTAMOUNT', amount),
    ]),
  );
  const fields = [
    'bank' in account
      ? xmlElement('FINANCIALENTITY', account.bank)
      : xmlElement('UNDEPOSITEDACCOUNTNO', account.undeposited),
    xmlElement('PAYMENTMETHOD', payment.paymentMethod),
    xmlElement('CUSTOMERID', payment.customerId),
    xmlElement('DOCNUMBER', payment.docNumber),
    ...(description === '' ? [] : [xmlElement('DESCRIPTION', description)]),
    xmlElement('RECEIPTDATE', writtenDay(receivedOn)),
    xmlElement('PAYMENTDATE', writtenDay(receivedOn)),
    xmlElement('CURRENCY', payment.currency),
    xmlElement('ARPYMTDETAILS', details),
  ];
  return xmlElement('create', [xmlElement('ARPYMT', fields)]);
}

/** A payment beyond its invoices, or on account: the older function, which has no place for a description. */
export function createArpayment(
  payment: PaymentToWrite & { readonly baseCurrency: string },
): XmlMarkup {
  const { account, currency, baseCurrency } = payment;
  const currencies = [xmlElement('basecurr', baseCurrency), xmlElement('currency', currency)];
  return xmlElement('create_arpayment', [
    xmlElement('customerid', payment.customerId),
    xmlElement('paymentamount', payment.amount),
    'bank' in account
      ? xmlElement('bankaccountid', account.bank)
      : xmlElement('undepfundsacct', account.undeposited),
    xmlElement('refid', payment.docNumber),
    xmlElement('datereceived', splitDay(payment.receivedOn)),
    xmlElement('paymentmethod', payment.paymentMethod),
    ...(currency === baseCurrency ? [] : currencies),
    ...payment.details.map(({ invoiceKey, amount }) =>
      xmlElement('arpaymentitem', [
        xmlElement('invoicekey', invoiceKey),
        xmlElement('amount', amount),
      ]),
    ),
  ]);
}

/** Takes a posted payment back as of a day (`YYYY-MM-DD`). */
export function reverseArpayment(key: string, day: string, memo: string): XmlMarkup {
  const fields = [xmlElement('datereversed', splitDay(day)), xmlElement('description', memo)];
  return xmlElement('reverse_arpayment', fields, { key });
}

/** Only drafts can be deleted. */
export function deleteArpymt(key: string): XmlMarkup {
  return xmlElement('delete', [xmlElement('object', 'ARPYMT'), xmlElement('keys', key)]);
}

/** True when any of the functions changes the books. */
export function writes(functions: string): boolean {
  return /<function\b[^>]*><(?:create|create_arpayment|reverse_arpayment|delete)\b/.test(functions);
}

/** `2026-11-19` as `11/19/2026`. */
function writtenDay(day: string): string {
  const [year, month, date] = day.split('-');
  return `${month}/${date}/${year}`;
}

function splitDay(day: string): readonly XmlMarkup[] {
  const [year = '', month = '', date = ''] = day.split('-');
  return [xmlElement('year', year), xmlElement('month', month), xmlElement('day', date)];
}
