/** Sends deliveries to books that no program may write to: into a file, and done when the books show it. */
import type { Database } from '../db/database.ts';
import type { Connection } from '../intake/connections.ts';
import { type CutFile, cutImportFile } from './cut-import-file.ts';
import type { DeliveryState } from './delivery-state.ts';
import { readFiling } from './import-files.ts';
import { GATHERING_MS, notImported, planByFile } from './plan-by-file.ts';
import type { BooksFacts } from './record-in-books.ts';
import type { SendResult } from './send-result.ts';

/** A file may be full, or what it was cut for have changed meanwhile: soon there is the next. */
const NEXT_FILE_MS = 5_000;
const LOOK_AGAIN_MS = 3_600_000;

/** Prepares one batch; the result takes one delivery of it as far as it can come now. */
export async function openFiling(
  ctx: { readonly database: Database; readonly now: () => Date },
  given: {
    readonly systemId: string;
    readonly connection: Connection;
    readonly facts: BooksFacts;
    readonly states: readonly DeliveryState[];
    /** Told the books' id of an imported payment, so that it is known as recorded. */
    readonly recorded: (state: DeliveryState, externalId: string) => Promise<void>;
  },
): Promise<(state: DeliveryState) => Promise<SendResult>> {
  const { systemId, connection, facts, states, recorded } = given;
  const { organizationId, id: connectionId, portal, settings } = connection;
  const filing = await readFiling(
    ctx.database,
    { organizationId, systemId, connectionId },
    states.map(({ payment }) => payment.id),
  );
  let cutting: Promise<CutFile | undefined> | undefined;

  return async (state) => {
    const now = ctx.now();
    const context = { portal, settings, connectionId, facts, filing, now };
    const planned = planByFile(state, context);
    if ('outcome' in planned) return planned;
    if ('imported' in planned) {
      await recorded(state, planned.imported);
      return { outcome: 'done', excerpt: `imported as ${planned.imported}` };
    }
    const until = new Date(Date.parse(state.delivery.createdAt) + GATHERING_MS);
    if (now < until) {
      const because = `it goes into the next import file, at ${until.toISOString()} or when a person asks for it`;
      return { outcome: 'wait', because, until };
    }
    cutting ??= cutImportFile(ctx, { systemId, connection });
    const file = await cutting;
    const isWritten = file?.deliveries.has(state.delivery.id) ?? false;
    return {
      outcome: 'wait',
      because: file && isWritten ? notImported(file.name) : 'it goes into the next import file',
      until: new Date(now.getTime() + (isWritten ? LOOK_AGAIN_MS : NEXT_FILE_MS)),
    };
  };
}
