/** The demo: the real server with simulated portals and a firm whose customers pay. */

import { join, relative } from 'node:path';
import { seededRandom } from '../../simulators/random.ts';
import { createApiKey } from '../api/api-keys.ts';
import { ensureConsoleBuilt } from '../api/console-build.ts';
import { buildServer } from '../api/server.ts';
import { openApp } from '../app.ts';
import type { Config } from '../config.ts';
import { createLog } from '../log.ts';
import { portals } from '../portals/index.ts';
import { openDemoFirm } from './demo-firm.ts';
import { tellDemoStory } from './demo-story.ts';
import { startTicker } from './demo-ticker.ts';

const ORGANIZATION = 1;
const PAUSE_MS = { from: 400, to: 1_800 } as const;

/**
 * Runs until `stopped`. Its books lie beside the real ones (`<data>/demo`), so that trying leaves no trace there;
 * it may call loopback, where its portals are.
 */
export async function runDemo(
  given: Config,
  options: { readonly stopped: AbortSignal; readonly print: (line: string) => void },
): Promise<void> {
  const { stopped, print } = options;
  const config = {
    ...given,
    dataDirectory: join(given.dataDirectory, 'demo'),
    allowPrivateTargets: true,
  };
  const log = createLog({ logLevel: config.logLevel === 'info' ? 'error' : config.logLevel });
  print('Starting PostgreSQL and the server …');
  const app = await openApp(config, { work: true, log });
  await ensureConsoleBuilt(log);
  const server = await buildServer(app);
  const url = await server.listen({ host: config.host, port: config.port });
  const seed = Date.now() % 2_000_000_000;
  const random = seededRandom(seed);
  const firm = await openDemoFirm(app, { random, seed, serverUrl: url });
  const { key } = await createApiKey(app.database, {
    organizationId: ORGANIZATION,
    name: 'demo console',
    role: 'owner',
    actor: 'demo',
  });
  const ticker = await startTicker(app, ORGANIZATION, print);
  print('');
  print(`  Console   ${url}/#key=${key}`);
  print(`  API       ${url}/api/v1/payments   (Authorization: Bearer ${key})`);
  print(
    `  Portals   ${portals.length}, all simulated on this machine; ./bin/checkvalve portals lists them`,
  );
  // Without that, commands look at the real books.
  const data = relative(process.cwd(), config.dataDirectory);
  print(`  Commands  ./bin/checkvalve status --data ${data}, and so for the others`);
  print('  Stop      Ctrl-C');
  print('');
  try {
    await play(tellDemoStory(firm, random, url), { stopped, random, print });
  } finally {
    print('Stopping …');
    await ticker.close();
    await server.close();
    await firm.close();
    await app.close();
  }
}

async function play(
  story: ReturnType<typeof tellDemoStory>,
  options: {
    stopped: AbortSignal;
    random: ReturnType<typeof seededRandom>;
    print: (line: string) => void;
  },
): Promise<void> {
  const { stopped, random, print } = options;
  while (!stopped.aborted) {
    await story.step().catch((error: Error) => print(`The story stumbled: ${error.message}`));
    await pause(random.between(PAUSE_MS.from, PAUSE_MS.to), stopped);
  }
}

function pause(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stopped.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
