/** Systems that we deliver to: kept with sealed secrets, opened when a delivery is sent. */
import type { ZodType } from 'zod';
import { type Queryable, sql } from '../db/database.ts';
import { encodeJson } from '../db/json.ts';
import { openSecrets, sealSecrets, splitSettings } from '../intake/connection-settings.ts';
import { newId } from '../intake/connections.ts';
import type { Sealer } from '../intake/sealing.ts';
import type { Portal } from '../portals/contract.ts';
import { type Breaker, breakerSchema } from './breaker.ts';
import {
  type ServiceMobilitySettings,
  serviceMobilitySettings,
  type WebhookSettings,
  webhookSettings,
} from './system-settings.ts';

/** The kinds a person can set up; systems of the kind `books` come and go with their connection. */
export const SYSTEM_KINDS = {
  webhook: { name: 'Signed webhook', settings: webhookSettings },
  servicemobility: { name: 'ServiceMobility', settings: serviceMobilitySettings },
} as const satisfies Record<string, { name: string; settings: ZodType }>;
export type SystemKind = keyof typeof SYSTEM_KINDS;

export type System = {
  readonly organizationId: number;
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly breaker: Breaker;
} & (
  | { readonly kind: 'webhook'; readonly settings: WebhookSettings }
  | { readonly kind: 'servicemobility'; readonly settings: ServiceMobilitySettings }
  | { readonly kind: 'books'; readonly connectionId: string }
);

type Where = { readonly organizationId: number; readonly id: string };

/** @throws InvalidSettings naming each field that does not fit. */
export async function createSystem(
  ctx: { readonly tx: Queryable; readonly sealer: Sealer },
  input: {
    readonly organizationId: number;
    readonly kind: SystemKind;
    readonly name: string;
    readonly settings: Readonly<Record<string, unknown>>;
  },
): Promise<{ readonly id: string }> {
  const { organizationId, kind, name } = input;
  const id = newId('sys');
  const { publicSettings, sealed } = seal(ctx.sealer, { organizationId, id }, input);
  await ctx.tx.execute(
    sql`insert into systems (organization_id, id, kind, name, settings_sealed, public_settings)
        values (${organizationId}, ${id}, ${kind}, ${name}, ${sealed},
          ${encodeJson(publicSettings)}::jsonb)`,
  );
  return { id };
}

/**
 * Changes name, settings or whether it is enabled; settings not given stay. A change closes the
 * breaker: it may have mended what kept it open. @throws InvalidSettings. Returns false when
 * there is no such system.
 */
export async function updateSystem(
  ctx: { readonly tx: Queryable; readonly sealer: Sealer },
  input: Where & {
    readonly name?: string;
    readonly enabled?: boolean;
    readonly settings?: Readonly<Record<string, unknown>>;
  },
): Promise<boolean> {
  const [row] = await ctx.tx.query<SystemRow>(sql`${selectSystem(input)} for update`);
  if (!row) return false;
  let settings = { sealed: row.settingsSealed, publicSettings: row.publicSettings };
  if (input.settings && row.kind !== 'books') {
    const former = { ...row.publicSettings, ...openSecretsOf(ctx.sealer, row) };
    const merged = { kind: row.kind, settings: { ...former, ...input.settings } };
    settings = seal(ctx.sealer, input, merged);
  }
  await ctx.tx.execute(
    sql`update systems
        set name = ${input.name ?? row.name}, enabled = ${input.enabled ?? row.enabled},
            settings_sealed = ${settings.sealed},
            public_settings = ${encodeJson(settings.publicSettings)}::jsonb,
            breaker = default
        where organization_id = ${input.organizationId} and id = ${input.id}`,
  );
  return true;
}

/** The system with its settings opened; undefined when there is none. */
export async function loadSystem(
  ctx: { readonly tx: Queryable; readonly sealer: Sealer },
  where: Where,
): Promise<System | undefined> {
  const [row] = await ctx.tx.query<SystemRow>(selectSystem(where));
  if (!row) return undefined;
  const { organizationId, id, name, enabled } = row;
  const facts = { organizationId, id, name, enabled, breaker: breakerSchema.parse(row.breaker) };
  if (row.kind === 'books') {
    if (row.connectionId === null) throw new Error(`${id} has no connection`);
    return { ...facts, kind: 'books', connectionId: row.connectionId };
  }
  const settings = { ...row.publicSettings, ...openSecretsOf(ctx.sealer, row) };
  return row.kind === 'webhook'
    ? { ...facts, kind: 'webhook', settings: webhookSettings.parse(settings) }
    : { ...facts, kind: 'servicemobility', settings: serviceMobilitySettings.parse(settings) };
}

type SystemRow = {
  readonly organizationId: number;
  readonly id: string;
  readonly kind: SystemKind | 'books';
  readonly name: string;
  readonly connectionId: string | null;
  readonly settingsSealed: Buffer | null;
  readonly publicSettings: Readonly<Record<string, unknown>>;
  readonly enabled: boolean;
  readonly breaker: unknown;
};

function selectSystem({ organizationId, id }: Where) {
  return sql`select organization_id as "organizationId", id, kind, name,
               connection_id as "connectionId", settings_sealed as "settingsSealed",
               public_settings as "publicSettings", enabled, breaker
             from systems where organization_id = ${organizationId} and id = ${id}`;
}

function seal(
  sealer: Sealer,
  where: Where,
  input: { readonly kind: SystemKind; readonly settings: Readonly<Record<string, unknown>> },
) {
  const { publicSettings, secrets } = splitSettings(described(input.kind), input.settings);
  const { topics, ...others } = publicSettings;
  // Whoever queues deliveries reads the topics as a list, in whatever form they were given.
  const list = SYSTEM_KINDS[input.kind].settings.parse(input.settings).topics;
  return {
    publicSettings: list === undefined ? others : { ...others, topics: list },
    sealed: sealSecrets(sealer, secrets, contextOf(where)),
  };
}

function openSecretsOf(sealer: Sealer, row: SystemRow): Record<string, string> {
  return openSecrets(sealer, row.settingsSealed, contextOf(row));
}

function contextOf({ organizationId, id }: Where): string {
  return `system:${organizationId}:${id}`;
}

/** Settings are split by name and schema alone, and those a system has like a portal. */
function described(kind: SystemKind): Portal {
  return SYSTEM_KINDS[kind] as unknown as Portal;
}
