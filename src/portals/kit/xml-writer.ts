/** Writing XML as portals take it: elements in the order given, without white space between them. */

/** An element that is written already; a bare string is always text, so that nothing unescaped can slip in. */
export type XmlMarkup = { readonly markup: string };

/** What XML 1.0 cannot hold, not even escaped. */
const IMPOSSIBLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** An element of text, or of other elements; `<name/>` when there are none. */
export function xmlElement(
  name: string,
  content: string | readonly XmlMarkup[],
  attributes: Readonly<Record<string, string>> = {},
): XmlMarkup {
  const start = Object.entries(attributes)
    .map(([attribute, value]) => ` ${attribute}="${escaped(value).replaceAll('"', '&quot;')}"`)
    .join('');
  if (typeof content === 'string') {
    return { markup: `<${name}${start}>${escaped(content)}</${name}>` };
  }
  if (content.length === 0) return { markup: `<${name}${start}/>` };
  const inside = content.map(({ markup }) => markup).join('');
  return { markup: `<${name}${start}>${inside}</${name}>` };
}

function escaped(text: string): string {
  return text
    .replace(IMPOSSIBLE, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
