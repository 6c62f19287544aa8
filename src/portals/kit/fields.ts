/** Kinds of settings that several portals ask for. */
import { z } from 'zod';
import { exponentOf } from '../../money/money.ts';

/** A switch given as `true`/`false`, as text or not. */
export function flag(preset: boolean, description: string) {
  return z.union([z.boolean(), z.stringbool()]).default(preset).meta({ description });
}

/** Names (of metadata keys, custom fields …), comma separated, tried in order. */
export function nameList(preset: readonly string[], description: string) {
  return z
    .union([z.string(), z.array(z.string())])
    .transform((value) =>
      (typeof value === 'string' ? value.split(',') : value)
        .map((name) => name.trim())
        .filter((name) => name.length > 0),
    )
    .default([...preset])
    .meta({ description: `${description} Comma separated, tried in order.` });
}

/** An IANA time zone, for days that a portal writes without one. */
export function timeZone(description: string) {
  return z
    .string()
    .trim()
    .refine(isTimeZone, 'is not an IANA time zone such as America/Chicago')
    .default('UTC')
    .meta({ description });
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** An ISO 4217 currency, for portals whose documents name none. */
export function currency(description: string) {
  return z
    .string({ error: `required; ${description}` })
    .trim()
    .refine(isCurrency, 'is not an ISO 4217 currency such as USD')
    .meta({ description });
}

function isCurrency(code: string): boolean {
  try {
    exponentOf(code);
    return true;
  } catch {
    return false;
  }
}

/** Sandbox or live; the addresses follow from it unless they are given. */
export function environment() {
  return z
    .enum(['production', 'sandbox'])
    .default('production')
    .meta({ description: 'production, or sandbox for test accounts.' });
}

/** An address given in place of the portal's own: sandboxes, proxies, tests. */
export function baseUrl(description: string) {
  return z.url().optional().meta({ description });
}
