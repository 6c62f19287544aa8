/**
 * Notices called `PaymentCreated`. No document of Intuit shows one, so any shape is read in which a name and an id
 * can be found; what they name is asked for and never believed.
 */

/** What such a notice names; `realmId` where it says which company it is about. */
export type CreatedNotice = {
  readonly id: string | undefined;
  readonly realmId: string | undefined;
};

type Json = Readonly<Record<string, unknown>>;

const NAME_FIELDS = ['eventType', 'eventName', 'event', 'type', 'name'];
const NAMED_CREATED = new RegExp(
  `"(?:${NAME_FIELDS.join('|')})"\\s*:\\s*"payment[\\s._-]?created"`,
  'i',
);
const CREATED = /^payment[\s._-]?created$/i;
/** An envelope has an id of its own, so what it holds is looked at first. */
const ENVELOPES = ['data', 'payload', 'resource', 'object', 'entity', 'event', 'payment', 'charge'];
const ID_FIELDS = [
  'chargeId',
  'paymentId',
  'eCheckId',
  'echeckId',
  'transactionId',
  'entityId',
  'resourceId',
  'intuitentityid',
];
const REALM_FIELDS = ['realmId', 'realmID', 'companyId', 'intuitaccountid'];
const MOST_DEEP = 4;

/** Cheap: tells by the text of a body whether such a notice can be in it. */
export function mentionsCreated(body: Buffer): boolean {
  return NAMED_CREATED.test(body.toString('utf8'));
}

/** The notice that the value is, by itself or alone in a list; undefined for anything else. */
export function readCreated(value: unknown): CreatedNotice | undefined {
  const only: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  const parts = partsOf(only);
  const named = parts.some((part) =>
    NAME_FIELDS.some((field) => CREATED.test(textOf(part[field]) ?? '')),
  );
  if (!named) return undefined;
  // The innermost is what the notice is about; the company stands on the envelope.
  const inner = parts.toReversed();
  return {
    id: firstOf(inner, ID_FIELDS) ?? firstOf(inner, ['id']),
    realmId: firstOf(parts, REALM_FIELDS),
  };
}

/** The object and what its envelopes hold, the outermost first. */
function partsOf(value: unknown, depth = MOST_DEEP): readonly Json[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth === 0) return [];
  const part = value as Json;
  return [part, ...ENVELOPES.flatMap((field) => partsOf(part[field], depth - 1))];
}

function firstOf(parts: readonly Json[], fields: readonly string[]): string | undefined {
  for (const part of parts) {
    for (const field of fields) {
      const text = textOf(part[field])?.trim();
      if (text) return text;
    }
  }
  return undefined;
}

/** Ids may be numbers, which were kept as they are written. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'number' ? String(value) : typeof value === 'string' ? value : undefined;
}
