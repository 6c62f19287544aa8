/** Xero's deliveries: their signature, and the handshake that Xero calls "intent to receive". */
import type { Notice, Reply, Verdict } from '../contract.ts';
import { authenticateBody } from '../kit/body-signature.ts';
import type { XeroSettings } from './settings.ts';

const SIGNATURE = 'x-xero-signature';

/** Nobody else signs with a header of that name. */
export function recognizes({ headers }: Notice): boolean {
  return headers[SIGNATURE] !== undefined;
}

/**
 * Base64 of the HMAC-SHA256 over the raw bytes, keyed with the text of the webhook key: it looks like base64 and is
 * not decoded. The key belongs to the app, so a genuine event may still be another organisation's.
 */
export function authenticate(notice: Notice, { webhookKey }: XeroSettings): Verdict {
  return authenticateBody(notice, { header: SIGNATURE, keys: webhookKey, setting: 'webhookKey' });
}

/**
 * Xero tries every new address with deliveries without events, some signed and some wrongly signed on purpose: 200
 * and exactly 401 are expected, both with an empty body. They tell nothing and are neither stored nor held against
 * the connection.
 */
export function handshake(notice: Notice, settings: XeroSettings): Reply | undefined {
  if (notice.method === 'GET' || !recognizes(notice) || !hasNoEvents(notice.body)) return undefined;
  return { status: authenticate(notice, settings).verdict === 'authentic' ? 200 : 401 };
}

/** These bodies are short; a long one is an ordinary delivery and not parsed here. */
const LONGEST_INTENT = 2_000;

function hasNoEvents(body: Buffer): boolean {
  if (body.length > LONGEST_INTENT) return false;
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    const events = typeof value === 'object' && value !== null && 'events' in value && value.events;
    return Array.isArray(events) && events.length === 0;
  } catch {
    return false;
  }
}
