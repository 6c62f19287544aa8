/** The queries we ask Wave, with no more than the fields that are read. */

const ROW =
  'id invoiceNumber status createdAt modifiedAt invoiceDate dueDate poNumber memo ' +
  'customer { id name email } currency { code } total { value } amountDue { value } amountPaid { value }';

/** One page of a business's invoices; the sort value may be unknown to Wave's schema. */
export function invoicesQuery({ sorted }: { readonly sorted: boolean }): string {
  const sort = sorted ? ', sort: [MODIFIED_AT_DESC]' : '';
  return (
    'query($businessId: ID!, $page: Int!, $pageSize: Int!) { business(id: $businessId) { id ' +
    `invoices(page: $page, pageSize: $pageSize${sort}) { pageInfo { currentPage totalPages totalCount } ` +
    `edges { node { ${ROW} } } } } }`
  );
}

export const BUSINESSES =
  'query($page: Int!, $pageSize: Int!) { user { id defaultEmail } ' +
  'businesses(page: $page, pageSize: $pageSize) { pageInfo { currentPage totalPages totalCount } ' +
  'edges { node { id name isPersonal currency { code } } } } }';
