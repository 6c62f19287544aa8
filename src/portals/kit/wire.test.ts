import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { WireMismatch } from './errors.ts';
import { parseExactJson, parseJson, readWire, wireDecimal } from './wire.ts';

describe('numbers as they were written', () => {
  const TABLE = [
    ['1210.45', '1210.45'],
    ['0.1', '0.1'],
    ['1210.450', '1210.450'],
    ['1e3', '1e3'],
    ['-0', 0],
    ['9007199254740993', '9007199254740993'],
    ['123456789012345', 123456789012345],
    ['-7', -7],
    ['0', 0],
  ] as const;
  for (const [source, expected] of TABLE) {
    test(source, () => {
      const { amount } = parseExactJson(Buffer.from(`{"amount":${source}}`)) as { amount: unknown };
      assert.equal(typeof amount, typeof expected);
      assert.equal(String(amount), String(expected));
    });
  }

  test('no decimal passes through floating point', () => {
    const decimal = fc.stringMatching(/^(0|[1-9]\d{0,17})\.\d{1,9}$/);
    fc.assert(
      fc.property(decimal, (text) => {
        assert.deepEqual(parseExactJson(Buffer.from(`[{"a":${text}}]`)), [{ a: text }]);
      }),
    );
  });

  test('everything else is as JSON.parse reads it', () => {
    const value = fc.jsonValue({ depthSize: 'small' });
    fc.assert(
      fc.property(value, (given) => {
        const text = JSON.stringify(given);
        if (/[-\d]/.test(text.replace(/"(\\.|[^"\\])*"/g, ''))) return;
        assert.deepEqual(parseExactJson(Buffer.from(text)), JSON.parse(text));
      }),
    );
  });
});

test('a decimal is text, whether it was sent as text or as a number', () => {
  for (const [given, text] of [
    ['1210.45', '1210.45'],
    [1210, '1210'],
    [-3, '-3'],
  ] as const) {
    assert.equal(wireDecimal.parse(given), text);
  }
  for (const given of [1.5, null, undefined, true, [], 2 ** 60]) {
    assert.ok(!wireDecimal.safeParse(given).success, String(given));
  }
});

describe('what cannot be read', () => {
  for (const text of ['', '{', 'id=tr_1', '<xml/>', '\u0000', 'NaN', '{"a":01}']) {
    test(`${JSON.stringify(text)} is no JSON`, () => {
      for (const read of [parseJson, parseExactJson]) {
        assert.throws(() => read(Buffer.from(text)), WireMismatch);
      }
    });
  }

  test('the first path that does not fit is named', () => {
    const schema = z.object({ data: z.object({ object: z.array(z.object({ id: z.string() })) }) });
    const given = { data: { object: [{ id: 'a' }, { id: 7 }] } };
    assert.throws(
      () => readWire(schema, given),
      (error: Error) => {
        assert.ok(error instanceof WireMismatch);
        return error.message.startsWith('data.object.1.id: ');
      },
    );
    assert.throws(() => readWire(schema, 'text'), /^WireMismatch: body: /);
  });
});
