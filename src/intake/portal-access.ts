/** The API of a connection's portal, with its credentials and a token store that all nodes share. */
import { type Database, type Queryable, sql } from '../db/database.ts';
import type { Asking, PortalApi } from '../portals/contract.ts';
import { downloads } from '../portals/kit/download.ts';
import { apiOptions, portalApi } from '../portals/kit/http.ts';
import { type StoredToken, type TokenStore, tokenSource } from '../portals/kit/oauth.ts';
import { Secret } from '../portals/kit/secret.ts';
import type { Connection } from './connections.ts';
import type { Sealer } from './sealing.ts';

export type AccessContext = {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly now: () => Date;
};

/** Keeps one API per connection and settings version, because the rate limit lives in it. */
export function portalAccess(ctx: AccessContext) {
  const apis = new Map<string, { readonly version: number; readonly api: PortalApi }>();
  return (connection: Connection): PortalApi => {
    const known = apis.get(connection.id);
    if (known?.version === connection.settingsVersion) return known.api;
    const api = makeApi(ctx, connection);
    apis.set(connection.id, { version: connection.settingsVersion, api });
    return api;
  };
}

export type PortalAccess = ReturnType<typeof portalAccess>;

/** Where the proof of a connection's deliveries may be asked for. */
export function askPortal(access: PortalAccess): (connection: Connection) => Asking {
  const download = downloads();
  return (connection) => ({
    download,
    get api() {
      return access(connection);
    },
  });
}

function makeApi(ctx: AccessContext, connection: Connection): PortalApi {
  const { portal, settings } = connection;
  if (!portal.api) throw new Error(`${portal.name} has no API`);
  const options = apiOptions(portal.api, settings, (client) =>
    tokenSource({ store: tokenStore(ctx, connection), client, clock: ctx.now }),
  );
  return portalApi({ ...options, clock: ctx.now });
}

type SealedToken = {
  readonly accessToken: string;
  readonly expiresAt: string;
  readonly refreshToken: string | null;
  readonly previousRefreshToken: string | null;
  readonly refreshExpiresAt?: string | null;
};

/** Tokens sealed in PostgreSQL; `exclusively` holds the health row's lock, so one node refreshes at a time. */
export function tokenStore(
  { database, sealer }: Pick<AccessContext, 'database' | 'sealer'>,
  connection: Pick<Connection, 'organizationId' | 'id'>,
): TokenStore {
  const { organizationId, id } = connection;
  const context = `token:${organizationId}:${id}`;
  const select = sql`select token_sealed from oauth_tokens
    where organization_id = ${organizationId} and connection_id = ${id}`;

  const open = (row: { token_sealed: Buffer } | undefined): StoredToken | undefined => {
    if (!row) return undefined;
    const token = JSON.parse(sealer.open(row.token_sealed, context)) as SealedToken;
    const secretOf = (text: string | null) => (text === null ? undefined : new Secret(text));
    return {
      accessToken: new Secret(token.accessToken),
      expiresAt: new Date(token.expiresAt),
      refreshToken: secretOf(token.refreshToken),
      previousRefreshToken: secretOf(token.previousRefreshToken),
      refreshExpiresAt: token.refreshExpiresAt ? new Date(token.refreshExpiresAt) : undefined,
    };
  };

  const save = async (tx: Queryable, next: StoredToken): Promise<void> => {
    const token: SealedToken = {
      accessToken: next.accessToken.reveal(),
      expiresAt: next.expiresAt.toISOString(),
      refreshToken: next.refreshToken?.reveal() ?? null,
      previousRefreshToken: next.previousRefreshToken?.reveal() ?? null,
      refreshExpiresAt: next.refreshExpiresAt?.toISOString() ?? null,
    };
    const sealed = sealer.seal(JSON.stringify(token), context);
    // In the transaction that holds the lock: asking for a second session would wait for those who wait for us.
    await tx.execute(
      sql`insert into oauth_tokens as t (organization_id, connection_id, token_sealed, access_expires_at,
            refresh_expires_at)
          values (${organizationId}, ${id}, ${sealed}, ${next.expiresAt.toISOString()}::timestamptz,
            ${token.refreshExpiresAt}::timestamptz)
          on conflict (organization_id, connection_id) do update
          set token_sealed = excluded.token_sealed, access_expires_at = excluded.access_expires_at,
              refresh_expires_at = excluded.refresh_expires_at, version = t.version + 1, updated_at = now()`,
    );
  };

  return {
    load: async () => open((await database.query<{ token_sealed: Buffer }>(select))[0]),
    exclusively: (work) =>
      database.transaction(async (tx) => {
        await tx.query(
          sql`select from connection_health
              where organization_id = ${organizationId} and connection_id = ${id} for no key update`,
        );
        const [row] = await tx.query<{ token_sealed: Buffer }>(select);
        return work(open(row), (next) => save(tx, next));
      }),
  };
}
