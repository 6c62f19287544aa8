/** `status`, `review` and `replay`: what waits, and for whom. */

import { readReviewItems } from '../api/json/review-item.ts';
import { type Queryable, sql } from '../db/database.ts';
import { recordAudit } from '../intake/audit.ts';
import { replayDocument } from '../intake/replay.ts';
import {
  addBooksOptions,
  type BooksOptions,
  commandLineActor,
  type Registration,
  wholeNumber,
  withBooks,
} from './command.ts';
import { asJson, asTable, EXIT, wrongUsage } from './terminal.ts';

export function registerQueue(registration: Registration): void {
  registerStatus(registration);
  registerReview(registration);
  registerReplay(registration);
}

type Count = { readonly topic: string; readonly state: string; readonly count: bigint };

function registerStatus({ program, terminal, end }: Registration): void {
  addBooksOptions(program.command('status'))
    .description('Count what was received, what waits, and what needs a person.')
    .action(async (options: BooksOptions) => {
      const counts = await withBooks(terminal, options, (app, organizationId) =>
        countEverything(app.database, organizationId),
      );
      if (options.json) {
        const shown: Record<string, Record<string, number>> = {};
        for (const { topic, state, count } of counts) {
          shown[topic] = { ...shown[topic], [state]: Number(count) };
        }
        terminal.out(asJson(shown));
      } else {
        const rows = counts.map(({ topic, state, count }) => [topic, state, String(count)]);
        terminal.out(
          rows.length === 0 ? 'Nothing yet.' : asTable(['what', 'state', 'count'], rows),
        );
      }
      end(EXIT.ok);
    });
}

function countEverything(tx: Queryable, organizationId: number): Promise<Count[]> {
  return tx.query<Count>(sql`
    select 'documents' as topic, 'waiting' as state, count(*) as count from inbox
    where organization_id = ${organizationId} having count(*) > 0
    union all
    select 'documents', status, count(*) from outcomes o
    where organization_id = ${organizationId} and (status <> 'quarantined' or not exists (
      select from outcomes later where later.organization_id = o.organization_id
        and later.document_id = o.document_id and later.sequence > o.sequence))
    group by status
    union all
    select 'payments', status, count(*) from payments
    where organization_id = ${organizationId} and mirrors is null group by status
    union all
    select 'invoices', status, count(*) from invoices
    where organization_id = ${organizationId} group by status
    union all
    select 'review items', 'open', count(*) from review_items
    where organization_id = ${organizationId} and resolved_at is null having count(*) > 0
    union all
    select 'deliveries', state, count(*) from deliveries
    where organization_id = ${organizationId} group by state
    union all
    select 'connections', case when enabled then 'enabled' else 'disabled' end, count(*)
    from connections where organization_id = ${organizationId} and portal <> 'own' group by enabled
    union all
    select 'files', 'failed', count(*) from failed_files
    where organization_id = ${organizationId} having count(*) > 0
    order by topic, state`);
}

function registerReview({ program, terminal, end }: Registration): void {
  addBooksOptions(program.command('review'))
    .description('List what a person must decide, the oldest first.')
    .option('--limit <number>', 'how many to show', wholeNumber, 50)
    .action(async (options: BooksOptions & { limit: number }) => {
      const items = await withBooks(terminal, options, (app, organizationId) =>
        readReviewItems(app.database, {
          organizationId,
          condition: sql`r.resolved_at is null`,
          order: sql`r.id`,
          limit: options.limit,
        }),
      );
      const shown = items.map(({ json }) => json);
      if (options.json) terminal.out(asJson(shown));
      else if (shown.length === 0) terminal.out('Nothing waits for a person.');
      else {
        const rows = shown.map(({ id, kind, subject, reason }) => [id, kind, subject, reason]);
        terminal.out(asTable(['id', 'kind', 'about', 'reason'], rows));
      }
      end(EXIT.ok);
    });
}

function registerReplay({ program, terminal, end }: Registration): void {
  addBooksOptions(program.command('replay'))
    .description('Let a quarantined document be read again, after what stood against it is mended.')
    .argument('<document-id>', 'such as doc_12')
    .action(async (text: string, options: BooksOptions) => {
      const digits = /^(?:doc_)?(\d{1,18})$/.exec(text)?.[1];
      if (digits === undefined) throw wrongUsage(`"${text}" is no document id such as doc_12.`);
      const subject = `doc_${digits}`;
      const result = await withBooks(terminal, options, async (app, organizationId) => {
        const replayed = await replayDocument(app.database, organizationId, BigInt(digits));
        if (replayed.status === 'queued') {
          await recordAudit(app.database, {
            organizationId,
            actor: commandLineActor(terminal.environment),
            verb: 'document.replayed',
            subject,
          });
        }
        return replayed;
      });
      if (options.json) terminal.out(asJson({ documentId: subject, ...result }));
      else if (result.status === 'queued') terminal.out(`${subject} is in the inbox again.`);
      else terminal.remark(`${result.reason}.`);
      end(result.status === 'queued' ? EXIT.ok : EXIT.failed);
    });
}
