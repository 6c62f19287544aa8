/** The loop that applies documents: wakes when one is stored, looks around by itself for those of other nodes. */
import type { Logger } from 'pino';
import { type Database, sql } from '../db/database.ts';
import { applyBatch, type BatchResult } from './apply-batch.ts';

const BATCH_LIMIT = 500;
/** How often it looks for documents that other programs stored. */
const LOOK_AROUND_MS = 500;
const BUSY_RETRY_MS = 25;
const MAX_PARALLEL_ORGANIZATIONS = 4;

export type Applier = {
  /** Says that an organization has new documents. */
  wake(organizationId: number): void;
  /** False once the loop could not reach the database at its last look. */
  healthy(): boolean;
  stop(): Promise<void>;
};

export function startApplier(options: {
  readonly db: Database;
  readonly log: Logger;
  readonly now: () => Date;
  readonly onApplied?: (
    organizationId: number,
    result: Extract<BatchResult, { state: 'applied' }>,
  ) => void;
}): Applier {
  const { db, log } = options;
  const waiting = new Set<number>();
  const running = new Map<number, Promise<void>>();
  const limits = new Map<number, number>();
  let stopped = false;
  let healthy = true;

  const wake = (organizationId: number): void => {
    if (stopped) return;
    waiting.add(organizationId);
    next();
  };

  const next = (): void => {
    for (const organizationId of waiting) {
      if (running.size >= MAX_PARALLEL_ORGANIZATIONS) return;
      if (running.has(organizationId)) continue;
      waiting.delete(organizationId);
      const run = drain(organizationId)
        .catch((error) => {
          healthy = false;
          log.error({ err: error, organizationId }, 'applying stopped; it is tried again');
        })
        .finally(() => {
          running.delete(organizationId);
          if (!stopped) next();
        });
      running.set(organizationId, run);
    }
  };

  const drain = async (organizationId: number): Promise<void> => {
    while (!stopped) {
      const limit = limits.get(organizationId) ?? BATCH_LIMIT;
      // Raised before the attempt, so that a failure can lower it for the next.
      limits.set(organizationId, Math.min(limit * 2, BATCH_LIMIT));
      const result = await applyBatch(db, { organizationId, limit, now: options.now() }).catch(
        (error) => afterFailure(organizationId, limit, error),
      );
      healthy = true;
      if (result.state === 'idle') return;
      if (result.state === 'busy') {
        setTimeout(() => wake(organizationId), BUSY_RETRY_MS).unref();
        return;
      }
      options.onApplied?.(organizationId, result);
    }
  };

  /** A batch that cannot be written is halved until the one document that is at fault stands alone. */
  const afterFailure = async (
    organizationId: number,
    limit: number,
    error: Error,
  ): Promise<BatchResult> => {
    if (isPassing(error)) throw error;
    if (limit > 1) {
      log.warn(
        { err: error, organizationId, limit },
        'a batch failed; looking for the document at fault',
      );
      limits.set(organizationId, Math.max(1, Math.floor(limit / 4)));
      return { state: 'applied', outcomes: [], portals: [], receivedAt: [] };
    }
    log.error({ err: error, organizationId }, 'a document cannot be applied and is set aside');
    return applyBatch(db, {
      organizationId,
      limit: 1,
      now: options.now(),
      setAside: `it could not be applied: ${error.message}`,
    });
  };

  const lookAround = async (): Promise<void> => {
    try {
      // One index probe an organization, however long its inbox is.
      const rows = await db.query<{ organization_id: number }>(
        sql`select h.organization_id from organization_heads h
            where exists (select from inbox i where i.organization_id = h.organization_id)`,
      );
      healthy = true;
      for (const row of rows) wake(row.organization_id);
    } catch (error) {
      healthy = false;
      log.error({ err: error }, 'the inbox cannot be read');
    }
  };

  const timer = setInterval(() => void lookAround(), LOOK_AROUND_MS);
  void lookAround();

  return {
    wake,
    healthy: () => healthy,
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await Promise.all(running.values());
    },
  };
}

/** Failures that say nothing about the document: the connection, a shutdown, a deadlock, a full disk. */
function isPassing(error: Error): boolean {
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string') return /connect|terminat|timeout|closed/i.test(error.message);
  return /^(08|40|53|55|57|58|XX)/.test(code) || /^E[A-Z]+$/.test(code);
}
