/** Proves the credentials and each permission that reading needs, and that we read the account's clock rightly. */
import type { PortalApi } from '../contract.ts';
import { Rejected } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { instantOf } from './instants.ts';
import { askSurely, readTransactions } from './reading.ts';
import { type NetSuiteSettings, signInOf } from './settings.ts';
import { cell, type Row, statements } from './suiteql.ts';
import { modifiedRecord } from './wire.ts';

const WAYS = {
  certificate: 'by certificate',
  tokens: 'by access tokens',
  consent: 'by the consent page',
} as const;

const NEEDED =
  'REST Web Services, SuiteAnalytics Workbook, Find Transaction, Customer Payment, Customer Deposit, Customer Refund, ' +
  'Invoice, Customers, Currency, Accounts';

/** @throws Rejected naming the permission that is missing, or the setting that is wrong */
export async function check(api: PortalApi, settings: NetSuiteSettings): Promise<string> {
  const { accountId, accountTimeZone } = settings;
  const [payment] = await named(NEEDED, 'the transactions', async () => {
    const { rows } = await readTransactions(api, statements.newestPayment(settings), 1);
    return rows;
  });
  const place = { since: '2100-01-01 00:00:00', fromId: '0', afterId: '0' };
  await named('Customers', 'the customers', () =>
    askSurely(api, statements.changedCustomers(place), { limit: 1 }),
  );
  await named('Deleted Records', 'what was deleted', () =>
    askSurely(api, statements.deletedRecords(place), { limit: 1 }),
  );
  const clock = payment ? await compareClocks(api, payment, accountTimeZone) : 'not seen yet';
  return `NetSuite account ${accountId}, signed in ${WAYS[signInOf(settings).way]}; its clock is ${clock}`;
}

async function named<T>(permissions: string, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    const { status, body } = error;
    const message = `a query for ${what} was refused (${error.message}); the role needs ${permissions}`;
    throw new Rejected(message, { status, body });
  }
}

/** A record tells its instants in UTC; what a query shows of the same one must be that on the account's clock. */
async function compareClocks(api: PortalApi, payment: Row, timeZone: string): Promise<string> {
  const [id, shown] = [cell(payment, 'id'), cell(payment, 'modified')];
  if (id === undefined || shown === undefined) return 'not seen yet';
  const { body } = await api.request({
    path: `/services/rest/record/v1/customerPayment/${encodeURIComponent(id)}`,
  });
  const { lastModifiedDate } = readWire(modifiedRecord, parseExactJson(body));
  const told = instantOf(lastModifiedDate, 'lastModifiedDate', 'UTC');
  const read = instantOf(shown, 'modified', timeZone);
  const minutes = Math.round((Date.parse(read) - Date.parse(told)) / 60_000);
  if (minutes === 0) return `that of ${timeZone}`;
  const message =
    `accountTimeZone is wrong: the account shows ${shown} for ${told}, which is ${Math.abs(minutes)} minutes ` +
    `${minutes > 0 ? 'before' : 'after'} that time in ${timeZone}`;
  throw new Rejected(message, { status: 200, body: '' });
}
