/** Log-ins of the simulated Service Layer: a session lives on one node, and a balancer stands before the nodes. */
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import type { Random } from './random.ts';

const NODES = ['.node1', '.node2', '.node3'] as const;
const SESSION_MINUTES = 30;

type Session = { readonly node: string; usedAtMs: number };

export type Sessions = {
  logIn(request: SimulatedRequest, fail: Fail): SimulatedAnswer;
  /** True when a call carries a session that the node it reaches knows, and that was used lately. */
  accepts(request: SimulatedRequest): boolean;
  end(request: SimulatedRequest): void;
  endAll(): void;
  count(): number;
};
type Fail = (status: number, code: number, message: string) => SimulatedAnswer;

/** `random` is of its own: which node a call reaches without its cookie must not change the story. */
export function sessionsOf(given: {
  readonly random: Random;
  readonly companyDb: string;
  readonly userName: string;
  readonly password: string;
  readonly now: () => Date;
}): Sessions {
  const { random, now } = given;
  const sessions = new Map<string, Session>();
  let count = 0;
  const find = ({ headers }: SimulatedRequest): [string, Session] | undefined => {
    const cookies = new Map(
      (headers.cookie ?? '').split(';').map((pair): [string, string] => {
        const [name = '', value = ''] = pair.split('=');
        return [name.trim(), value.trim()];
      }),
    );
    const id = cookies.get('B1SESSION') ?? '';
    const session = sessions.get(id);
    // Without its route the balancer sends a call to any node, and the others do not know the session.
    const node = cookies.get('ROUTEID') ?? random.pick(NODES);
    return session && session.node === node ? [id, session] : undefined;
  };
  return {
    logIn({ body }, fail) {
      const { CompanyDB, UserName, Password } = JSON.parse(body.toString());
      const known =
        CompanyDB === given.companyDb && UserName === given.userName && Password === given.password;
      if (!known) return fail(401, -304, 'Fail to get DB Credentials from SLD');
      count += 1;
      const SessionId = `${random.token(8)}-${random.token(4)}-${random.token(4)}-${random.token(12)}`;
      const node = random.pick(NODES);
      sessions.set(SessionId, { node, usedAtMs: now().getTime() });
      const cookies = [`B1SESSION=${SessionId};HttpOnly;`, `ROUTEID=${node}; path=/b1s`];
      return {
        status: 200,
        headers: { 'set-cookie': cookies },
        body: { SessionId, Version: '1000280', SessionTimeout: SESSION_MINUTES },
      };
    },
    accepts(request) {
      const [id, session] = find(request) ?? [];
      if (!id || !session) return false;
      if (now().getTime() - session.usedAtMs > SESSION_MINUTES * 60_000) {
        sessions.delete(id);
        return false;
      }
      session.usedAtMs = now().getTime();
      return true;
    },
    end(request) {
      const [id] = find(request) ?? [];
      if (id) sessions.delete(id);
    },
    endAll: () => sessions.clear(),
    count: () => count,
  };
}
