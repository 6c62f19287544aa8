import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Notice } from '../contract.ts';
import { settings } from './settings.ts';
import { authenticate, recognizes } from './webhook.ts';

type Vector = {
  readonly name: string;
  readonly key: string;
  readonly query: string;
  readonly content_type: string;
  readonly body: string;
  readonly expected_hex: string;
  readonly expected_base64: string;
};

const file = new URL('fixtures/signature-vectors.json', import.meta.url);
const vectors: readonly Vector[] = JSON.parse(readFileSync(file, 'utf8'));

const connected = (webhookSecret?: string) =>
  settings.parse({
    clientId: 'client',
    clientSecret: 'secret',
    ...(webhookSecret === undefined ? {} : { webhookSecret }),
  });

function notice(vector: Vector, signature: string, query = vector.query): Notice {
  return {
    headers: { 'content-type': vector.content_type, 'x-zoho-webhook-signature': signature },
    body: Buffer.from(vector.body),
    url: `/webhooks/zoho-books/con_1${query === '' ? '' : `?${query}`}`,
    receivedAt: new Date('2026-11-21T08:00:00Z'),
  };
}

describe('the signature of Zoho Books', () => {
  for (const vector of vectors) {
    const { name, key, expected_hex: hex, expected_base64: base64 } = vector;
    test(`${name}: in hexadecimal and base64, by each of several secrets`, () => {
      for (const signature of [hex, hex.toUpperCase(), base64]) {
        const given = notice(vector, signature);
        assert.deepEqual(authenticate(given, connected(key)), { verdict: 'authentic' });
        const rotating = connected(`another0secret, ${key}`);
        assert.deepEqual(authenticate(given, rotating), { verdict: 'authentic' });
      }
    });

    test(`${name}: refused with another body, query or secret, and without one`, () => {
      const refusals = [
        authenticate(notice({ ...vector, body: `${vector.body} ` }, hex), connected(key)),
        authenticate(notice(vector, hex, `${vector.query}&more=1`), connected(key)),
        authenticate(notice(vector, hex), connected(`${key}x`)),
        authenticate(notice(vector, hex), connected()),
        authenticate(notice(vector, hex.slice(1)), connected(key)),
        authenticate(notice(vector, ''), connected(key)),
      ];
      for (const { verdict } of refusals) assert.equal(verdict, 'refused');
    });
  }

  test('a query that was added on the way is named', () => {
    const vector = vectors.find(({ query, content_type: type }) => !query && /json/.test(type));
    assert.ok(vector);
    const given = notice(vector, vector.expected_hex, 'utm=1');
    const verdict = authenticate(given, connected(vector.key));
    assert.match('because' in verdict ? verdict.because : '', /query parameters/);
  });

  test('Zoho Payments uses the same header for something else', () => {
    const [vector] = vectors;
    assert.ok(vector);
    assert.equal(recognizes(notice(vector, vector.expected_hex)), true);
    assert.equal(recognizes(notice(vector, 't=1700000000000,v=abc')), false);
  });
});
