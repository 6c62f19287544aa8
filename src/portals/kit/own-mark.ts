/**
 * The short text that says "Checkvalve wrote this" in a payment we record in an accounting system.
 */

/** Who wrote a record: `installation` tells two Checkvalves apart that share one set of books. */
export type OwnMark = { readonly installation: string; readonly paymentId: string };

/** The longest reference number the narrowest books (QuickBooks `PaymentRefNum`) keep whole. */
export const OWN_MARK_MAX_LENGTH = 21;

const LARGEST_PLAIN = 9_999_999;
const LARGEST_PACKED = 36 ** 7 - 1;

/**
 * The mark of one payment, at most 21 characters: `CV-ab12cd-pay_1234567`. Numbers of more than
 * seven digits are packed in base 36 behind a dot (`CV-ab12cd-pay.5yc1s`), so that the length
 * holds.
 * @throws RangeError unless the installation is six of a-z0-9 and the payment id is `pay_<number>`.
 */
export function ownMark({ installation, paymentId }: OwnMark): string {
  if (!/^[a-z0-9]{6}$/.test(installation)) {
    throw new RangeError(`installation "${installation}" is not six lower-case letters or digits`);
  }
  const number = Number(/^pay_([1-9]\d{0,15})$/.exec(paymentId)?.[1]);
  if (!(number <= LARGEST_PACKED)) throw new RangeError(`"${paymentId}" cannot be marked`);
  const tail = number <= LARGEST_PLAIN ? `_${number}` : `.${number.toString(36)}`;
  return `CV-${installation}-pay${tail}`;
}

/** The mark of what takes a payment back, where that is a record of its own: `CV-ab12cd-pay_12-R`. */
export function reversalMark(mark: string): string {
  return `${mark}-R`;
}

/** True for a text that is such a mark: a person who only mentions a payment's mark does not write one. */
export function isReversalMark(text: string | null): boolean {
  return text !== null && /^CV-[a-z0-9]{6}-pay[_.][0-9a-z]{1,8}-R$/i.test(text);
}

/**
 * The first mark inside a text that people and banks may have wrapped or put in upper case;
 * undefined when there is none.
 */
export function findOwnMark(text: string): OwnMark | undefined {
  const pattern =
    /(?<![a-z0-9])CV-([a-z0-9]{6})-pay(?:_([1-9]\d{0,6})|\.([1-9a-z][0-9a-z]{4,6}))(?![a-z0-9])/gi;
  for (const [, installation, plain, packed] of text.matchAll(pattern)) {
    const number = plain === undefined ? Number.parseInt(packed ?? '', 36) : Number(plain);
    // A small number is never written packed: such a text is not ours.
    if (installation === undefined || (packed && number <= LARGEST_PLAIN)) continue;
    return { installation: installation.toLowerCase(), paymentId: `pay_${number}` };
  }
  return undefined;
}
