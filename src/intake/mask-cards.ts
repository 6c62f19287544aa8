/** Card numbers must never reach the disk: they are masked before a document is stored. */

/**
 * Digits in groups, as people write them: a blank, a dash or a form's plus between groups. Not a part of a word,
 * of a decimal, or of an id such as a UUID.
 */
const RUN = /(?<![\w*]|\d\.|\w-)\d(?:[ +-]?\d)*(?![\w*]|\.\d|-\w)/g;
const LEAST_DIGITS = 13;
const MOST_DIGITS = 19;

/** Issuer prefixes with their lengths (ISO/IEC 7812 ranges of the networks in use). */
const NETWORKS: readonly { readonly prefix: RegExp; readonly lengths: readonly number[] }[] = [
  { prefix: /^4/, lengths: [13, 16, 19] },
  { prefix: /^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16] },
  { prefix: /^3[47]/, lengths: [15] },
  { prefix: /^(6011|64[4-9]|65)/, lengths: [16, 19] },
  { prefix: /^35(2[89]|[3-8])/, lengths: [16] },
  { prefix: /^3(0[0-5]|[68])/, lengths: [14, 16] },
  { prefix: /^62/, lengths: [16, 19] },
];

/**
 * Where portals send ids, by the field's name or by Shopify's own form of them (`gid://shopify/Order/…`): a number
 * there is an id even when it happens to pass the check digit.
 */
const ID_FIELD =
  /(?:"[^"]*(?:id|reference|token|realm|account|number_key)"\s*:\s*"?|gid:\/\/shopify\/\w+\/)$/i;

/**
 * Replaces all but the first six and last four digits of every card number by `*`, keeping the length.
 * Returns the same buffer when there is none.
 */
export function maskCards(body: Buffer): { readonly body: Buffer; readonly masked: number } {
  let text = body.toString('latin1');
  let masked = 0;
  // Where numbers overlap (a digit or a date before the first group), masking one lays the next one bare.
  for (let round = maskedOnce(text); round.masked > 0; round = maskedOnce(text)) {
    text = round.text;
    masked += round.masked;
  }
  return masked === 0 ? { body, masked } : { body: Buffer.from(text, 'latin1'), masked };
}

function maskedOnce(text: string): { readonly text: string; readonly masked: number } {
  let masked = 0;
  const result = text.replace(RUN, (run, offset: number) => {
    if (run.length < LEAST_DIGITS) return run;
    const cards = cardsIn(run).filter(
      ({ start }) => !ID_FIELD.test(text.slice(Math.max(0, offset + start - 80), offset + start)),
    );
    masked += cards.length;
    return cards.reduce(maskBetween, run);
  });
  return { text: result, masked };
}

type Span = { readonly start: number; readonly end: number };

/** The card numbers in a run: a number may stand beside its expiry or a date, so whole groups are tried. */
function cardsIn(run: string): readonly Span[] {
  const groups = [...run.matchAll(/\d+/g)].map(({ index, 0: digits }) => ({ index, digits }));
  const cards: Span[] = [];
  for (let first = 0; first < groups.length; first += 1) {
    const start = groups[first]?.index ?? 0;
    let digits = '';
    let end = 0;
    let last = first;
    for (let next = first; next < groups.length; next += 1) {
      const group = groups[next] as (typeof groups)[number];
      digits += group.digits;
      if (digits.length > MOST_DIGITS) break;
      if (!isCardNumber(digits)) continue;
      end = group.index + group.digits.length;
      last = next;
    }
    if (end === 0) continue;
    cards.push({ start, end });
    first = last;
  }
  return cards;
}

function maskBetween(text: string, { start, end }: Span): string {
  return text.slice(0, start) + maskDigits(text.slice(start, end)) + text.slice(end);
}

function maskDigits(text: string): string {
  const total = text.replace(/\D/g, '').length;
  let seen = 0;
  return text.replace(/\d/g, (digit) => {
    seen += 1;
    return seen > 6 && seen <= total - 4 ? '*' : digit;
  });
}

/** True when the digits are a plausible card number: a network's prefix and length, and the Luhn check digit. */
export function isCardNumber(digits: string): boolean {
  const fits = NETWORKS.some(
    ({ prefix, lengths }) => prefix.test(digits) && lengths.includes(digits.length),
  );
  return fits && passesLuhn(digits);
}

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - place) - 48;
    const doubled = place % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
