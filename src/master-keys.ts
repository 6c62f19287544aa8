/** The keys that encrypt secrets at rest; several while they are being rotated. */
import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { link, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareDataDirectory, readIfPresent, writeWhole } from './db/data-directory.ts';

/** One key; `id` is stored beside what it encrypted. Printing a KeyObject does not show its bytes. */
export type MasterKey = { readonly id: string; readonly key: KeyObject };

const KEY_BYTES = 32;
const FORM = 'must be base64 of 32 bytes (openssl rand -base64 32), optionally after "id:"';
const ID = /^[A-Za-z0-9_-]{1,40}$/;

/**
 * Reads keys separated by commas or line breaks, each `base64` or `id:base64`; the first is current. A key
 * without an id is named by its hash, so that the name survives its moving down the list.
 * @throws Error whose message says the expected form and never shows a key
 */
export function parseMasterKeys(text: string): readonly MasterKey[] {
  const entries = text
    .split(/[,\n]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '' && !entry.startsWith('#'));
  if (entries.length === 0) throw new Error(`is empty; it ${FORM}`);
  const keys = entries.map(parseMasterKey);
  const ids = new Set(keys.map((key) => key.id));
  if (ids.size < keys.length) throw new Error('names the same key id twice');
  return Object.freeze(keys);
}

function parseMasterKey(entry: string): MasterKey {
  const colon = entry.indexOf(':');
  const encoded = entry.slice(colon + 1);
  const bytes = Buffer.from(encoded, 'base64');
  // Buffer skips what is not base64; only a round trip shows that nothing was skipped.
  const exact = bytes.toString('base64').replace(/=+$/, '') === encoded.replace(/=+$/, '');
  if (bytes.length !== KEY_BYTES || !exact) throw new Error(FORM);
  const id =
    colon === -1
      ? createHash('sha256').update(bytes).digest('hex').slice(0, 8)
      : entry.slice(0, colon);
  if (!ID.test(id)) throw new Error(`${FORM}; an id has 1 to 40 letters, digits, "-" or "_"`);
  return Object.freeze({ id, key: createSecretKey(bytes) });
}

/**
 * The configured keys, or those of `<dataDirectory>/master.key`, which is made on the first start.
 * @throws Error when the file exists and cannot be used; it is never replaced
 */
export async function loadMasterKeys(config: {
  readonly masterKeys: readonly MasterKey[] | undefined;
  readonly dataDirectory: string;
}): Promise<readonly MasterKey[]> {
  if (config.masterKeys) return config.masterKeys;
  const path = join(config.dataDirectory, 'master.key');
  const text = (await readIfPresent(path)) ?? (await createKeyFile(path, config.dataDirectory));
  try {
    return parseMasterKeys(text);
  } catch (error) {
    throw new Error(`${path} ${(error as Error).message}.`);
  }
}

/** Linked into place once complete: two processes that start together end with the same key. */
async function createKeyFile(path: string, dataDirectory: string): Promise<string> {
  await prepareDataDirectory(dataDirectory);
  const draft = `${path}.${crypto.randomUUID()}`;
  await writeWhole(draft, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
  return readFile(path, 'utf8');
}
