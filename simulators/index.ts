/** Every simulated portal, each named once, as the demo and the seeded simulation open them. */
import { simulateAdyen } from './adyen.ts';
import { simulateAuthorizeNet } from './authorize-net.ts';
import { simulateBraintree } from './braintree.ts';
import { simulateChargebee } from './chargebee.ts';
import type { SimulatedPortal, SimulatorOptions } from './contract.ts';
import { simulateFreshBooks } from './freshbooks.ts';
import { simulateGeneric } from './generic.ts';
import { simulateIntuitPayments } from './intuit-payments.ts';
import { simulateMollie } from './mollie.ts';
import { simulateMyob } from './myob.ts';
import { simulateNetSuite } from './netsuite.ts';
import { simulatePaypal } from './paypal.ts';
import { simulateQuickBooks } from './quickbooks.ts';
import type { Random } from './random.ts';
import { simulateRecurly } from './recurly.ts';
import { simulateSage50 } from './sage-50.ts';
import { simulateSageIntacct } from './sage-intacct.ts';
import { simulateBusinessOne } from './sap-business-one.ts';
import { simulateServiceMobility } from './servicemobility.ts';
import { simulateShopify } from './shopify.ts';
import { simulateSquare } from './square.ts';
import { simulateStripe } from './stripe.ts';
import { simulateWave } from './wave.ts';
import { simulateXero } from './xero.ts';
import { simulateZohoBooks } from './zoho-books.ts';

/** Opens a portal; `setting` chooses among the ways in which its customers set it up. */
export type Simulate = (options: SimulatorOptions, setting: Random) => Promise<SimulatedPortal>;

export const simulators = {
  stripe: (options, setting) => simulateStripe({ ...options, extraEvents: setting.chance(0.5) }),
  mollie: simulateMollie,
  quickbooks: (options, setting) =>
    simulateQuickBooks({ ...options, notices: setting.chance(0.5) ? 'legacy' : 'cloud-events' }),
  xero: simulateXero,
  servicemobility: (options, setting) =>
    simulateServiceMobility({ ...options, reversalIds: setting.chance(0.5) ? 'own' : 'reused' }),
  chargebee: (options, setting) =>
    simulateChargebee({ ...options, billsHere: setting.chance(0.5) }),
  'authorize-net': simulateAuthorizeNet,
  paypal: simulatePaypal,
  square: (options, setting) =>
    simulateSquare({ ...options, credentials: setting.pick(['token', 'application']) }),
  shopify: (options, setting) =>
    simulateShopify({
      ...options,
      credentials: setting.chance(0.5) ? 'client' : 'token',
      ...(setting.chance(0.3) ? { topics: ['orders/paid'] } : {}),
    }),
  braintree: (options, setting) => simulateBraintree({ ...options, payouts: setting.chance(0.5) }),
  generic: (options, setting) =>
    simulateGeneric({
      ...options,
      headers: setting.chance(0.5) ? 'webhook' : 'svix',
      version: setting.chance(0.5) ? 'v1' : 'v1a',
    }),
  adyen: (options, setting) =>
    simulateAdyen({
      ...options,
      capture: setting.chance(0.5) ? 'manual' : 'automatic',
      form: setting.chance(0.3),
      basic: setting.chance(0.5),
      batches: setting.chance(0.5),
    }),
  recurly: (options, setting) =>
    simulateRecurly({
      ...options,
      format: setting.pick(['json', 'xml', 'both']),
      billsHere: setting.chance(0.5),
      captures: setting.pick(['own', 'same']),
    }),
  wave: (options, setting) =>
    simulateWave({
      ...options,
      credentials: setting.chance(0.5) ? 'token' : 'client',
      sorts: setting.chance(0.7),
      role: setting.pick(['books', 'source']),
      listsPayments: setting.chance(0.5),
      asksForOne: setting.chance(0.8),
    }),
  'intuit-payments': async (options, setting) => {
    const subscribed = setting.pick(['accounting', 'created', 'both'] as const);
    const { authorize, ...simulated } = await simulateIntuitPayments({
      ...options,
      subscribed,
      notices: setting.pick(['legacy', 'cloud-events']),
      receiptsName: setting.pick(['refund', 'charge']),
      records: subscribed === 'accounting' ? 'all' : 'invoices',
    });
    // The books know nothing of an authorization, and nothing else would tell of it.
    return subscribed === 'accounting' ? simulated : { ...simulated, authorize };
  },
  myob: (options, setting) => simulateMyob({ ...options, fileLogIn: setting.chance(0.3) }),
  freshbooks: simulateFreshBooks,
  'zoho-books': (options, setting) =>
    simulateZohoBooks({ ...options, notices: setting.pick(['default', 'raw', 'form']) }),
  netsuite: (options, setting) => {
    const role = setting.chance(0.3) ? 'source' : 'books';
    return simulateNetSuite({
      ...options,
      role,
      way: setting.pick(['certificate', 'tokens', 'consent']),
      nudges: setting.chance(0.7),
      payouts: setting.chance(0.5),
      zone: setting.pick([
        'America/Los_Angeles',
        'Europe/Berlin',
        'Asia/Kolkata',
        'Pacific/Auckland',
      ]),
      habits: {
        longStatus: setting.chance(0.5),
        negativeRefunds: setting.chance(0.5),
        // As a source its payments and refunds are compared one by one.
        refundSide: setting.pick(
          role === 'source' ? ['next', 'previous'] : ['next', 'previous', null],
        ),
        voidKeepsTotal: role === 'source' || setting.chance(0.5),
      },
    });
  },
  'sap-business-one': (options, setting) =>
    simulateBusinessOne({
      ...options,
      version: setting.chance(0.3) ? 'v1' : 'v2',
      syncIdField: setting.chance(0.5),
      foreignSums: setting.chance(0.3) ? 'local' : 'document',
      workOrderField: setting.chance(0.5),
      nudges: setting.chance(0.5),
    }),
  'sage-intacct': (options, setting) =>
    simulateSageIntacct({
      ...options,
      api: setting.chance(0.5) ? 'xml' : 'rest',
      nudges: setting.chance(0.5),
      ownSignIn: setting.chance(0.5),
      forgetRate: 0.05,
    }),
  'sage-50': (options, setting) => {
    const bridge = setting.pick(['own', 'own', 'oss', 'hyperaccounts'] as const);
    return simulateSage50({
      ...options,
      bridge,
      // Nobody else's bridge pushes.
      pushes: bridge === 'own' && setting.chance(0.5),
      dateFormat: setting.pick(['dd/mm/yyyy', 'mm/dd/yyyy']),
      ledgerByCode: setting.chance(0.5),
    });
  },
} as const satisfies Readonly<Record<string, Simulate>>;

export type SimulatorId = keyof typeof simulators;
export const SIMULATORS = Object.keys(simulators) as SimulatorId[];
