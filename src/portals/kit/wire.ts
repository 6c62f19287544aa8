/** Reading what portals send: JSON without floating point, and readable mismatches. */
import type { ZodType } from 'zod';
import { z } from 'zod';
import { WireMismatch } from './errors.ts';

type ReviverContext = { readonly source?: string };

/**
 * Parses JSON keeping every number that is not a safe integer as its source text, so that decimals
 * (`1210.45`) never pass through floating point. Read such fields with `wireDecimal`.
 * @throws WireMismatch when the bytes are not JSON.
 */
export function parseExactJson(body: Buffer): unknown {
  return parse(body, (_key: string, value: unknown, context?: ReviverContext) =>
    typeof value === 'number' && context?.source !== undefined && !isSafeInteger(context.source)
      ? context.source
      : value,
  );
}

/** Parses JSON whose numbers are all integers by the portal's documentation. @throws WireMismatch */
export function parseJson(body: Buffer): unknown {
  return parse(body);
}

function parse(body: Buffer, reviver?: (key: string, value: unknown) => unknown): unknown {
  try {
    return JSON.parse(body.toString('utf8'), reviver);
  } catch (cause) {
    throw new WireMismatch('the body is not JSON', { cause });
  }
}

function isSafeInteger(source: string): boolean {
  return /^-?\d{1,15}$/.test(source);
}

/** A decimal amount as text, whether sent as a JSON string or number. */
export const wireDecimal = z.union([z.string(), z.int()]).transform(String);

/** Validates, naming the first path that does not fit. @throws WireMismatch */
export function readWire<T>(schema: ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new WireMismatch(`${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'does not fit'}`);
}
