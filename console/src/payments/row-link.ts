/** The element id of the link that opens a payment, for giving the focus back to it. */
export function rowLinkId(paymentId: string): string {
  return `row-${paymentId}`;
}
