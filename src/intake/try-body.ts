/** What a body of a portal would become, with settings that need not be connected. Stores nothing. */
import type { FetchRequest, Normalized, Portal, PortalDocument } from '../portals/contract.ts';
import { type CanonicalEvent, toJsonEvent } from '../portals/events.ts';
import { InvalidSettings, settingsSchema } from './connection-settings.ts';

export type Tried = {
  readonly events: readonly Record<string, unknown>[];
  readonly ignored: readonly { readonly reason: string }[];
  readonly quarantined: readonly { readonly reason: string }[];
  readonly fetch: readonly FetchRequest[];
};

/** What each document in the body becomes, in order. */
export function tryBody(portal: Portal, settings: unknown, document: PortalDocument): Tried {
  const events: Record<string, unknown>[] = [];
  const ignored: { reason: string }[] = [];
  const quarantined: { reason: string }[] = [];
  const fetch: FetchRequest[] = [];
  for (const part of portal.split(document.body, document.headers)) {
    const normalized = normalizePart(portal, settings, { ...document, body: part.body });
    if ('events' in normalized) {
      events.push(...normalized.events);
      fetch.push(...(normalized.fetch ?? []));
    } else if ('ignored' in normalized) ignored.push({ reason: normalized.ignored });
    else if ('quarantined' in normalized) quarantined.push({ reason: normalized.quarantined });
    else fetch.push(...normalized.fetch);
  }
  return { events, ignored, quarantined, fetch };
}

type Shown =
  | Exclude<Normalized, { events: readonly CanonicalEvent[] }>
  | {
      readonly events: readonly Record<string, unknown>[];
      readonly fetch?: readonly FetchRequest[];
    };

/** Whatever `normalize` throws sets the document aside, here as in the books. */
function normalizePart(portal: Portal, settings: unknown, document: PortalDocument): Shown {
  try {
    const normalized = portal.normalize(document, settings);
    return 'events' in normalized
      ? { ...normalized, events: normalized.events.map(toJsonEvent) }
      : normalized;
  } catch (error) {
    return { quarantined: (error as Error).message };
  }
}

/** Values that fit what settings usually ask for; none of them opens anything. */
const PLACEHOLDERS = [
  'placeholder-placeholder-placeholder',
  'cGxhY2Vob2xkZXItcGxhY2Vob2xkZXItMzI=',
  'whsec_cGxhY2Vob2xkZXItcGxhY2Vob2xkZXItMzI=',
  '00112233445566778899aabbccddeeff',
  'https://placeholder.invalid',
  '00000000-0000-4000-8000-000000000000',
  'UTC',
  'USD',
  '1',
  'true',
];

/**
 * Settings for reading: those given, and harmless placeholders for whatever else is required.
 * @throws InvalidSettings for those given that are unknown or do not fit.
 */
export function settingsToTry(portal: Portal, given: Readonly<Record<string, unknown>>): unknown {
  const { properties } = settingsSchema(portal);
  for (const field of Object.keys(given)) {
    if (!(field in properties)) {
      const known = Object.keys(properties).join(', ');
      const message = `is no setting of ${portal.name}; it has ${known}`;
      throw new InvalidSettings([{ field, message }]);
    }
  }
  const settings: Record<string, unknown> = { ...given };
  const invented: string[] = [];
  for (const field of failingFields(portal, settings)) {
    if (field in given) continue;
    const choices = (properties[field] as { enum?: readonly string[] } | undefined)?.enum ?? [];
    const fitting = [...choices, ...PLACEHOLDERS].find(
      (value) => !failingFields(portal, { ...settings, [field]: value }).has(field),
    );
    if (fitting === undefined) continue;
    settings[field] = fitting;
    if (!properties[field]?.secret) invented.push(field);
  }
  const result = portal.settings.safeParse(settings);
  if (result.success) {
    // An account that was not named is no account to be told from others: reading must not compare with it.
    const known = Object.entries(result.data as object).filter(
      ([field]) => !invented.includes(field),
    );
    return Object.fromEntries(known);
  }
  throw new InvalidSettings(
    result.error.issues.map(({ path, message }) => ({ field: path.join('.'), message })),
  );
}

function failingFields(portal: Portal, settings: Record<string, unknown>): ReadonlySet<string> {
  const result = portal.settings.safeParse(settings);
  return new Set(result.success ? [] : result.error.issues.map(({ path }) => String(path[0])));
}
