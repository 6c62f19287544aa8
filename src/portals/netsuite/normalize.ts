/** NetSuite documents into canonical events; see MAPPING.md for every field. */
import type { Normalized, PortalDocument } from '../contract.ts';
import { bareEvent } from '../kit/bare-event.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { stateId, TIME_ZONE } from './event.ts';
import { instantOf, revisionOf } from './instants.ts';
import { normalizeDeleted, normalizeNudge } from './notice.ts';
import { nameOf, present } from './references.ts';
import type { ReadingSettings } from './settings.ts';
import { normalizeTransaction } from './transactions.ts';
import { customer, errorAnswer, transaction } from './wire.ts';

/** At most one event for each row or nudge. @throws WireMismatch, UnknownCurrency, MalformedAmount */
export function normalize({ body }: PortalDocument, settings: ReadingSettings): Normalized {
  const value = parseExactJson(body);
  if (typeof value !== 'object' || value === null) throw new WireMismatch('body: not an object');
  const failed = errorAnswer.safeParse(value);
  if (failed.success) {
    const [first] = failed.data['o:errorDetails'];
    const said = [first?.['o:errorCode'], first?.detail].filter(Boolean).join(': ');
    return { quarantined: `NetSuite answered with an error: ${said}` };
  }
  if ('recordType' in value) return normalizeNudge(value, settings);
  if ('recordid' in value) return normalizeDeleted(value, settings);
  if ('linktype' in value) {
    return { ignored: 'an application by itself: it is read together with its payment' };
  }
  if ('type' in value) return normalizeTransaction(readWire(transaction, value), settings);
  if ('entityid' in value) return normalizeCustomer(value, settings);
  throw new WireMismatch('body: neither a nudge nor a row that a query of ours would give');
}

function normalizeCustomer(row: unknown, settings: ReadingSettings): Normalized {
  const facts = readWire(customer, row);
  const zone = settings.accountTimeZone ?? TIME_ZONE;
  const occurredAt = instantOf(facts.modified, 'modified', zone);
  return {
    events: [
      {
        ...bareEvent(settings.singleCurrency ?? 'USD'),
        type: 'customer.upserted',
        eventId: stateId(settings, 'customer', facts.id, facts.modified),
        occurredAt,
        revision: revisionOf(occurredAt),
        customer: {
          externalId: facts.id,
          name: nameOf(facts) ?? present(facts.entityid),
          email: present(facts.email),
        },
      },
    ],
  };
}
