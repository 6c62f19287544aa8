/** Calls to Wave's GraphQL API, which answers errors with HTTP 200 and may leave a part of the data out. */
import { z } from 'zod';
import type { PortalApi } from '../contract.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';

const EXCERPT_LENGTH = 2_000;
const PASSING = /throttl|rate|too_many|internal|unavailable|timeout/i;
const VALIDATION = 'GRAPHQL_VALIDATION_FAILED';

const answer = z.object({
  data: z.unknown().optional(),
  errors: z
    .array(
      z.object({
        message: z.string().nullish(),
        path: z.array(z.union([z.string(), z.number()])).nullish(),
        extensions: z.object({ code: z.string().nullish() }).nullish(),
      }),
    )
    .nullish(),
});
type WireError = NonNullable<z.output<typeof answer>['errors']>[number];

/** The query does not fit Wave's schema; a simpler one may. */
export class DoesNotFitSchema extends Rejected {}

/**
 * The body of an answer without errors: one with errors may lack rows, so none of it is used.
 * @throws Reauthorize, RetryLater, Rejected, WireMismatch
 */
export async function askWave(
  api: PortalApi,
  call: { readonly query: string; readonly variables?: Readonly<Record<string, unknown>> },
): Promise<Buffer> {
  const { status, body } = await api.request({
    method: 'POST',
    path: '/graphql/public',
    json: call,
    accept: [400],
  });
  const { data, errors } = readWire(answer, parseExactJson(body));
  if (errors && errors.length > 0) throw causeOf(errors, { status, body });
  if (data === undefined || data === null) throw new WireMismatch('data: missing');
  return body;
}

function causeOf(
  errors: readonly WireError[],
  { status, body }: { readonly status: number; readonly body: Buffer },
): Error {
  const said = errors.map(says).join('; ');
  const has = (code: string) => errors.some((error) => codeOf(error) === code);
  if (has('UNAUTHENTICATED')) {
    return new Reauthorize(
      `Wave no longer accepts the token (${said}); a connected user needs a Pro plan`,
    );
  }
  const detail = { status, body: body.subarray(0, EXCERPT_LENGTH).toString('utf8') };
  if (has(VALIDATION)) return new DoesNotFitSchema(`Wave does not know the query: ${said}`, detail);
  if (errors.every((error) => PASSING.test(codeOf(error) || (error.message ?? '')))) {
    return new RetryLater(`Wave cannot answer now: ${said}`);
  }
  return new Rejected(`Wave refused the query: ${said}. Look at businessId and scopes`, detail);
}

function codeOf({ extensions }: WireError): string {
  return extensions?.code ?? '';
}

function says(error: WireError): string {
  const parts = [codeOf(error), error.path?.join('.'), error.message ?? 'no message'];
  return parts.filter((part) => part).join(' ');
}
