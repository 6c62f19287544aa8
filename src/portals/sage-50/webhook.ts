/** Proof of what the own bridge pushes: the signature that several systems at the firm share, and a body of its own. */
import type { Notice, Verdict } from '../contract.ts';
import { hasSyncSignature, judgeSyncSignature } from '../kit/sync-signature.ts';
import type { Sage50Settings } from './settings.ts';

/** Larger than any push; other systems sign alike. */
const LARGEST_PUSH = 1024 * 1024;

export function recognizes(notice: Notice): boolean {
  const { body } = notice;
  if (!hasSyncSignature(notice) || body.length > LARGEST_PUSH) return false;
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value !== 'object' || value === null || !('dataset' in value)) return false;
    return 'event' in value && (value.event === 'ping' || value.event === 'receipt.changed');
  } catch {
    return false;
  }
}

export function authenticate(notice: Notice, { webhookSecret }: Sage50Settings): Verdict {
  return judgeSyncSignature(notice, { secrets: webhookSecret, setting: 'webhookSecret' });
}
