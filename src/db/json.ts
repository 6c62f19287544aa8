/** JSON as the database keeps it, apart from the way there, so that pure code can write it. */

/** JSON text in which a bigint is an exact integer literal. */
export function encodeJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    typeof inner === 'bigint'
      ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(inner.toString())
      : inner,
  );
}
