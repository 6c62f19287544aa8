/** What a connection may do, asked once with a person watching. */
import type { PortalApi } from '../contract.ts';
import { Rejected } from '../kit/errors.ts';
import { callGateway } from './gateway.ts';
import { queryRest } from './rest.ts';
import type { SageIntacctSettings } from './settings.ts';
import { REST_OBJECTS, XML_OBJECTS } from './wire.ts';
import { compare, query, readByQuery } from './xml-functions.ts';

/** What is read, with the permission it takes; read in this order, so that the first that is missing is named. */
const NEEDED = [
  ['payment', 'Accounts Receivable > Posted payments: List, View'],
  ['invoice', 'Accounts Receivable > Invoices: List, View'],
  ['customer', 'Accounts Receivable > Customers: List, View'],
] as const;

/** @throws Reauthorize, Rejected naming the permission that is missing */
export async function check(api: PortalApi, settings: SageIntacctSettings): Promise<string> {
  const said =
    settings.api === 'xml' ? await checkXml(api, settings) : await checkRest(api, settings);
  const { financialEntity, undepositedAccountNo } = settings;
  const account = financialEntity ?? undepositedAccountNo;
  return [
    ...said,
    ...(account === undefined
      ? ['without financialEntity or undepositedAccountNo no payments can be recorded there']
      : []),
  ].join('; ');
}

async function checkXml(api: PortalApi, settings: SageIntacctSettings): Promise<readonly string[]> {
  let account = '';
  let visible = 0;
  for (const [kind, permission] of NEEDED) {
    const object = XML_OBJECTS[kind];
    const asked = { object, query: '', fields: ['RECORDNO'], pageSize: 1 };
    const answer = await permitted(object, permission, () =>
      callGateway(api, 'check', readByQuery(asked)),
    );
    account = answer.account;
    if (kind === 'payment') visible = answer.total ?? 0;
  }
  const { entity, showPrivate } = settings;
  const sentence = `Sage Intacct: ${account}${entity === undefined ? '' : ` in entity ${entity}`}`;
  if (entity !== undefined || showPrivate) return [sentence];
  const hidden = (await countPayments(api)) - visible;
  return hidden > 0
    ? [sentence, `${hidden} payments are private to entities and not read: set showPrivate`]
    : [sentence];
}

/** All there are, private ones among them. */
async function countPayments(api: PortalApi): Promise<number> {
  const all = query({
    object: XML_OBJECTS.payment,
    select: ['RECORDNO'],
    filter: compare('greaterthan', 'RECORDNO', '0'),
    orderBy: 'RECORDNO',
    pageSize: 1,
    offset: 0,
  });
  return (await callGateway(api, 'check', all)).total ?? 0;
}

async function checkRest(
  api: PortalApi,
  { entity, username }: SageIntacctSettings,
): Promise<readonly string[]> {
  const read = (object: string) =>
    queryRest(api, { object, fields: ['key'], filters: [], start: 1, size: 1 });
  for (const [kind, permission] of NEEDED) {
    await permitted(REST_OBJECTS[kind], permission, () => read(REST_OBJECTS[kind]));
  }
  const who = username === undefined ? 'by consent' : `as ${username}`;
  const sentence = `Sage Intacct REST ${who}${entity === undefined ? '' : ` in entity ${entity}`}`;
  try {
    await read(REST_OBJECTS.advance);
    return [sentence];
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    return [sentence, `advances are not read: ${error.message}`];
  }
}

async function permitted<T>(
  object: string,
  permission: string,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    const { status, body, message } = error;
    const sentence = `Intacct does not let us read ${object}; give the user ${permission} (${message})`;
    throw new Rejected(sentence, { status, body });
  }
}
