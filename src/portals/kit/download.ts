/** Public files of portals (certificates), by address and without credentials. */
import { RetryLater } from './errors.ts';

const LIMIT_BYTES = 256 * 1024;
const TIMEOUT_MS = 10_000;
/** A portal has a handful of certificates; more than this means that somebody plays with addresses. */
const MOST_KEPT = 100;

/**
 * Fetches each address once and keeps what it got for the life of the process. Which addresses may be fetched
 * is the caller's to decide. Redirects are not followed.
 */
export function downloads(
  fetch: typeof globalThis.fetch = globalThis.fetch,
): (url: string) => Promise<Buffer> {
  const kept = new Map<string, Promise<Buffer>>();
  return (url) => {
    const known = kept.get(url);
    if (known) return known;
    const file = download(fetch, url);
    if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value as string);
    kept.set(url, file);
    // A failure is not kept: the next delivery asks again.
    file.catch(() => kept.delete(url));
    return file;
  };
}

/** @throws RetryLater whatever goes wrong: the sender is asked to deliver again. */
async function download(fetch: typeof globalThis.fetch, url: string): Promise<Buffer> {
  const { host } = new URL(url);
  try {
    const answer = await fetch(url, {
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (answer.ok && bytes.length <= LIMIT_BYTES) return bytes;
    throw new Error(`it answered ${answer.status} with ${bytes.length} bytes`);
  } catch (cause) {
    throw new RetryLater(`a file of ${host} could not be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}
