/** How one attempt to deliver ended. */

export type Answered = { readonly status?: number; readonly excerpt?: string };

export type SendResult =
  | ({ readonly outcome: 'done' } & Answered)
  /** There is nothing to tell this system; nothing was sent. */
  | { readonly outcome: 'skip'; readonly because: string }
  /** Nothing was sent, and nothing is wrong: it is looked at again `until` then, however often. */
  | { readonly outcome: 'wait'; readonly because: string; readonly until: Date }
  /**
   * `ourSide`: the system is well, something it needs is not there yet; the breaker is left
   * alone.
   */
  | ({
      readonly outcome: 'retry';
      readonly because: string;
      readonly afterMs?: number | undefined;
      readonly ourSide?: boolean;
    } & Answered)
  /** No repeat can help; a person must look. */
  | ({ readonly outcome: 'park'; readonly because: string } & Answered);

const EXCERPT_LENGTH = 1000;

/** What an answer said, for a person who reads the attempts: printable and short. */
export function excerptOf(body: Buffer): string {
  return body.toString('utf8').replaceAll('\0', '').slice(0, EXCERPT_LENGTH).toWellFormed();
}

/** `Retry-After` as seconds or an HTTP date; undefined when absent or unreadable. */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}
