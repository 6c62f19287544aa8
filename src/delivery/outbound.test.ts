import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { AddressRefused, NoAnswer, openOutbound } from './outbound.ts';

const outbound = openOutbound({ resolve: async () => ['127.0.0.1'] });
const closings: (() => void)[] = [() => outbound.close()];
after(() => {
  for (const close of closings) close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closings.push(() => {
    server.close();
    server.closeAllConnections();
  });
  // The name does not exist: only the pinned address leads there.
  return `http://checkvalve.invalid:${(server.address() as AddressInfo).port}/hook`;
}

function post(url: string, more: { readonly allowed?: boolean; readonly timeoutMs?: number } = {}) {
  return outbound.post({
    url,
    headers: { 'webhook-id': 'msg_1' },
    body: Buffer.from('{"a":1}'),
    allowPrivateAddresses: more.allowed ?? true,
    timeoutMs: more.timeoutMs ?? 2000,
  });
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

describe('openOutbound', () => {
  test('posts body and headers to the pinned address', async () => {
    const url = await serve(async (request, reply) => {
      const { host, 'webhook-id': id, 'content-type': type } = request.headers;
      reply.end(JSON.stringify([request.method, host, id, type, await readAll(request)]));
    });
    const answer = await post(url);
    assert.equal(answer.status, 200);
    assert.deepEqual(JSON.parse(answer.body.toString()), [
      'POST',
      new URL(url).host,
      'msg_1',
      'application/json',
      '{"a":1}',
    ]);
  });

  test('connects to nothing without permission', async () => {
    let called = false;
    const url = await serve((_request, reply) => {
      called = true;
      reply.end();
    });
    await assert.rejects(post(url, { allowed: false }), AddressRefused);
    assert.equal(called, false);
  });

  test('does not follow redirects', async () => {
    const target = await serve((_request, reply) => reply.end('followed'));
    const url = await serve((_request, reply) => {
      reply.writeHead(307, { location: target }).end();
    });
    assert.equal((await post(url)).status, 307);
  });

  test('gives up on silence, and on an answer that never ends', async () => {
    const silent = await serve(() => {});
    await assert.rejects(post(silent, { timeoutMs: 80 }), NoAnswer);
    const dripping = await serve((_request, reply) => {
      reply.write('x');
    });
    await assert.rejects(post(dripping, { timeoutMs: 80 }), NoAnswer);
  });

  test('reads no more than 64 KiB', async () => {
    const url = await serve((_request, reply) => reply.end(Buffer.alloc(10_000_000, 'x')));
    assert.equal((await post(url)).body.length, 64 * 1024);
  });

  test('says so when the connection breaks or the name is unknown', async () => {
    const broken = await serve((request) => request.socket.destroy());
    await assert.rejects(post(broken), NoAnswer);
    const nowhere = openOutbound({ resolve: () => Promise.reject(new Error('ENOTFOUND')) });
    const request = {
      url: 'https://nowhere.invalid/',
      headers: {},
      body: Buffer.alloc(0),
      allowPrivateAddresses: true,
      timeoutMs: 1000,
    };
    await assert.rejects(nowhere.post(request), /does not resolve/);
    nowhere.close();
  });

  test('gives up on a name that does not resolve in time', async () => {
    const slow = openOutbound({ resolve: () => new Promise(() => {}) });
    await assert.rejects(
      slow.post({
        url: 'https://slow.invalid/',
        headers: {},
        body: Buffer.alloc(0),
        allowPrivateAddresses: true,
        timeoutMs: 50,
      }),
      NoAnswer,
    );
    slow.close();
  });
});
