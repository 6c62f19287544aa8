/** Each portal that people let us into by a consent page, from a real browser, up to what the first pull finds. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { SimulatedBooks, SimulatedPortal } from '../../simulators/contract.ts';
import { simulateFreshBooks } from '../../simulators/freshbooks.ts';
import { simulateIntuitPayments } from '../../simulators/intuit-payments.ts';
import { simulateMyob } from '../../simulators/myob.ts';
import { simulateNetSuite } from '../../simulators/netsuite.ts';
import { simulateSageIntacct } from '../../simulators/sage-intacct.ts';
import { simulateSquare } from '../../simulators/square.ts';
import { simulateWave } from '../../simulators/wave.ts';
import { simulateXero } from '../../simulators/xero.ts';
import { simulateZohoBooks } from '../../simulators/zoho-books.ts';
import { startTestServer, type TestServer } from '../../src/api/test-server.ts';
import { sql } from '../../src/db/database.ts';
import { openBrowser } from '../support/browser.ts';
import { letIn, tested } from './let-in.ts';
import { until } from './visit.ts';

let server: TestServer;
let browser: Browser;
before(async () => {
  server = await startTestServer();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

type Pullable = SimulatedPortal &
  Partial<Pick<SimulatedBooks, 'addCustomer' | 'addInvoice' | 'expireAccessTokens'>>;

type Case = {
  readonly how: string;
  readonly open: (seed: number) => Promise<Pullable>;
  readonly brings: readonly string[];
  readonly chooses?: string;
  /** What the portal is asked to permit, as it stands in the address. */
  readonly asks: RegExp;
  readonly says: RegExp;
};

const CASES: Readonly<Record<string, Case>> = {
  MYOB: {
    how: 'the way back alone tells which company file it is',
    open: (seed) => simulateMyob({ seed }),
    brings: ['companyFileId'],
    asks: /scope=sme-company-file\+sme-sales.*prompt=consent/,
    says: /MYOB company file Simulated Air Services/,
  },
  'Zoho Books': {
    how: 'the data centre comes with the way back, the only organization is taken',
    open: (seed) => simulateZohoBooks({ seed }),
    brings: ['organizationId'],
    asks: /scope=ZohoBooks\.customerpayments\.READ.*access_type=offline&prompt=consent/,
    says: /Zoho Books organization Simulated Air Services/,
  },
  Xero: {
    how: 'an organisation is chosen among several',
    open: (seed) => simulateXero({ seed, furtherOrganisations: ['Demo Company (NZ)'] }),
    brings: ['tenantId'],
    chooses: 'Simulated Air Services Ltd',
    asks: /scope=offline_access\+accounting\.payments/,
    says: /Xero organisation Simulated Air Services Ltd/,
  },
  FreshBooks: {
    how: 'an account is chosen among several',
    open: (seed) => simulateFreshBooks({ seed, furtherBusinesses: ['Demo Company (NZ)'] }),
    brings: ['accountId'],
    chooses: 'Simulated Air Services',
    asks: /scope=user%3Aprofile%3Aread\+user%3Apayments%3Aread/,
    says: /FreshBooks account Simulated Air Services/,
  },
  Wave: {
    how: 'a business is chosen among several',
    open: (seed) =>
      simulateWave({
        seed,
        role: 'books',
        credentials: 'client',
        furtherBusinesses: ['Personal'],
      }),
    brings: ['businessId'],
    chooses: 'Simulated Air Service, USD',
    asks: /scope=business%3Aread\+customer%3Aread\+invoice%3Aread\+invoice%3Awrite/,
    says: /Wave business Simulated Air Service, USD/,
  },
  'Wave, for collecting only': {
    how: 'the only business is taken',
    open: (seed) => simulateWave({ seed, credentials: 'client', billsHere: true }),
    brings: ['businessId'],
    asks: /oauth2\/authorize\/\?response_type=code/,
    says: /Wave business Simulated Air Service, USD/,
  },
  NetSuite: {
    how: 'a code that only its verifier redeems',
    open: (seed) => simulateNetSuite({ seed, way: 'consent' }),
    brings: [],
    asks: /\/app\/login\/oauth2\/authorize\.nl\?.*code_challenge=/,
    says: /NetSuite account \d+_SB1, signed in by the consent page/,
  },
  'Sage Intacct, by REST': {
    how: 'offline access is asked for',
    open: (seed) => simulateSageIntacct({ seed, api: 'rest' }),
    brings: [],
    asks: /[?&]scope=offline_access(&|$)/,
    says: /Sage Intacct REST by consent/,
  },
  'Intuit Payments': {
    how: 'both scopes are asked for, the way back tells the company',
    open: (seed) => simulateIntuitPayments({ seed }),
    brings: ['realmId'],
    asks: /scope=com\.intuit\.quickbooks\.payment\+com\.intuit\.quickbooks\.accounting/,
    says: /Simulated Air Service .*with its payments/,
  },
  Square: {
    how: 'the seller logs in, even who is logged in as somebody else',
    open: (seed) => simulateSquare({ seed, credentials: 'application' }),
    brings: [],
    asks: /scope=MERCHANT_PROFILE_READ\+PAYMENTS_READ.*session=false/,
    says: /Square seller Airworks Repair .*4 locations/,
  },
};

describe('by consent', () => {
  let seed = 4870;
  for (const [name, { how, open, asks, says, ...letting }] of Object.entries(CASES)) {
    test(`${name}: ${how}, and the first pull finds what is there`, async () => {
      seed += 1;
      const simulated = await open(seed);
      try {
        const isThere = fill(simulated, seed);
        const { id, address } = await letIn({ server, browser }, { simulated, ...letting });
        assert.match(address, asks);
        await until(isThere);
        // What came back is kept, not only the token that came with it.
        simulated.expireAccessTokens?.();
        assert.match(await tested(server, id), says);
      } finally {
        await simulated.close();
      }
    });
  }
});

/** Something to be found by the first pull: an invoice in books, else a payment. Resolves to whether it was. */
function fill(simulated: Pullable, seed: number): () => Promise<boolean> {
  const at = new Date();
  const number = `INV-${seed}`;
  const { database } = server.app;
  if (simulated.role === 'books' && simulated.addCustomer && simulated.addInvoice) {
    const person = { name: 'Northgate', email: 'ap@x.example' };
    const customerExternalId = simulated.addCustomer(person, at);
    const invoice = { number, customerExternalId, amountMinor: 12_500n, currency: 'USD' };
    simulated.addInvoice(invoice, at);
    return async () =>
      (await database.query(sql`select from invoices where number = ${number}`)).length > 0;
  }
  const customer = { externalId: `cus_${seed}`, name: 'Northgate', email: 'ap@x.example' };
  const order = { amountMinor: 12_500n, currency: 'USD', customer, invoiceNumber: number };
  const paymentId = simulated.pay(order, at);
  return async () =>
    (
      await database.query(
        sql`select from payments where external_id = ${paymentId} and received_minor = 12500`,
      )
    ).length > 0;
}
