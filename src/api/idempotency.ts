/** Idempotency-Key: the same request gets the same answer, another one is told what differs. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { type Database, sql } from '../db/database.ts';
import { Problem, type ProblemCode } from './problems.ts';

type Fields = Readonly<Record<string, unknown>>;
export type Answer = { readonly status: number; readonly body: unknown };

/** The request's key. @throws Problem invalid-request when it is blank or too long. */
export function idempotencyKey(request: FastifyRequest): string | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return undefined;
  const key = Array.isArray(header) ? header.join(',') : header;
  if (key.trim() === '' || Buffer.byteLength(key) > 255) {
    throw new Problem('invalid-request', 'Idempotency-Key: must have 1 to 255 characters');
  }
  return key;
}

/** The de-duplication key of the document that a request with this key enters. */
export function documentKey(key: string | undefined): string | undefined {
  return key === undefined
    ? undefined
    : `idempotency:${createHash('sha256').update(key).digest('hex')}`;
}

/**
 * Runs `work` once per key. A run that was cut short (no answer kept) runs again: its document is
 * de-duplicated by the same key, so nothing happens twice. Final refusals are answers and are kept.
 * @throws Problem idempotency-conflict naming the fields that differ.
 */
export async function answerOnce(
  database: Database,
  input: {
    readonly organizationId: number;
    readonly key: string | undefined;
    readonly fields: Fields;
  },
  work: () => Promise<Answer>,
): Promise<Answer> {
  const { organizationId, key, fields } = input;
  if (key === undefined) return work();
  const kept = await reserve(database, { organizationId, key, fields });
  if (kept) return replyAgain(kept);
  const keep = (answer: KeptAnswer) =>
    database.execute(sql`
      update idempotency_keys set response = ${JSON.stringify(answer)}::jsonb
      where organization_id = ${organizationId} and key = ${key} and response is null`);
  try {
    const answer = await work();
    // 202 only says that the outcome is not known yet.
    if (answer.status !== 202) await keep({ answer });
    return answer;
  } catch (error) {
    if (error instanceof Problem && error.code === 'quarantined') {
      await keep({ problem: { code: error.code, detail: error.message, members: error.members } });
    }
    throw error;
  }
}

type KeptAnswer =
  | { readonly answer: Answer }
  | {
      readonly problem: {
        readonly code: ProblemCode;
        readonly detail: string;
        readonly members: Readonly<Record<string, unknown>>;
      };
    };

function replyAgain(kept: KeptAnswer): Answer {
  if ('answer' in kept) return kept.answer;
  throw new Problem(kept.problem.code, kept.problem.detail, kept.problem.members);
}

async function reserve(
  database: Database,
  { organizationId, key, fields }: { organizationId: number; key: string; fields: Fields },
): Promise<KeptAnswer | undefined> {
  await database.execute(sql`
    insert into idempotency_keys (organization_id, key, request)
    values (${organizationId}, ${key}, ${JSON.stringify(fields)}::jsonb)
    on conflict do nothing`);
  const [row] = await database.query<{ request: Fields; response: KeptAnswer | null }>(sql`
    select request, response from idempotency_keys
    where organization_id = ${organizationId} and key = ${key}`);
  const differing = row ? differingFields(row.request, fields) : [];
  if (differing.length > 0) {
    throw new Problem(
      'idempotency-conflict',
      `The key was used with another value of ${differing.join(', ')}.`,
      { fields: differing },
    );
  }
  return row?.response ?? undefined;
}

/** Paths at which two JSON values differ, in order. */
export function differingFields(left: unknown, right: unknown): readonly string[] {
  const [before, after] = [leaves(left), leaves(right)];
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path)).sort();
}

type Leaves = Map<string, string>;

function leaves(value: unknown, path: readonly string[] = [], into: Leaves = new Map()): Leaves {
  if (value === undefined) return into;
  if (typeof value !== 'object' || value === null) {
    return into.set(path.join('.'), JSON.stringify(value));
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return into.set(path.join('.'), Array.isArray(value) ? '[]' : '{}');
  for (const [name, inner] of entries) leaves(inner, [...path, quoted(name)], into);
  return into;
}

/** A name in which a path could lose its way is quoted, so that two paths never read alike. */
function quoted(name: string): string {
  return name === '' || /[."]/.test(name) ? JSON.stringify(name) : name;
}
