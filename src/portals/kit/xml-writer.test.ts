/** What is written must be read back as it was meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseXml, xmlNode, xmlText } from './xml.ts';
import { xmlElement } from './xml-writer.ts';

test('elements keep their order, text is escaped, attributes are quoted', () => {
  const written = xmlElement('request', [
    xmlElement('name', `Møller & Søn <ApS> "x" 'y'`),
    xmlElement('function', [xmlElement('empty', [])], { controlid: 'a"b<c&d' }),
  ]);
  assert.equal(
    written.markup,
    `<request><name>Møller &amp; Søn &lt;ApS&gt; "x" 'y'</name>` +
      '<function controlid="a&quot;b&lt;c&amp;d"><empty/></function></request>',
  );
});

test('markup in a text stays text', () => {
  const { markup } = xmlElement('memo', '</memo><paid>1</paid>');
  assert.equal(xmlText(parseXml(Buffer.from(markup)), 'memo'), '</memo><paid>1</paid>');
});

test('characters that XML cannot hold are left out', () => {
  assert.equal(xmlElement('memo', 'a\u0000b\u0007c\ud800d\ufffee').markup, '<memo>abcde</memo>');
  assert.equal(xmlElement('memo', 'tab\tand 😀').markup, '<memo>tab\tand 😀</memo>');
});

test('any text is read back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
      const wanted = text.trim();
      const { markup } = xmlElement('a', [xmlElement('b', text, { c: text })]);
      const read = xmlNode(parseXml(Buffer.from(markup)), 'a');
      assert.equal(xmlText(read, 'b') ?? '', wanted);
    }),
  );
});
