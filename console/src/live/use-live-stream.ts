/** The console's one subscription to the server's events. */
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { openStream } from '../api/client.ts';
import type { Payment } from '../api/payment.ts';
import { askAgain, KEYS } from '../api/queries.ts';
import type { ServerEvent } from './event-stream.ts';
import { followStream, pauseUnlessOnline, type StreamState } from './follow-stream.ts';
import { livePayments } from './live-batch.ts';

const SILENCE_MS = 60_000;
const ASK_WITHIN_MS = 300;

/** Follows the stream while the component is shown; returns how the connection stands. */
export function useLiveStream(): StreamState {
  const client = useQueryClient();
  const [state, setState] = useState<StreamState>('connecting');

  useEffect(() => {
    const stop = new AbortController();
    void followStream(
      {
        open: openStream,
        onEvent: eventTaker(client, stop.signal),
        onState(next) {
          setState(next);
          // What happened between reading and listening is in neither, so it is read again.
          if (next === 'live') askAgain(client);
        },
        pause: pauseUnlessOnline,
        random: Math.random,
        silenceMs: SILENCE_MS,
      },
      stop.signal,
    );
    return () => stop.abort();
  }, [client]);

  return state;
}

function eventTaker(client: QueryClient, signal: AbortSignal): (event: ServerEvent) => void {
  const payments = livePayments(client);
  const asking = new Map<readonly string[], ReturnType<typeof setTimeout>>();
  // Many events within a moment cause one question.
  const askSoon = (queryKey: readonly string[]) => {
    if (asking.has(queryKey)) return;
    const ask = () => {
      asking.delete(queryKey);
      void client.invalidateQueries({ queryKey });
    };
    asking.set(queryKey, setTimeout(ask, ASK_WITHIN_MS));
  };
  signal.addEventListener('abort', () => {
    payments.stop();
    for (const timer of asking.values()) clearTimeout(timer);
  });
  return (event) => {
    if (event.name === 'payment') payments.add(JSON.parse(event.data) as Payment);
    else if (event.name === 'review-item') askSoon(KEYS.review);
    else if (event.name === 'connection') askSoon(KEYS.connections);
  };
}
