/** Files of a portal (bank statements, exports), as they are. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { App } from '../../app.ts';
import { type Connection, loadConnection } from '../../intake/connections.ts';
import { NotUploadable, storeUpload } from '../../intake/upload.ts';
import { portals } from '../../portals/index.ts';
import { actorOf } from '../access.ts';
import { idParams } from '../ids.ts';
import { notFound, Problem } from '../problems.ts';
import type { Api } from '../routing.ts';

const file = z.unknown().meta({
  type: 'string',
  format: 'binary',
  description: 'The bytes of the file, whatever their content type.',
});

const uploadAnswer = z
  .object({
    connectionId: z.string(),
    documents: z.number().int().meta({ description: 'How many documents the file holds.' }),
    new: z.number().int(),
    known: z.number().int().meta({ description: 'Came before, with this file or another one.' }),
    setAside: z.array(z.string()).meta({
      description: 'Why parts of it cannot be read; such documents are quarantined.',
    }),
  })
  .meta({ id: 'Upload' });

/** The routes have a scope of their own, in which a body is bytes and may be as large as a portal's files. */
export async function registerFiles(api: Api, app: App): Promise<void> {
  await api.register(async (plain: FastifyInstance) => {
    const bodyLimit = Math.max(0, ...portals.map((portal) => portal.uploadLimitBytes ?? 0)) + 1;
    plain.removeAllContentTypeParsers();
    plain.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) =>
      done(null, body),
    );
    const scope = plain.withTypeProvider<ZodTypeProvider>();
    scope.post(
      '/connections/:id/files',
      {
        config: { access: 'write-payments' },
        bodyLimit,
        schema: {
          tags: ['connections'],
          summary: 'Take in a file of the portal; the same file again, or an overlap, is free.',
          consumes: ['application/octet-stream'],
          params: idParams,
          body: file,
          response: { 202: uploadAnswer },
        },
      },
      async ({ params, body, caller }, reply) => {
        const connection = await loadConnection(app, params.id, caller.organizationId);
        if (!connection) throw notFound(`Connection ${params.id}`);
        const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
        const stored = await upload(app, { connection, body: bytes, actor: actorOf(caller) });
        app.wakeApplier(caller.organizationId);
        const { setAside, ...counts } = stored;
        return reply
          .code(202)
          .send({ connectionId: connection.id, ...counts, setAside: [...setAside] });
      },
    );
  });
}

async function upload(
  app: App,
  input: { readonly connection: Connection; readonly body: Buffer; readonly actor: string },
) {
  try {
    return await storeUpload(app, input);
  } catch (error) {
    if (!(error instanceof NotUploadable)) throw error;
    const code = error.because === 'too-large' ? 'body-too-large' : 'not-uploadable';
    throw new Problem(code, `${error.message}.`);
  }
}
