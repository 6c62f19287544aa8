import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { toProblem } from './errors.ts';
import { PROBLEMS, Problem, type ProblemCode, problemBody } from './problems.ts';

const PAGE = new URL('../../docs/reference/problems.md', import.meta.url);

test('the registry and its page name the same codes with the same statuses', async () => {
  const page = await readFile(PAGE, 'utf8');
  const documented = [...page.matchAll(/^\| `([a-z-]+)` \| (\d{3}) \|/gm)].map(
    ([, code, status]) => [code, Number(status)] as const,
  );
  const registered = Object.entries(PROBLEMS).map(([code, { status }]) => [code, status] as const);
  assert.deepEqual(documented, registered);
});

test('a problem carries its code, status and members', () => {
  const body = problemBody('idempotency-conflict', 'amount differs.', { fields: ['amount'] });
  assert.equal(body.status, 409);
  assert.equal(body.type, 'urn:checkvalve:problem:idempotency-conflict');
  assert.deepEqual(body.fields, ['amount']);
});

const FAILURES: readonly (readonly [Error, ProblemCode])[] = [
  [new Problem('forbidden', 'no'), 'forbidden'],
  [Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'unavailable'],
  [Object.assign(new Error('shutting down'), { code: '57P01' }), 'unavailable'],
  [Object.assign(new Error('too large'), { statusCode: 413 }), 'body-too-large'],
  [Object.assign(new Error('syntax'), { statusCode: 400 }), 'invalid-request'],
  [Object.assign(new Error('secret SQL'), { code: '42703' }), 'internal'],
  [new TypeError('a bug'), 'internal'],
];

for (const [error, code] of FAILURES) {
  test(`"${error.message}" is the problem ${code}`, () => {
    const problem = toProblem(error);
    assert.equal(problem.code, code);
    if (code === 'internal') assert.ok(!problem.message.includes(error.message));
  });
}
