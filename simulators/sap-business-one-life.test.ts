/** The life of one payment at a simulated company, with what goes wrong on the way; and what the simulator refuses. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Rejected } from '../src/portals/kit/errors.ts';
import {
  connect,
  fill,
  minutes,
  pullRound,
} from '../src/portals/sap-business-one/simulated-connection.ts';
import { loseFirstAnswer, tellLifeOfRecord } from '../test/support/life-of-record.ts';

for (const version of ['v2', 'v1'] as const) {
  test(`connected, pulled, recorded once though the answer was lost, read back, taken back (${version})`, async () => {
    const meddle = loseFirstAnswer(({ method }) => method === 'POST');
    await using connection = await connect({ version, syncIdField: version === 'v2', meddle });
    await tellLifeOfRecord<Awaited<ReturnType<typeof pullRound>>>({
      portal: 'sap-business-one',
      connection,
      simulated: connection.company,
      books: fill(connection.company),
      receivedOn: '2026-10-14',
      pull: (minute, before) => pullRound(connection, { ...before, at: minutes(minute) }),
    });
  });
}

describe('the simulator is as strict as the Service Layer', () => {
  const refusedFor = async (path: string, words: RegExp, version: 'v1' | 'v2' = 'v2') => {
    await using connection = await connect({ version });
    fill(connection.company);
    await assert.rejects(
      connection.api.request({ path }),
      (error) => error instanceof Rejected && words.test(error.body),
      path,
    );
  };

  test('payments have no day of change, and nothing has a property that it has not', async () => {
    const day = "ge%20'2026-10-14'";
    await refusedFor(`IncomingPayments?$filter=UpdateDate%20${day}`, /'UpdateDate' of 'Payment'/);
    await refusedFor(`IncomingPayments?$filter=CreationDate%20${day}`, /'CreationDate' of/);
    await refusedFor('IncomingPayments?$select=DocTotal', /'DocTotal' of 'Payment'/);
    await refusedFor('Invoices?$orderby=CardNo', /'CardNo' of 'Document'/);
    await refusedFor(`BusinessPartners?$filter=CreateDate%20${day}`, /'CreateDate' of/, 'v1');
  });

  test('enumerations and days stand in quotes, numbers do not', async () => {
    await refusedFor('IncomingPayments?$filter=Cancelled%20eq%20tYES', /Invalid filter/);
    await refusedFor("IncomingPayments?$filter=DocEntry%20eq%20'1204'", /Invalid filter/);
    await refusedFor('Invoices?$filter=UpdateDate%20ge%202026-10-14', /Invalid filter/, 'v1');
    await refusedFor('Invoices?$filter=DocEntry%20gt', /Invalid filter/);
    await refusedFor('Invoices?$filter=DocEntry+gt+1', /plus sign/);
    await refusedFor('Invoices?$expand=Lines', /\$expand/);
  });

  test('errors have the shape of their version', async () => {
    await refusedFor('Invoices?$select=X', /"code":"-1000","message":"Property/);
    await refusedFor('Invoices?$select=X', /"code":-1000,"message":\{"lang":"en-us"/, 'v1');
    await refusedFor('Invoices(1)', /-2028/);
  });
});
