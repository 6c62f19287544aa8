/** ServiceMobility's own answers: its standard response, and the answer of `POST /createjwt`. */
import { z } from 'zod';
import type { Reply } from '../contract.ts';
import type { Settings } from './settings.ts';
import { issueToken, sameText } from './token.ts';
import type { InvalidParam } from './wire.ts';

const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  500: 'Internal Server Error',
} as const;

/** An error as ServiceMobility's API states it. */
export function standardError(
  status: keyof typeof TITLES,
  detail: string,
  invalidParams?: readonly InvalidParam[],
): Reply {
  return json(status, {
    type: 'about:blank',
    title: TITLES[status],
    status,
    detail,
    ...(invalidParams ? { invalidParams } : {}),
  });
}

export const accepted: Reply = json(200, {});

const logonSchema = z.looseObject({ username: z.string(), password: z.string() });

/**
 * Answers `POST /createjwt`: a token for the connection's user name and password, or 401. The
 * caller tries each connection until one answers 200.
 */
export function answerCreateJwt(
  body: Buffer,
  settings: Pick<Settings, 'username' | 'password' | 'jwtSecret'>,
  now: Date,
): Reply {
  const logon = logonSchema.safeParse(parse(body));
  const [secret] = settings.jwtSecret;
  const known =
    logon.success &&
    settings.username !== undefined &&
    settings.password !== undefined &&
    sameText(settings.username, logon.data.username) &&
    sameText(settings.password.reveal(), logon.data.password);
  if (!known || !secret) return standardError(401, 'Invalid user name or password');
  return json(200, { token: issueToken({ name: logon.data.username }, { secret, now }) });
}

const CHARGE_PATH = /\/seiapi\/v3\/webhooks\/Payments\/([^/?]+)\/Charge\/?(?:\?|$)/i;

/** The gateway id in the documented address of the webhook; undefined for any other address. */
export function gatewayIdOf(url: string): string | undefined {
  const id = CHARGE_PATH.exec(url)?.[1];
  try {
    return id === undefined ? undefined : decodeURIComponent(id);
  } catch {
    return id;
  }
}

function json(status: number, body: unknown): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
