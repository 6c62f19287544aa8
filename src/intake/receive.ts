/** What happens inside a webhook request: authenticate, split, store, acknowledge. Nothing else. */
import { randomUUID } from 'node:crypto';
import type { Asking, Notice, Reply, Verdict } from '../portals/contract.ts';
import { portals } from '../portals/index.ts';
import { concealSecrets } from './concealed.ts';
import type { Connection, ConnectionCache } from './connections.ts';
import type { Refusals } from './refusals.ts';
import type { Sealer } from './sealing.ts';
import type { Intake, NewDocument } from './store.ts';

type Refused = {
  readonly result: 'refused';
  readonly code: string;
  readonly because: string;
  readonly connection: Connection;
};

export type Received =
  | {
      readonly result: 'stored';
      readonly reply: Reply;
      readonly connection: Connection;
      readonly documents: number;
      readonly fresh: number;
    }
  | { readonly result: 'answered'; readonly reply: Reply; readonly connection: Connection }
  | Refused
  | { readonly result: 'too-large'; readonly connection: Connection }
  /** Nobody could say yet whether it is authentic; the sender must try again. */
  | { readonly result: 'undecided'; readonly connection: Connection; readonly because: string }
  | { readonly result: 'unknown' };

export type Receiving = {
  readonly intake: Intake;
  readonly sealer: Sealer;
  readonly connections: ConnectionCache;
  readonly refusals: Refusals;
  readonly asking: (connection: Connection) => Asking;
};

/** Receives a delivery addressed to a connection. */
export async function receive(
  ctx: Receiving,
  input: { readonly portalId: string; readonly connectionId: string; readonly notice: Notice },
): Promise<Received> {
  const connection = await ctx.connections.find(input.connectionId);
  if (!connection?.enabled || connection.portal.id !== input.portalId) return { result: 'unknown' };
  return receiveFor(ctx, connection, input.notice);
}

async function receiveFor(
  ctx: Receiving,
  connection: Connection,
  notice: Notice,
): Promise<Received> {
  const { portal, settings } = connection;
  const { webhook } = portal;
  if (!webhook) return { result: 'unknown' };
  if (webhook.bodyLimitBytes !== undefined && notice.body.length > webhook.bodyLimitBytes) {
    return { result: 'too-large', connection };
  }
  const handshake = webhook.handshake?.(notice, settings);
  if (handshake) return { result: 'answered', reply: handshake, connection };
  if (notice.method === 'GET') return { result: 'unknown' };
  const verdict = await judge(ctx, connection, notice);
  if (verdict.verdict === 'undecided') return { result: 'undecided', connection, ...verdict };
  if (verdict.verdict === 'refused') {
    const refused = refusal(verdict, connection);
    count(ctx, refused);
    return refused;
  }
  const documents = portal.split(notice.body, notice.headers).map(
    (part): NewDocument => ({
      organizationId: connection.organizationId,
      connectionId: connection.id,
      origin: 'webhook',
      key: part.repeatable ? `${part.key}:${randomUUID()}` : part.key,
      body: concealSecrets(ctx.sealer, connection, part.body),
      headers: notice.headers,
      authentic: verdict.verdict === 'authentic',
      settingsVersion: connection.settingsVersion,
      receivedAt: notice.receivedAt,
    }),
  );
  const ids = await ctx.intake.accept(documents);
  const { acknowledge } = webhook;
  return {
    result: 'stored',
    reply: typeof acknowledge === 'function' ? acknowledge(notice, settings) : acknowledge,
    connection,
    documents: documents.length,
    fresh: ids.filter((id) => id !== undefined).length,
  };
}

type Judged =
  | Exclude<Verdict, { verdict: 'ask' }>
  | { readonly verdict: 'undecided'; readonly because: string };

/** The portal's verdict; where its proof has to be asked for, what came of asking. */
async function judge(ctx: Receiving, connection: Connection, notice: Notice): Promise<Judged> {
  const { name, webhook } = connection.portal;
  const verdict = webhook?.authenticate(notice, connection.settings) ?? NOT_ASKED;
  if (verdict.verdict !== 'ask') return verdict;
  try {
    const asked = await webhook?.ask?.(notice, connection.settings, ctx.asking(connection));
    return !asked || asked.verdict === 'ask' ? NOT_ASKED : asked;
  } catch (error) {
    const because = `${name} could not be asked whether it sent this: ${(error as Error).message}`;
    return { verdict: 'undecided', because };
  }
}

const NOT_ASKED = {
  verdict: 'refused',
  code: 'signature-malformed',
  because: 'nothing in it can be checked',
} as const;

function refusal(
  { code, because }: Extract<Verdict, { verdict: 'refused' }>,
  connection: Connection,
): Refused {
  return { result: 'refused', code, because, connection };
}

function count({ refusals }: Receiving, { connection, code, because }: Refused): void {
  const { organizationId, id } = connection;
  refusals.count({ organizationId, connectionId: id, code, because });
}

/**
 * Receives a delivery whose address does not say whose it is: by headers and shape the portal, by the signature
 * the connection. A portal that does not sign is tried for every connection of it: each may only cause a fetch.
 */
export async function receiveAnywhere(ctx: Receiving, notice: Notice): Promise<Received> {
  const refused: Refused[] = [];
  let hinted: Received | undefined;
  for (const portal of portals) {
    if (!portal.webhook?.recognizes(notice)) continue;
    for (const connection of await ctx.connections.ofPortal(portal.id)) {
      const reply = portal.webhook.handshake?.(notice, connection.settings);
      if (reply) {
        hinted = { result: 'answered', reply, connection };
        if (reply.status < 400) return hinted;
        continue;
      }
      const verdict = await judge(ctx, connection, notice);
      if (verdict.verdict === 'authentic') return receiveFor(ctx, connection, notice);
      if (verdict.verdict === 'hint') hinted = await receiveFor(ctx, connection, notice);
      else if (verdict.verdict === 'refused') refused.push(refusal(verdict, connection));
      else hinted = { result: 'undecided', connection, because: verdict.because };
    }
  }
  const [first, ...others] = refused;
  if (hinted || !first) return hinted ?? { result: 'unknown' };
  // Of several connections nobody knows which was meant, so none is blamed.
  if (others.length === 0) count(ctx, first);
  return first;
}
