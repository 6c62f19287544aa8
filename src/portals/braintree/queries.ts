/** The GraphQL documents Checkvalve sends; each was validated against Braintree's public schema. */

const PAYMENT = `
__typename id legacyId createdAt amount { value currencyCode } orderId status merchantAccountId source
statusHistory {
  __typename status timestamp amount { value currencyCode } terminal
  ... on ProcessorDeclinedEvent { processorResponse { legacyCode message } }
  ... on FailedEvent { processorResponse { legacyCode message } }
  ... on SettlementDeclinedEvent { processorResponse { legacyCode message } }
  ... on GatewayRejectedEvent { gatewayRejectionReason }
}
paymentMethodSnapshot {
  __typename
  ... on CreditCardDetails { cardholderName origin { type } }
  ... on UsBankAccountDetails { accountholderName achReturnCode }
  ... on PayPalTransactionDetails {
    payer { email firstName lastName } transactionFee { value currencyCode }
  }
}
... on Transaction {
  purchaseOrderNumber
  customFields { name value }
  customer { id legacyId company firstName lastName email }
  billingAddress { company fullName }
  refunds { legacyId }
  disputes { legacyId status }
  partialCaptureDetails { __typename ... on ChildCapture { parentAuthorization { legacyId } } }
  disbursementDetails { date amount { value currencyCode } exchangeRate fundsHeld }
}
... on Refund { refundedTransaction { id legacyId orderId } }`;

const DISPUTE = `
__typename id legacyId createdAt receivedDate type status caseNumber
amountDisputed { value currencyCode } amountWon { value currencyCode }
statusHistory { status timestamp effectiveDate disbursementDate }
processorResponse { reason reasonCode reasonDescription }
originalDispute { legacyId }
transaction { legacyId orderId amount { value currencyCode } }`;

export const PAYMENTS = `query Payments($input: PaymentSearchInput!, $after: String) {
  search { payments(input: $input, first: 50, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node { ${PAYMENT} } }
  } }
}`;

export const DISPUTES = `query Disputes($input: DisputeSearchInput!, $after: String) {
  search { disputes(input: $input, first: 50, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node { ${DISPUTE} } }
  } }
}`;

export const GLOBAL_ID = `query GlobalId($legacyId: ID!, $type: LegacyIdType!) {
  idFromLegacyId(legacyId: $legacyId, type: $type)
}`;

export const PAYMENT_BY_ID = `query Payment($id: ID!) {
  node(id: $id) { ... on Payment { ${PAYMENT} } }
}`;

export const DISPUTE_BY_ID = `query Dispute($id: ID!) {
  node(id: $id) { ... on Dispute { ${DISPUTE} } }
}`;

export const VIEWER = `query Viewer {
  viewer { merchant { id companyName status } }
}`;
