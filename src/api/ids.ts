/** Ids as the API shows them: `pay_12` is payment 12. */
import { z } from 'zod';
import { notFound } from './problems.ts';

const ID_PREFIXES = {
  payment: 'pay',
  invoice: 'inv',
  customer: 'cus',
  'work-order': 'wo',
  allocation: 'al',
  action: 'act',
  'review-item': 'rev',
  document: 'doc',
  refund: 'ref',
  dispute: 'dsp',
  payout: 'po',
  'service-contract': 'sc',
  warranty: 'war',
  'parts-order': 'pt',
  delivery: 'dlv',
  'import-file': 'imp',
} as const;
export type IdKind = keyof typeof ID_PREFIXES;

/** `pay_12` for payment 12. */
export function showId(kind: IdKind, id: bigint): string {
  return `${ID_PREFIXES[kind]}_${id}`;
}

export function showOptionalId(kind: IdKind, id: bigint | null): string | null {
  return id === null ? null : showId(kind, id);
}

/** The number in `pay_12`; undefined for anything else. */
export function parseId(kind: IdKind, text: string): bigint | undefined {
  const prefix = `${ID_PREFIXES[kind]}_`;
  const digits = text.startsWith(prefix) ? text.slice(prefix.length) : '';
  return /^\d{1,18}$/.test(digits) ? BigInt(digits) : undefined;
}

/** The number in `pay_12`. @throws Problem not-found, as what is no id names nothing. */
export function readId(kind: IdKind, text: string): bigint {
  const id = parseId(kind, text);
  if (id === undefined) throw notFound(`${kind} ${text}`);
  return id;
}

/** A path that ends in an id. */
export const idParams = z.object({ id: z.string().min(1).max(200) });

/** A path that ends in the caller's own id of a thing. */
export const externalIdParams = z.object({ externalId: z.string().trim().min(1).max(200) });
