/** Signature checks over raw bytes, in constant time. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Secret } from './secret.ts';

/** The HMAC of `parts` in order, keyed with the secret's UTF-8 text, or with bytes where a portal decodes it. */
export function hmac(
  hash: 'sha1' | 'sha256' | 'sha512',
  key: Secret | string | Buffer,
  ...parts: readonly (Buffer | string)[]
): Buffer {
  const mac = createHmac(hash, key instanceof Secret ? key.reveal() : key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** True when `candidate` has the same bytes as `expected`; the time taken does not depend on where they differ. */
export function sameBytes(expected: Buffer, candidate: Buffer): boolean {
  return expected.length === candidate.length && timingSafeEqual(expected, candidate);
}
