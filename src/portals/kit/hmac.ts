/** Signature checks over raw bytes, in constant time. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from './secret.ts';

/** The HMAC of `parts` in order, keyed with the secret's UTF-8 text. */
export function hmac(
  hash: 'sha1' | 'sha256' | 'sha512',
  key: Secret,
  ...parts: readonly (Buffer | string)[]
): Buffer {
  const mac = createHmac(hash, key.reveal());
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** True when `candidate` has the same bytes as `expected`; the time taken does not depend on where they differ. */
export function sameBytes(expected: Buffer, candidate: Buffer): boolean {
  return expected.length === candidate.length && timingSafeEqual(expected, candidate);
}
