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
import { simulateMyob } from '../../simulators/myob.ts';
import { simulateQuickBooks } from '../../simulators/quickbooks.ts';
import { simulateServiceMobility } from '../../simulators/servicemobility.ts';
import { simulateStripe } from '../../simulators/stripe.ts';
import { simulateXero } from '../../simulators/xero.ts';
import { simulateZohoBooks } from '../../simulators/zoho-books.ts';

export type Payer = {
  open(options: SimulatorOptions): Promise<SimulatedPortal>;
  /** Settings kept from us, so that nothing but its notices can bring a payment; none where it sends no notices. */
  readonly without: readonly string[];
};

export type System = {
  open(options: SimulatorOptions): Promise<SimulatedBooks>;
  /** Absent: connected by its settings alone. */
  readonly consent?: {
    /** The setting that names the account; we learn it by the consent. */
    readonly tells: string;
    /** The account to choose, where the consent opens several. */
    readonly choose?: string;
  };
  /** Requests that record a payment or take it back: `POST /path?query`, then the body. */
  readonly writes: RegExp;
  /** The request that renews the access token, where the portal forgives that its answer is lost. */
  readonly renews?: RegExp;
  /** Where the customers pay by card; Stripe when absent. */
  readonly payer?: Payer;
};

export const STRIPE: Payer = { open: simulateStripe, without: ['secretKey'] };
const SERVICEMOBILITY: Payer = { open: simulateServiceMobility, without: [] };

export const systems = {
  quickbooks: {
    open: simulateQuickBooks,
    consent: { tells: 'realmId' },
    writes: /^POST \/v3\/company\/\d+\/payment\b/,
    renews: /^POST \/oauth2\/v1\/tokens\/bearer/,
  },
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
} as const satisfies Readonly<Record<string, System>>;

export type SystemId = keyof typeof systems;
export const SYSTEMS = Object.keys(systems) as SystemId[];
