/** The form in a callback, and the text over which FreshBooks signs it. */

/** The decoded fields in the order received, which is the order in which they are signed. */
export function readForm(body: Buffer): readonly (readonly [name: string, value: string])[] {
  return [...new URLSearchParams(body.toString('utf8'))];
}

/** The first value of a field. */
export function fieldOf(body: Buffer, name: string): string | undefined {
  return readForm(body).find(([known]) => known === name)?.[1];
}

/**
 * The fields as Python's `json.dumps` writes them, which is what FreshBooks signs in place of the bytes: blanks after
 * `:` and `,`, everything outside printable ASCII as `\uXXXX`. An array of pairs, since an object would put
 * names that look like numbers first. A name sent twice is one key with its last value, as in Python.
 */
export function signedText(body: Buffer): string {
  const fields = new Map(readForm(body));
  const pairs = [...fields].map(([name, value]) => `${quoted(name)}: ${quoted(value)}`);
  return `{${pairs.join(', ')}}`;
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The form with another value in place of each that the field has. */
export function withField(body: Buffer, name: string, value: (text: string) => string): Buffer {
  const fields = readForm(body).map(([known, text]): [string, string] => [
    known,
    known === name && text !== '' ? value(text) : text,
  ]);
  return Buffer.from(new URLSearchParams(fields).toString());
}
