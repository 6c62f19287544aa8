/** Files by which people import our payments into books that no program may write to. */
import type { App } from '../../app.ts';
import { empty, sql } from '../../db/database.ts';
import {
  downloadImportFile,
  NoImportFile,
  requestImportFile,
} from '../../delivery/fetch-import-file.ts';
import { actorOf } from '../access.ts';
import { idParams, readId, showId } from '../ids.ts';
import { importFileJson, readImportFiles } from '../json/import-file.ts';
import { cutPage, pageOf, pageQuery, readCursor } from '../paging.ts';
import { notFound, Problem } from '../problems.ts';
import type { Api } from '../routing.ts';
import { readSnapshot } from '../snapshot.ts';

export function registerImportFiles(api: Api, app: App): void {
  api.get(
    '/systems/:id/import-files',
    {
      config: { access: 'read' },
      schema: {
        tags: ['systems'],
        summary:
          'What was written for people to import, the newest first, and what of it was seen.',
        params: idParams,
        querystring: pageQuery,
        response: { 200: pageOf(importFileJson) },
      },
    },
    async ({ params, query, caller: { organizationId } }) => {
      const cursor = readCursor(query);
      return readSnapshot(app.database, async (tx) => {
        const [system] = await tx.query(
          sql`select from systems where organization_id = ${organizationId} and id = ${params.id}`,
        );
        if (!system) throw notFound(`System ${params.id}`);
        const page = await readImportFiles(tx, {
          organizationId,
          condition: sql`f.system_id = ${params.id}
            ${cursor === undefined ? empty : sql`and f.id < ${cursor}`}`,
          limit: query.limit + 1,
        });
        const { rows, next } = cutPage(page, query.limit, ({ id }) => id);
        return { data: rows.map(({ json }) => json), next };
      });
    },
  );

  registerCut(api, app);
  registerDownload(api, app);
}

function registerCut(api: Api, app: App): void {
  api.post(
    '/systems/:id/import-files',
    {
      config: { access: 'write-payments' },
      schema: {
        tags: ['systems'],
        summary:
          'Write what waits into a file now instead of a quarter of an hour after the first.',
        params: idParams,
        response: { 201: importFileJson },
      },
    },
    async ({ params, caller }, reply) => {
      const { organizationId } = caller;
      const [known] = await app.database.query(
        sql`select from systems where organization_id = ${organizationId} and id = ${params.id}`,
      );
      if (!known) throw notFound(`System ${params.id}`);
      const asked = { organizationId, systemId: params.id, actor: actorOf(caller) };
      const { id } = await orNone(requestImportFile(app, asked));
      const [file] = await readImportFiles(app.database, {
        organizationId,
        condition: sql`f.id = ${id}`,
      });
      if (!file) throw notFound(showId('import-file', id));
      return reply.code(201).send(file.json);
    },
  );
}

async function orNone<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof NoImportFile) throw new Problem('no-import-file', error.message);
    throw error;
  }
}

function registerDownload(api: Api, app: App): void {
  api.get(
    '/import-files/:id/content',
    {
      config: { access: 'write-payments' },
      schema: {
        tags: ['systems'],
        summary: 'The file as it was written. It counts as downloaded; import it once.',
        params: idParams,
      },
    },
    async ({ params, caller }, reply) => {
      const { organizationId } = caller;
      const id = readId('import-file', params.id);
      const asked = { organizationId, id, actor: actorOf(caller) };
      const file = await downloadImportFile(app, asked);
      if (!file) throw notFound(params.id);
      return reply
        .type('application/octet-stream')
        .header('content-disposition', `attachment; filename="${file.name}"`)
        .header('cache-control', 'no-store')
        .header('content-security-policy', "default-src 'none'; sandbox")
        .serializer((value: unknown) => value as string)
        .send(file.body);
    },
  );
}
