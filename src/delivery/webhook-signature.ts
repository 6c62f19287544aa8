/**
 * Signatures by the Standard Webhooks specification, so that receivers can use its ready-made
 * libraries.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Secret } from '../portals/kit/secret.ts';

const PREFIX = 'whsec_';

/** A new signing secret: `whsec_` and 32 random bytes in base64. */
export function newSigningSecret(): string {
  return `${PREFIX}${randomBytes(32).toString('base64')}`;
}

/** Whether a text is a signing secret: 24 to 64 bytes in base64, with or without `whsec_`. */
export function isSigningSecret(text: string): boolean {
  const { length } = keyBytes(text);
  return /^(whsec_)?[A-Za-z0-9+/]+={0,2}$/.test(text) && length >= 24 && length <= 64;
}

/**
 * The three headers of one attempt. With several secrets there are several signatures, so a
 * receiver may change its secret at any moment while one is being replaced.
 */
export function signatureHeaders(
  message: { readonly id: string; readonly sentAt: Date; readonly body: Buffer },
  secrets: readonly Secret[],
): Record<string, string> {
  const timestamp = String(Math.floor(message.sentAt.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const mac = createHmac('sha256', keyBytes(secret.reveal()));
    mac.update(`${message.id}.${timestamp}.`).update(message.body);
    return `v1,${mac.digest('base64')}`;
  });
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}

function keyBytes(text: string): Buffer {
  return Buffer.from(text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text, 'base64');
}
