/** The server is killed for all stories at once: each comes to the place where its own is to die, and waits there. */
import type { ServerProcess } from '../crash/server-process.ts';

export type Deaths = {
  /**
   * `kill -9` and a new start, once every story that is still told has come here; resolves after that. `between` is
   * called while no server runs: the new one begins to work before anybody hears of it.
   */
  die(between?: () => void): Promise<void>;
  /** A story has ended, well or not: nobody waits for it any more. */
  leave(): void;
};

type Waiting = {
  readonly between: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};

export function deaths(server: ServerProcess, stories: number): Deaths {
  let told = stories;
  let waiting: Waiting[] = [];

  const restart = async (here: readonly Waiting[]): Promise<void> => {
    try {
      await server.kill();
      for (const { between } of here) between();
      await server.start();
      for (const { resolve } of here) resolve();
    } catch (error) {
      for (const { reject } of here) reject(error);
    }
  };

  const look = (): void => {
    if (waiting.length === 0 || waiting.length < told) return;
    void restart(waiting);
    waiting = [];
  };

  return {
    die: (between = () => {}) =>
      new Promise((resolve, reject) => {
        waiting.push({ between, resolve, reject });
        look();
      }),
    leave: () => {
      told -= 1;
      look();
    },
  };
}
