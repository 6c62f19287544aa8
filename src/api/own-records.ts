/** Enters what our own side says and waits until the books have taken it. */
import type { FastifyRequest } from 'fastify';
import type { App } from '../app.ts';
import { waitForOutcome } from '../apply/outcome.ts';
import type { OwnRecordInput } from '../intake/own-document.ts';
import { storeOwnRecord } from '../intake/store.ts';
import { type Answer, answerOnce, documentKey, idempotencyKey } from './idempotency.ts';
import { showId } from './ids.ts';
import { Problem } from './problems.ts';

const WAIT_MS = 5_000;

/** The answer while a stored record waits for its turn. */
export type Accepted = { readonly documentId: string; readonly status: 'received' };

/**
 * Stores the record, lets it be applied, and answers with what it became, which `read` reads.
 * 202 with the document's id when that takes longer than a request should last.
 * @throws Problem quarantined with the reason when the books refused it.
 */
export function enterRecord(
  app: App,
  request: FastifyRequest,
  input: {
    readonly record: OwnRecordInput;
    /** Everything the client said, for comparing with an earlier request of the same key. */
    readonly fields: Readonly<Record<string, unknown>>;
    readonly status: 200 | 201;
    readonly read: () => Promise<unknown>;
  },
): Promise<Answer> {
  const { organizationId } = request.caller;
  const key = idempotencyKey(request);
  const fields = { request: `${request.method} ${request.routeOptions.url}`, ...input.fields };
  return answerOnce(app.database, { organizationId, key, fields }, async () => {
    const dedupeKey = documentKey(key);
    const { documentId } = await storeOwnRecord(app.database, {
      organizationId,
      record: input.record,
      origin: 'api',
      ...(dedupeKey === undefined ? {} : { key: dedupeKey }),
      receivedAt: app.now(),
    });
    app.wakeApplier(organizationId);
    const outcome = await waitForOutcome(app.database, {
      organizationId,
      documentId,
      timeoutMs: WAIT_MS,
    });
    const document = showId('document', documentId);
    if (!outcome) {
      return { status: 202, body: { documentId: document, status: 'received' } satisfies Accepted };
    }
    if (outcome.status === 'quarantined') {
      throw new Problem('quarantined', outcome.reason ?? 'It could not be applied.', {
        documentId: document,
      });
    }
    return { status: input.status, body: await input.read() };
  });
}
