/** Letting us in from the browser: consent asked for, its code redeemed, and the account chosen. */
import { createHash, randomBytes } from 'node:crypto';
import { type Database, sql } from '../db/database.ts';
import type { ApiAuth, Consent, ConsentAccount } from '../portals/contract.ts';
import { Reauthorize, RetryLater, WireMismatch } from '../portals/kit/errors.ts';
import { redeemCode, type StoredToken } from '../portals/kit/oauth.ts';
import { type Connection, loadConnection, settingsWith, updateConnection } from './connections.ts';
import { type PortalAccess, tokenStore } from './portal-access.ts';
import type { Sealer } from './sealing.ts';

export type ConsentContext = {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly now: () => Date;
  readonly access: PortalAccess;
};

/** There is nothing to consent to, or not by this. The message says what a person can do. */
export class ConsentRefused extends Error {
  override readonly name = 'ConsentRefused';
}

export type Consented =
  | { readonly result: 'connected'; readonly connection: Connection; readonly account?: string }
  /** The person must choose; `choice` names this question once. */
  | {
      readonly result: 'choose';
      readonly connection: Connection;
      readonly choice: string;
      readonly labels: readonly string[];
    };

type Asked = {
  readonly verifier: string;
  readonly redirectUri: string;
  readonly accounts?: readonly ConsentAccount[];
};

const MINUTES_TO_ANSWER = 15;
const DAY_MS = 86_400_000;

/**
 * The address of the portal's consent page, for the person to open. It may be answered once, within a quarter of
 * an hour. @throws ConsentRefused for a portal without consent or settings without a client
 */
