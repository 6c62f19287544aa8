/** Keeps one event stream open: reconnects with growing pauses and asks for what it missed. */
import { eventStreamReader, type ServerEvent } from './event-stream.ts';

export type StreamState = 'connecting' | 'live' | 'waiting';

export type StreamToFollow = {
  open(lastEventId: string | null, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  onEvent(event: ServerEvent): void;
  onState(state: StreamState): void;
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** Between 0 and 1; spreads the reconnections of many consoles. */
  random(): number;
  /**
   * A stream this long without a byte is taken for dead: the server sends a comment more often than
   * this.
   */
  readonly silenceMs: number;
};

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/** Follows until the signal aborts; never throws. */
export async function followStream(stream: StreamToFollow, signal: AbortSignal): Promise<void> {
  const progress: Progress = { lastEventId: null, failures: 0 };
  stream.onState('connecting');
  while (!signal.aborted) {
    try {
      await readUntilItEnds(stream, progress, signal);
    } catch {
      // Whatever ended it, the answer is the same: say so, wait, connect again.
    }
    if (signal.aborted) return;
    stream.onState('waiting');
    await stream.pause(pauseMs(progress.failures, stream.random()), signal);
    progress.failures += 1;
  }
}

/** How far the stream was read, and how often in a row it could not be. */
type Progress = { lastEventId: string | null; failures: number };

/** Doubles from half a second to 15 seconds; a random half of it is taken off. */
export function pauseMs(failures: number, random: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
  return Math.round(longest * (1 - random / 2));
}

async function readUntilItEnds(
  stream: StreamToFollow,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), stream.silenceMs);
  try {
    const body = await stream.open(progress.lastEventId, AbortSignal.any([signal, silence.signal]));
    stream.onState('live');
    const decoder = new TextDecoder();
    const feed = eventStreamReader({
      onEvent: stream.onEvent,
      onId: (id) => {
        progress.lastEventId = id;
      },
    });
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      progress.failures = 0;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), stream.silenceMs);
      feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves after the time, at once when the signal aborts or the network comes back. */
export function pauseUnlessOnline(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      removeEventListener('online', finish);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    addEventListener('online', finish);
    signal.addEventListener('abort', finish);
  });
}
