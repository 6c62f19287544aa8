/** Nudges: what a script or add-on beside Business One posts when a document was added or changed. */
import type { Normalized, Notice, Verdict } from '../contract.ts';
import { hasSyncSignature, judgeSyncSignature } from '../kit/sync-signature.ts';
import { refused } from '../kit/verdict.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import type { BusinessOneSettings, ReadingSettings } from './settings.ts';
import { nudge, OBJECT_TYPES } from './wire.ts';

const KEY = 'nudgeSecret';

/** Other systems' scripts sign the same way: only ours speak of a company database and an object type. */
export function recognizes(notice: Notice): boolean {
  if (!hasSyncSignature(notice)) return false;
  const text = notice.body.subarray(0, 4096).toString('utf8');
  return /"companyDb"\s*:/.test(text) && /"objectType"\s*:/.test(text);
}

/** One secret may serve several companies, so a genuine nudge may still be another's. */
export function authenticate(notice: Notice, settings: BusinessOneSettings): Verdict {
  const secrets = settings[KEY];
  const verdict = judgeSyncSignature(notice, { secrets, setting: KEY });
  if (verdict.verdict !== 'authentic') return verdict;
  const companyDb = companyIn(notice.body);
  if (companyDb === undefined || isSameCompany(companyDb, settings)) return verdict;
  return refused(
    'wrong-account',
    `it is of the company ${companyDb}, this connection of ${settings.companyDb}`,
  );
}

/** It only names a document, which is fetched: the state found there counts, whatever the nudge says happened. */
export function normalizeNudge(value: unknown, settings: ReadingSettings): Normalized {
  const { companyDb, objectType, key } = readWire(nudge, value);
  if (!isSameCompany(companyDb, settings)) {
    return { ignored: `company ${companyDb} is not this connection's ${settings.companyDb}` };
  }
  const entity = Object.hasOwn(OBJECT_TYPES, objectType) ? OBJECT_TYPES[objectType] : undefined;
  if (entity === undefined) {
    return { ignored: `object type ${objectType} tells of no customer payment` };
  }
  const isKey = entity === 'BusinessPartners' ? /^\S.{0,49}$/ : /^\d{1,15}$/;
  if (!isKey.test(key)) return { quarantined: `key "${key.slice(0, 60)}" is none of ${entity}` };
  return { fetch: [{ entity, id: key }] };
}

function companyIn(body: Buffer): string | undefined {
  try {
    const { companyDb } = parseExactJson(body) as { readonly companyDb?: unknown };
    return typeof companyDb === 'string' ? companyDb : undefined;
  } catch {
    return undefined;
  }
}

/** Names of databases differ in case alone nowhere: SQL Server does not tell it apart, HANA writes capitals. */
function isSameCompany(name: string, { companyDb }: Pick<ReadingSettings, 'companyDb'>): boolean {
  return name.toLowerCase() === companyDb.toLowerCase();
}
