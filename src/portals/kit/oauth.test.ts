import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Reauthorize, RetryLater, WireMismatch } from './errors.ts';
import { memoryTokenStore, type OAuthClient, type StoredToken, tokenSource } from './oauth.ts';
import { Secret } from './secret.ts';

const NOW = new Date('2026-10-14T16:00:00.000Z');
const client: OAuthClient = {
  tokenUrl: 'https://oauth.example/token',
  clientId: 'client-1',
  clientSecret: new Secret('s-e_cret'),
  refreshToken: new Secret('R0'),
};

type Asked = {
  readonly headers: Record<string, string>;
  readonly fields: Record<string, string>;
};
type Answer = Response | Error;

/** A token endpoint that gives the listed answers in turn and remembers what it was asked. */
function endpoint(...answers: Answer[]): { fetch: typeof fetch; asked: Asked[] } {
  const asked: Asked[] = [];
  return {
    asked,
    fetch: async (_url, init) => {
      const text = String(init?.body);
      asked.push({
        headers: { ...(init?.headers as Record<string, string>) },
        fields: text.startsWith('{')
          ? JSON.parse(text)
          : Object.fromEntries(new URLSearchParams(text)),
      });
      const answer = answers[asked.length - 1] ?? new Error('asked too often');
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

const granted = (access: string, refresh?: string, lifetime: number | undefined = 3600) =>
  Response.json({
    token_type: 'bearer',
    access_token: access,
    ...(lifetime === undefined ? {} : { expires_in: lifetime }),
    ...(refresh === undefined ? {} : { refresh_token: refresh }),
  });
const invalidGrant = () => Response.json({ error: 'invalid_grant' }, { status: 400 });

function stored(secondsLeft: number, refresh = 'R1', previous?: string): StoredToken {
  return {
    accessToken: new Secret('A1'),
    expiresAt: new Date(NOW.getTime() + secondsLeft * 1000),
    refreshToken: new Secret(refresh),
    previousRefreshToken: previous === undefined ? undefined : new Secret(previous),
  };
}

const source = (store: ReturnType<typeof memoryTokenStore>, fetch: typeof globalThis.fetch) =>
  tokenSource({ store, client, clock: () => NOW, fetch });

test('a token with more than two minutes left is used without asking', async () => {
  const { fetch, asked } = endpoint();
  const token = await source(memoryTokenStore(stored(121)), fetch).current();
  assert.equal(token.reveal(), 'A1');
  assert.equal(asked.length, 0);
});

test('within two minutes of expiry it is refreshed and the rotated token is kept', async () => {
  const { fetch, asked } = endpoint(granted('A2', 'R2'));
  const store = memoryTokenStore(stored(120));
  assert.equal((await source(store, fetch).current()).reveal(), 'A2');
  assert.deepEqual(asked[0]?.fields, { grant_type: 'refresh_token', refresh_token: 'R1' });
  const basic = Buffer.from('client-1:s-e_cret').toString('base64');
  assert.equal(asked[0]?.headers.authorization, `Basic ${basic}`);
  const kept = await store.load();
  assert.equal(kept?.refreshToken?.reveal(), 'R2');
  assert.equal(kept?.previousRefreshToken?.reveal(), 'R1');
  assert.equal(kept?.expiresAt.toISOString(), '2026-10-14T17:00:00.000Z');
});

test('the first token comes from the configured refresh token', async () => {
  const { fetch, asked } = endpoint(granted('A1'));
  const store = memoryTokenStore();
  assert.equal((await source(store, fetch).current()).reveal(), 'A1');
  assert.equal(asked[0]?.fields.refresh_token, 'R0');
  assert.equal((await store.load())?.refreshToken?.reveal(), 'R0', 'no rotation keeps the token');
});

test('an instant of expiry is as good as a lifetime', async () => {
  const answers = [
    { access_token: 'A1', expires_at: '2026-11-13T16:00:00Z' },
    { access_token: 'A1', expires_at: 'soon' },
  ];
  const kept: string[] = [];
  for (const answer of answers) {
    const store = memoryTokenStore();
    await source(store, endpoint(Response.json(answer)).fetch).current();
    kept.push((await store.load())?.expiresAt.toISOString() ?? '');
  }
  assert.deepEqual(kept, ['2026-11-13T16:00:00.000Z', '2026-10-14T16:05:00.000Z']);
});

test('many calls at once refresh once', async () => {
  const { fetch, asked } = endpoint(granted('A2', 'R2'));
  const store = memoryTokenStore(stored(10));
  const nodes = [source(store, fetch), source(store, fetch)];
  const tokens = await Promise.all([...nodes, ...nodes].map((node) => node.current()));
  assert.deepEqual(new Set(tokens.map((token) => token.reveal())), new Set(['A2']));
  assert.equal(asked.length, 1);
});

test('a refused token is replaced, unless another node already did', async () => {
  const { fetch, asked } = endpoint(granted('A2', 'R2'));
  const tokens = source(memoryTokenStore(stored(3600)), fetch);
  assert.equal((await tokens.insteadOf(new Secret('A1'))).reveal(), 'A2');
  assert.equal((await tokens.insteadOf(new Secret('A1'))).reveal(), 'A2');
  assert.equal(asked.length, 1);
});

test('an unsaved token is never used', async () => {
  const { fetch } = endpoint(granted('A2', 'R2'));
  const store = memoryTokenStore(stored(0));
  const broken = {
    ...store,
    exclusively: <T>(work: Parameters<typeof store.exclusively<T>>[0]) =>
      store.exclusively<T>((current) =>
        work(current, () => Promise.reject(new Error('disk full'))),
      ),
  };
  await assert.rejects(source(broken, fetch).current(), /disk full/);
});

test('a lost answer is retried with the old and then the previous refresh token', async () => {
  const lost = endpoint(new TypeError('fetch failed'));
  const store = memoryTokenStore(stored(0, 'R2', 'R1'));
  await assert.rejects(source(store, lost.fetch).current(), RetryLater);
  assert.equal((await store.load())?.refreshToken?.reveal(), 'R2');
  const later = endpoint(invalidGrant(), granted('A3', 'R3'));
  assert.equal((await source(store, later.fetch).current()).reveal(), 'A3');
  assert.deepEqual(
    later.asked.map(({ fields }) => fields.refresh_token),
    ['R2', 'R1'],
  );
});

test('when every refresh token is refused a person must connect again', async () => {
  const { fetch, asked } = endpoint(invalidGrant(), invalidGrant(), invalidGrant());
  const tokens = source(memoryTokenStore(stored(0, 'R2', 'R1')), fetch);
  await assert.rejects(tokens.current(), Reauthorize);
  assert.deepEqual(
    asked.map(({ fields }) => fields.refresh_token),
    ['R2', 'R1', 'R0'],
  );
});

test('a busy or broken token endpoint is not a lost connection', async () => {
  for (const answer of [
    new Response('busy', { status: 429 }),
    new Response('down', { status: 503 }),
    new Response('<html>maintenance</html>', { status: 200 }),
    new Response('<html>blocked</html>', { status: 403 }),
  ]) {
    const { fetch } = endpoint(answer);
    await assert.rejects(source(memoryTokenStore(stored(0)), fetch).current(), RetryLater);
  }
});

test('a refused client and an answer without token are told apart', async () => {
  const refused = endpoint(Response.json({ error: 'invalid_client' }, { status: 401 }));
  await assert.rejects(
    source(memoryTokenStore(stored(0)), refused.fetch).current(),
    (error) => error instanceof Reauthorize && /invalid_client/.test(error.message),
  );
  const empty = endpoint(Response.json({ token_type: 'bearer' }));
  await assert.rejects(source(memoryTokenStore(stored(0)), empty.fetch).current(), WireMismatch);
});

test('credentials can travel in the form or as JSON, with further fields', async () => {
  for (const clientAuthentication of ['form', 'json'] as const) {
    const { fetch, asked } = endpoint(granted('A2', 'R2', undefined));
    const store = memoryTokenStore();
    await tokenSource({
      store,
      fetch,
      clock: () => NOW,
      client: {
        ...client,
        clientAuthentication,
        parameters: { redirect_uri: 'https://a.example' },
      },
    }).current();
    assert.deepEqual(asked[0]?.fields, {
      redirect_uri: 'https://a.example',
      grant_type: 'refresh_token',
      refresh_token: 'R0',
      client_id: 'client-1',
      client_secret: 's-e_cret',
    });
    assert.equal(asked[0]?.headers.authorization, undefined);
  }
});

test('without a refresh token the client asks for itself', async () => {
  const { refreshToken: _, ...itself } = client;
  const { fetch, asked } = endpoint(granted('A1', undefined));
  const store = memoryTokenStore();
  await tokenSource({ store, fetch, clock: () => NOW, client: itself }).current();
  assert.deepEqual(asked[0]?.fields, { grant_type: 'client_credentials' });
});

test('secrets go to https or to this machine only, and never print', () => {
  const at = (tokenUrl: string) => () =>
    tokenSource({
      store: memoryTokenStore(),
      client: { ...client, tokenUrl },
      clock: () => NOW,
    });
  assert.throws(at('http://oauth.example/token'), Reauthorize);
  assert.throws(at('http://127.0.0.1.evil.example/token'), Reauthorize);
  assert.doesNotThrow(at('http://127.0.0.1:4000/token'));
  assert.doesNotThrow(at('http://localhost:4000/token'));
  assert.doesNotMatch(inspect(stored(1)), /A1|R1/);
});

test('a key that cannot sign is said as it is, not as a broken connection', async () => {
  const { fetch, asked } = endpoint();
  const unsigned: OAuthClient = {
    tokenUrl: client.tokenUrl,
    clientId: client.clientId,
    assertion: () => {
      throw new Reauthorize('privateKey is no private key');
    },
  };
  const tokens = tokenSource({
    store: memoryTokenStore(),
    client: unsigned,
    clock: () => NOW,
    fetch,
  });
  await assert.rejects(
    tokens.current(),
    (error) => error instanceof Reauthorize && /no private key/.test(error.message),
  );
  assert.equal(asked.length, 0);
});
