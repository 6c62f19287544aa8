/** Reading from the API: one place that knows the key, the address and how failures are told. */
import { couldBeKey, currentSession, refuseKey } from '../session/session.ts';

const TIMEOUT_MS = 20_000;

/**
 * An answer other than 2xx, or none at all (`status` 0). `message` is a sentence for the reader.
 */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  readonly code: string | null;
  constructor(message: string, options: { status: number; code?: string | null; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.status = options.status;
    this.code = options.code ?? null;
  }
}

export type Query = Readonly<Record<string, string | number | null | undefined>>;

/**
 * The JSON at `/api/v1/<path>`. The server is ours and checks its answers, so the shape is taken on
 * trust.
 */
export async function getJson<Answer>(
  path: string,
  query: Query = {},
  signal?: AbortSignal,
): Promise<Answer> {
  const response = await get(path, query, { accept: 'application/json' }, withTimeout(signal));
  try {
    return (await response.json()) as Answer;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw unreachable(cause);
    throw new ApiProblem('The server answered with something that is not JSON.', {
      status: response.status,
      cause,
    });
  }
}

/** The untouched bytes of a source document. */
export async function getOriginal(documentId: string, signal?: AbortSignal): Promise<Blob> {
  const path = `documents/${encodeURIComponent(documentId)}/raw`;
  const response = await get(path, {}, { accept: '*/*' }, withTimeout(signal));
  return response.blob();
}

/** The bytes of a file for people to import; it counts as downloaded from now on. */
export async function getImportFile(id: string): Promise<Blob> {
  const path = `import-files/${encodeURIComponent(id)}/content`;
  const response = await get(path, {}, { accept: '*/*' }, withTimeout());
  return response.blob();
}

/** The body of the event stream, open until the signal aborts. */
export async function openStream(
  lastEventId: string | null,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const headers: Record<string, string> = { accept: 'text/event-stream' };
  if (lastEventId !== null) headers['last-event-id'] = lastEventId;
  const response = await get('stream', {}, headers, signal);
  if (!response.body) throw new ApiProblem('The stream is empty.', { status: response.status });
  return response.body;
}

/** Asks the server whether it accepts a key. */
export async function isKeyAccepted(key: string): Promise<boolean> {
  if (!couldBeKey(key)) return false;
  const response = await send('payments', { limit: 1 }, { authorization: `Bearer ${key}` });
  if (response.status === 401) return false;
  if (!response.ok && response.status !== 403) throw await problemOf(response);
  return true;
}

async function get(
  path: string,
  query: Query,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  const { key } = currentSession();
  if (key === null) throw new ApiProblem('You are signed out.', { status: 401 });
  const response = await send(path, query, { ...headers, authorization: `Bearer ${key}` }, signal);
  if (response.status === 401) refuseKey(key);
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function send(
  path: string,
  query: Query,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal = withTimeout(),
): Promise<Response> {
  const url = new URL(`/api/v1/${path}`, location.origin);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
  }
  try {
    return await fetch(url, { headers, signal, cache: 'no-store' });
  } catch (cause) {
    throw unreachable(cause);
  }
}

/**
 * What the reader is told of a broken or timed-out exchange; an abort by the caller stays an abort.
 */
function unreachable(cause: unknown): unknown {
  if (cause instanceof DOMException && cause.name === 'AbortError') return cause;
  return new ApiProblem('Checkvalve cannot be reached. Is it running?', { status: 0, cause });
}

/** RFC 9457 says what went wrong; a proxy in between may say it in any other form. */
async function problemOf(response: Response): Promise<ApiProblem> {
  const told = await response.json().catch(() => null);
  const { title, detail, code } = (told ?? {}) as Partial<Record<string, unknown>>;
  const sentence = [detail, title].find((text) => typeof text === 'string' && text !== '');
  return new ApiProblem(
    typeof sentence === 'string' ? sentence : `The server answered ${response.status}.`,
    { status: response.status, code: typeof code === 'string' ? code : null },
  );
}

function withTimeout(signal?: AbortSignal): AbortSignal {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}
