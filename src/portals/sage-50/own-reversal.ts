/** What we pay back in Sage 50 for a payment of ours that is gone; it comes back as a payment to a customer. */

/** The reference of the payment that takes back the one marked so. */
export function reversalReference(mark: string): string {
  return `${mark}-R`;
}

/** True for such a reference: a person who only mentions a mark does not write one. */
export function isReversalReference(text: string | null): boolean {
  return text !== null && /^CV-[a-z0-9]{6}-pay[_.][0-9a-z]{1,8}-R$/i.test(text);
}
