/** JSON numbers by their digits, so that no amount passes through floating point on its way out. */

/** Node has it since 22, TypeScript's library not yet. */
const { rawJSON } = JSON as unknown as { rawJSON(source: string): unknown };

/** A value that `JSON.stringify` prints as exactly these digits. @throws SyntaxError when they are no JSON number. */
export function rawNumber(digits: string): unknown {
  return rawJSON(digits);
}
