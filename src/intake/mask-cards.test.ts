import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isCardNumber, maskCards } from './mask-cards.ts';

const masked = (text: string): string => maskCards(Buffer.from(text)).body.toString();

/** Numbers that the networks publish for tests, as the firm's customers would write them. */
const CARDS = [
  ['Visa', '4111111111111111', '4111 1111 1111 1111'],
  ['Visa, 13 digits', '4222222222222', '4222 2222 22222'],
  ['Visa, 19 digits', '4000000000000000006', '4000 0000 0000 0000 006'],
  ['Mastercard', '5555555555554444', '5555-5555-5555-4444'],
  ['Mastercard, series 2', '2223003122003222', '2223 0031 2200 3222'],
  ['American Express', '378282246310005', '3782 822463 10005'],
  ['Discover', '6011111111111117', '6011 1111 1111 1117'],
  ['Diners Club', '30569309025904', '3056 930902 5904'],
  ['JCB', '3566002020360505', '3566-0020-2036-0505'],
  ['UnionPay', '6250941006528599', '6250 9410 0652 8599'],
] as const;

describe('card numbers', () => {
  for (const [network, plain, written] of CARDS) {
    test(`${network}: the first six and the last four digits stay`, () => {
      const expected = `${plain.slice(0, 6)}${'*'.repeat(plain.length - 10)}${plain.slice(-4)}`;
      assert.ok(isCardNumber(plain));
      assert.equal(masked(plain), expected);
      const result = masked(written);
      assert.equal(result.replace(/[ -]/g, ''), expected);
      assert.equal(result.replace(/[\d*]/g, ''), written.replace(/\d/g, ''));
    });
  }

  const PLACES = [
    ['in JSON', (card: string) => `{"number":"${card}","exp":"12/29"}`],
    ['as a JSON number', (card: string) => `{"number":${card},"cvc":1}`],
    ['in a form', (card: string) => `memo=card+${card}&amount=10.00`],
    ['in XML', (card: string) => `<cardNumber>${card}</cardNumber>`],
    ['at the end of a sentence', (card: string) => `Charge my card ${card}.`],
    ['before its expiry', (card: string) => `card ${card} 12/29 cvc 123`],
    ['before its expiry without a slash', (card: string) => `card ${card} 1229`],
    ['before its expiry after a dash', (card: string) => `${card}-12-2029`],
    ['after a short number', (card: string) => `Unit 12 ${card}`],
    ['after a date', (card: string) => `2026-11-21 ${card} thanks`],
    ['after a colon', (card: string) => `cc:${card};`],
    ['before a dash', (card: string) => `${card}- Jones`],
    ['in brackets, with another', (card: string) => `(${card}) or (${card})`],
  ] as const;
  for (const [where, place] of PLACES) {
    for (const [network, plain, written] of CARDS) {
      test(`${network} ${where}`, () => {
        for (const card of [plain, written]) {
          assert.equal(masked(place(card)), place(masked(card)));
        }
      });
    }
  }
});

describe('what is no card number stays as it is', () => {
  const OTHERS = [
    ['a wrong check digit', '4111111111111112'],
    ['a timestamp in milliseconds', '{"created":1763683200000}'],
    ['a timestamp in nanoseconds', '1763683200123456789'],
    ['ISO instants', '2026-10-14T16:02:11.345678912Z 20261014160211345'],
    ['an IBAN', 'DE89370400440532013000'],
    ['an IBAN in groups', 'DE89 3704 0044 0532 0130 00'],
    ['a Stripe id', 'pi_3SQ7kLB7WZ01zgkW0tYpNc4A ch_4111111111111111'],
    ['a QuickBooks realm', '{"realmId":"4111111111111111"}'],
    ["Shopify's ids", '{"parent":"gid://shopify/OrderTransaction/4222222222222"}'],
    ['an id that passes the check digit', '{"transactionId": 4111111111111111}'],
    ['a UUID', '8f946192-3c9c-11ea-b77f-4111111111111111'],
    ['a hexadecimal hash', 'a4111111111111111f'],
    ['an amount', '4111111111111111.00'],
    ['a fraction', '0.4111111111111111'],
    ['a masked card', '411111******1111'],
    ['a phone number', '+1 (312) 555-0199 and 0049 30 1234567'],
    ['a longer number', '41111111111111111111111'],
  ] as const;
  for (const [what, text] of OTHERS) {
    test(what, () => {
      const body = Buffer.from(text);
      assert.equal(maskCards(body).body, body);
    });
  }

  test('the fixtures of all portals', () => {
    const portals = new URL('../portals/', import.meta.url);
    const files = readdirSync(portals, { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((name) => name.includes('fixtures') && name.includes('.in.'))) {
      const body = readFileSync(new URL(file, portals));
      assert.equal(maskCards(body).masked, 0, file);
    }
  });
});

describe('whatever the bytes', () => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom<string>(...CARDS.flatMap(([, plain, written]) => [plain, written])),
      fc.constantFrom(' ', '-', '.', ',', '"', '{"id":"', 'é', '*', '/', 'x'),
      fc.stringMatching(/^\d{1,20}$/),
      fc.string(),
    ),
    { maxLength: 8 },
  );

  test('the length stays, and masking once is enough', () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        const body = Buffer.from(parts.join(''));
        const once = maskCards(body);
        assert.equal(once.body.length, body.length);
        assert.equal(once.masked === 0, once.body === body);
        assert.ok(maskCards(once.body).body.equals(once.body), body.toString());
      }),
      { numRuns: 3000, examples: [[['0', '5555-5555-5555-4444', ' ', '5555-5555-5555-4444']]] },
    );
  });

  test('the bytes around a card number are not touched', () => {
    const around = fc.array(
      fc.integer({ min: 0, max: 255 }).filter((byte) => byte < 0x30 || byte > 0x39),
    );
    fc.assert(
      fc.property(around, around, (before, after) => {
        const bytes = (middle: string) => [...before, ...Buffer.from(` ${middle} `), ...after];
        const result = maskCards(Buffer.from(bytes('4111111111111111'))).body;
        assert.deepEqual([...result], bytes('411111******1111'));
      }),
    );
  });

  test('comes to an end on a megabyte of digits, however they are grouped', () => {
    for (const unit of ['4', '4 ', '4-4 ', '41111111111111 ', '4111 ']) {
      const body = Buffer.from(unit.repeat(1_000_000 / unit.length));
      assert.equal(maskCards(body).body.length, body.length);
    }
  });
});
