/** How numbers that people and portals write are compared: exactly, but for case and surrounding blanks. */

/** The key under which an invoice, work order or purchase order number is found; null for blank text. */
export function matchKey(number: string | null | undefined): string | null {
  const key = number?.normalize('NFKC').replace(/\s+/g, ' ').trim().toUpperCase();
  return key ? key.slice(0, 120) : null;
}

/** The key under which an e-mail address is found; null when there is none. */
export function emailKey(email: string | null | undefined): string | null {
  const key = email?.trim().toLowerCase();
  return key?.includes('@') ? key : null;
}

const MAX_MEMO_KEYS = 40;

/**
 * The words of a memo that may be an invoice or work order number: those with a digit, also without a
 * leading "#" and with the word before it ("INV 1016" is tried as INV-1016, INV 1016 and INV1016).
 */
export function memoKeys(text: string): readonly string[] {
  const words = text
    .normalize('NFKC')
    .toUpperCase()
    .slice(0, 1000)
    .split(/[\s,;:()[\]{}"'<>|]+/)
    .map((word) => word.replace(/^[#.]+|[.!?]+$/g, ''))
    .filter((word) => word.length > 0);
  const keys = new Set<string>();
  words.forEach((word, index) => {
    if (!/\d/.test(word) || word.length < 3) return;
    keys.add(word);
    const before = words[index - 1];
    if (before && /^[A-Z]{1,8}$/.test(before)) {
      for (const glue of ['-', ' ', '']) keys.add(`${before}${glue}${word}`);
    }
  });
  return [...keys].slice(0, MAX_MEMO_KEYS);
}
