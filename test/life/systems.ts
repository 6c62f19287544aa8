/**
 * The accounting systems whose life is told, one entry each.
 *
 * To add one: its simulator hands `options.between` to `serveFaulty`, and in `recordedPayments` marks what was taken
 * back (`takenBack`) or leaves it out. Then an entry says how it is opened and connected, and which requests record.
 * What it sends by itself, and whether it lets payments be taken back, is read from the portal's definition.
 *
 * A portal that only takes payments gets an entry as well: the books it is recorded in, and itself as the `payer`.
 * What is written by XML or GraphQL is recognised by the body (`/<create_arpayment>/`), as `writes` sees both.
 */
import type {
  SimulatedBooks,
  SimulatedPortal,
  SimulatorOptions,
} from '../../simulators/contract.ts';
import { simulateFreshBooks } from '../../simulators/freshbooks.ts';
import { simulateIntuitPayments } from '../../simulators/intuit-payments.ts';
import { simulateMyob } from '../../simulators/myob.ts';
import { simulateNetSuite } from '../../simulators/netsuite.ts';
import { simulateQuickBooks } from '../../simulators/quickbooks.ts';
import { simulateSage50 } from '../../simulators/sage-50.ts';
import { simulateSageIntacct } from '../../simulators/sage-intacct.ts';
import { simulateBusinessOne } from '../../simulators/sap-business-one.ts';
import { simulateServiceMobility } from '../../simulators/servicemobility.ts';
import { simulateStripe } from '../../simulators/stripe.ts';
import { simulateWave } from '../../simulators/wave.ts';
import { simulateXero } from '../../simulators/xero.ts';
import { simulateZohoBooks } from '../../simulators/zoho-books.ts';
import type { Consent } from './connect.ts';

export type PayingPortal = SimulatedPortal & Pick<SimulatedBooks, 'expireAccessTokens'>;

export type Payer = {
  open(options: SimulatorOptions): Promise<PayingPortal>;
  /** Settings kept from us, so that nothing but its notices can bring a payment; none where it sends no notices. */
  readonly without: readonly string[];
  readonly consent?: Consent;
  /** As of a system; where it is given, the tokens that die are the payer's. */
  readonly renews?: RegExp;
  /** What it sends of the second payment is lost, so that the pull finds it. */
  readonly isPulled?: true;
};

type EitherRole = Omit<SimulatedBooks, 'role'> & { readonly role: 'source' | 'books' };

export type System = {
  open(options: SimulatorOptions): Promise<SimulatedBooks>;
  /** Absent: connected by its settings alone. */
  readonly consent?: Consent;
  /** Requests that record a payment or take it back: `POST /path?query`, then the body. */
  readonly writes: RegExp;
  /** The request that renews the token or logs in anew, where the portal forgives that its answer is lost. */
  readonly renews?: RegExp;
  /** Where the customers pay by card; Stripe when absent. */
  readonly payer?: Payer;
  /** It tells of no payments: of our record only its invoices show that something was paid, minutes later. */
  readonly isSilent?: true;
};

export const STRIPE: Payer = { open: simulateStripe, without: ['secretKey'] };
const SERVICEMOBILITY: Payer = { open: simulateServiceMobility, without: [] };
const INTUIT_TOKENS = /^POST \/oauth2\/v1\/tokens\/bearer/;
/** In a company of its own, so that nobody but us records there what it takes. */
const INTUIT_PAYMENTS: Payer = {
  open: simulateIntuitPayments,
  without: [],
  consent: { tells: 'realmId' },
  renews: INTUIT_TOKENS,
  isPulled: true,
};

const QUICKBOOKS = {
  open: simulateQuickBooks,
  consent: { tells: 'realmId' },
  writes: /^POST \/v3\/company\/\d+\/payment\b/,
  renews: INTUIT_TOKENS,
} satisfies System;
const NETSUITE_WRITES = /^(PUT|DELETE) \/services\/rest\/record\/v1\/customerPayment\//;
const NETSUITE_TOKENS = /^POST \/services\/rest\/auth\/oauth2\/v1\/token/;

export const systems = {
  quickbooks: QUICKBOOKS,
  'intuit-payments': { ...QUICKBOOKS, payer: INTUIT_PAYMENTS },
  xero: {
    open: (options) => simulateXero({ ...options, furtherOrganisations: ['Demo Company (NZ)'] }),
    consent: { tells: 'tenantId', choose: 'Simulated Air Services Ltd' },
    writes: /^(PUT|POST) \/api\.xro\/2\.0\//,
    renews: /^POST \/connect\/token/,
  },
  freshbooks: {
    open: (options) => simulateFreshBooks({ ...options, furtherBusinesses: ['Demo Company'] }),
    consent: { tells: 'accountId', choose: 'Simulated Air Services' },
    writes: /^(POST|PUT) \/accounting\/account\/\w+\/payments\/payments/,
  },
  'zoho-books': {
    open: simulateZohoBooks,
    consent: { tells: 'organizationId' },
    writes: /^(POST|DELETE) \/books\/v3\/customerpayments/,
    renews: /^POST \/oauth\/v2\/token/,
    payer: SERVICEMOBILITY,
  },
  myob: {
    open: simulateMyob,
    consent: { tells: 'companyFileId' },
    writes: /^(POST|DELETE) \/accountright\/[\w-]+\/Sale\/CustomerPayment/,
    renews: /^POST \/oauth2\/v1\/authorize/,
  },
  wave: {
    open: (options) =>
      asBooks(
        simulateWave({
          ...options,
          role: 'books',
          credentials: 'client',
          furtherBusinesses: ['Personal'],
        }),
      ),
    consent: { tells: 'businessId', choose: 'Simulated Air Service, USD' },
    writes: /\binvoicePaymentCreateManual\(/,
    renews: /^POST \/oauth2\/token/,
    isSilent: true,
  },
  'sage-intacct': {
    open: (options) => simulateSageIntacct({ ...options, api: 'rest', nudges: true }),
    consent: {},
    writes: /^POST \/ia\/api\/v1\/(objects|workflows)\/accounts-receivable\//,
    renews: /^POST \/ia\/api\/v1\/oauth2\/token/,
  },
  'sage-intacct-xml': {
    open: (options) => simulateSageIntacct({ ...options, nudges: true }),
    writes: /<function\b[^>]*><(create|create_arpayment|reverse_arpayment)\b/,
    renews: /<getAPISession\b/,
  },
  'sage-50': {
    open: (options) => simulateSage50({ ...options, pushes: true }),
    writes: /^POST \/v1\/receipts/,
  },
  netsuite: {
    open: (options) => asBooks(simulateNetSuite({ ...options, way: 'consent' })),
    consent: {},
    writes: NETSUITE_WRITES,
    renews: NETSUITE_TOKENS,
  },
  'netsuite-certificate': {
    open: (options) => asBooks(simulateNetSuite({ ...options, way: 'certificate' })),
    writes: NETSUITE_WRITES,
    renews: NETSUITE_TOKENS,
  },
  'sap-business-one': {
    open: (options) => simulateBusinessOne({ ...options, nudges: true }),
    writes: /^POST \/b1s\/v2\/IncomingPayments/,
    renews: /^POST \/b1s\/v2\/Login/,
  },
} as const satisfies Readonly<Record<string, System>>;

export type SystemId = keyof typeof systems;
export const SYSTEMS = Object.keys(systems) as SystemId[];

/** Of a portal that can also be a source alone. */
async function asBooks(opened: Promise<EitherRole>): Promise<SimulatedBooks> {
  return { ...(await opened), role: 'books' };
}
