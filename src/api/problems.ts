/** Every error the API answers with: one registry, RFC 9457 problem+json with a stable code. */

import { z } from 'zod';

/** Documented in docs/reference/problems.md; a test keeps registry and page equal. */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request does not fit the schema' },
  unauthenticated: { status: 401, title: 'An API key is needed' },
  forbidden: { status: 403, title: "The key's role does not allow this" },
  'not-found': { status: 404, title: 'There is no such thing' },
  'not-authentic': { status: 401, title: 'Nothing proves that the portal sent this' },
  'unknown-connection': { status: 404, title: 'No connection has this address' },
  'idempotency-conflict': {
    status: 409,
    title: 'The idempotency key was used with other content',
  },
  'not-replayable': { status: 409, title: 'The document cannot be replayed' },
  'not-syncable': { status: 409, title: 'The connection cannot be pulled' },
  'no-consent': { status: 409, title: 'The connection is not made by consent' },
  'not-retryable': { status: 409, title: 'The delivery cannot be retried' },
  'no-import-file': { status: 409, title: 'There is nothing to write into an import file' },
  'not-uploadable': { status: 409, title: 'The connection cannot take this file' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be JSON' },
  quarantined: { status: 422, title: 'The books could not take this safely' },
  'invalid-settings': { status: 422, title: 'The settings do not fit' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something broke on our side' },
  'portal-unavailable': { status: 503, title: 'The portal cannot be asked whether it sent this' },
  unavailable: { status: 503, title: 'The database cannot be reached' },
  'too-many-streams': { status: 503, title: 'Too many streams are open' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

export const problemJson = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    detail: z.string().optional(),
  })
  .meta({ id: 'Problem' });
export type ProblemBody = z.output<typeof problemJson>;

/** Thrown by a handler; the server answers it as problem+json. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  /** Further members of the problem, such as `errors` or `fields`. */
  readonly members: Readonly<Record<string, unknown>>;
  constructor(code: ProblemCode, detail: string, members: Readonly<Record<string, unknown>> = {}) {
    super(detail);
    this.code = code;
    this.members = members;
  }
}

/** The JSON of a problem. */
export function problemBody(
  code: ProblemCode,
  detail: string | undefined,
  members: Readonly<Record<string, unknown>> = {},
): ProblemBody {
  const { status, title } = PROBLEMS[code];
  return {
    type: `urn:checkvalve:problem:${code}`,
    title,
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...members,
  };
}

/** The problem of anything that was asked for and does not exist. */
export function notFound(what: string): Problem {
  return new Problem('not-found', `${what} does not exist.`);
}
