/** Sends one object to a ServiceMobility host, with the token that `/createjwt` gives. */
import { AddressRefused, NoAnswer, type OutboundAnswer, type Post } from './outbound.ts';
import { excerptOf, retryAfterMs, type SendResult } from './send-result.ts';
import type { ServiceMobilitySettings } from './system-settings.ts';

const TIMEOUT_MS = 10_000;
/** A token is replaced this long before it expires. */
const MARGIN_MS = 60_000;

type Target = { readonly systemId: string; readonly settings: ServiceMobilitySettings };

/** The log-in did not give a token; the host may be well and its settings wrong. */
class LoginFailed extends Error {
  override readonly name = 'LoginFailed';
  readonly answer: OutboundAnswer;
  constructor(message: string, answer: OutboundAnswer) {
    super(message);
    this.answer = answer;
  }
}

type Slot = { token?: string; usableUntilMs: number; pending?: Promise<string> | undefined };

export type ServiceMobilitySender = {
  /** When an earlier attempt may have arrived, a conflict says that it did. */
  send(
    target: Target,
    message: { readonly body: Buffer; readonly mayHaveArrived: boolean },
  ): Promise<SendResult>;
};

/**
 * Keep one for the whole process: it holds the tokens, and logs in once however many deliveries
 * need one.
 */
export function serviceMobilitySender(ctx: {
  readonly post: Post;
  readonly now: () => Date;
}): ServiceMobilitySender {
  const slots = new Map<string, Slot>();

  async function tokenFor(target: Target): Promise<string> {
    const key = JSON.stringify([
      target.systemId,
      target.settings.baseUrl,
      target.settings.username,
    ]);
    const slot = slots.get(key) ?? { usableUntilMs: 0 };
    slots.set(key, slot);
    if (slot.token !== undefined && ctx.now().getTime() < slot.usableUntilMs) return slot.token;
    slot.pending ??= logIn(ctx.post, target.settings)
      .then((token) => {
        slot.token = token;
        slot.usableUntilMs = expiryMs(token) - MARGIN_MS;
        return token;
      })
      .finally(() => {
        slot.pending = undefined;
      });
    return slot.pending;
  }

  /** Forgets the token, unless another delivery has replaced it already. */
  function drop(token: string): void {
    for (const slot of slots.values()) if (slot.token === token) slot.usableUntilMs = 0;
  }

  async function attempt(target: Target, body: Buffer): Promise<OutboundAnswer> {
    const token = await tokenFor(target);
    const answer = await postObject(ctx.post, target.settings, { token, body });
    if (answer.status !== 401) return answer;
    drop(token);
    return postObject(ctx.post, target.settings, { token: await tokenFor(target), body });
  }

  return {
    send: async (target, { body, mayHaveArrived }) => {
      try {
        return judge(await attempt(target, body), mayHaveArrived, ctx.now());
      } catch (error) {
        if (error instanceof AddressRefused) return { outcome: 'park', because: error.message };
        if (error instanceof NoAnswer) return { outcome: 'retry', because: error.message };
        if (error instanceof LoginFailed) {
          const { status, body: said } = error.answer;
          return { outcome: 'retry', because: error.message, status, excerpt: excerptOf(said) };
        }
        throw error;
      }
    },
  };
}

function judge(answer: OutboundAnswer, mayHaveArrived: boolean, now: Date): SendResult {
  const { status } = answer;
  const answered = { status, excerpt: excerptOf(answer.body) };
  if (status >= 200 && status < 300) return { outcome: 'done', ...answered };
  if (status === 409 && mayHaveArrived) return { outcome: 'done', ...answered };
  const because = `ServiceMobility answered ${status}`;
  const passing = status >= 500 || [401, 408, 425, 429].includes(status);
  if (!passing) return { outcome: 'park', because, ...answered };
  const afterMs = retryAfterMs(answer.headers['retry-after'], now);
  return { outcome: 'retry', because, afterMs, ...answered };
}

function postObject(
  post: Post,
  settings: ServiceMobilitySettings,
  { token, body }: { readonly token: string; readonly body: Buffer },
): Promise<OutboundAnswer> {
  const gatewayId = encodeURIComponent(settings.paymentGatewayId);
  return post({
    url: `${settings.baseUrl}/seiapi/v3/webhooks/Payments/${gatewayId}/Charge`,
    headers: { 'x-access-token': token },
    body,
    allowPrivateAddresses: settings.allowPrivateAddresses,
    timeoutMs: TIMEOUT_MS,
  });
}

/** @throws LoginFailed, NoAnswer, AddressRefused */
async function logIn(post: Post, settings: ServiceMobilitySettings): Promise<string> {
  const { username, password } = settings;
  const answer = await post({
    url: `${settings.baseUrl}/createjwt`,
    headers: {},
    body: Buffer.from(JSON.stringify({ username, password: password.reveal() })),
    allowPrivateAddresses: settings.allowPrivateAddresses,
    timeoutMs: TIMEOUT_MS,
  });
  // What a log-in answers is never shown when it may hold a token.
  const silent = { ...answer, body: Buffer.alloc(0) };
  if (answer.status === 401) {
    throw new LoginFailed('ServiceMobility refused the user name and password', answer);
  }
  if (answer.status !== 200) {
    throw new LoginFailed(`the log-in was answered ${answer.status}`, silent);
  }
  const token = (readJson(answer.body.toString('utf8')) as { token?: unknown } | null)?.token;
  if (typeof token !== 'string' || !/^[\w.-]+$/.test(token)) {
    throw new LoginFailed('the log-in was answered without a token', silent);
  }
  return token;
}

/**
 * When the token says it expires; 0 when it does not say, so that it serves only those who wait
 * for it.
 */
function expiryMs(token: string): number {
  const claims = readJson(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  const exp = (claims as { exp?: unknown } | null)?.exp;
  return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : 0;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
