/**
 * SAP Business One by its Service Layer: payments, refunds, invoices and customers pulled, nudges that hasten it, and
 * our payments recorded.
 */
import type { PortalApi } from '../contract.ts';
import { definePortal } from '../contract.ts';
import { books } from './books.ts';
import { fetchObjects } from './fetch.ts';
import { listPath, readPage } from './listing.ts';
import { normalize } from './normalize.ts';
import { type Cursor, pull } from './pull.ts';
import { inWords } from './refusal.ts';
import { sessionOf } from './session.ts';
import { type BusinessOneSettings, settings } from './settings.ts';
import { split } from './split.ts';
import { authenticate, recognizes } from './webhook.ts';
import { ENTITIES, type Entity } from './wire.ts';

/** Reads one key of each list, so that an authorization that is missing is named. */
async function check(api: PortalApi, connection: BusinessOneSettings): Promise<string> {
  const { companyDb, userName, serviceLayerVersion, syncIdField, workOrderField } = connection;
  const ownFields: Partial<Record<Entity, string | undefined>> = {
    IncomingPayments: syncIdField,
    Invoices: workOrderField,
    DownPayments: workOrderField,
  };
  for (const entity of ENTITIES) {
    const field = ownFields[entity];
    const key = entity === 'BusinessPartners' ? 'CardCode' : 'DocEntry';
    const select = field === undefined ? [key] : [key, field];
    const path = listPath({ entity, select, top: 1 }, connection);
    const wanted = `let ${userName} read ${entity}${field === undefined ? '' : ` with ${field}`}`;
    await inWords(wanted, () => readPage(api, path));
  }
  return `SAP Business One company ${companyDb} as ${userName} (Service Layer ${serviceLayerVersion})`;
}

export const sapBusinessOne = definePortal<BusinessOneSettings, Cursor>({
  id: 'sap-business-one',
  name: 'SAP Business One',
  settings,
  tells: [
    'payment.pending',
    'payment.succeeded',
    'payment.voided',
    'refund.succeeded',
    'refund.failed',
    'invoice.upserted',
    'invoice.voided',
    'customer.upserted',
  ],
  api: {
    baseUrl: ({ apiBaseUrl, serviceLayerVersion }) => `${apiBaseUrl}/b1s/${serviceLayerVersion}`,
    auth: sessionOf,
    certificates: ({ certificateAuthority }) => certificateAuthority,
    // No limit is published; but the server is the firm’s own, and others work on it.
    requestsPerMinute: 300,
  },
  check,
  webhook: {
    recognizes,
    authenticate,
    acknowledge: { status: 200 },
    bodyLimitBytes: 64 * 1024,
  },
  split: (body) => split(body),
  normalize,
  fetch: fetchObjects,
  pull,
  books,
});
