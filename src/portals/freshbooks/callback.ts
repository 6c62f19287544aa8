/** Callbacks name an event and an object; what became of the object is asked for. */
import type { Normalized } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { fieldOf } from './form.ts';
import type { ReadingSettings } from './settings.ts';

const FETCHED = ['payment', 'invoice', 'client'] as const;

/** @throws WireMismatch when it names no event or object */
export function normalizeCallback(body: Buffer, { accountId }: ReadingSettings): Normalized {
  const id = fieldOf(body, 'object_id') ?? '';
  if (!/^\d{1,20}$/.test(id)) throw new WireMismatch('object_id: not the number of an object');
  const account = fieldOf(body, 'account_id');
  if (accountId !== undefined && account !== undefined && account !== accountId) {
    return { ignored: `account ${account} is not this connection's account ${accountId}` };
  }
  const verifier = fieldOf(body, 'verifier');
  if (verifier) return { fetch: [{ entity: 'callback', id: `${id}:${verifier}` }] };
  const name = fieldOf(body, 'name') ?? '';
  const [kind, change] = name.split('.');
  const entity = FETCHED.find((known) => known === kind);
  if (!entity) return { ignored: `${name}: tells of no customer payment` };
  // What is deleted for good cannot be fetched, and must not be taken for something still to come.
  const gone = entity === 'payment' && change === 'delete';
  return { fetch: [{ entity: gone ? 'deleted-payment' : entity, id }] };
}
