/** Every portal through one contract: what the engine relies on, whoever wrote the portal. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  SECRET_PLACEHOLDER,
  settingsSchema,
  splitSettings,
} from '../src/intake/connection-settings.ts';
import { storableHeaders } from '../src/intake/store.ts';
import { exponentOf } from '../src/money/money.ts';
import type { Normalized, Notice, Portal } from '../src/portals/contract.ts';
import { type CanonicalEvent, EVENT_TYPES, toJsonEvent } from '../src/portals/events.ts';
import { findPortal, portals } from '../src/portals/index.ts';

const FOLDER = new URL('../src/portals/', import.meta.url);
const NOT_PORTALS = ['kit'];
const NOW = new Date('2026-11-21T08:00:00.000Z');
const FUZZED_BODIES = 10_000;

/** `fixtures/contract.json` of a portal. */
type Contract = {
  /** The least that a person must enter, for portals that do not do without. */
  readonly settings: Readonly<Record<string, string>>;
  /** The headers that a delivery of the portal cannot be without, its signature being forged at NOW. */
  readonly forged: Readonly<Record<string, string>>;
  /** Secrets of further ways to sign in, which the portal refuses beside those of the least settings. */
  readonly otherWays: readonly string[];
};

function contractOf(portal: Portal): Contract {
  const file = new URL(`${portal.id}/fixtures/contract.json`, FOLDER);
  return { settings: {}, forged: {}, otherWays: [], ...JSON.parse(readFileSync(file, 'utf8')) };
}

type Fixture = {
  readonly name: string;
  readonly body: Buffer;
  /** From `<name>.headers.json`, for portals whose bodies do not say all. */
  readonly headers: Readonly<Record<string, string>>;
  /** From `<name>.settings.json`: what the document needs beyond the least to be read. */
  readonly given: Readonly<Record<string, string>>;
  readonly golden: unknown;
};

function fixturesOf(portal: Portal): readonly Fixture[] {
  const folder = new URL(`${portal.id}/fixtures/`, FOLDER);
  return readdirSync(folder)
    .filter((file) => /\.in\.[a-z]+$/.test(file))
    .map((file) => {
      const name = file.replace(/\.in\.[a-z]+$/, '');
      const golden = JSON.parse(readFileSync(new URL(`${name}.out.json`, folder), 'utf8'));
      const beside = (kind: string): Record<string, string> => {
        const path = new URL(`${name}.${kind}.json`, folder);
        return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
      };
      const given = { ...contractOf(portal).settings, ...beside('settings') };
      return {
        name,
        body: readFileSync(new URL(file, folder)),
        headers: beside('headers'),
        given,
        golden,
      };
    });
}

function settingsOf(portal: Portal): unknown {
  return portal.settings.parse(contractOf(portal).settings);
}

/** What a body becomes, document by document; an error quarantines, as the engine does it. */
function read(
  portal: Portal,
  { body, headers }: Pick<Fixture, 'body' | 'headers'>,
  settings: unknown,
): readonly Normalized[] {
  return portal.split(body, headers).map((document) => {
    try {
      return portal.normalize({ body: document.body, headers, receivedAt: NOW }, settings);
    } catch (error) {
      assert.ok(error instanceof Error, `${portal.id} threw ${String(error)}`);
      return { quarantined: error.message };
    }
  });
}

function eventsOf(outcomes: readonly Normalized[]): readonly CanonicalEvent[] {
  return outcomes.flatMap((outcome) => ('events' in outcome ? outcome.events : []));
}

function noticeOf(body: Buffer, headers: Readonly<Record<string, string>> = {}): Notice {
  return { headers, body, url: '/webhooks/payment-event', receivedAt: NOW };
}

test('the list is the folders, each once', () => {
  const folders = readdirSync(FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !NOT_PORTALS.includes(entry.name))
    .map(({ name }) => name);
  assert.deepEqual(portals.map(({ id }) => id).sort(), folders.sort());
  for (const portal of portals) assert.equal(findPortal(portal.id), portal);
  assert.equal(findPortal('kit'), undefined);
});

