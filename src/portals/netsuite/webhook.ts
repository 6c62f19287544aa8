/** Nudges: a script of ours in the account signs them; three other systems sign with the same headers. */
import type { Notice, Verdict } from '../contract.ts';
import { hasSyncSignature, judgeSyncSignature } from '../kit/sync-signature.ts';
import { refused } from '../kit/verdict.ts';
import { accountOf } from './notice.ts';
import type { NetSuiteSettings } from './settings.ts';

/** Only NetSuite's nudges name an account together with a type of record. */
export function recognizes(notice: Notice): boolean {
  return hasSyncSignature(notice) && accountIn(notice.body) !== undefined;
}

/**
 * A sandbox is a copy of the account, script, secret and our address included: what it sends is authentic, and about
 * another account.
 */
export function authenticate(notice: Notice, settings: NetSuiteSettings): Verdict {
  const { nudgeSecret: secrets, accountId } = settings;
  const verdict = judgeSyncSignature(notice, { secrets, setting: 'nudgeSecret' });
  if (verdict.verdict !== 'authentic') return verdict;
  const account = accountIn(notice.body);
  if (account === undefined || accountOf(account) === accountId) return verdict;
  const because = `it is of account ${account.slice(0, 40)}, this connection is to ${accountId}: switch the script off there`;
  return refused('wrong-account', because);
}

function accountIn(body: Buffer): string | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { accountId, recordType } = value as Record<string, unknown>;
    return typeof accountId === 'string' && typeof recordType === 'string' ? accountId : undefined;
  } catch {
    return undefined;
  }
}
