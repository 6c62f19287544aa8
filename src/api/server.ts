/** The HTTP server: health, webhooks, the guarded API and the console. */
import helmet from '@fastify/helmet';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import {
  createJsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import type { App } from '../app.ts';
import { guard, openAuthenticator } from './access.ts';
import { consentPages } from './consent.ts';
import { consolePlugin } from './console.ts';
import { answerProblems, answerUnknownPath, describeProblems } from './errors.ts';
import { registerHealth } from './health.ts';
import { registerConnections } from './resources/connections.ts';
import { registerCustomers } from './resources/customers.ts';
import { registerDocuments } from './resources/documents.ts';
import { registerFiles } from './resources/files.ts';
import { registerImportFiles } from './resources/import-files.ts';
import { registerLedger } from './resources/ledger.ts';
import { registerPayments } from './resources/payments.ts';
import { registerReceivables } from './resources/receivables.ts';
import { registerReviewItems } from './resources/review-items.ts';
import { registerSystems } from './resources/systems.ts';
import { registerTryBody } from './resources/try-body.ts';
import { registerStream } from './sse/stream.ts';
import { webhooks } from './webhooks.ts';

/** Builds the server; the caller listens and closes. */
export async function buildServer(app: App): Promise<FastifyInstance> {
  const server = Fastify({
    loggerInstance: app.log as FastifyBaseLogger,
    // A line a webhook would cost more than the webhook; failures are logged where they happen.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: app.config.bodyLimitBytes,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 400 },
  });
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  answerProblems(server);
  await server.register(helmet, {
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        // The console's components set styles on elements.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        // Self-hosted firms often serve plain HTTP inside their network.
        upgradeInsecureRequests: null,
      },
    },
    strictTransportSecurity: app.config.publicUrl.startsWith('https:'),
  });
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Checkvalve',
        version: '1',
        description: 'Errors are RFC 9457 problem+json with a stable code; lists are paged.',
      },
      components: { securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } } },
      security: [{ apiKey: [] }],
    },
    transform: createJsonSchemaTransform({ zodToJsonConfig: { unrepresentable: 'any' } }),
    transformObject: jsonSchemaTransformObject,
  });
  registerHealth(server, app);
  await server.register(webhooks, { app });
  await server.register(consentPages, { app });
  await server.register((api) => registerApi(api, app), { prefix: '/api/v1' });
  server.get('/openapi.json', { schema: { hide: true } }, async () => server.swagger());
  server.setNotFoundHandler(answerUnknownPath);
  await server.register(consolePlugin);
  await server.ready();
  return server;
}

async function registerApi(plain: FastifyInstance, app: App): Promise<void> {
  const api = plain.withTypeProvider<ZodTypeProvider>();
  const authenticate = openAuthenticator(app);
  guard(plain, authenticate);
  describeProblems(plain);
  plain.setNotFoundHandler(answerUnknownPath);
  // Only JSON is understood; any other body is answered 415.
  plain.removeContentTypeParser('text/plain');
  registerPayments(api, app);
  registerCustomers(api, app);
  registerReceivables(api, app);
  registerDocuments(api, app);
  registerReviewItems(api, app);
  registerLedger(api, app);
  registerConnections(api, app);
  registerSystems(api, app);
  registerImportFiles(api, app);
  registerTryBody(api, app.now);
  await registerFiles(api, app);
  await registerStream(api, app, authenticate);
}
