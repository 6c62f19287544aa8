import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../portals/kit/errors.ts';
import { portalApi } from '../portals/kit/http.ts';
import { explainFailure, explainSkew } from './explain-failure.ts';

describe('why a call failed', () => {
  const FAILURES: readonly (readonly [Error, RegExp])[] = [
    [new Reauthorize('401'), /refuses the credentials: 401\. They have expired.*enter them again/],
    [
      new Rejected('403', { status: 403, body: '{"message":"missing scope payments.read"}' }),
      /forbids the call: 403 \(it says: .*payments\.read.*missing permission \(scope\)/,
    ],
    [new Rejected('404', { status: 404, body: '' }), /does not know.*Check apiBaseUrl/],
    [new Rejected('400', { status: 400, body: '<html>' }), /answered unexpectedly: 400\.$/],
    [new RetryLater('timed out'), /cannot be reached now: timed out\.$/],
    [new WireMismatch('id: missing'), /not Acme as documented.*Check apiBaseUrl/],
    [new TypeError('oops'), /answered unexpectedly: oops/],
  ];
  for (const [error, text] of FAILURES) {
    test(`${error.name} ${error.message}`, () => assert.match(explainFailure('Acme', error), text));
  }

  const failureOf = async (baseUrl: string): Promise<string> => {
    const api = portalApi({ baseUrl, authorization: { kind: 'none' }, requestsPerMinute: 600 });
    const failed = await api.request({ path: '/' }).catch((error: Error) => error);
    assert.ok(failed instanceof Error);
    return explainFailure('Acme', failed);
  };

  test('a port on which nothing listens, and a name that does not exist', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    assert.match(await failureOf(`http://127.0.0.1:${port}`), /nothing listens there/);
    assert.match(await failureOf('http://no-such-portal.invalid'), /name|names/);
  });
});

describe('the clock', () => {
  const now = new Date('2026-11-21T08:00:00Z');
  const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);
  test('a minute is nothing', () => {
    assert.equal(explainSkew('Acme', later(59), now), undefined);
    assert.equal(explainSkew('Acme', new Date(Number.NaN), now), undefined);
  });
  test('more is told, with the side', () => {
    assert.match(explainSkew('Acme', later(400), now) ?? '', /400 seconds behind that of Acme/);
    assert.match(explainSkew('Acme', later(-400), now) ?? '', /400 seconds ahead of/);
  });
});
