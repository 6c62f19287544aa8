import assert from 'node:assert/strict';
import test from 'node:test';
import { followStream, pauseMs, type StreamToFollow } from './follow-stream.ts';

const encoded = (text: string) => new TextEncoder().encode(text);

/** A body that says its text and then ends, or stays silent until it is aborted. */
function body(text: string, signal: AbortSignal, ends: boolean): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (text !== '') controller.enqueue(encoded(text));
      if (ends) controller.close();
      else signal.addEventListener('abort', () => controller.error(signal.reason));
    },
  });
}

/** Follows a stream that opens as told; stops when there is nothing left to open. */
async function follow(opens: readonly (string | Error | 'silent')[], silenceMs = 10_000) {
  const stop = new AbortController();
  const log: string[] = [];
  const left = [...opens];
  const stream: StreamToFollow = {
    async open(lastEventId, signal) {
      log.push(`open after ${lastEventId}`);
      const next = left.shift();
      if (next instanceof Error) throw next;
      return body(next === 'silent' ? '' : (next ?? ''), signal, next !== 'silent');
    },
    onEvent: ({ data }) => log.push(data),
    onState: (state) => log.push(state),
    async pause(ms) {
      log.push(`pause ${ms}`);
      if (left.length === 0) stop.abort();
    },
    random: () => 0,
    silenceMs,
  };
  await followStream(stream, stop.signal);
  return log;
}

test('resumes after the last event it saw', async () => {
  assert.deepEqual(await follow(['id: 7\ndata: one\n\n', 'id: 9\n\n', ': nothing new\n\n']), [
    ...['connecting', 'open after null', 'live', 'one', 'waiting', 'pause 500'],
    ...['open after 7', 'live', 'waiting', 'pause 500'],
    ...['open after 9', 'live', 'waiting', 'pause 500'],
  ]);
});

test('waits longer after every failure and starts anew after a sign of life', async () => {
  const refused = new Error('refused');
  const log = await follow([refused, refused, refused, ': alive\n\n', refused]);
  assert.deepEqual(
    log.filter((line) => line.startsWith('pause')),
    ['pause 500', 'pause 1000', 'pause 2000', 'pause 500', 'pause 1000'],
  );
});

test('takes a silent stream for dead', async () => {
  const log = await follow(['silent', 'data: back\n\n'], 10);
  assert.deepEqual(log.slice(0, 5), [
    'connecting',
    'open after null',
    'live',
    'waiting',
    'pause 500',
  ]);
  assert.ok(log.includes('back'));
});

test('the pause stays between half of and all of its bound', () => {
  assert.equal(pauseMs(0, 0), 500);
  assert.equal(pauseMs(0, 1), 250);
  assert.equal(pauseMs(50, 0), 15_000);
});
