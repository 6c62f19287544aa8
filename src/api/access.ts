/** Who may do what: API keys, their roles, and the one table of what each role is allowed. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { App } from '../app.ts';
import { type Database, sql } from '../db/database.ts';
import { Problem } from './problems.ts';

export const ROLES = ['owner', 'bookkeeper', 'dispatcher', 'auditor'] as const;
export type Role = (typeof ROLES)[number];

/** The roles allowed each kind of verb. A route that names none of them cannot be registered. */
const ALLOWED = {
  read: ['owner', 'bookkeeper', 'dispatcher', 'auditor'],
  'read-books': ['owner', 'bookkeeper', 'auditor'],
  'read-raw': ['owner', 'bookkeeper', 'auditor'],
  'write-receivables': ['owner', 'bookkeeper'],
  'write-payments': ['owner', 'bookkeeper'],
  allocate: ['owner', 'bookkeeper'],
  review: ['owner', 'bookkeeper'],
  replay: ['owner', 'bookkeeper'],
  'retry-delivery': ['owner', 'bookkeeper'],
  sync: ['owner', 'bookkeeper'],
  configure: ['owner'],
} as const satisfies Record<string, readonly Role[]>;

export type Access = keyof typeof ALLOWED;

export type Caller = {
  readonly organizationId: number;
  readonly keyId: string;
  readonly name: string;
  readonly role: Role;
};

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    caller: Caller;
  }
}

/** The caller as audit rows and explanations name it. */
export function actorOf(caller: Caller): string {
  return `${caller.name} (${caller.keyId})`;
}

/** Whether a role may use verbs of that kind. */
export function allows(access: Access, role: Role): boolean {
  return (ALLOWED[access] as readonly Role[]).includes(role);
}

const CACHED_MS = 5_000;
const MAX_CACHED = 1_000;

export type Authenticate = (authorization: string | undefined) => Promise<Caller | undefined>;

/** Reads `Bearer <key>` headers; a known key is remembered for a few seconds. */
export function openAuthenticator(app: Pick<App, 'database' | 'now'>): Authenticate {
  const cache = new Map<string, { readonly caller: Caller; readonly until: number }>();
  return async (authorization) => {
    const key = /^Bearer +([A-Za-z0-9_-]{1,200})$/i.exec(authorization ?? '')?.[1];
    if (key === undefined) return undefined;
    const digest = hashKey(key);
    const place = digest.toString('hex');
    const now = app.now().getTime();
    const hit = cache.get(place);
    if (hit && hit.until > now) return hit.caller;
    cache.delete(place);
    const caller = await findCaller(app.database, digest);
    if (!caller) return undefined;
    if (cache.size >= MAX_CACHED) cache.clear();
    cache.set(place, { caller, until: now + CACHED_MS });
    return caller;
  };
}

/** What of a key is stored: keys are 256 random bits, so a plain hash cannot be guessed back. */
export function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

async function findCaller(database: Database, digest: Buffer): Promise<Caller | undefined> {
  const [row] = await database.query<Caller & { digest: Buffer }>(sql`
    select organization_id as "organizationId", id as "keyId", name, role, key_sha256 as digest
    from api_keys
    where key_sha256 = ${digest} and revoked_at is null`);
  if (!row || !timingSafeEqual(row.digest, digest)) return undefined;
  const { organizationId, keyId, name, role } = row;
  return { organizationId, keyId, name, role };
}

/** Lets only callers with a key and a fitting role reach the routes of `api`. */
export function guard(api: FastifyInstance, authenticate: Authenticate): void {
  api.addHook('onRoute', (route) => {
    if (route.config?.access === undefined) {
      throw new Error(`${String(route.method)} ${route.url} does not say who may use it`);
    }
  });
  api.addHook('onRequest', async (request: FastifyRequest) => {
    const caller = await authenticate(request.headers.authorization);
    if (!caller) {
      throw new Problem(
        'unauthenticated',
        'Send Authorization: Bearer <API key>. Make one by: ' +
          './bin/checkvalve api-key create --name me --role owner',
      );
    }
    request.caller = caller;
    const { access } = request.routeOptions.config;
    if (access !== undefined && !allows(access, caller.role)) {
      throw new Problem(
        'forbidden',
        `A key of the role ${caller.role} may not do this; ${ALLOWED[access].join(', ')} may.`,
      );
    }
  });
}
