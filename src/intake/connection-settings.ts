/** Settings of a connection: validated by its portal, secrets sealed, the rest public and kept by version. */
import { z } from 'zod';
import type { Portal } from '../portals/contract.ts';
import type { Sealer } from './sealing.ts';

/** What stands in the place of a secret wherever settings are shown or kept in the clear. */
export const SECRET_PLACEHOLDER = '[secret]';

/** Problems a person can mend, one per field, in sentences. */
export class InvalidSettings extends Error {
  override readonly name = 'InvalidSettings';
  readonly fields: readonly { readonly field: string; readonly message: string }[];
  constructor(fields: readonly { field: string; message: string }[]) {
    super(fields.map(({ field, message }) => `${field}: ${message}`).join('; '));
    this.fields = fields;
  }
}

/** JSON Schema of what a portal's settings take; secret fields carry `"secret": true`. */
export function settingsSchema(portal: Portal): {
  readonly properties: Readonly<Record<string, { readonly secret?: boolean }>>;
} {
  return z.toJSONSchema(portal.settings, { io: 'input', unrepresentable: 'any' }) as unknown as {
    properties: Record<string, { secret?: boolean }>;
  };
}

export type SplitSettings = {
  /** Everything but secrets, in whose place the placeholder stands. */
  readonly publicSettings: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, string>>;
};

/** @throws InvalidSettings naming each field that is unknown, missing or does not fit. */
export function splitSettings(
  portal: Portal,
  given: Readonly<Record<string, unknown>>,
): SplitSettings {
  const { properties } = settingsSchema(portal);
  const unknown = Object.keys(given).filter((field) => !Object.hasOwn(properties, field));
  if (unknown.length > 0) {
    const known = Object.keys(properties).join(', ');
    throw new InvalidSettings(
      unknown.map((field) => ({
        field,
        message: `is no setting of ${portal.name}; it has ${known}`,
      })),
    );
  }
  const result = portal.settings.safeParse(given);
  if (!result.success) {
    throw new InvalidSettings(
      result.error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message })),
    );
  }
  const publicSettings: Record<string, unknown> = {};
  const secrets: Record<string, string> = {};
  for (const [field, value] of Object.entries(given)) {
    if (properties[field]?.secret) {
      secrets[field] = String(value);
      publicSettings[field] = SECRET_PLACEHOLDER;
    } else publicSettings[field] = value;
  }
  return { publicSettings, secrets };
}

export function sealSecrets(
  sealer: Sealer,
  secrets: Readonly<Record<string, string>>,
  context: string,
): Buffer | null {
  return Object.keys(secrets).length === 0 ? null : sealer.seal(JSON.stringify(secrets), context);
}

export function openSecrets(
  sealer: Sealer,
  sealed: Buffer | null,
  context: string,
): Record<string, string> {
  return sealed === null
    ? {}
    : (JSON.parse(sealer.open(sealed, context)) as Record<string, string>);
}

/** The settings as the portal's functions take them. */
export function parseSettings(
  portal: Portal,
  publicSettings: Readonly<Record<string, unknown>>,
  secrets: Readonly<Record<string, string>>,
): unknown {
  return portal.settings.parse({ ...publicSettings, ...secrets });
}
