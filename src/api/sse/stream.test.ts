import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer, type TestServer } from '../test-server.ts';
import type { Change } from './changes.ts';
import { formatChanges } from './format.ts';
import { placeToStart } from './stream.ts';

type SentEvent = {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: unknown;
};

async function listen(server: TestServer, lastEventId?: string) {
  const key = await server.keyFor('dispatcher');
  const response = await fetch(`${server.url}/api/v1/stream`, {
    headers: {
      authorization: `Bearer ${key}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  });
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  return readEvents(response);
}

async function* readEvents(response: Response): AsyncGenerator<SentEvent> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field('data');
      yield { id: field('id'), event: field('event') ?? '', data: data && JSON.parse(data) };
    }
  }
}

async function until(events: AsyncGenerator<SentEvent>, event: string): Promise<SentEvent> {
  for (;;) {
    const { value, done } = await events.next();
    assert.ok(!done, `the stream ended before a ${event}`);
    if (value.event === event) return value;
  }
}

function pay(server: TestServer, externalId: string) {
  return server.call('POST', '/api/v1/payments', {
    body: {
      externalId,
      amount: { amount: '12.00', currency: 'USD' },
      occurredAt: '2026-11-20T07:00:00Z',
    },
  });
}

test('streams a payment as it enters, resumes where it ended, ends with the server', async () => {
  await using server = await startTestServer();
  const events = await listen(server);
  const { value: hello } = await events.next();
  assert.equal(hello?.id, '0');
  const paid = await pay(server, 'S-1');
  assert.deepEqual((await until(events, 'payment')).data, paid.body);
  await pay(server, 'S-2');
  const second = await until(events, 'payment');
  assert.equal((second.data as { externalId: string }).externalId, 'S-2');
  await events.return(undefined);

  const resumed = await listen(server, '1');
  const missed = await until(resumed, 'payment');
  assert.equal((missed.data as { externalId: string }).externalId, 'S-2');
});

const change = (sequence: bigint, event: Change['event']): Change => ({
  sequence,
  event,
  data: {},
});

test('only the last event of a sequence carries it, so a cut between them loses nothing', () => {
  const text = formatChanges(
    [change(4n, 'document'), change(4n, 'payment'), change(6n, 'payment')],
    7n,
  );
  assert.deepEqual(text.match(/^(id: .*|event: .*)$/gm), [
    'event: document',
    'id: 4',
    'event: payment',
    'id: 7',
    'event: payment',
  ]);
  assert.equal(formatChanges([], 9n), 'id: 9\n\n');
});

const STARTS = [
  [undefined, { position: 50_000n, reset: false }],
  ['49990', { position: 49_990n, reset: false }],
  ['50000', { position: 50_000n, reset: false }],
  ['50001', { position: 50_000n, reset: true }],
  ['3', { position: 50_000n, reset: true }],
  ['not a number', { position: 50_000n, reset: true }],
] as const;

for (const [lastEventId, expected] of STARTS) {
  test(`a stream that last saw ${lastEventId ?? 'nothing'} begins at ${expected.position}`, () => {
    assert.deepEqual(placeToStart(lastEventId, 50_000n), expected);
  });
}
