/** Nudges: the vectors of their token, and that what they say is never believed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Notice } from '../contract.ts';
import { sageIntacct } from './index.ts';
import { settings as schema } from './settings.ts';
import { connect, fill, NOW } from './simulated-connection.ts';
import { authenticate, recognizes } from './webhook.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
const NUDGE = fixture('webhook-payment-nudge.in.json');
const TOKEN = 'intacct-nudge-EXAMPLE-secret-0001';
const connected = (nudgeToken?: string) =>
  schema.parse({
    ...(JSON.parse(fixture('contract.json')) as { settings: object }).settings,
    ...(nudgeToken === undefined ? {} : { nudgeToken }),
  });
const notice = (headers: Record<string, string>, url = '/webhooks/sage-intacct/con_1'): Notice => ({
  headers,
  url,
  body: Buffer.from(NUDGE),
  receivedAt: NOW,
});
const judged = (given: Notice, nudgeToken: string | undefined = TOKEN) => {
  const verdict = authenticate(given, connected(nudgeToken));
  return verdict.verdict === 'refused' ? verdict.code : verdict.verdict;
};

describe('the token', () => {
  type Vector = {
    readonly name: string;
    readonly secret: string;
    readonly value: string;
    readonly valid: boolean;
  };
  const vectors = (JSON.parse(fixture('signature-vectors.json')) as Partial<Vector>[]).filter(
    (one): one is Vector => one.secret !== undefined,
  );
  for (const { name, secret, value, valid } of vectors) {
    test(name, () => {
      const verdict = judged(notice({ 'x-nudge-token': value }), secret);
      assert.equal(verdict, valid ? 'hint' : 'signature-wrong');
    });
  }

  test('may stand in the address, where a trigger cannot send headers', () => {
    const address = (query: string) => notice({}, `/webhooks/sage-intacct/con_1${query}`);
    assert.equal(judged(address(`?token=${TOKEN}`)), 'hint');
    assert.equal(judged(address(`?token=${TOKEN}x`)), 'signature-wrong');
    assert.equal(judged(address('?token=')), 'signature-missing');
    assert.equal(judged(address('')), 'signature-missing');
    const special = 'a b+c&d=é';
    assert.equal(judged(address(`?token=${encodeURIComponent(special)}`), special), 'hint');
  });

  test('several are valid while one is being changed; without any nothing is', () => {
    const given = notice({ 'x-nudge-token': TOKEN });
    assert.equal(judged(given, `other,${TOKEN}`), 'hint');
    assert.equal(judged(given, 'other'), 'signature-wrong');
    assert.equal(authenticate(given, connected()).verdict, 'refused');
  });

  test('Sage’s own headers prove nothing', () => {
    const { 'X-Nudge-Token': _, ...headers } = JSON.parse(fixture('webhook-headers.json'));
    const lower = Object.fromEntries(
      Object.entries<string>(headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    assert.equal(judged(notice(lower)), 'signature-missing');
    assert.equal(judged(notice({ ...lower, 'x-nudge-token': TOKEN })), 'hint');
  });

  test('a body that nobody would write is not looked at', () => {
    const body = Buffer.alloc(65 * 1024, ' ');
    const huge = { ...notice({ 'x-nudge-token': TOKEN }), body };
    assert.equal(judged(huge), 'signature-malformed');
    assert.ok(!recognizes(huge));
  });
});

describe('the body', () => {
  const read = (nudge: object) =>
    sageIntacct.normalize(
      { body: Buffer.from(JSON.stringify(nudge)), headers: {}, receivedAt: NOW },
      connected(TOKEN),
    );
  const nudge = JSON.parse(NUDGE) as Record<string, unknown>;

  test('is known by its shape, whatever blanks the template has', () => {
    assert.ok(recognizes(notice({})));
    const spaced = Buffer.from(JSON.stringify(nudge, null, 2));
    assert.ok(recognizes({ ...notice({}), body: spaced }));
    assert.ok(!recognizes({ ...notice({}), body: Buffer.from('{"source":"somebody"}') }));
  });

  test('only points at a record: amounts and states in it are not read', () => {
    const lie = { ...nudge, amount: '1000000.00', state: 'complete', TRX_TOTALENTERED: '1000000' };
    for (const one of [nudge, lie, { ...nudge, event: 'nobody knows' }]) {
      assert.deepEqual(read(one), { fetch: [{ entity: 'ARPYMT', id: '7421' }] });
    }
    assert.deepEqual(read({ ...nudge, object: 'ARINVOICE', recordNo: 5790 }), {
      fetch: [{ entity: 'ARINVOICE', id: '5790' }],
    });
    assert.deepEqual(read({ ...nudge, object: 'aradvance' }), {
      fetch: [{ entity: 'ARPYMT', id: '7421' }],
    });
  });

  test('of another company, of another object, or not filled in: nothing is fetched', () => {
    assert.ok('ignored' in read({ ...nudge, companyId: 'OtherCo' }));
    assert.ok('fetch' in read({ ...nudge, companyId: 'AIRCOMPCO' }));
    assert.ok('ignored' in read({ ...nudge, object: 'APBILL' }));
    assert.ok('ignored' in read({ ...nudge, object: 'constructor' }));
    for (const recordNo of ['{!ARPYMT.RECORDNO!}', '', "7421') or 1=1", '9'.repeat(40)]) {
      assert.ok('quarantined' in read({ ...nudge, recordNo }), recordNo);
    }
  });

  test('comes again with the same bytes for another change, and is heard again', () => {
    const [piece] = sageIntacct.split(Buffer.from(NUDGE), {});
    assert.equal(piece?.repeatable, true);
  });
});

describe('what a nudge named', () => {
  test('is fetched, all of a kind in one call; what is not there yields nothing', async () => {
    await using connection = await connect({ nudges: true });
    const { company, api, settings, calls } = connection;
    const { customer, invoice } = fill(company);
    const enter = () =>
      company.enterPayment(
        {
          customerExternalId: customer,
          amountMinor: 5500n,
          currency: 'USD',
          method: 'Check',
          reference: 'CHK-1',
          invoices: [{ externalId: invoice, amountMinor: 5500n }],
        },
        NOW,
      );
    const ids = [enter(), enter(), '1'];
    const requests = [
      ...ids.map((id) => ({ entity: 'ARPYMT', id })),
      { entity: 'ARINVOICE', id: invoice },
    ];
    const found = (await sageIntacct.fetch?.(api, requests, settings)) ?? [];
    assert.deepEqual(
      found.map(({ request }) => request.id),
      [ids[0], ids[1], invoice],
    );
    // The payments, their lines, the invoices' numbers, and the invoice.
    assert.equal(calls.length, 4);
    const [delivery] = company.takeNotices().map((one) => one.sign(NOW));
    assert.ok(delivery);
    const genuine = { ...delivery, url: '/', receivedAt: NOW };
    assert.equal(sageIntacct.webhook?.authenticate(genuine, settings).verdict, 'hint');
  });
});
