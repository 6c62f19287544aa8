/** Reading XML as portals and banks send it: text stays text, and nothing outside the document is looked at. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { WireMismatch } from './errors.ts';

/** An element: its attributes under `@name`, its text under `#text` when it has attributes or children. */
export type XmlNode = { readonly [name: string]: XmlValue };
export type XmlValue = string | XmlNode | readonly XmlValue[];

/** Documents nest a handful of levels; more is an attack. */
const MOST_DEPTH = 64;

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  // Amounts and ids stay the text they are.
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
  processEntities: true,
  htmlEntities: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
});

/**
 * Parses an XML document without numbers, namespaces or document types. An element that occurs once is not an
 * array: read with `xmlList`, `xmlText` and `xmlNode`. @throws WireMismatch
 */
export function parseXml(body: Buffer): XmlNode {
  const text = body.toString(encodingOf(body)).replace(/^\ufeff/, '');
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) {
    throw new WireMismatch('the XML has a document type, which is not read');
  }
  if (!/^\s*</.test(text)) throw new WireMismatch('the body is not XML');
  if (tooDeep(text)) throw new WireMismatch(`the XML is nested deeper than ${MOST_DEPTH} elements`);
  const valid = XMLValidator.validate(text);
  if (valid !== true) throw new WireMismatch(`the body is not XML: ${valid.err.msg}`);
  try {
    return parser.parse(text) as XmlNode;
  } catch (cause) {
    throw new WireMismatch('the body is not XML', { cause });
  }
}

function encodingOf(body: Buffer): 'utf8' | 'latin1' {
  const declared = /^<\?xml[^>]*encoding=["']([^"']+)/i.exec(
    body.subarray(0, 200).toString('latin1'),
  );
  return /^(iso-8859-1|latin-?1|windows-1252)$/i.test(declared?.[1] ?? '') ? 'latin1' : 'utf8';
}

function tooDeep(text: string): boolean {
  let depth = 0;
  for (const [tag] of text.matchAll(/<[^!?][^>]*>/g)) {
    if (tag.startsWith('</')) depth -= 1;
    else if (!tag.endsWith('/>')) depth += 1;
    if (depth > MOST_DEPTH) return true;
  }
  return false;
}

/** The element at a path of names, when there is exactly one on the way. */
export function xmlNode(
  value: XmlValue | undefined,
  ...path: readonly string[]
): XmlNode | undefined {
  const found = at(value, path);
  return isNode(found) ? found : undefined;
}

/** The trimmed text at a path; undefined when the element is absent, empty or nil. */
export function xmlText(
  value: XmlValue | undefined,
  ...path: readonly string[]
): string | undefined {
  const found = at(value, path);
  const text = isNode(found) ? found['#text'] : found;
  return typeof text === 'string' && text !== '' ? text : undefined;
}

/** The elements of that name, be they none, one or many. */
export function xmlList(
  value: XmlValue | undefined,
  ...path: readonly string[]
): readonly XmlValue[] {
  const found = at(value, path);
  if (found === undefined) return [];
  return isList(found) ? found : [found];
}

function at(value: XmlValue | undefined, path: readonly string[]): XmlValue | undefined {
  let current = value;
  for (const name of path) {
    if (!isNode(current) || !Object.hasOwn(current, name)) return undefined;
    current = current[name];
  }
  return current;
}

function isList(value: XmlValue | undefined): value is readonly XmlValue[] {
  return Array.isArray(value);
}

function isNode(value: XmlValue | undefined): value is XmlNode {
  return typeof value === 'object' && !isList(value);
}
