import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { eventStreamReader } from './event-stream.ts';

const STREAM = [
  'retry: 2000\nid: 40\n: connected\n\n',
  'id: 41\r\nevent: payment\r\ndata: {"id":"pay_1"}\r\n\r\n',
  'event: document\rdata: one\rdata:two\r\r',
  ': heartbeat\n\n',
  'data\n\nid: 42\nevent: unfinished\ndata: lost\n',
].join('');

function read(chunks: readonly string[]): string[] {
  const seen: string[] = [];
  const feed = eventStreamReader({
    onEvent: ({ name, data }) => seen.push(`${name}=${data}`),
    onId: (id) => seen.push(`#${id}`),
  });
  for (const chunk of chunks) feed(chunk);
  return seen;
}

const EXPECTED = ['#40', 'payment={"id":"pay_1"}', '#41', 'document=one\ntwo', 'message='];

test('reads events, ids without events, comments and every line end', () => {
  assert.deepEqual(read([STREAM]), EXPECTED);
});

test('reads the same wherever the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 12 }), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
      const chunks = places.slice(1).map((end, index) => STREAM.slice(places[index], end));
      assert.deepEqual(read(chunks), EXPECTED);
    }),
  );
});
