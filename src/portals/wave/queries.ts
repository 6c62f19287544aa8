/** The queries we ask Wave, with no more than the fields that are read. */

const ROW =
  'id invoiceNumber status createdAt modifiedAt invoiceDate dueDate poNumber memo ' +
  'customer { id name email } currency { code } total { value } amountDue { value } amountPaid { value }';

/**
 * One page of a business's invoices; the sort value may be unknown to Wave's schema. `payments` asks for those of an
 * invoice as well, where the schema has them.
 */
export function invoicesQuery({
  sorted,
  payments = '',
}: {
  readonly sorted: boolean;
  readonly payments?: string;
}): string {
  const sort = sorted ? ', sort: [MODIFIED_AT_DESC]' : '';
  return (
    'query($businessId: ID!, $page: Int!, $pageSize: Int!) { business(id: $businessId) { id currency { code } ' +
    `invoices(page: $page, pageSize: $pageSize${sort}) { pageInfo { currentPage totalPages totalCount } ` +
    `edges { node { ${`${ROW} ${payments}`.trim()} } } } } }`
  );
}

/** One invoice by its id, which Wave's schema may not offer. */
export function invoiceQuery({ payments }: { readonly payments: string }): string {
  return (
    'query($businessId: ID!, $invoiceId: ID!) { business(id: $businessId) { id currency { code } ' +
    `invoice(id: $invoiceId) { ${`${ROW} ${payments}`.trim()} } } }`
  );
}

const RESULT = 'didSucceed inputErrors { path message code }';

export const RECORD_PAYMENT =
  'mutation($input: InvoicePaymentCreateManualInput!) { invoicePaymentCreateManual(input: $input) { ' +
  `${RESULT} invoicePayment { id amount paymentDate paymentMethod } } }`;

export const APPROVE_INVOICE =
  'mutation($input: InvoiceApproveInput!) { invoiceApprove(input: $input) { ' +
  `${RESULT} invoice { id status } } }`;

/** What can be asked of an invoice and of a business. */
export const INTROSPECTION =
  '{ invoice: __type(name: "Invoice") { fields { name args { type { kind } } type { ...T ofType { ...T ofType ' +
  '{ ...T ofType { ...T } } } } } } business: __type(name: "Business") { fields { name } } } ' +
  'fragment T on __Type { kind fields { name type { kind ofType { kind } } } }';

/** The accounts that money may come into. */
export const ASSET_ACCOUNTS =
  'query($businessId: ID!, $page: Int!, $pageSize: Int!) { business(id: $businessId) { ' +
  'accounts(page: $page, pageSize: $pageSize, types: [ASSET]) { edges { node { id name } } } } }';

export const BUSINESSES =
  'query($page: Int!, $pageSize: Int!) { user { id defaultEmail } ' +
  'businesses(page: $page, pageSize: $pageSize) { pageInfo { currentPage totalPages totalCount } ' +
  'edges { node { id name isPersonal currency { code } } } } }';
