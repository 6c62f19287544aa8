/** The script of docs/setup/netsuite, run as NetSuite runs it, and what our webhook says to what it sends. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import type { Notice } from '../contract.ts';
import { netsuite } from './index.ts';

const SOURCE = readFileSync(
  new URL('../../../docs/setup/netsuite/checkvalve-nudge.js', import.meta.url),
  'utf8',
);
const SECRET = 'netsuite-ue-EXAMPLE-secret-0001';
const SECRET_ID = 'custsecret_checkvalve';
const ADDRESS = 'https://payments.example.com/webhooks/netsuite/con_1';
const TYPES = { CREATE: 'create', EDIT: 'edit', XEDIT: 'xedit', DELETE: 'delete' };

type Post = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};
type Event = {
  readonly type: string;
  readonly UserEventType: typeof TYPES;
  readonly newRecord?: object | null;
  readonly oldRecord?: object | null;
};

/** NetSuite's modules, as far as their documentation goes, with what the script did by them. */
function netSuite(
  change: {
    readonly parameters?: Readonly<Record<string, string | null>>;
    readonly answer?: () => { readonly code: number };
    readonly modules?: Readonly<Record<string, unknown>>;
  } = {},
) {
  const posts: Post[] = [];
  const logged: unknown[] = [];
  const kept = new Map<string, string>();
  const parameters: Readonly<Record<string, string | null>> = change.parameters ?? {
    custscript_checkvalve_address: ADDRESS,
    custscript_checkvalve_secret: SECRET_ID,
  };
  const modules: Readonly<Record<string, unknown>> = {
    'N/cache': {
      Scope: { PRIVATE: 'PRIVATE' },
      getCache: () => ({
        get: ({ key }: { key: string }) => kept.get(key) ?? null,
        put: ({ key, value, ttl }: { key: string; value: string; ttl: number }) => {
          assert.ok(ttl >= 300, 'NetSuite takes no shorter time');
          kept.set(key, value);
        },
      }),
    },
    'N/crypto': {
      HashAlg: { SHA256: 'SHA256' },
      createSecretKey: ({ secret, encoding }: { secret: string; encoding: string }) => {
        assert.deepEqual([secret, encoding], [SECRET_ID, 'UTF_8']);
        return { handle: SECRET };
      },
      createHmac: ({ algorithm, key }: { algorithm: string; key: { handle: string } }) => {
        assert.equal(algorithm, 'SHA256');
        const hmac = createHmac('sha256', key.handle);
        return {
          update: ({ input, inputEncoding }: { input: string; inputEncoding: string }) => {
            assert.equal(inputEncoding, 'UTF_8');
            hmac.update(input, 'utf8');
          },
          // In capitals, as NetSuite prints it.
          digest: ({ outputEncoding }: { outputEncoding: string }) => {
            assert.equal(outputEncoding, 'HEX');
            return hmac.digest('hex').toUpperCase();
          },
        };
      },
    },
    'N/encode': { Encoding: { UTF_8: 'UTF_8', HEX: 'HEX' } },
    'N/https': {
      post: (post: Post) => {
        posts.push(post);
        return change.answer?.() ?? { code: 200 };
      },
    },
    'N/log': { error: (entry: unknown) => logged.push(entry) },
    'N/runtime': {
      accountId: '1234567',
      getCurrentScript: () => ({
        getParameter: ({ name }: { name: string }) => parameters[name] ?? null,
      }),
    },
    ...change.modules,
  };
  let script: { readonly afterSubmit: (event: Event) => void } | undefined;
  runInNewContext(SOURCE, {
    define: (names: readonly string[], factory: (...given: unknown[]) => typeof script) => {
      script = factory(...names.map((name) => modules[name] ?? assert.fail(name)));
    },
  });
  return { posts, logged, kept, submit: script?.afterSubmit ?? assert.fail('no entry point') };
}

const record = (values: Readonly<Record<string, unknown>> = {}, type = 'customerpayment') => ({
  type,
  id: 5821,
  getValue: ({ fieldId }: { fieldId: string }) => values[fieldId] ?? '',
});
const event = (type: keyof typeof TYPES, records: Partial<Event> = {}): Event => ({
  type: TYPES[type],
  UserEventType: TYPES,
  newRecord: record(),
  oldRecord: type === 'CREATE' ? null : record(),
  ...records,
});

const settings = netsuite.settings.parse({
  accountId: '1234567',
  clientId: 'c',
  clientSecret: 's',
  nudgeSecret: SECRET,
});

/** As it arrives: header names in lower case. */
function received({ headers, body }: Post): Notice {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    headers: Object.fromEntries(lower) as Record<string, string>,
    body: Buffer.from(body, 'utf8'),
    url: '/',
    receivedAt: new Date(),
  };
}

