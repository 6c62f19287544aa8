/** `start` and `demo`: the server, until it is told to stop. */
import type { AddressInfo } from 'node:net';
import { countApiKeys } from '../api/api-keys.ts';
import { ensureConsoleBuilt } from '../api/console-build.ts';
import { buildServer } from '../api/server.ts';
import { openApp } from '../app.ts';
import type { Config, Options } from '../config.ts';
import { announceAddress } from '../intake/public-address.ts';
import { addConfigOptions, configOf, type Registration } from './command.ts';
import { runDemo } from './demo.ts';
import { EXIT, type ExitCode, processTerminal, type Terminal } from './terminal.ts';

/** Longer than any request or job should take to come to a clean end. */
const SHUTDOWN_MS = 20_000;

export function registerStart({ program, terminal, end }: Registration): void {
  addConfigOptions(program.command('start'))
    .description('Run the server: webhooks, books, API and console.')
    .option('--port <number>', 'where to listen (4870)')
    .option('--host <address>', 'the address to listen on (127.0.0.1)')
    .option('--public-url <url>', 'where portals reach it; webhook URLs begin with it')
    .action(async (options: Options) =>
      end(await runServer(configOf(terminal, options), terminal)),
    );

  addConfigOptions(program.command('demo'))
    .description('Run the server with a made-up firm and simulated portals that send payments.')
    .option('--port <number>', 'where to listen (4870)')
    .option('--host <address>', 'the address to listen on (127.0.0.1)')
    .action(async (options: Options) => {
      const stop = new AbortController();
      void untilSignal().then(() => stop.abort());
      await runDemo(configOf(terminal, options), { stopped: stop.signal, print: terminal.out });
      end(EXIT.ok);
    });
}

/** Runs the server until SIGINT or SIGTERM; resolves to the exit code. */
async function runServer(config: Config, terminal: Terminal = processTerminal): Promise<ExitCode> {
  const app = await openApp(config, { work: true });
  try {
    const server = await buildServer(app);
    const stopped = untilSignal();
    await server.listen({ host: config.host, port: config.port });
    const { address, family, port } = server.server.address() as AddressInfo;
    const host = family === 'IPv6' ? `[${address}]` : address;
    const url = `http://${host}:${port}`;
    const announced = await announceAddress(
      app.database,
      config.publicUrlGiven ? config.publicUrl : `http://localhost:${port}`,
    );
    terminal.out(`Checkvalve listens on ${url}`);
    if ((await countApiKeys(app.database, 1)) === 0) {
      terminal.out(
        'There is no API key yet. Make one: ./bin/checkvalve api-key create --name me --role owner',
      );
    }
    // The console may come a few seconds later; payments must not wait for it.
    void ensureConsoleBuilt(app.log);
    app.log.info({ signal: await stopped }, 'stopping');
    const deadline = setTimeout(() => {
      app.log.error('it did not stop in time; what is unfinished is done again at the next start');
      process.exit(EXIT.failed);
    }, SHUTDOWN_MS);
    await announced.withdraw();
    await server.close();
    clearTimeout(deadline);
    return EXIT.ok;
  } finally {
    await app.close();
  }
}

function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
}
