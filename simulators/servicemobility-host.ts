/** A ServiceMobility host on loopback: `/createjwt` and the Payment Processor Webhook REST API. */
import { createHmac } from 'node:crypto';
import { type SimulatedAnswer, type SimulatedRequest, serveFaulty } from './faulty-server.ts';
import type { Random } from './random.ts';

/** An object the host accepted, with how often the very same attempt was sent. */
export type ReceivedObject = {
  readonly object: Readonly<Record<string, unknown>>;
  /** The bytes of its first arrival, in which the amount's digits can be seen. */
  readonly text: string;
  readonly times: number;
};

export type ServiceMobilityHost = {
  /** Settings of a delivery system of the kind `servicemobility` that leads to this host. */
  readonly systemSettings: Readonly<Record<string, string>>;
  /** What the host accepted, in the order of first arrival. */
  received(): readonly ReceivedObject[];
  /** From now on the host answers this status to objects of a work order; 200 ends that. */
  answerWith(refNum: string, status: number): void;
  /** Tokens issued so far count no more. */
  expireTokens(): void;
  readonly loginCount: () => number;
  readonly requestCount: () => number;
  close(): Promise<void>;
};

type HostOptions = {
  readonly random: Random;
  readonly faultRate: number;
  readonly gatewayId: string;
  readonly merchantIds: readonly string[];
};

const WORDS: Readonly<Record<string, readonly string[]>> = {
  Source: ['Terminal', 'Link'],
  TransactionStatus: ['Approved', 'Declined'],
  TransactionType: ['Sales', 'Authorization', 'Void', 'Refund', 'Cancel'],
  Type: ['Card', 'Check', 'Phone'],
};
const TEXTS = ['MerchantID', 'PaymentUTC', 'RefNum', 'TransactionID'];
const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
};
/** The host has no clock: its tokens are valid for ten years, and end only by `expireTokens`. */
const TOKEN_CLAIMS = { iat: 1_793_719_344, exp: 2_109_252_144 };

export async function openServiceMobilityHost(options: HostOptions): Promise<ServiceMobilityHost> {
  const { random } = options;
  const username = `checkvalve-${random.token(4)}`;
  const password = random.token(20);
  const secret = random.token(40);
  const valid = new Set<string>();
  const received = new Map<string, ReceivedObject>();
  const answers = new Map<string, number>();
  let logins = 0;

  function logIn(body: Buffer): SimulatedAnswer {
    const credentials = readObject(body);
    if (credentials?.username !== username || credentials.password !== password) {
      return problem(401, 'Invalid logon');
    }
    logins += 1;
    const token = signToken(secret, { name: username, session: logins, ...TOKEN_CLAIMS });
    valid.add(token);
    return { status: 200, body: { token } };
  }

  function accept(request: SimulatedRequest, gatewayId: string): SimulatedAnswer {
    if (!valid.has(request.headers['x-access-token'] ?? '')) {
      return problem(401, 'Invalid or expired access token');
    }
    if (gatewayId !== options.gatewayId) return problem(404, `No payment gateway ${gatewayId}`);
    const object = readObject(request.body) ?? {};
    const invalidParams = findInvalid(object, options.merchantIds);
    if (invalidParams.length > 0) {
      return problem(400, 'One or more properties are invalid', invalidParams);
    }
    const status = answers.get(String(object.RefNum)) ?? 200;
    if (status !== 200) return problem(status, `${object.RefNum} cannot take a payment`);
    const { TransactionID, TransactionType, TransactionStatus } = object;
    const key = [TransactionID, TransactionType, TransactionStatus].join('|');
    const before = received.get(key);
    const first = { object, text: request.body.toString('utf8') };
    received.set(key, before ? { ...before, times: before.times + 1 } : { ...first, times: 1 });
    return { status: 200, body: {} };
  }

  const server = await serveFaulty((request) => route(request, { logIn, accept }), {
    random,
    faultRate: options.faultRate,
    tooMany: problem(429, 'Too many requests'),
  });

  return {
    systemSettings: {
      baseUrl: server.baseUrl,
      username,
      password,
      merchantId: options.merchantIds[0] ?? '',
      paymentGatewayId: options.gatewayId,
      allowPrivateAddresses: 'true',
    },
    received: () => [...received.values()],
    answerWith: (refNum, status) => void answers.set(refNum, status),
    expireTokens: () => valid.clear(),
    loginCount: () => logins,
    requestCount: server.requestCount,
    close: server.close,
  };
}

const CHARGE = /^\/seiapi\/v3\/webhooks\/Payments\/([^/]+)\/Charge$/;

function route(
  request: SimulatedRequest,
  to: {
    logIn(body: Buffer): SimulatedAnswer;
    accept(request: SimulatedRequest, gatewayId: string): SimulatedAnswer;
  },
): SimulatedAnswer {
  const { pathname } = request.url;
  const gatewayId = CHARGE.exec(pathname)?.[1];
  if (gatewayId === undefined && pathname !== '/createjwt') {
    return problem(404, `No resource ${pathname}`);
  }
  if (request.method !== 'POST') return problem(405, `${request.method} is not supported`);
  return gatewayId === undefined ? to.logIn(request.body) : to.accept(request, gatewayId);
}

function findInvalid(object: Record<string, unknown>, merchantIds: readonly string[]) {
  const invalid = (name: string, reason: string) => ({
    name,
    reason,
    path: `/${name}`,
    value: object[name],
  });
  const problems = Object.entries(WORDS)
    .filter(([name, words]) => !words.includes(String(object[name])))
    .map(([name, words]) => invalid(name, `must be one of ${words.join(', ')}`));
  for (const name of TEXTS) {
    if (typeof object[name] !== 'string' || object[name] === '') {
      problems.push(invalid(name, 'must be a string'));
    }
  }
  if (typeof object.Amount !== 'number') problems.push(invalid('Amount', 'must be a number'));
  if (!merchantIds.includes(String(object.MerchantID))) {
    problems.push(invalid('MerchantID', 'must match the configured merchant'));
  }
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(object.PaymentUTC))) {
    problems.push(invalid('PaymentUTC', 'must be YYYY-MM-DDTHH:mm:SS.sssZ'));
  }
  return problems;
}

/** An error in ServiceMobility's standard response. */
function problem(status: number, detail: string, invalidParams?: unknown): SimulatedAnswer {
  const body = { type: 'about:blank', title: TITLES[status] ?? 'Error', status, detail };
  return { status, body: invalidParams ? { ...body, invalidParams } : body };
}

function readObject(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function signToken(secret: string, claims: unknown): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
