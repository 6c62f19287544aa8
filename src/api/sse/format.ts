/** Server-sent events as text. */
import type { Change } from './changes.ts';

/**
 * The changes as events. Only the last event of a sequence carries it as `id`: a client that was
 * cut off in the middle of one then resumes before it and misses nothing.
 */
export function formatChanges(changes: readonly Change[], upTo: bigint): string {
  let text = '';
  changes.forEach(({ event, data, sequence }, index) => {
    const next = changes[index + 1];
    const last = next === undefined || next.sequence !== sequence;
    text += formatEvent(event, data, last ? (next === undefined ? upTo : sequence) : undefined);
  });
  return changes.length === 0 ? `id: ${upTo}\n\n` : text;
}

export function formatEvent(event: string, data: unknown, id?: bigint): string {
  const place = id === undefined ? '' : `id: ${id}\n`;
  return `${place}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
