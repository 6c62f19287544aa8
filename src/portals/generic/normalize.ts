/** What a document becomes. Pure; what it cannot be certain of is set aside with the reason. */
import type { Normalized, PortalDocument } from '../contract.ts';
import { readCsv } from './csv.ts';
import type { GenericSettings } from './settings.ts';
import { deliveryId } from './signature.ts';
import { bankMeaning } from './split.ts';
import { readWebhook } from './webhook-body.ts';

/** A delivery by its headers; a file, or a body without its headers, by its first characters. */
export function normalize(document: PortalDocument, settings: GenericSettings): Normalized {
  const { body, headers } = document;
  if (deliveryId(headers) !== undefined) return readWebhook(document, settings);
  if (body.length === 0) return { ignored: 'an empty body tells nothing' };
  const fromBank = bankMeaning(body, settings);
  if (fromBank) return fromBank;
  const start = body
    .subarray(0, 200)
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '');
  return /^\s*[{[]/.test(start) ? readWebhook(document, settings) : readCsv(body, settings);
}
