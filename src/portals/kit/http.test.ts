import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import type { PortalApiSettings } from '../contract.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from './errors.ts';
import { apiOptions, callUrl, type PortalApiOptions, portalApi } from './http.ts';
import { Secret } from './secret.ts';

const NOW = new Date('2026-10-14T16:00:00.000Z');

/** A fresh API whose fetch is `answer`; time stands still unless a test moves it. */
function api(
  answer: (url: URL, init: RequestInit) => Response | Promise<Response>,
  options: Partial<PortalApiOptions> = {},
) {
  return portalApi({
    baseUrl: 'https://api.example/v3/',
    authorization: { kind: 'bearer', token: new Secret('tok') },
    requestsPerMinute: 6000,
    clock: () => NOW,
    pause: async () => {},
    fetch: async (url, init) => answer(url as URL, init ?? {}),
    ...options,
  });
}

const ok = () => Response.json({ ok: true });

test('a call carries query, credentials and headers below the base URL', async () => {
  let seen: { url: URL; init: RequestInit } | undefined;
  const portal = api(
    (url, init) => {
      seen = { url, init };
      return ok();
    },
    { headers: { 'X-Version': '7' } },
  );
  const answer = await portal.request({
    path: '/query',
    query: { query: "select * from Payment where Id = '1+2'", ids: ['a', 'b'] },
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.body.toString(), '{"ok":true}');
  assert.equal(seen?.url.pathname, '/v3/query');
  assert.match(seen?.url.search ?? '', /1%2B2.*ids=a&ids=b/);
  const headers = seen?.init.headers as Record<string, string>;
  assert.equal(headers.authorization, 'Bearer tok');
  assert.equal(headers['x-version'], '7');
  assert.equal(headers['user-agent'], 'Checkvalve');
});

test('JSON keeps exact decimals, forms are encoded, basic credentials are sent', async () => {
  const bodies: unknown[] = [];
  const portal = api(
    (_url, init) => {
      bodies.push((init.headers as Record<string, string>)['content-type'], init.body);
      bodies.push((init.headers as Record<string, string>).authorization);
      return ok();
    },
    { authorization: { kind: 'basic', user: 'u', password: new Secret('p') } },
  );
  await portal.request({ method: 'POST', path: 'a', json: { amount: JSON.parse('55') } });
  await portal.request({ method: 'POST', path: 'a', form: { q: 'a b&c' } });
  assert.deepEqual(bodies, [
    'application/json',
    '{"amount":55}',
    'Basic dTpw',
    'application/x-www-form-urlencoded',
    'q=a+b%26c',
    'Basic dTpw',
  ]);
});

const causes: readonly [string, () => Response, (error: unknown) => boolean][] = [
  [
    '429 with seconds',
    () => new Response('', { status: 429, headers: { 'retry-after': '7' } }),
    (error) => error instanceof RetryLater && error.afterMs === 7000,
  ],
  [
    '429 with a date',
    () =>
      new Response('', {
        status: 429,
        headers: { 'retry-after': 'Wed, 14 Oct 2026 16:01:30 GMT' },
      }),
    (error) => error instanceof RetryLater && error.afterMs === 90_000,
  ],
  [
    '429 with the time of its reset',
    () => new Response('', { status: 429, headers: { 'x-ratelimit-reset': '1791993645' } }),
    (error) => error instanceof RetryLater && error.afterMs === 45_000,
  ],
  [
    '429 with a reset that is no time',
    () => new Response('', { status: 429, headers: { 'x-ratelimit-reset': '45' } }),
    (error) => error instanceof RetryLater && error.afterMs === undefined,
  ],
  [
    '429 without a hint',
    () => new Response('', { status: 429 }),
    (error) => error instanceof RetryLater && error.afterMs === undefined,
  ],
  [
    '503',
    () => new Response('', { status: 503, headers: { 'retry-after': '1.5' } }),
    (error) => error instanceof RetryLater && error.afterMs === 1500,
  ],
  [
    'a web page',
    () => new Response('\n<!DOCTYPE html><html></html>'),
    (error) => error instanceof RetryLater,
  ],
  ['401', () => new Response('', { status: 401 }), (error) => error instanceof Reauthorize],
  [
    '400',
    () => new Response('{"code":"610"}', { status: 400 }),
    (error) => error instanceof Rejected && error.status === 400 && error.body === '{"code":"610"}',
  ],
  [
    'a redirect',
    () => new Response('', { status: 302, headers: { location: 'https://evil.example' } }),
    (error) => error instanceof Rejected && error.status === 302,
  ],
];
for (const [name, answer, expected] of causes) {
  test(`the cause of ${name}`, async () => {
    await assert.rejects(
      api(answer).request({ path: 'x', query: { key: 'secret-q' } }),
      (error) => {
        assert.doesNotMatch(String(error), /secret-q/);
        return expected(error);
      },
    );
  });
}

test('accepted statuses are answers, but a web page never is', async () => {
  const gone = api(() => Response.json({}, { status: 404 }));
  assert.equal((await gone.request({ path: 'x', accept: [404] })).status, 404);
  const page = api(() => new Response('<html>', { status: 404 }));
  await assert.rejects(page.request({ path: 'x', accept: [404] }), RetryLater);
});

test('a portal can say that its 403 means throttled', async () => {
  const portal = api(() => new Response('RateLimitError', { status: 403 }), {
    throttled: ({ status, body }) => status === 403 && body.includes('RateLimitError'),
  });
  await assert.rejects(portal.request({ path: 'x' }), RetryLater);
});

test('a portal can say how long its throttling lasts, unless the answer says it better', async () => {
  const portal = (headers: Record<string, string>) =>
    api(() => new Response('spent', { status: 429, headers }), {
      throttled: ({ body }) => body.includes('spent') && { afterMs: 3_600_000 },
    });
  const waitOf = async (headers: Record<string, string>) => {
    const error = await portal(headers)
      .request({ path: 'x' })
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof RetryLater);
    return error.afterMs;
  };
  assert.equal(await waitOf({}), 3_600_000);
  assert.equal(await waitOf({ 'retry-after': '7' }), 7_000);
});