export async function askForConsent(
  ctx: ConsentContext,
  input: {
    readonly organizationId: number;
    readonly connectionId: string;
    readonly redirectUri: string;
    readonly actor: string;
  },
): Promise<{ readonly url: string; readonly expiresAt: Date }> {
  const connection = await loadConnection(ctx, input.connectionId, input.organizationId);
  if (!connection) throw new ConsentRefused(`Connection ${input.connectionId} does not exist.`);
  const { consent, client } = consentOf(connection, connection.settings);
  const verifier = randomBytes(32).toString('base64url');
  const { redirectUri } = input;
  const { state, expiresAt } = await remember(ctx, connection, {
    actor: input.actor,
    asked: { verifier, redirectUri },
  });
  const page = consent.page(connection.settings);
  const url = new URL(page.url);
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const query = {
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: redirectUri,
    ...page.parameters,
    state,
    ...(consent.pkce ? { code_challenge: challenge, code_challenge_method: 'S256' } : {}),
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return { url: url.href, expiresAt };
}

/**
 * Takes the way back from the portal: redeems the code, keeps the tokens before anything else, and connects the
 * account, or asks which. @throws ConsentRefused with what to do
 */
export async function finishConsent(
  ctx: ConsentContext,
  query: URLSearchParams,
): Promise<Consented> {
  const { connection, asked, actor } = await recall(ctx, query.get('state'));
  const { name } = connection.portal;
  const refusal = query.get('error');
  if (refusal) {
    const why = query.get('error_description') ?? refusal;
    throw new ConsentRefused(`${name} says that consent was not given: ${why}.`);
  }
  const code = query.get('code');
  if (!code)
    throw new ConsentRefused(`${name} sent neither a code nor an error back. Begin again.`);
  try {
    const told = consentOf(connection, connection.settings).consent.fromRedirect?.(
      query,
      connection.settings,
    );
    const settings = await settingsWith(ctx, connection, told ?? {});
    const { consent, client } = consentOf(connection, settings);
    const token = await redeemCode(
      { client, clock: ctx.now },
      {
        code,
        redirectUri: asked.redirectUri,
        ...(consent.pkce ? { verifier: asked.verifier } : {}),
      },
    );
    if (!token.refreshToken) {
      throw new ConsentRefused(`${name} gave no refresh token; look at the scopes of the app.`);
    }
    await keep(ctx, connection, withDeath(token, consent, ctx.now()));
    return await choose(ctx, { connection, actor, told: told ?? {}, asked });
  } catch (error) {
    throw explained(name, error as Error);
  }
}

/** Connects the account that the person chose. @throws ConsentRefused */
export async function chooseAccount(
  ctx: ConsentContext,
  choice: { readonly choice: string; readonly index: number },
): Promise<Consented> {
  const { connection, asked, actor } = await recall(ctx, choice.choice);
  const account = asked.accounts?.[choice.index];
  if (!account) throw new ConsentRefused('That account was not among those to choose from.');
  return connect(ctx, { connection, actor, settings: account.settings, account: account.label });
}

/** One account is taken as it is; of several the person names one. */
async function choose(
  ctx: ConsentContext,
  given: {
    readonly connection: Connection;
    readonly actor: string;
    readonly told: Readonly<Record<string, string>>;
    readonly asked: Asked;
  },
): Promise<Consented> {
  const { actor, told, asked } = given;
  await connect(ctx, { connection: given.connection, actor, settings: told });
  const connection = await loadConnection(
    ctx,
    given.connection.id,
    given.connection.organizationId,
  );
  if (!connection) throw new ConsentRefused('The connection was removed meanwhile.');
  const { consent } = consentOf(connection, connection.settings);
  if (!consent.accounts) return { result: 'connected', connection };
  const accounts = await consent.accounts(ctx.access(connection), connection.settings);
  const [only] = accounts;
  if (!only)
    throw new ConsentRefused(`${connection.portal.name} opened no account with this consent.`);
  if (accounts.length === 1) {
    return connect(ctx, { connection, actor, settings: only.settings, account: only.label });
  }
  const { state } = await remember(ctx, connection, { actor, asked: { ...asked, accounts } });
  return {
    result: 'choose',
    connection,
    choice: state,
    labels: accounts.map(({ label }) => label),
  };
}

/** The settings that consent told are the connection's now; everything it has heard so far stays its own. */
async function connect(
  ctx: ConsentContext,
  input: {
    readonly connection: Connection;
    readonly actor: string;
    readonly settings: Readonly<Record<string, string>>;
    readonly account?: string;
  },
): Promise<Consented> {
  const { connection, actor, settings, account } = input;
  const { organizationId, id } = connection;
  await updateConnection(ctx, { organizationId, id, settings, actor });
  return { result: 'connected', connection, ...(account === undefined ? {} : { account }) };
}

function consentOf(
  { portal }: Connection,
  settings: unknown,
): {
  readonly consent: Consent<unknown>;
  readonly client: Extract<ApiAuth, { kind: 'oauth2' }>['client'];
} {
  const auth = portal.api?.consent ? portal.api.auth(settings) : undefined;
  const own = auth?.kind === 'oauth2' && auth.client.grant === 'client_credentials';
  // A client that asks for itself is let in by nobody.
  if (!portal.api?.consent || auth?.kind !== 'oauth2' || own) {
    throw new ConsentRefused(
      `${portal.name} is not connected by consent, or not with these settings.`,
    );
  }
  return { consent: portal.api.consent, client: auth.client };
}

function keep(ctx: ConsentContext, connection: Connection, token: StoredToken): Promise<void> {
  return tokenStore(ctx, connection).exclusively((_current, save) => save(token));
}

function withDeath(token: StoredToken, consent: Consent<unknown>, now: Date): StoredToken {
  if (token.refreshExpiresAt || consent.refreshTokenDays === undefined) return token;
  return {
    ...token,
    refreshExpiresAt: new Date(now.getTime() + consent.refreshTokenDays * DAY_MS),
  };
}

async function remember(
  ctx: ConsentContext,
  connection: Connection,
  given: { readonly actor: string; readonly asked: Asked },
): Promise<{ readonly state: string; readonly expiresAt: Date }> {
  const state = randomBytes(32).toString('base64url');
  const now = ctx.now();
  const expiresAt = new Date(now.getTime() + MINUTES_TO_ANSWER * 60_000);
  const { organizationId, id } = connection;
  const sealed = ctx.sealer.seal(JSON.stringify(given.asked), sealContext(organizationId, id));
  // What nobody answered in time is worth nothing any more.
  await ctx.database.execute(
    sql`delete from consents where organization_id = ${organizationId}
        and expires_at < ${now.toISOString()}::timestamptz`,
  );
  await ctx.database.execute(
    sql`insert into consents (organization_id, state_hash, connection_id, actor, sealed, expires_at, created_at)
        values (${organizationId}, ${hashOf(state)}, ${id}, ${given.actor}, ${sealed},
          ${expiresAt.toISOString()}::timestamptz, ${now.toISOString()}::timestamptz)`,
  );
  return { state, expiresAt };
}

type Row = {
  readonly organization_id: number;
  readonly connection_id: string;
  readonly actor: string;
  readonly sealed: Buffer;
  readonly expires_at: string;
};

/** What was asked with that state, which is worth nothing from now on. */
async function recall(
  ctx: ConsentContext,
  state: string | null,
): Promise<{ readonly connection: Connection; readonly asked: Asked; readonly actor: string }> {
  const [row] = await ctx.database.query<Row>(
    sql`delete from consents where state_hash = ${hashOf(state ?? '')}
        returning organization_id, connection_id, actor, sealed, expires_at`,
  );
  const connection = row && (await loadConnection(ctx, row.connection_id, row.organization_id));
  if (!row || !connection || Date.parse(row.expires_at) < ctx.now().getTime()) {
    throw new ConsentRefused('This consent is not known, was used, or came too late. Begin again.');
  }
  const context = sealContext(row.organization_id, row.connection_id);
  const asked = JSON.parse(ctx.sealer.open(row.sealed, context)) as Asked;
  return { connection, asked, actor: row.actor };
}

function sealContext(organizationId: number, id: string): string {
  return `consent:${organizationId}:${id}`;
}

function hashOf(state: string): Buffer {
  return createHash('sha256').update(state).digest();
}

function explained(name: string, error: Error): Error {
  if (error instanceof Reauthorize) {
    return new ConsentRefused(
      `${name} refused: ${error.message}. Check client id and secret, then begin again.`,
    );
  }
  if (error instanceof RetryLater || error instanceof WireMismatch) {
    return new ConsentRefused(`${name} did not answer as expected: ${error.message}. Begin again.`);
  }
  return error;
}
