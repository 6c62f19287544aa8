/** Calls to Braintree's GraphQL API, which answers errors with HTTP 200. */
import { z } from 'zod';
import type { PortalApi } from '../contract.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { parseJson, readWire } from '../kit/wire.ts';

const EXCERPT_LENGTH = 2_000;
/** Of these Braintree says to try again. */
const PASSING = ['RESOURCE_LIMIT', 'SERVICE_AVAILABILITY', 'INTERNAL'];

const answer = z.object({
  data: z.unknown().optional(),
  errors: z
    .array(
      z.object({
        message: z.string().nullish(),
        path: z.array(z.union([z.string(), z.number()])).nullish(),
        extensions: z.object({ errorClass: z.string().nullish() }).nullish(),
      }),
    )
    .nullish(),
});
type WireError = NonNullable<z.output<typeof answer>['errors']>[number];

export type GraphqlCall = {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
};

/**
 * The body of an answer without errors; undefined when all that it says is that there is no such object.
 * @throws Reauthorize, RetryLater, Rejected, WireMismatch
 */
export async function askGraphql(api: PortalApi, call: GraphqlCall): Promise<Buffer | undefined> {
  const { body } = await api.request({ method: 'POST', path: '/graphql', json: call });
  const { data, errors } = readWire(answer, parseJson(body));
  if (!errors || errors.length === 0) {
    if (data === undefined || data === null) throw new WireMismatch('data: missing');
    return body;
  }
  if (errors.every((error) => classOf(error) === 'NOT_FOUND')) return undefined;
  throw causeOf(errors, body);
}

/** The class that a person has to look at outranks those that pass. */
function causeOf(errors: readonly WireError[], body: Buffer): Error {
  const find = (...classes: readonly string[]) =>
    errors.find((error) => classes.includes(classOf(error)));
  const unknown = find('AUTHENTICATION');
  if (unknown) return new Reauthorize(`Braintree no longer knows the API key: ${says(unknown)}`);
  const body200 = { status: 200, body: body.subarray(0, EXCERPT_LENGTH).toString('utf8') };
  const forbidden = find('AUTHORIZATION');
  if (forbidden) {
    return new Rejected(
      `the user of the API key may not do this: ${says(forbidden)}. Give its role the permission ` +
        'under Control Panel > gear > Team',
      body200,
    );
  }
  const refused = errors.find((error) => !PASSING.includes(classOf(error)));
  if (refused) return new Rejected(`Braintree refused the query: ${says(refused)}`, body200);
  return new RetryLater(`Braintree cannot answer now: ${says(errors[0] as WireError)}`);
}

function classOf({ extensions }: WireError): string {
  return extensions?.errorClass ?? '';
}

function says(error: WireError): string {
  const at = error.path?.join('.');
  const message = error.message ?? 'no message';
  return [classOf(error), at, message].filter((part) => part).join(' ');
}
