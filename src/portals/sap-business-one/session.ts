/** The log-in of the Service Layer: two cookies, which every call must carry. */
import { z } from 'zod';
import type { ApiAnswer, ApiSession } from '../contract.ts';
import { Reauthorize, RetryLater, WireMismatch } from '../kit/errors.ts';
import { Secret } from '../kit/secret.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { SESSION_ENDED, saidIn } from './refusal.ts';
import type { BusinessOneSettings } from './settings.ts';

/** What `SessionTimeout` is until somebody changes it; a session that ends sooner is answered 401. */
const SESSION_MINUTES = 30;

const loggedIn = z.object({ SessionId: z.string().min(1) });

/**
 * One session for all calls, as each takes a seat of a licence. A log-in that Business One understood and refused is
 * never repeated by itself, whatever its status: wrong passwords lock the user.
 */
export function sessionOf(settings: BusinessOneSettings): ApiSession {
  const { companyDb: CompanyDB, userName: UserName, password } = settings;
  return {
    kind: 'session',
    minutes: SESSION_MINUTES,
    async open(send) {
      const answer = await send({
        method: 'POST',
        path: 'Login',
        json: { CompanyDB, UserName, Password: password.reveal() },
        accept: [400, 401, 403, 500],
      });
      if (answer.status >= 300) throw refusedLogIn(answer, { CompanyDB, UserName });
      return { session: new Secret(cookieOf(answer)) };
    },
    attach: (call, session) => ({
      ...call,
      headers: { ...call.headers, cookie: session.reveal() },
    }),
    ended: ({ status, body }) =>
      status === 401 || (status >= 400 && status < 500 && saidIn(body)?.code === SESSION_ENDED),
  };
}

function refusedLogIn(
  { status, body }: ApiAnswer,
  as: { readonly CompanyDB: string; readonly UserName: string },
): Error {
  const said = saidIn(body);
  const what = `the log-in of ${as.UserName} to ${as.CompanyDB}`;
  if (!said && status >= 500) return new RetryLater(`${what} answered ${status}`);
  const because = said ? `${said.message.trim()} (${said.code})` : `it answered ${status}`;
  return new Reauthorize(`${what} was refused: ${because}`);
}

/**
 * `B1SESSION` names the session, `ROUTEID` the node that knows it: without the second a balancer asks any node. Their
 * paths are ignored, as `B1SESSION` often comes without one. A server without balancer sends no `ROUTEID`.
 */
function cookieOf({ cookies = [], body }: ApiAnswer): string {
  const pairs = cookies.map((cookie) => cookie.split(';', 1)[0]?.trim() ?? '');
  const kept = pairs.filter((pair) => /^(B1SESSION|ROUTEID)=./.test(pair));
  if (kept.some((pair) => pair.startsWith('B1SESSION='))) return kept.join('; ');
  const { SessionId } = readWire(loggedIn, parseExactJson(body));
  if (!/^[\w-]+$/.test(SessionId)) throw new WireMismatch('SessionId: is not a session');
  return [`B1SESSION=${SessionId}`, ...kept].join('; ');
}
