/** The reader's calendar day, which changes while the page is open. */
import { useSyncExternalStore } from 'react';
import { dayOf } from './instant.ts';

const CHECK_EVERY_MS = 15_000;

let day = dayOf(new Date());
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function check(): void {
  const now = dayOf(new Date());
  if (now === day) return;
  day = now;
  for (const listener of listeners) listener();
}

function watch(listener: () => void): () => void {
  check();
  listeners.add(listener);
  timer ??= setInterval(check, CHECK_EVERY_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** `YYYY-MM-DD` in the reader's zone; one timer serves all who ask. */
export function useDay(): string {
  return useSyncExternalStore(watch, () => day);
}