test('OAuth: one refresh and one repeat, then a person must look', async () => {
  const used: string[] = [];
  const refused: string[] = [];
  const portal = (accepted: string) =>
    api(
      (_url, init) => {
        const { authorization = '' } = init.headers as Record<string, string>;
        used.push(authorization);
        return authorization === `Bearer ${accepted}` ? ok() : new Response('', { status: 401 });
      },
      {
        authorization: {
          kind: 'oauth2',
          tokens: {
            current: async () => new Secret('A1'),
            insteadOf: async (token) => {
              refused.push(token.reveal());
              return new Secret('A2');
            },
          },
        },
      },
    );
  assert.equal((await portal('A2').request({ path: 'x' })).status, 200);
  await assert.rejects(portal('A9').request({ path: 'x' }), Reauthorize);
  assert.deepEqual(used, ['Bearer A1', 'Bearer A2', 'Bearer A1', 'Bearer A2']);
  assert.deepEqual(refused, ['A1', 'A1']);
});

test('a portal can say that its 400 means a token that has expired', async () => {
  const used: string[] = [];
  const portal = api(
    (_url, init) => {
      const { authorization = '' } = init.headers as Record<string, string>;
      used.push(authorization);
      return authorization === 'Bearer A2' ? ok() : new Response('Invalid token', { status: 400 });
    },
    {
      authorization: {
        kind: 'oauth2',
        tokens: { current: async () => new Secret('A1'), insteadOf: async () => new Secret('A2') },
        refused: ({ status, body }) => status === 400 && body.includes('Invalid token'),
      },
    },
  );
  assert.equal((await portal.request({ path: 'x' })).status, 200);
  assert.deepEqual(used, ['Bearer A1', 'Bearer A2']);
});

