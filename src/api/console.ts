/** Serves the web console: its pages, its assets, and a plain explanation when it is not built. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
// Brings `hide` into the schema's type: pages are no part of the API's description.
import type {} from '@fastify/swagger';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { CONSOLE_PATHS } from '../../console/src/paths.ts';
import { CONSOLE_ROOT } from './console-build.ts';

export type ConsoleOptions = {
  /** The built console; the project's own by default. */
  readonly dist?: string;
};

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

/** `'unsafe-inline'` is for styles only: Mantine writes its variables into a style element. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Checkvalve</title>
<h1>The console is not built</h1>
<p>Checkvalve is running: payments are taken in and the API answers under <code>/api/v1</code>.
Only these pages are missing.</p>
<p>Build them in the project's folder, then reload this page:</p>
<pre>npx vite build console</pre>
</html>
`;

/**
 * The console at `/`. Only the addresses its router owns are answered with its page, so that an
 * unknown address stays an honest 404. Assets carry the hash of their content in their name and
 * never change.
 */
export async function consolePlugin(
  app: FastifyInstance,
  { dist = join(CONSOLE_ROOT, 'dist') }: ConsoleOptions,
): Promise<void> {
  await app.register(fastifyStatic, {
    root: join(dist, 'assets'),
    prefix: '/assets/',
    index: false,
    dotfiles: 'ignore',
    immutable: true,
    maxAge: YEAR_MS,
    // The folder may come into being later; until then the page below says so.
    suppressWarning: true,
  });

  for (const path of Object.values(CONSOLE_PATHS)) {
    app.get(path, { schema: { hide: true } }, (_request, reply) => sendPage(reply, dist));
  }
}

async function sendPage(reply: FastifyReply, dist: string): Promise<FastifyReply> {
  reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
  reply.header('cache-control', 'no-cache');
  reply.header('referrer-policy', 'no-referrer');
  reply.header('x-content-type-options', 'nosniff');
  if (!(await exists(join(dist, 'index.html')))) {
    return reply.code(503).type('text/html; charset=utf-8').send(NOT_BUILT);
  }
  return reply.sendFile('index.html', dist, { cacheControl: false });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
