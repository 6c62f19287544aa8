import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { WireMismatch } from './errors.ts';
import { parseXml, xmlList, xmlNode, xmlText } from './xml.ts';

const parse = (text: string) => parseXml(Buffer.from(text));

describe('XML', () => {
  test('text stays text, prefixes go, attributes are kept', () => {
    const xml = parse(
      '\ufeff<?xml version="1.0"?><n:a xmlns:n="urn:x"><n:Amt Ccy="USD"> 499.80 </n:Amt><ref>0012</ref></n:a>',
    );
    assert.equal(xmlText(xml, 'a', 'Amt'), '499.80');
    assert.equal(xmlText(xml, 'a', 'Amt', '@Ccy'), 'USD');
    assert.equal(xmlText(xml, 'a', 'ref'), '0012');
    assert.equal(xmlText(xml, 'a', 'none'), undefined);
  });

  test('none, one and many are lists', () => {
    const xml = parse('<a><b>1</b><c>1</c><c>2</c></a>');
    const counts = ['none', 'b', 'c'].map((name) => xmlList(xml, 'a', name).length);
    assert.deepEqual(counts, [0, 1, 2]);
    assert.equal(xmlNode(xml, 'a', 'c'), undefined);
  });

  test('predefined entities are read, Latin-1 is declared', () => {
    assert.equal(xmlText(parse('<a>Smith &amp; Sons &#233;</a>'), 'a'), 'Smith & Sons é');
    const latin = Buffer.from(
      '<?xml version="1.0" encoding="ISO-8859-1"?><a>M\u00fcller</a>',
      'latin1',
    );
    assert.equal(xmlText(parseXml(latin), 'a'), 'Müller');
  });

  test('document types, depth and what is no XML are refused', () => {
    const bad = [
      '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
      '<a>'.repeat(100) + '</a>'.repeat(100),
      '',
      '{"a":1}',
      '<a><b></a>',
      '<a>',
    ];
    for (const text of bad) assert.throws(() => parse(text), WireMismatch, text.slice(0, 40));
  });

  test('any bytes are XML or a mismatch', () => {
    const bytes = fc.oneof(
      fc.string(),
      fc.string().map((inner) => `<a>${inner}</a>`),
    );
    fc.assert(
      fc.property(bytes, (text) => {
        try {
          parse(text);
        } catch (error) {
          assert.ok(error instanceof WireMismatch, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