test('a session is opened once, where the log-in says, and again when the portal ended it', async () => {
  const seen: string[] = [];
  let valid = 0;
  const portal = api(
    (url, init) => {
      const { cookie = '-' } = init.headers as Record<string, string>;
      seen.push(`${url.host}${url.pathname} ${cookie}`);
      if (url.pathname === '/v3/login') {
        valid += 1;
        const headers = new Headers([
          ['set-cookie', `SESSION=s${valid};HttpOnly`],
          ['set-cookie', 'ROUTE=.node1; path=/b1s'],
        ]);
        return new Response('{}', { headers });
      }
      return cookie === `SESSION=s${valid}; ROUTE=.node1` && valid > 1
        ? ok()
        : new Response('', { status: 401 });
    },
    {
      authorization: {
        kind: 'session',
        open: async (send) => {
          const { cookies = [] } = await send({ method: 'POST', path: 'login' });
          const session = new Secret(cookies.map((one) => one.split(';')[0]).join('; '));
          return { session, baseUrl: 'https://node7.example/b1s' };
        },
        attach: (call, session) => ({ ...call, headers: { Cookie: session.reveal() } }),
        ended: ({ status }) => status === 401,
        minutes: 30,
      },
    },
  );
  const [first] = await Promise.all([
    portal.request({ path: 'Payments' }),
    portal.request({ path: 'Payments' }),
  ]);
  assert.equal(first?.headers['set-cookie'], undefined);
  assert.deepEqual(seen.slice(0, 3), [
    'api.example/v3/login -',
    'node7.example/b1s/Payments SESSION=s1; ROUTE=.node1',
    'node7.example/b1s/Payments SESSION=s1; ROUTE=.node1',
  ]);
  assert.equal(seen.filter((call) => call.startsWith('api.example/v3/login')).length, 2);
});

test('absolute addresses stay at the origin', () => {
  const base = 'https://api.example/v3';
  assert.equal(
    callUrl(base, { path: 'https://api.example/next?page=2', query: { size: '5' } }).href,
    'https://api.example/next?page=2&size=5',
  );
  for (const path of [
    'https://evil.example/next',
    'http://api.example/next',
    'https://user:password@api.example/next',
  ]) {
    assert.throws(() => callUrl(base, { path }), WireMismatch);
  }
  assert.equal(callUrl(base, { path: '//evil.example/x' }).host, 'api.example');
  const path = 'https://payments.example/charges/1';
  assert.throws(() => callUrl(base, { path }), WireMismatch);
  assert.equal(callUrl(base, { path }, ['https://payments.example/v4']).href, path);
});

test("a server of the firm's own is trusted by its certificate, and by nothing else", async () => {
  const read = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
  const certificate = read('own-server.pem');
  const server = createSecureServer(
    { key: read('own-server.key'), cert: certificate },
    (_, reply) => reply.end('{"ok":true}'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const call = (certificates: string | undefined) => {
    const definition: PortalApiSettings<null> = {
      baseUrl: () => `https://127.0.0.1:${port}`,
      auth: () => ({ kind: 'none' }),
      certificates: () => certificates,
      requestsPerMinute: 6000,
    };
    const options = apiOptions(definition, null, () => assert.fail('no tokens are needed'));
    return portalApi(options).request({ path: 'Login' });
  };
  try {
    assert.equal((await call(certificate)).body.toString(), '{"ok":true}');
    await assert.rejects(call(undefined), RetryLater);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test('calls wait for their turn', async () => {
  const waits: number[] = [];
  let now = NOW.getTime();
  const portal = api(ok, {
    requestsPerMinute: 120,
    clock: () => new Date(now),
    pause: async (ms) => {
      waits.push(ms);
    },
  });
  for (let call = 0; call < 4; call++) await portal.request({ path: 'x' });
  now += 10_000;
  await portal.request({ path: 'x' });
  assert.deepEqual(waits, [500, 1000]);
});

const misbehaving = createServer((request: IncomingMessage, reply: ServerResponse) => {
  if (request.url === '/slow') return;
  reply.writeHead(200, { 'content-length': '1000' });
  reply.write('{"half":');
  if (request.url === '/truncated') setTimeout(() => reply.destroy(), 10);
  else reply.end(' '.repeat(992));
});
await new Promise<void>((resolve) => misbehaving.listen(0, '127.0.0.1', resolve));
after(() => {
  misbehaving.close();
  misbehaving.closeAllConnections();
});

test('over a real connection: timeout, truncation, refusal and size', async () => {
  const { port } = misbehaving.address() as AddressInfo;
  const real = (options: Partial<PortalApiOptions>) =>
    portalApi({
      baseUrl: `http://127.0.0.1:${port}`,
      authorization: { kind: 'none' },
      requestsPerMinute: 6000,
      ...options,
    });
  await assert.rejects(real({ timeoutMs: 50 }).request({ path: 'slow' }), /timed out/);
  await assert.rejects(real({}).request({ path: 'truncated' }), RetryLater);
  await assert.rejects(real({ bodyLimitBytes: 999 }).request({ path: 'big' }), WireMismatch);
  const nobody = real({ baseUrl: 'http://127.0.0.1:9' });
  await assert.rejects(nobody.request({ path: 'x' }), RetryLater);
});
