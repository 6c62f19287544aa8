/** What the Service Layer says when it refuses, in both of its shapes. */
import { z } from 'zod';
import { Rejected } from '../kit/errors.ts';

const serviceError = z.object({
  error: z.object({
    code: z.union([z.string(), z.number()]).transform(String),
    /** v1 wraps the text with its language, v2 does not. */
    message: z.union([z.string(), z.object({ value: z.string() }).transform(({ value }) => value)]),
  }),
});

export type Said = { readonly code: string; readonly message: string };

/** Session unknown or timed out; also what another node behind the balancer answers. */
export const SESSION_ENDED = '301';
/** No such record; a payment held back for approval is answered so, too. */
export const NOT_FOUND = '-2028';

/** The error in an answer; undefined when it is none of the Service Layer's own. */
export function saidIn(body: Buffer | string): Said | undefined {
  try {
    return saidBy(JSON.parse(body.toString()));
  } catch {
    return undefined;
  }
}

/** The same of parsed JSON. */
export function saidBy(value: unknown): Said | undefined {
  const parsed = serviceError.safeParse(value);
  return parsed.success ? parsed.data.error : undefined;
}

/** Does the work; a refusal says what was wanted and what Business One answered. @throws Rejected */
export async function inWords<T>(wanted: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    throw refused(wanted, error);
  }
}

/** The refusal of an answer that was accepted to be looked at. */
export function refused(
  wanted: string,
  { status, body }: { readonly status: number; readonly body: Buffer | string },
): Rejected {
  const said = saidIn(body);
  const because = said ? `${said.message.trim()} (${said.code})` : `it answered ${status}`;
  const text = body.toString().slice(0, 2000);
  return new Rejected(`SAP Business One did not ${wanted}: ${because}`, { status, body: text });
}
