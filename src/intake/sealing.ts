/** Secrets at rest: AES-256-GCM with a key id, so that keys can be rotated. */
import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';

type SealingKey = { readonly id: string; readonly key: KeyObject };

export type Sealer = {
  /** Encrypts `text`; the same `context` must be named to open it, so that a sealed value cannot be moved. */
  seal(text: string, context: string): Buffer;
  /** @throws Error when the key is not known, or the value was changed or belongs elsewhere. */
  open(sealed: Buffer, context: string): string;
};

const FORMAT = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** The first key seals, every key opens. Layout: format, key id length, key id, IV, tag, ciphertext. */
export function createSealer(keys: readonly SealingKey[]): Sealer {
  const [current] = keys;
  if (!current) throw new Error('a master key is needed to keep secrets');
  return {
    seal: (text, context) => {
      const id = Buffer.from(current.id, 'utf8');
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', current.key, iv);
      cipher.setAAD(Buffer.from(context, 'utf8'));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.from([FORMAT, id.length]), id, iv, cipher.getAuthTag(), body]);
    },
    open: (sealed, context) => {
      const idEnd = 2 + (sealed[1] ?? 0);
      const id = sealed.subarray(2, idEnd).toString('utf8');
      const key = keys.find((one) => one.id === id);
      if (sealed[0] !== FORMAT || !key) {
        throw new Error(`the secret was sealed with master key "${id}", which is not configured`);
      }
      const decipher = createDecipheriv(
        'aes-256-gcm',
        key.key,
        sealed.subarray(idEnd, idEnd + IV_BYTES),
        // A shorter tag would be accepted otherwise, and could be guessed.
        { authTagLength: TAG_BYTES },
      );
      decipher.setAAD(Buffer.from(context, 'utf8'));
      decipher.setAuthTag(sealed.subarray(idEnd + IV_BYTES, idEnd + IV_BYTES + TAG_BYTES));
      const body = sealed.subarray(idEnd + IV_BYTES + TAG_BYTES);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
    },
  };
}
