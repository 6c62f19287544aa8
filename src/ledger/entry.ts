/** Journal entries: their canonical bytes and the hash chain that makes any change visible. */
import { createHash } from 'node:crypto';

export type Posting = {
  readonly debitAccount: string;
  readonly creditAccount: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly paymentId: bigint | null;
  readonly invoiceId: bigint | null;
};

export type Entry = {
  readonly sequence: bigint;
  readonly kind: string;
  readonly memo: string;
  /** Instant of posting, ISO UTC. */
  readonly postedAt: string;
  /** Business day in the firm's time zone, `YYYY-MM-DD`. */
  readonly effectiveOn: string;
  readonly documentId: bigint;
  /** SHA-256 of the document's bytes: the chain reaches down to what the portal sent. */
  readonly documentSha256: Buffer;
  readonly reverses: bigint | null;
  readonly postings: readonly Posting[];
};

export const GENESIS_HASH = Buffer.alloc(32);
const FORMAT = 'checkvalve-entry-1';

/**
 * The bytes an entry's hash covers: every field as text, each preceded by its length in bytes and a
 * colon (a netstring without its comma), in the order written here. Null is the empty text.
 */
export function canonicalBytes(organizationId: number, entry: Entry, previousHash: Buffer): Buffer {
  const fields = [
    FORMAT,
    previousHash.toString('hex'),
    String(organizationId),
    String(entry.sequence),
    entry.kind,
    entry.memo,
    entry.postedAt,
    entry.effectiveOn,
    String(entry.documentId),
    entry.documentSha256.toString('hex'),
    entry.reverses === null ? '' : String(entry.reverses),
    String(entry.postings.length),
  ];
  for (const posting of entry.postings) {
    fields.push(
      posting.debitAccount,
      posting.creditAccount,
      String(posting.amountMinor),
      posting.currency,
      posting.paymentId === null ? '' : String(posting.paymentId),
      posting.invoiceId === null ? '' : String(posting.invoiceId),
    );
  }
  return Buffer.from(
    fields.map((field) => `${Buffer.byteLength(field)}:${field}`).join(''),
    'utf8',
  );
}

/** SHA-256 over the canonical bytes; the next entry's `previousHash`. */
export function hashEntry(organizationId: number, entry: Entry, previousHash: Buffer): Buffer {
  return createHash('sha256')
    .update(canonicalBytes(organizationId, entry, previousHash))
    .digest();
}
