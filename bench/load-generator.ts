/**
 * Sends signed notices over keep-alive connections, as a process of its own. Requests are made and signed before
 * the clock starts, and go out on plain sockets, so that on a shared machine as little as possible of what is
 * measured is the generator.
 */
import { connect, type Socket } from 'node:net';
import { noticeBody, signatureOf } from './notices.ts';
import { instantMs } from './statistics.ts';

export type Load = {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  /** Places of the notices in the firm's story: from the first, so many. */
  readonly firstPlace: number;
  readonly count: number;
  /** Arrivals a second whether or not answers come (open loop); absent: each connection sends when answered. */
  readonly arrivalsPerSecond?: number;
  /** After which nothing new is sent. */
  readonly seconds: number;
};

export type Sent = {
  readonly firstPlace: number;
  /** For each notice in order: when it was due to be sent, and how long the answer took from then. */
  readonly sentAtMs: readonly number[];
  readonly answeredInMs: readonly number[];
};

const CRLF = '\r\n';

function requestsOf(load: Load): readonly Buffer[] {
  const now = Math.floor(Date.now() / 1000);
  return Array.from({ length: load.count }, (_, index) => {
    const body = noticeBody(load.firstPlace + index, now);
    const head = [
      `POST ${load.path} HTTP/1.1`,
      `host: 127.0.0.1:${load.port}`,
      'content-type: application/json; charset=utf-8',
      'user-agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)',
      `content-length: ${body.length}`,
      `stripe-signature: ${signatureOf(body, now)}`,
    ].join(CRLF);
    return Buffer.concat([Buffer.from(`${head}${CRLF}${CRLF}`), body]);
  });
}

/** One keep-alive connection; answers come in the order of requests. */
async function openLane(port: number): Promise<(request: Buffer) => Promise<void>> {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  const waiting: { resolve(): void; reject(error: Error): void }[] = [];
  const fail = (error: Error) => {
    for (const one of waiting.splice(0)) one.reject(error);
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server closed the connection')));
  let pending = '';
  socket.on('data', (chunk) => {
    pending += chunk.toString('latin1');
    for (let end = endOfAnswer(pending); end > 0; end = endOfAnswer(pending)) {
      const status = pending.slice(9, 12);
      pending = pending.slice(end);
      if (status.startsWith('2')) waiting.shift()?.resolve();
      else waiting.shift()?.reject(new Error(`the server answered ${status}`));
    }
  });
  return (request) =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      socket.write(request);
    });
}

/** Where the first complete answer in the text ends; 0 while none is complete. */
function endOfAnswer(text: string): number {
  const head = text.indexOf(`${CRLF}${CRLF}`);
  if (head < 0) return 0;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, head + 2))?.[1] ?? '0';
  const end = head + 4 + Number(length);
  return text.length >= end ? end : 0;
}

async function closedLoop(load: Load, requests: readonly Buffer[]): Promise<Sent> {
  const lanes = await Promise.all(
    Array.from({ length: load.connections }, () => openLane(load.port)),
  );
  const sentAtMs: number[] = [];
  const answeredInMs: number[] = [];
  const deadline = performance.now() + load.seconds * 1000;
  let next = 0;
  const drive = async (send: (request: Buffer) => Promise<void>) => {
    while (next < requests.length && performance.now() < deadline) {
      const index = next++;
      sentAtMs[index] = instantMs();
      const started = performance.now();
      await send(requests[index] as Buffer);
      answeredInMs[index] = performance.now() - started;
    }
  };
  await Promise.all(lanes.map(drive));
  return { firstPlace: load.firstPlace, sentAtMs, answeredInMs };
}

const TICK_MS = 1;

/** Latency counts from the instant a notice was due, so a stalled server is not excused. */
async function openLoop(load: Load, requests: readonly Buffer[], rate: number): Promise<Sent> {
  const lanes = await Promise.all(
    Array.from({ length: load.connections }, () => openLane(load.port)),
  );
  const sentAtMs: number[] = [];
  const answeredInMs: number[] = [];
  const started = instantMs();
  const answers: Promise<void>[] = [];
  const due = (index: number) => started + (index * 1000) / rate;
  const count = Math.min(requests.length, Math.floor(load.seconds * rate));
  const sendOne = async (index: number) => {
    sentAtMs[index] = due(index);
    await lanes[index % lanes.length]?.(requests[index] as Buffer);
    answeredInMs[index] = instantMs() - due(index);
  };
  while (answers.length < count) {
    while (answers.length < count && due(answers.length) <= instantMs()) {
      answers.push(sendOne(answers.length));
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(answers);
  return { firstPlace: load.firstPlace, sentAtMs, answeredInMs };
}

const load = JSON.parse(process.argv[2] ?? '') as Load;
const requests = requestsOf(load);
const sent = await (load.arrivalsPerSecond === undefined
  ? closedLoop(load, requests)
  : openLoop(load, requests, load.arrivalsPerSecond));
process.send?.(sent, () => process.exit(0));