for (const portal of portals) {
  describe(portal.name, () => {
    const fixtures = fixturesOf(portal);
    const settings = settingsOf(portal);

    test('has a mapping page, fixtures, a test of its named trigger and a name of its own', () => {
      assert.ok(existsSync(new URL(`${portal.id}/MAPPING.md`, FOLDER)));
      assert.ok(existsSync(new URL(`named-triggers/${portal.id}.test.ts`, import.meta.url)));
      assert.ok(fixtures.length >= 5);
      assert.match(portal.id, /^[a-z0-9-]+$/);
      assert.equal(portals.filter(({ name }) => name === portal.name).length, 1);
      assert.ok(portal.webhook || portal.pull, 'nothing would ever arrive');
    });

    test('tells what its fixtures become, and nothing else', () => {
      const told = fixtures.flatMap((one) =>
        eventsOf(read(portal, one, portal.settings.parse(one.given))),
      );
      const types = new Set(told.map(({ type }) => type));
      assert.deepEqual([...portal.tells].sort(), [...types].sort());
    });

    settingsContract(portal);
    for (const fixture of fixtures) fixtureContract(portal, fixture);
    if (portal.webhook) webhookContract(portal, portal.webhook, fixtures, settings);
    currencyContract(portal, fixtures);
    unknownStateContract(portal, fixtures);
    fuzzContract(portal, fixtures, settings);
  });
}

function withSecrets(portal: Portal, text: string): Readonly<Record<string, string>> {
  const { otherWays } = contractOf(portal);
  const fields = Object.entries(settingsSchema(portal).properties);
  return Object.fromEntries(
    fields.flatMap(([field, { secret }]) =>
      secret && !otherWays.includes(field) ? [[field, text]] : [],
    ),
  );
}

function settingsContract(portal: Portal): void {
  const { properties } = settingsSchema(portal);
  const fields = Object.entries(properties) as [string, Record<string, unknown>][];

  test('says of every secret where to find it', () => {
    for (const [field, { secret, description }] of fields) {
      assert.match(field, /^[a-z][a-zA-Z0-9]*$/);
      if (secret) assert.ok(String(description ?? '').length > 10, field);
    }
    if (portal.api) assert.ok('apiBaseUrl' in properties);
    if (portal.api?.auth(settingsOf(portal)).kind === 'oauth2')
      assert.ok('authBaseUrl' in properties);
    if (portal.unitSetting) assert.ok(portal.unitSetting in properties);
  });

  test('can still be read with a placeholder in the place of secrets', () => {
    const secrets = withSecrets(portal, 'x-secret');
    const { publicSettings } = splitSettings(portal, {
      ...contractOf(portal).settings,
      ...secrets,
    });
    for (const field of Object.keys(secrets)) {
      assert.equal(publicSettings[field], SECRET_PLACEHOLDER);
    }
    assert.doesNotThrow(() => portal.settings.parse(publicSettings));
  });

  test('reads documents the same without the text of secrets, as the engine does', () => {
    for (const text of ['x-secret', 'test_secret', 'sk_test_secret', 'rk_live_secret']) {
      for (const one of fixturesOf(portal)) {
        const given = { ...one.given, ...withSecrets(portal, text) };
        const full = portal.settings.parse(given);
        const hidden = portal.settings.parse(splitSettings(portal, given).publicSettings);
        assert.deepEqual(read(portal, one, hidden), read(portal, one, full), one.name);
      }
    }
  });

  test('has a check when it has an API to call', () => {
    assert.equal(portal.check !== undefined, portal.api !== undefined);
    if (portal.fetch || portal.pull || portal.books) assert.ok(portal.api);
    if (portal.api) assert.ok(portal.api.requestsPerMinute > 0);
  });
}

