/** Turns whatever a request can fail with into a problem; nothing internal leaks. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { MalformedAmount, UnknownCurrency } from '../money/money.ts';
import { WireMismatch } from '../portals/kit/errors.ts';
import { Problem, type ProblemCode, problemBody, problemJson } from './problems.ts';

const MEDIA_TYPE = 'application/problem+json; charset=utf-8';

/** Sets the handlers of errors and unknown paths on `server`. */
export function answerProblems(server: FastifyInstance): void {
  server.setErrorHandler<FastifyError>((error, request, reply) => {
    const problem = toProblem(error);
    if (problem.code === 'internal') {
      request.log.error({ err: error, method: request.method, route: routeOf(request) }, 'failed');
    }
    return sendProblem(reply, problem);
  });
}

/** Lets OpenAPI say of every route of `api` what its errors look like. */
export function describeProblems(api: FastifyInstance): void {
  api.addHook('onRoute', (route) => {
    const response = route.schema?.response as Record<string, unknown> | undefined;
    if (response) Object.assign(response, { '4xx': problemJson, '5xx': problemJson });
  });
}

/** The answer to a path that does not exist. */
export function answerUnknownPath(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split('?')[0];
  return sendProblem(reply, new Problem('not-found', `${request.method} ${path} does not exist.`));
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const body = problemBody(problem.code, problem.message, problem.members);
  if (problem.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer');
  // The serializer of a route knows only its good answers.
  return reply
    .code(body.status)
    .type(MEDIA_TYPE)
    .serializer((value: unknown) => JSON.stringify(value))
    .send(body);
}

/** The problem that an error means. */
export function toProblem(error: FastifyError | Error): Problem {
  if (error instanceof Problem) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map((issue) => ({
      field: issue.instancePath.replace(/^\//, '').replaceAll('/', '.'),
      message: issue.message ?? 'does not fit',
    }));
    const [first] = errors;
    const where = first?.field ? `${first.field}: ` : '';
    return new Problem('invalid-request', `${where}${first?.message ?? 'does not fit'}`, {
      errors,
    });
  }
  if (
    error instanceof MalformedAmount ||
    error instanceof UnknownCurrency ||
    error instanceof WireMismatch
  ) {
    return new Problem('invalid-request', error.message);
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (isUnreachable(code)) return new Problem('unavailable', 'Try again in a moment.');
  const status = 'statusCode' in error ? error.statusCode : undefined;
  const known = status === undefined ? undefined : BY_STATUS[status];
  if (known) return new Problem(known, error.message);
  return new Problem('internal', 'The server log says more.');
}

const BY_STATUS: Readonly<Record<number, ProblemCode>> = {
  400: 'invalid-request',
  404: 'not-found',
  413: 'body-too-large',
  415: 'unsupported-media-type',
  429: 'too-many-requests',
};

/** Node's connection errors and PostgreSQL's classes 08 (connection) and 57P (shutting down). */
function isUnreachable(code: string): boolean {
  return /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOENT|08...|57P0[123])$/.test(code);
}

function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unknown';
}