function becomes(post: Post | undefined) {
  assert.ok(post);
  const notice = received(post);
  assert.equal(netsuite.webhook?.recognizes(notice), true);
  assert.deepEqual(netsuite.webhook?.authenticate(notice, settings), { verdict: 'authentic' });
  const [document] = netsuite.split(notice.body, notice.headers);
  assert.ok(document);
  return netsuite.normalize({ ...notice, body: document.body }, settings);
}

describe('the script', () => {
  test('is of a kind that NetSuite runs after saving', () => {
    assert.match(SOURCE, /@NApiVersion 2\.1/);
    assert.match(SOURCE, /@NScriptType UserEventScript/);
  });

  for (const type of ['CREATE', 'EDIT', 'XEDIT'] as const) {
    test(`${type} sends a signed pointer, which our webhook takes`, () => {
      const { posts, logged, submit } = netSuite();
      submit(event(type));
      assert.deepEqual(logged, []);
      assert.equal(posts.length, 1);
      assert.equal(posts[0]?.url, ADDRESS);
      assert.deepEqual(becomes(posts[0]), { fetch: [{ entity: 'transaction', id: '5821' }] });
      const body = JSON.parse(posts[0]?.body ?? '');
      assert.deepEqual(Object.keys(body), [
        'eventId',
        'accountId',
        'action',
        'recordType',
        'recordId',
        'externalId',
        'occurredAt',
      ]);
      assert.deepEqual([body.action, body.externalId], [TYPES[type], null]);
    });
  }

  test('DELETE has only the record as it was', () => {
    const { posts, submit } = netSuite();
    const oldRecord = record({ externalid: 'anet:60020981677' });
    submit(event('DELETE', { newRecord: null, oldRecord }));
    const outcome = becomes(posts[0]);
    assert.ok('events' in outcome);
    const [gone] = outcome.events;
    assert.deepEqual([gone?.type, gone?.externalPaymentId], ['payment.voided', '5821']);
    assert.match(posts[0]?.body ?? '', /"externalId":"anet:60020981677"/);
  });

  test('letters beyond ASCII are written so that their bytes cannot differ', () => {
    const { posts, submit } = netSuite();
    submit(event('CREATE', { newRecord: record({ externalid: 'Zürich–東京 💶' }) }));
    assert.match(posts[0]?.body ?? '', /^[\x20-\x7e]+$/);
    assert.equal(JSON.parse(posts[0]?.body ?? '').externalId, 'Zürich–東京 💶');
    becomes(posts[0]);
  });

  test('an inline edit that lacks the field is sent without it', () => {
    const { posts, submit } = netSuite();
    const newRecord = {
      ...record(),
      getValue: () => {
        throw new Error('SSS_MISSING_FIELD');
      },
    };
    submit(event('XEDIT', { newRecord }));
    becomes(posts[0]);
  });

  test('two saves of one record are two events', () => {
    const { posts, submit } = netSuite();
    submit(event('EDIT'));
    submit(event('EDIT'));
    const ids = posts.map(({ body }) => JSON.parse(body).eventId);
    assert.equal(new Set(ids).size, 2);
  });

  test('nothing that fails keeps anybody from saving, and everything is logged', () => {
    const failing = () => {
      throw new Error('SSS_CONNECTION_TIME_OUT');
    };
    const cases = [
      netSuite({ answer: failing }),
      netSuite({ answer: () => ({ code: 500 }) }),
      netSuite({ modules: { 'N/crypto': { createSecretKey: failing, HashAlg: {} } } }),
      netSuite({ modules: { 'N/cache': { getCache: failing, Scope: {} } } }),
      netSuite({ modules: { 'N/runtime': { getCurrentScript: failing } } }),
      netSuite({ parameters: {} }),
    ];
    for (const { submit, logged } of cases) {
      submit(event('CREATE'));
      assert.equal(logged.length, 1, JSON.stringify(logged));
    }
    const mute = netSuite({ answer: failing, modules: { 'N/log': { error: failing } } });
    mute.submit(event('CREATE'));
    netSuite().submit(event('CREATE', { newRecord: null }));
  });

  test('after a failure it rests, so that not everybody who saves waits', () => {
    let code = 503;
    const { posts, kept, submit } = netSuite({ answer: () => ({ code }) });
    submit(event('CREATE'));
    submit(event('EDIT'));
    assert.equal(posts.length, 1);
    kept.clear();
    code = 200;
    submit(event('EDIT'));
    submit(event('EDIT'));
    assert.equal(posts.length, 3);
  });
});