function fixtureContract(portal: Portal, fixture: Fixture): void {
  const { name, body, headers, golden } = fixture;
  const settings = portal.settings.parse(fixture.given);
  test(`${name}: deterministic, well-formed and keyed`, () => {
    const outcomes = read(portal, fixture, settings);
    const events = eventsOf(outcomes);
    assert.deepEqual(read(portal, { body: Buffer.from(body), headers }, settings), outcomes);
    for (const event of events) assertWellFormed(event);
    const wanted = Array.isArray(golden) ? golden : (golden as { events?: unknown }).events;
    if (wanted !== undefined) assert.deepEqual(events.map(toJsonEvent), wanted);

    const documents = portal.split(body, headers);
    const keys = documents.map(({ key }) => key);
    assert.ok(documents.length > 0);
    assert.equal(new Set(keys).size, keys.length, 'a key twice in one body');
    assert.deepEqual(portal.split(Buffer.from(body), headers), documents);
    for (const key of keys) assert.ok(key.length > 0 && Buffer.byteLength(key) <= 200, key);
    // A document that was split off is itself when it is split again.
    for (const document of documents) {
      assert.deepEqual(
        portal.split(document.body, headers).map(({ key }) => key),
        [document.key],
      );
    }
  });

  test(`${name}: an unknown field changes nothing`, () => {
    const text = body.toString();
    if (!/^\s*[[{]/.test(text)) return;
    // Into the first object inside, as text, so that decimals stay as they are written.
    const inside = /[:[]\s*\{/.test(text) ? /([:[]\s*\{)/ : /(\{)/;
    const grown = text.replace(inside, '$1"unknownField":{"nested":[1,null,"x"]},');
    const shape = (outcome: Normalized) =>
      'events' in outcome ? outcome.events.map((event) => ({ ...event, eventId: '' })) : outcome;
    const grownBody = Buffer.from(grown.replace(',}', '}'));
    assert.deepEqual(
      read(portal, { body: grownBody, headers }, settings).map(shape),
      read(portal, fixture, settings).map(shape),
    );
  });
}

/** In other currencies a document is money in that currency's digits, or set aside; an unknown one is never money. */
function currencyContract(portal: Portal, fixtures: readonly Fixture[]): void {
  for (const code of ['JPY', 'KWD', 'ZZZ']) {
    test(`in ${code} every sample is well-formed, or set aside with a reason`, () => {
      for (const { body, headers, given, name } of fixtures) {
        const changed = Buffer.from(
          body
            .toString('latin1')
            .replace(/\b(USD|EUR|GBP)\b/g, code)
            .replace(/"(usd|eur|gbp)"/g, `"${code.toLowerCase()}"`),
          'latin1',
        );
        const events = eventsOf(
          read(portal, { body: changed, headers }, portal.settings.parse(given)),
        );
        for (const event of events) assertWellFormed(event);
        if (code !== 'ZZZ') continue;
        const money = events.filter(({ type }) => type !== 'customer.upserted');
        assert.ok(!money.some(({ currency }) => currency === code), name);
      }
    });
  }
}

/** What an unknown state becomes is each portal's own test; here, that it breaks nothing. */
function unknownStateContract(portal: Portal, fixtures: readonly Fixture[]): void {
  test('an unknown status never makes a malformed event', () => {
    for (const { body, headers, given } of fixtures) {
      const changed = body
        .toString('latin1')
        .replace(/("(?:status|state|Status|transactionStatus)"\s*:\s*)"[^"]*"/g, '$1"nobody-knows"')
        .replace(/(<(?:status|state)(?:\s[^>]*)?>)[^<]*(<)/g, '$1nobody-knows$2');
      const part = { body: Buffer.from(changed, 'latin1'), headers };
      for (const event of eventsOf(read(portal, part, portal.settings.parse(given)))) {
        assertWellFormed(event);
      }
    }
  });
}

function assertWellFormed(event: CanonicalEvent): void {
  assert.ok(EVENT_TYPES.includes(event.type));
  assert.match(event.occurredAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(event.eventId.length > 0);
  if (event.type !== 'customer.upserted') exponentOf(event.currency);
  assert.ok(event.amountMinor >= 0n || event.type.startsWith('payout.'));
  if (event.type.startsWith('payment.')) assert.ok(event.externalPaymentId);
  if (event.type.startsWith('refund.')) assert.ok(event.refundId);
  if (event.type.startsWith('dispute.')) assert.ok(event.disputeId);
  if (event.type.startsWith('payout.')) assert.ok(event.payoutId);
  if (event.type.startsWith('invoice.')) assert.ok(event.invoice);
  if (event.feeCurrency !== undefined) exponentOf(event.feeCurrency);
  for (const { amountMinor } of event.references) assert.ok((amountMinor ?? 1n) > 0n);
  toJsonEvent(event);
}

function webhookContract(
  portal: Portal,
  webhook: NonNullable<Portal['webhook']>,
  fixtures: readonly Fixture[],
  settings: unknown,
): void {
  const { forged } = contractOf(portal);

  test('a forged delivery is refused, whatever its body', () => {
    assert.ok(Object.keys(forged).length > 0, 'name its headers in fixtures/contract.json');
    const bodies = [
      ...fixtures.map(({ body }) => body),
      ...fixtures.map(({ body }) => body.subarray(0, body.length / 2)),
      Buffer.alloc(0),
      Buffer.from('null'),
      Buffer.alloc(3 * 1024 * 1024, 'x'),
    ];
    for (const body of bodies) {
      const verdict = webhook.authenticate(noticeOf(body, forged), settings);
      assert.equal(verdict.verdict, 'refused');
      if (verdict.verdict === 'refused') assert.ok(verdict.because.length > 10);
    }
  });

  test('an unsigned delivery is at most a hint, and no hint is an event', () => {
    for (const one of fixtures) {
      const { verdict } = webhook.authenticate(noticeOf(one.body), settings);
      assert.ok(verdict === 'refused' || verdict === 'hint', one.name);
      if (verdict === 'hint') assert.deepEqual(eventsOf(read(portal, one, settings)), []);
    }
  });

  test('any header and body get a verdict, never an error', () => {
    const names = fc.constantFrom(...Object.keys(forged));
    const headers = fc.dictionary(names, fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(headers, fc.uint8Array(), (given, bytes) => {
        const notice = noticeOf(Buffer.from(bytes), given);
        const { verdict } = webhook.authenticate(notice, settings);
        assert.ok(verdict === 'refused' || verdict === 'hint');
        webhook.recognizes(notice);
      }),
      { numRuns: 500 },
    );
  });

  test('each of its deliveries is recognised, and by no other portal', () => {
    for (const { name, body, headers } of fixtures.filter(isDelivery)) {
      const notice = noticeOf(body, { ...forged, ...headers });
      const by = portals.filter((other) => other.webhook?.recognizes(notice)).map(({ id }) => id);
      assert.deepEqual(by, [portal.id], name);
    }
  });

  test('a secret that a delivery introduces is not kept with it, and all else is', () => {
    const { conceal } = webhook;
    if (!conceal) return;
    let concealed = 0;
    for (const { name, body, headers } of fixtures.filter(isDelivery)) {
      const secrets: string[] = [];
      const kept: Buffer = conceal(body, (secret) => {
        secrets.push(secret);
        return 'sealed.A-z_0';
      });
      concealed += secrets.length;
      for (const secret of secrets) assert.ok(!kept.includes(secret), name);
      // Put back where they stood, they make of it what it was.
      const text = secrets.reduce(
        (left, secret) => left.replace('sealed.A-z_0', secret),
        `${kept}`,
      );
      const restored = { body: Buffer.from(text), headers };
      assert.deepEqual(read(portal, restored, settings), read(portal, { body, headers }, settings));
    }
    assert.ok(concealed > 0, 'no fixture introduces one');
  });

  test('the proof of the sender is kept with the document, secrets are not', () => {
    const kept = Object.keys(storableHeaders({ ...forged, authorization: 'x', cookie: 'x' }));
    const secrets = ['authorization', 'x-access-token', 'x-nudge-token'];
    const proofs = Object.keys(forged).filter((name) => !secrets.includes(name));
    assert.deepEqual(kept, proofs);
  });
}

/** Fixtures are named for what they are: an answer of the API, an error, a file, or else a delivery. */
function isDelivery({ name }: Fixture): boolean {
  return !/^(api|error|file)-/.test(name);
}

function fuzzContract(portal: Portal, fixtures: readonly Fixture[], settings: unknown): void {
  const changed = fc
    .record({
      fixture: fc.constantFrom(...fixtures),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.integer({ min: 0, max: 12 }),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 6 }),
        fc
          .constantFrom('null', '-1', '1e999', '{}', '[]', '""', '9'.repeat(40), '0.5', '\u0000')
          .map((text) => Buffer.from(text)),
      ),
    })
    .map(({ fixture: { body, headers }, at, length, insert }) => {
      const place = Math.floor(body.length * at);
      const parts = [body.subarray(0, place), insert, body.subarray(place + length)];
      return { body: Buffer.concat(parts), headers };
    });
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ body: Buffer.from(bytes), headers: {} })),
    fc.json().map((text) => ({ body: Buffer.from(text), headers: {} })),
  );

  test(`${FUZZED_BODIES} damaged bodies become documents and never more than a reason`, () => {
    fc.assert(
      fc.property(
        fc.oneof({ weight: 4, arbitrary: changed }, { weight: 1, arbitrary: anything }),
        ({ body, headers }) => {
          const outcomes = read(portal, { body, headers }, settings);
          for (const event of eventsOf(outcomes)) assertWellFormed(event);
          for (const { key } of portal.split(body, headers)) assert.ok(key.length > 0);
        },
      ),
      { numRuns: FUZZED_BODIES },
    );
  });

  test('an empty and a huge body become one document that is set aside', () => {
    for (const body of [Buffer.alloc(0), Buffer.alloc(3 * 1024 * 1024, 'x')]) {
      const outcomes = read(portal, { body, headers: {} }, settings);
      assert.equal(outcomes.length, 1);
      assert.ok(outcomes.every((outcome) => 'quarantined' in outcome || 'ignored' in outcome));
    }
  });
}
