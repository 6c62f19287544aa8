/** Notices as Intuit sends them: signed, and in the two forms that accounting has had. */
import { createHmac } from 'node:crypto';
import type { SimulatedNotice } from './contract.ts';
import { type Change, companyTime } from './quickbooks-company.ts';
import type { Random } from './random.ts';

export type NoticeForm = 'legacy' | 'cloud-events';

/** What accounting sends of one change. */
export function accountingBody(
  change: Change,
  as: { readonly form: NoticeForm; readonly realmId: string; readonly random: Random },
): string {
  return as.form === 'legacy'
    ? legacyBody(change, as.realmId)
    : cloudEventsBody(change, as.realmId, as.random);
}

/** Signed as Intuit signs: the HMAC of the very bytes, in base64. */
export function signedNotice(label: string, body: string, verifierToken: string): SimulatedNotice {
  return {
    label,
    sign: () => ({
      headers: {
        'content-type': 'application/json',
        'user-agent': 'intuit_notification_server/1.0',
        'intuit-signature': createHmac('sha256', verifierToken).update(body).digest('base64'),
      },
      body: Buffer.from(body),
    }),
  };
}

function legacyBody({ entity, id, operation, at }: Change, realmId: string): string {
  const lastUpdated = companyTime(at).replace(/:(\d\d)$/, '$1');
  const entities = [{ name: entity, id, operation, lastUpdated }];
  return JSON.stringify({ eventNotifications: [{ realmId, dataChangeEvent: { entities } }] });
}

const CLOUD_OPERATIONS = {
  Create: 'created',
  Update: 'updated',
  Void: 'void',
  Delete: 'deleted',
} as const;

function cloudEventsBody(change: Change, realmId: string, random: Random): string {
  const { entity, id, operation, at } = change;
  const event = {
    specversion: '1.0',
    id: `${random.token(8)}-${random.token(4)}-${random.token(4)}-${random.token(12)}`,
    source: 'intuit.c2ltdWxhdGVk',
    type: `qbo.${entity.toLowerCase()}.${CLOUD_OPERATIONS[operation]}.v1`,
    datacontenttype: 'application/json',
    time: at.toISOString().replace('Z', '000000Z'),
    intuitentityid: id,
    intuitaccountid: realmId,
    data: {},
  };
  return JSON.stringify([event]);
}
