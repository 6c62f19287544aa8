/** The server is killed for all stories at once: each comes to the place where its own is to die, and waits there. */
import type { ServerProcess } from '../crash/server-process.ts';

export type Deaths = {
  /** `kill -9` and a new start, once every story that is still told has come here; resolves after that. */
  die(): Promise<void>;
  /** A story has ended, well or not: nobody waits for it any more. */
  leave(): void;
};

export function deaths(server: ServerProcess, stories: number): Deaths {
  let told = stories;
  let waiting: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];

  const restart = async (here: typeof waiting): Promise<void> => {
    try {
      await server.kill();
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
    die: () =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        look();
      }),
    leave: () => {
      told -= 1;
      look();
    },
  };
}
