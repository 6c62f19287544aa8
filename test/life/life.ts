/** Tells the life of payments in all accounting systems to one server, and then asks whether its books are whole. */
import type { DeliveryJson } from '../../src/api/json/delivery.ts';
import type { DocumentJson } from '../../src/api/json/document.ts';
import { deaths } from './deaths.ts';
import { type Firm, openFirm } from './firm.ts';
import { tellLife } from './story.ts';
import { type SystemId, systems } from './systems.ts';

export type LifeOptions = {
  readonly seed: number;
  readonly systems: readonly SystemId[];
  readonly tell?: (line: string) => void;
};

/**
 * Stories told at once. Each holds one of the server's six background jobs while it waits for its death, and the others
 * must be able to go on.
 */
const AT_ONCE = 5;

/** What went wrong, in sentences. */
export async function liveThrough(options: LifeOptions): Promise<readonly string[]> {
  const { seed, tell = () => {} } = options;
  await using firm = await openFirm(seed);
  const problems: string[] = [];
  for (let first = 0; first < options.systems.length; first += AT_ONCE) {
    const group = options.systems.slice(first, first + AT_ONCE);
    const together = deaths(firm.server, group.length);
    const stories = group.map(async (id, index) => {
      let now = '';
      const step = (what: string): void => {
        now = what;
        tell(`${id}: ${what}`);
      };
      try {
        const own = seed + 2 * (first + index);
        await tellLife({ firm, deaths: together, seed: own, step }, systems[id]);
      } catch (error) {
        problems.push(`${id}, ${now}: ${(error as Error).stack}`);
        tell(`${id} FAILED`);
      } finally {
        together.leave();
      }
    });
    await Promise.all(stories);
  }
  problems.push(...(await reckon(firm)));
  return problems;
}

/** What holds for all systems together, by the product's own commands and lists. */
async function reckon(firm: Firm): Promise<readonly string[]> {
  const problems: string[] = [];
  const whole = [['verify'], ['rebuild', '--check']].map((words) =>
    firm.command(...words).catch((error: Error) => problems.push(error.message)),
  );
  await Promise.all(whole);
  type Page<T> = { readonly data: readonly T[] };
  const { data: aside } = await firm.call<Page<DocumentJson>>(
    'GET',
    '/documents?status=quarantined',
  );
  for (const { portal, reason } of aside) problems.push(`${portal}: set aside, ${reason}`);
  const { data: parked } = await firm.call<Page<DeliveryJson>>('GET', '/deliveries?state=parked');
  for (const { system, lastError } of parked) {
    if (!lastError?.includes('do it there')) problems.push(`${system.name}: ${lastError}`);
  }
  return problems;
}
