/** What the HTTP side of a simulated Wave is asked, knows and answers in general. */
import type { AuthorizationServer } from './authorization-server.ts';
import type { SimulatedAnswer } from './faulty-server.ts';
import type { WaveInvoice } from './wave-business.ts';

export type WaveApi = {
  readonly businessId: string;
  /** Businesses of the same person beside the simulated one. */
  readonly furtherBusinesses: readonly string[];
  readonly homeCurrency: string;
  readonly invoices: WaveInvoice[];
  /** A full access token of the owner's. */
  readonly accessToken: string;
  readonly sorts: boolean;
  readonly billsHere: boolean;
  /** What of the schema is in doubt: an invoice's list of its payments, and asking for one invoice. */
  readonly offers: { readonly payments: boolean; readonly oneInvoice: boolean };
  readonly authorization: AuthorizationServer;
  /** Asset accounts by id. */
  readonly accounts: ReadonlyMap<string, string>;
  /** When somebody last did something: what the API changes is changed then. */
  now: Date;
  lastPayment: number;
};

export type Asked = {
  readonly query: string;
  readonly variables: {
    readonly businessId?: string;
    readonly invoiceId?: string;
    readonly page?: number;
    readonly pageSize?: number;
    readonly input?: Readonly<Record<string, unknown>>;
  };
};

export function ok(data: unknown): SimulatedAnswer {
  return { status: 200, body: { data } };
}

/** An error as Wave tells one: with HTTP 200. */
export function fault(code: string, message: string): SimulatedAnswer {
  return { status: 200, body: { errors: [{ extensions: { code }, message }], data: null } };
}
