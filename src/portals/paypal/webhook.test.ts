import assert from 'node:assert/strict';
import { createSign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import type { ApiCall, Asking, Notice, Verdict } from '../contract.ts';
import { Rejected, RetryLater } from '../kit/errors.ts';
import { type Settings, settings } from './settings.ts';
import { ask, authenticate, recognizes } from './webhook.ts';

const FIXTURES = new URL('fixtures/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FIXTURES));
const json = (name: string) => JSON.parse(read(name).toString());

const pems = json('throw-away-certificates.json') as Readonly<Record<string, string>>;
const WEBHOOK_ID = '1JE4291016473214C';
const RECEIVED = new Date('2026-11-05T08:00:00.000Z');
const LOCAL = 'http://127.0.0.1:8080';
const CERTIFICATE_URL = 'https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594';

/** As a test with a portal on this machine is connected: it may trust a root of its own. */
const local = settings.parse({
  webhookId: WEBHOOK_ID,
  apiBaseUrl: LOCAL,
  trustedCertificate: pems.root,
});
const withCredentials = settings.parse({ webhookId: WEBHOOK_ID, clientId: 'c', clientSecret: 's' });
const BODY = read('webhook-sale-completed.in.json');

function noticeOf(body: Buffer, headers: Readonly<Record<string, string>>): Notice {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return { headers: Object.fromEntries(lower), body, url: '/', receivedAt: RECEIVED };
}

type Signing = {
  readonly key?: string;
  readonly webhookId?: string;
  readonly time?: string;
  readonly url?: string;
};

/** A delivery signed with the throw-away key. */
function signed(body: Buffer, how: Signing = {}): Notice {
  const id = '6a1c2c70-b98f-11f1-9d2b-3b8e6a7c1001';
  const time = how.time ?? '2026-11-05T07:59:58Z';
  const text = `${id}|${time}|${how.webhookId ?? WEBHOOK_ID}|${crc32(body)}`;
  return noticeOf(body, {
    'paypal-transmission-id': id,
    'paypal-transmission-time': time,
    'paypal-auth-algo': 'SHA256withRSA',
    'paypal-cert-url': how.url ?? CERTIFICATE_URL,
    'paypal-transmission-sig': createSign('RSA-SHA256')
      .update(text)
      .sign(how.key ?? (pems.key as string), 'base64'),
  });
}

/** Gives `pem` (or an error) as the certificate, and `answers` as what PayPal says when asked. */
function asking(pem: string | Error | undefined, ...answers: readonly (string | Error)[]) {
  const calls: ApiCall[] = [];
  const downloads: string[] = [];
  const it: Asking = {
    async download(url) {
      downloads.push(url);
      if (pem === undefined || pem instanceof Error) throw pem ?? new RetryLater('not to be had');
      return Buffer.from(pem);
    },
    api: {
      async request(call) {
        const answer = answers[calls.push(call) - 1];
        if (answer === undefined || answer instanceof Error) throw answer ?? new Error('asked');
        const body = Buffer.from(JSON.stringify({ verification_status: answer }));
        return { status: 200, headers: {}, body };
      },
    },
  };
  return { it, calls, downloads };
}

async function judge(
  notice: Notice,
  of: Settings,
  pem: string | Error | undefined,
  ...answers: readonly (string | Error)[]
): Promise<string> {
  return said(await ask(notice, of, asking(pem, ...answers).it));
}

function said(verdict: Verdict): string {
  return verdict.verdict === 'refused' ? `${verdict.code}: ${verdict.because}` : verdict.verdict;
}

describe('the documented vectors', () => {
  type Vector = {
    readonly name: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly webhookId: string;
    readonly body?: string;
    readonly bodyFile?: string;
    readonly signedString?: string;
    readonly certPem: string;
    readonly valid: boolean;
  };
  for (const vector of json('signature-vectors.json') as readonly Vector[]) {
    test(vector.name, async () => {
      const file = vector.bodyFile?.replace('.json', '.in.json');
      const body = vector.body === undefined ? read(String(file)) : Buffer.from(vector.body);
      if (vector.valid) assert.ok(vector.signedString?.endsWith(`|${crc32(body)}`));
      const genuine = vector.name.startsWith('genuine');
      const notice = {
        ...noticeOf(body, { 'PAYPAL-CERT-URL': CERTIFICATE_URL, ...vector.headers }),
        // The one genuine certificate ended in 2019, the others begin on this day.
        receivedAt: new Date(genuine ? '2017-03-30T20:04:07Z' : '2026-11-21T08:00:00Z'),
      };
      const of = settings.parse({
        environment: genuine ? 'sandbox' : 'production',
        webhookId: vector.webhookId,
        apiBaseUrl: LOCAL,
        trustedCertificate: vector.certPem,
      });
      const first = authenticate(notice, of);
      const verdict =
        first.verdict === 'ask' ? await judge(notice, of, vector.certPem) : said(first);
      assert.equal(verdict === 'authentic', vector.valid, verdict);
      if (!vector.valid) assert.match(verdict, /^signature-wrong: /);
    });
  }
});

describe('before any certificate is asked for', () => {
  const plausible = signed(BODY);
  const changed = (headers: Readonly<Record<string, string>>) =>
    said(authenticate({ ...plausible, headers: { ...plausible.headers, ...headers } }, local));

  test('a plausible delivery is left to be asked', () => {
    assert.equal(changed({}), 'ask');
    assert.ok(recognizes(plausible));
    assert.ok(!recognizes({ ...plausible, headers: {} }));
  });

  test('a missing header, another algorithm and unreadable headers are refused', () => {
    assert.match(changed({ 'paypal-transmission-sig': '' }), /^signature-missing/);
    assert.match(changed({ 'paypal-auth-algo': 'SHA384withRSA' }), /"SHA384withRSA"/);
    assert.match(changed({ 'paypal-transmission-id': 'a|b' }), /^signature-malformed/);
    assert.match(changed({ 'paypal-transmission-time': 'today' }), /^signature-malformed/);
    assert.match(changed({ 'paypal-transmission-sig': 'x' }), /^signature-malformed/);
    const without = settings.parse({});
    assert.match(said(authenticate(plausible, without)), /no `webhookId`/);
  });

  const FOREIGN = [
    'https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1',
    'https://evil.example/v1/notifications/certs/api.paypal.com',
    'https://evilpaypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1',
    'https://user:pw@api.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com:8443/v1/notifications/certs/CERT-1',
    'http://api.paypal.com/v1/notifications/certs/CERT-1',
    'http://127.0.0.1:8081/v1/notifications/certs/CERT-1',
    'https://api.paypal.com/v1/notifications/certs/../../../x',
    'https://api.paypal.com/v1/notifications/certs/CERT-1?x=1',
    'https://api.paypal.com/v1/notifications/certs/CERT-1#x',
    'file:///v1/notifications/certs/CERT-1',
    'CERT-1',
  ];
  for (const url of FOREIGN) {
    test(`${url} is not PayPal's`, () => {
      assert.match(changed({ 'paypal-cert-url': url }), /^signature-wrong/);
    });
  }

  test('a portal on this machine may serve its own, a live connection takes none from there', () => {
    const url = `${LOCAL}/v1/notifications/certs/CERT-1`;
    assert.equal(changed({ 'paypal-cert-url': url }), 'ask');
    const notice = signed(BODY, { url });
    assert.match(said(authenticate(notice, withCredentials)), /not plain https/);
  });

  test('a root of our own needs an API on this machine', () => {
    for (const apiBaseUrl of [undefined, 'https://api-m.paypal.com', 'https://127.0.0.1.evil.io']) {
      const given = { trustedCertificate: pems.root, ...(apiBaseUrl && { apiBaseUrl }) };
      assert.ok(!settings.safeParse(given).success, apiBaseUrl);
    }
  });
});

describe('by certificate', () => {
  const chain = pems.chain as string;

  test('its signature proves the bytes, for each of several webhooks', async () => {
    const { it, downloads, calls } = asking(chain);
    assert.deepEqual(await ask(signed(BODY), local, it), { verdict: 'authentic' });
    assert.deepEqual([downloads, calls], [[CERTIFICATE_URL], []]);
    const both = { ...local, webhookId: ['OTHER', WEBHOOK_ID] };
    assert.equal(await judge(signed(BODY), both, chain), 'authentic');
    const old = signed(BODY, { time: '2026-11-02T08:00:00Z' });
    assert.equal(await judge(old, local, chain), 'authentic');
  });

  test('another body, webhook or key is refused, with what to look at', async () => {
    const notice = signed(BODY);
    const other = { ...notice, body: Buffer.from(BODY.toString().replace('180.00', '980.00')) };
    assert.match(await judge(other, local, chain), /^signature-wrong: the signature fits no/);
    const rewritten = {
      ...notice,
      body: Buffer.from(JSON.stringify(JSON.parse(`${BODY}`), null, 2)),
    };
    assert.match(await judge(rewritten, local, chain), /written anew on its way/);
    const stranger = signed(BODY, { webhookId: 'SOMEBODY' });
    assert.match(await judge(stranger, local, chain), /of another endpoint, app or mode/);
    const simulator = signed(BODY, { webhookId: 'WEBHOOK_ID' });
    assert.match(await judge(simulator, local, chain), /simulator of PayPal's dashboard/);
    const forged = signed(BODY, { key: pems.keyOfAnotherName as string });
    assert.match(await judge(forged, local, chain), /^signature-wrong/);
  });

  test('a wrong signature is not put to PayPal', async () => {
    const of = { ...local, clientId: 'c', clientSecret: withCredentials.clientSecret };
    const { it, calls } = asking(chain, 'SUCCESS');
    const forged = signed(BODY, { key: pems.keyOfAnotherName as string });
    assert.match(said(await ask(forged, of, it)), /^signature-wrong/);
    assert.deepEqual(calls, []);
  });

  test('its name, chain and root must be good', async () => {
    const cases: readonly (readonly [string, Settings, RegExp])[] = [
      [pems.chainOfAnotherName as string, local, /issued to messageverificationcerts.evil/],
      [chain.slice(0, chain.indexOf('-----END') + 25), local, /does not lead to a root/],
      [chain, settings.parse({ webhookId: WEBHOOK_ID }), /does not lead to a root/],
      [chain, settings.parse({ webhookId: WEBHOOK_ID, apiBaseUrl: LOCAL }), /does not lead/],
      ['<html>', local, /cannot be read/],
      [chain.replace('MII', '!!!'), local, /cannot be read/],
    ];
    for (const [pem, of, because] of cases) {
      assert.match(await judge(signed(BODY), of, pem), because);
    }
  });

  test('the certificate of the sandbox signs nothing for a live connection', async () => {
    const genuine = json('signature-vectors.json')[0];
    const notice = {
      ...noticeOf(Buffer.from(genuine.body), {
        ...genuine.headers,
        'paypal-cert-url': CERTIFICATE_URL,
      }),
      receivedAt: new Date('2017-03-30T20:04:07Z'),
    };
    const of = settings.parse({ webhookId: genuine.webhookId });
    assert.match(await judge(notice, of, genuine.certPem), /sandbox.paypal.com, not to/);
  });

  test('it may have ended between the signing and the last retry, and not before', async () => {
    const expired = pems['chainExpiredOn2026-11-02'] as string;
    const key = pems.keyOfExpired as string;
    const time = '2026-11-01T23:00:00Z';
    assert.equal(await judge(signed(BODY, { key, time }), local, expired), 'authentic');
    const late = signed(BODY, { key, time: '2026-11-02T01:00:00Z' });
    assert.match(await judge(late, local, expired), /was not valid when/);
    // Who has an old key could write an old time: beyond the retries it proves nothing.
    const old = signed(BODY, { key, time: '2026-10-20T01:00:00Z' });
    assert.match(await judge(old, local, expired), /was not valid when/);
  });
});

describe('when the certificate cannot be judged', () => {
  const notice = signed(BODY);

  test('PayPal is asked about the very bytes', async () => {
    const odd = Buffer.from('{"id": "WH-1",  "n":1.0, "u":"\\u00e9 \\/ é", "event_type":"X"}');
    const { it, calls } = asking(undefined, 'SUCCESS');
    assert.deepEqual(await ask(signed(odd), withCredentials, it), { verdict: 'authentic' });
    const [call] = calls;
    assert.equal(call?.path, '/v1/notifications/verify-webhook-signature');
    const text = String(call?.body?.text);
    assert.ok(text.endsWith(`,"webhook_event":${odd}}`));
    const { webhook_event, ...rest } = JSON.parse(text);
    assert.equal(webhook_event.n, 1);
    const documented = json('api-verify-webhook-signature-request.in.json');
    assert.deepEqual(
      [...Object.keys(rest), 'webhook_event'].sort(),
      Object.keys(documented).sort(),
    );
    assert.equal(rest.webhook_id, WEBHOOK_ID);
  });

  test('what it says decides, for each webhook', async () => {
    const two = { ...withCredentials, webhookId: ['A', 'B'] };
    assert.equal(await judge(notice, two, 'no pem', 'FAILURE', 'SUCCESS'), 'authentic');
    assert.match(await judge(notice, two, 'no pem', 'FAILURE', 'FAILURE'), /did not send this/);
    const refused = new Rejected('no', { status: 400, body: '' });
    assert.match(await judge(notice, withCredentials, 'no pem', refused), /did not send this/);
  });

  test('while it cannot say, nobody is refused', async () => {
    const busy = new RetryLater('429');
    await assert.rejects(judge(notice, withCredentials, undefined, busy), RetryLater);
    const forbidden = new Rejected('no', { status: 403, body: '' });
    await assert.rejects(judge(notice, withCredentials, 'no pem', forbidden), Rejected);
    await assert.rejects(judge(notice, local, undefined), RetryLater);
  });

  test('a body that would not stay one value in the question is refused', async () => {
    for (const text of ['{},"webhook_id":"X"', '[]', 'null', '{"a":1', '']) {
      const verdict = await judge(signed(Buffer.from(text)), withCredentials, 'no pem', 'SUCCESS');
      assert.match(verdict, /not a JSON object/, text);
    }
    const latin = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xe9]), Buffer.from('"}')]);
    assert.match(await judge(signed(latin), withCredentials, 'no pem', 'SUCCESS'), /not a JSON/);
  });
});
