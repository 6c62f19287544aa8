/** The vectors of the push's signature, and what it is told from. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Notice } from '../contract.ts';
import { settings } from './settings.ts';
import { authenticate, recognizes } from './webhook.ts';

const read = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));

type Vector = {
  readonly name: string;
  readonly secret: string;
  readonly timestamp: string;
  readonly bodyFile: string;
  readonly expected: string;
};
const vectors = JSON.parse(read('signature-vectors.json').toString()) as readonly Vector[];

function judge(vector: Vector, change: Partial<Notice> = {}, webhookSecret = vector.secret) {
  const notice: Notice = {
    headers: { 'x-sync-timestamp': vector.timestamp, 'x-sync-signature': vector.expected },
    body: read(vector.bodyFile),
    url: '/',
    receivedAt: new Date(Number(vector.timestamp) * 1000),
    ...change,
  };
  const given = settings.parse({ dataset: 'D', baseCurrency: 'GBP', webhookSecret });
  const verdict = authenticate(notice, given);
  return [verdict.verdict === 'refused' ? verdict.code : verdict.verdict, recognizes(notice)];
}

describe('pushes', () => {
  assert.equal(vectors.length, 4);
  for (const vector of vectors) {
    test(`${vector.name}: authentic as it is, by one of several secrets too, and refused otherwise`, () => {
      assert.deepEqual(judge(vector), ['authentic', true]);
      assert.deepEqual(judge(vector, {}, `another,${vector.secret}`), ['authentic', true]);
      assert.deepEqual(judge(vector, {}, 'another'), ['signature-wrong', true]);
      const body = Buffer.concat([read(vector.bodyFile), Buffer.from(' ')]);
      assert.deepEqual(judge(vector, { body }), ['signature-wrong', true]);
      const late = new Date((Number(vector.timestamp) + 301) * 1000);
      assert.deepEqual(judge(vector, { receivedAt: late }), ['timestamp-stale', true]);
    });
  }

  test('are told from those of other systems by their body', () => {
    const [vector] = vectors as [Vector];
    const foreign = [
      '{"account":"TSTDRV1","event":"payment.changed"}',
      '{"dataset":"D","event":"invoice.changed"}',
      '{"event":"ping"}',
      '["ping"]',
      'null',
      'dataset',
      `{"dataset":"D","event":"ping","x":"${'x'.repeat(1024 * 1024)}"}`,
    ];
    for (const body of foreign) assert.equal(judge(vector, { body: Buffer.from(body) })[1], false);
    assert.equal(judge(vector, { headers: {} })[1], false);
  });
});
