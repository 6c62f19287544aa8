import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { z } from 'zod';
import type { Portal } from '../portals/contract.ts';
import { type Secret, secret, secrets } from '../portals/kit/secret.ts';
import {
  InvalidSettings,
  openSecrets,
  parseSettings,
  sealSecrets,
  settingsSchema,
  splitSettings,
} from './connection-settings.ts';
import { createSealer } from './sealing.ts';

const portal: Portal = {
  id: 'example',
  name: 'Example',
  settings: z.object({
    secretKey: secret('Dashboard > API keys.'),
    webhookSecret: secrets('Dashboard > Webhooks.').optional(),
    accountId: z
      .string()
      .regex(/^acct_/, 'starts with acct_')
      .optional(),
    test: z.union([z.boolean(), z.stringbool()]).default(false),
  }),
  tells: [],
  split: () => [],
  normalize: () => ({ ignored: 'an example' }),
};

function problemsOf(given: Record<string, unknown>): InvalidSettings['fields'] {
  try {
    splitSettings(portal, given);
  } catch (error) {
    assert.ok(error instanceof InvalidSettings);
    return error.fields;
  }
  return [];
}

describe('what a person is told', () => {
  test('where a missing secret is found', () => {
    assert.deepEqual(problemsOf({}), [
      { field: 'secretKey', message: 'required; Dashboard > API keys.' },
    ]);
  });

  test('every field that does not fit, at once', () => {
    const fields = problemsOf({ secretKey: ' ', accountId: '12', webhookSecret: 'a,,b' });
    assert.deepEqual(fields.map(({ field }) => field).sort(), [
      'accountId',
      'secretKey',
      'webhookSecret',
    ]);
  });

  test('which name is no setting, and which are', () => {
    assert.deepEqual(problemsOf({ secretkey: 'sk_1' }), [
      {
        field: 'secretkey',
        message: 'is no setting of Example; it has secretKey, webhookSecret, accountId, test',
      },
    ]);
  });

  for (const name of ['toString', 'constructor', '__proto__', 'hasOwnProperty']) {
    test(`${name} is no setting either`, () => {
      const given = JSON.parse(`{"secretKey":"sk_1","${name}":"x"}`);
      assert.deepEqual(
        problemsOf(given).map(({ field }) => field),
        [name],
      );
    });
  }

  test('nothing of a secret, not even in the error', () => {
    assert.throws(
      () => splitSettings(portal, { secretKey: 'sk_very_secret', accountId: 'x' }),
      (error: Error) => !error.message.includes('sk_very_secret'),
    );
  });
});

test('secrets are told apart by the schema and replaced where settings are shown', () => {
  const { properties } = settingsSchema(portal);
  const marked = Object.keys(properties).filter((field) => properties[field]?.secret);
  assert.deepEqual(marked, ['secretKey', 'webhookSecret']);
  const split = splitSettings(portal, { secretKey: 'sk_1', webhookSecret: 'a,b', test: 'true' });
  assert.deepEqual(split, {
    publicSettings: { secretKey: '[secret]', webhookSecret: '[secret]', test: 'true' },
    secrets: { secretKey: 'sk_1', webhookSecret: 'a,b' },
  });
});

test('sealed and opened, settings are what was given', () => {
  const sealer = createSealer([{ id: 'k', key: createSecretKey(randomBytes(32)) }]);
  const given = { secretKey: 'sk_1', webhookSecret: 'old, new', accountId: 'acct_1' };
  const { publicSettings, secrets } = splitSettings(portal, given);
  const sealed = sealSecrets(sealer, secrets, 'context');
  const opened = openSecrets(sealer, sealed, 'context');
  assert.deepEqual(opened, secrets);
  const settings = parseSettings(portal, publicSettings, opened) as {
    readonly secretKey: Secret;
    readonly webhookSecret: readonly Secret[];
    readonly test: boolean;
  };
  assert.equal(settings.secretKey.reveal(), 'sk_1');
  assert.deepEqual(
    settings.webhookSecret.map((one) => one.reveal()),
    ['old', 'new'],
  );
  assert.equal(settings.test, false);
});

test('no secrets are no sealed bytes', () => {
  const sealer = createSealer([{ id: 'k', key: createSecretKey(randomBytes(32)) }]);
  assert.equal(sealSecrets(sealer, {}, 'context'), null);
  assert.deepEqual(openSecrets(sealer, null, 'context'), {});
});
