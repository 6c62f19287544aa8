import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { format, inspect } from 'node:util';
import { z } from 'zod';
import { Secret, secret, secrets } from './secret.ts';

const TEXT = 'whsec_do_not_print';

test('a secret shows itself only when asked to', () => {
  const held = new Secret(TEXT);
  assert.equal(held.reveal(), TEXT);
  const shown = [
    String(held),
    `${held}`,
    JSON.stringify({ held }),
    inspect(held, { showHidden: true, depth: 9 }),
    inspect({ deep: [held] }),
    format('%s %o %j', held, held, held),
    Object.entries(held).join(),
    new Error(`failed with ${held}`).stack ?? '',
  ];
  for (const text of shown) assert.ok(!text.includes(TEXT), text);
  for (const text of shown.slice(0, 6)) assert.ok(text.includes('[secret]'), text);
});

describe('a required secret', () => {
  const schema = z.object({ secretKey: secret('Dashboard > API keys') });

  test('is trimmed and held', () => {
    assert.equal(schema.parse({ secretKey: ' sk_1\n' }).secretKey.reveal(), 'sk_1');
  });

  for (const given of [{}, { secretKey: '' }, { secretKey: '  ' }, { secretKey: 7 }]) {
    test(`${JSON.stringify(given)} is refused with where to find it`, () => {
      const [issue] = schema.safeParse(given).error?.issues ?? [];
      assert.equal(issue?.message, 'required; Dashboard > API keys');
      assert.deepEqual(issue?.path, ['secretKey']);
    });
  }

  test('is marked as secret in the schema of the settings', () => {
    const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
    const { secretKey } = json.properties as Record<string, Record<string, unknown>>;
    assert.equal(secretKey?.secret, true);
    assert.equal(secretKey?.description, 'Dashboard > API keys');
  });
});

describe('several secrets while rotating', () => {
  const schema = secrets('Dashboard > Webhooks.');

  test('are separated by commas', () => {
    const texts = (given: string) => schema.parse(given).map((one) => one.reveal());
    assert.deepEqual(texts('one'), ['one']);
    assert.deepEqual(texts(' one , two '), ['one', 'two']);
  });

  for (const given of ['', ' ', 'one,', ',one', 'one,,two', undefined]) {
    test(`${JSON.stringify(given)} is refused: a blank secret would accept anybody`, () => {
      const result = schema.safeParse(given);
      assert.ok(result.error?.issues[0]?.message.endsWith('Dashboard > Webhooks.'));
    });
  }
});
