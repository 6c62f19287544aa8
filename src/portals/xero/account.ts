/** Which organisations a consent opened, and what the connection may do there. */
import type { ConsentAccount, PortalApi } from '../contract.ts';
import { Reauthorize } from '../kit/errors.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import { accountingPath, type XeroSettings } from './settings.ts';
import { connections } from './wire.ts';

type Tenant = { readonly id: string; readonly name: string };

/** The organisations to choose from. */
export async function accounts(api: PortalApi): Promise<readonly ConsentAccount[]> {
  return (await tenants(api)).map(({ id, name }) => ({ label: name, settings: { tenantId: id } }));
}

/** What a connection reads, with the permission it takes. */
const NEEDED = [
  ['Payments', 'accounting.payments'],
  ['Invoices', 'accounting.invoices.read'],
  ['Contacts', 'accounting.contacts.read'],
] as const;
/** Prepayments go by the same permission. */
const WANTED = [['Overpayments', 'accounting.banktransactions or accounting.payments']] as const;

/** @throws Reauthorize when no organisation is chosen, the consent ended, or a permission is missing */
export async function check(api: PortalApi, settings: XeroSettings): Promise<string> {
  const { tenantId, customConnection, paymentAccount } = settings;
  const open = await tenants(api);
  const tenant = tenantId === undefined && customConnection ? open[0] : find(open, tenantId);
  if (!tenant) {
    const names = open.map(({ id, name }) => `${name} (${id})`).join(', ') || 'none';
    const wanted = tenantId === undefined ? 'no organisation is chosen yet' : `not to ${tenantId}`;
    throw new Reauthorize(
      `we are let in to ${names}, ${wanted}: open the consent page of this connection`,
    );
  }
  const refused = async (list: readonly (readonly [string, string])[]): Promise<string[]> => {
    const missing: string[] = [];
    for (const [resource, scope] of list) {
      const { status } = await api.request({
        path: accountingPath(settings, resource),
        query: { page: '1', pageSize: '1' },
        accept: [304, 401, 403],
      });
      if (status >= 400) missing.push(`${resource} (${scope})`);
    }
    return missing;
  };
  const missing = await refused(NEEDED);
  if (missing.length > 0) {
    throw new Reauthorize(
      `${tenant.name} does not let us read ${missing.join(', ')}: give consent to these scopes`,
    );
  }
  const unread = await refused(WANTED);
  return [
    `Xero organisation ${tenant.name} (${tenant.id})`,
    ...(unread.length > 0 ? [`not allowed to read ${unread.join(', ')}`] : []),
    ...(paymentAccount === undefined
      ? ['without paymentAccount no payments can be recorded there']
      : []),
  ].join('; ');
}

async function tenants(api: PortalApi): Promise<readonly Tenant[]> {
  const { body } = await api.request({ path: '/connections' });
  return readWire(connections, parseJson(body))
    .filter(({ tenantType }) => (tenantType ?? 'ORGANISATION') === 'ORGANISATION')
    .map(({ tenantId, tenantName }) => ({ id: tenantId, name: tenantName || tenantId }));
}

function find(open: readonly Tenant[], tenantId: string | undefined): Tenant | undefined {
  return open.find(({ id }) => id.toLowerCase() === tenantId?.toLowerCase());
}
