import assert from 'node:assert/strict';
import { test } from 'node:test';
import { downloads } from './download.ts';
import { RetryLater } from './errors.ts';

test('a file is fetched once, a failure again', async () => {
  const asked: string[] = [];
  const answers = [new Response('busy', { status: 503 }), new Response('certificate')];
  const download = downloads(async (url) => {
    asked.push(String(url));
    return answers.shift() ?? assert.fail('asked too often');
  });
  await assert.rejects(download('https://api.example/cert'), RetryLater);
  assert.equal((await download('https://api.example/cert')).toString(), 'certificate');
  assert.equal((await download('https://api.example/cert')).toString(), 'certificate');
  assert.equal(asked.length, 2);
});

test('a huge file is refused', async () => {
  const download = downloads(async () => new Response('x'.repeat(300_000)));
  await assert.rejects(download('https://api.example/cert'), /300000 bytes/);
});
