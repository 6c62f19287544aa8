/** What Wave's schema offers beyond what is documented, asked once for as long as the connection's API is kept. */
import { z } from 'zod';
import type { PortalApi } from '../contract.ts';
import { Rejected } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { askWave } from './graphql.ts';
import { INTROSPECTION } from './queries.ts';

export type WaveSchema = {
  /** What to ask of an invoice so that it lists its payments with their memos; empty when it does not. */
  readonly payments: string;
  /** False when a business surely lets nobody ask for one invoice by its id. */
  readonly oneInvoice: boolean;
};

/** Nothing beyond what is documented, for a schema that tells nothing of itself. */
const DOCUMENTED: WaveSchema = { payments: '', oneInvoice: true };

type WireType = {
  readonly kind?: string | null | undefined;
  readonly fields?: readonly WireField[] | null | undefined;
  readonly ofType?: WireType | null | undefined;
};
type WireField = {
  readonly name: string;
  readonly type?: WireType | null | undefined;
  readonly args?:
    | readonly { readonly type?: { readonly kind?: string | null | undefined } }[]
    | null
    | undefined;
};

const type: z.ZodType<WireType> = z.lazy(() =>
  z.object({
    kind: z.string().nullish(),
    fields: z.array(field).nullish(),
    ofType: type.nullish(),
  }),
);
const field: z.ZodType<WireField> = z.lazy(() =>
  z.object({
    name: z.string(),
    type: type.nullish(),
    args: z.array(z.object({ type: z.object({ kind: z.string().nullish() }) })).nullish(),
  }),
);
const answer = z.object({ data: z.object({ invoice: type.nullish(), business: type.nullish() }) });

const asked = new WeakMap<PortalApi, Promise<WaveSchema>>();

/** @throws RetryLater, Reauthorize, WireMismatch */
export function schemaOf(api: PortalApi): Promise<WaveSchema> {
  const known = asked.get(api);
  if (known) return known;
  const schema = introspect(api);
  schema.catch(() => asked.delete(api));
  asked.set(api, schema);
  return schema;
}

/** What the schema told of its payments does not hold: they are not asked for again. */
export function forgetPayments(api: PortalApi, schema: WaveSchema): void {
  asked.set(api, Promise.resolve({ ...schema, payments: '' }));
}

async function introspect(api: PortalApi): Promise<WaveSchema> {
  try {
    const body = await askWave(api, { query: INTROSPECTION });
    const { invoice, business } = readWire(answer, parseExactJson(body)).data;
    return {
      payments: paymentsOf(invoice?.fields ?? []),
      oneInvoice: business?.fields?.some(({ name }) => name === 'invoice') ?? true,
    };
  } catch (error) {
    if (error instanceof Rejected) return DOCUMENTED;
    throw error;
  }
}

/** Only a plain list of payments that have an amount and a memo is of use; its amount is a text or has a value. */
function paymentsOf(fields: readonly WireField[]): string {
  const payments = fields.find(({ name }) => name === 'payments');
  const mustBeAsked = payments?.args?.some((one) => one.type?.kind === 'NON_NULL') ?? false;
  const element = elementOf(payments?.type);
  if (!element?.isListed || mustBeAsked) return '';
  const typeOf = (name: string) => element.fields.find((one) => one.name === name)?.type;
  const amount = bare(typeOf('amount'));
  const memo = bare(typeOf('memo'));
  if (!amount || memo?.kind !== 'SCALAR') return '';
  return `payments { ${amount.kind === 'SCALAR' ? 'amount' : 'amount { value }'} memo }`;
}

function elementOf(
  given: WireType | null | undefined,
  isListed = false,
): { readonly isListed: boolean; readonly fields: readonly WireField[] } | undefined {
  if (!given) return undefined;
  if (given.kind === 'LIST' || given.kind === 'NON_NULL') {
    return elementOf(given.ofType, isListed || given.kind === 'LIST');
  }
  return { isListed, fields: given.fields ?? [] };
}

function bare(given: WireType | null | undefined): WireType | undefined {
  return given?.kind === 'NON_NULL' ? bare(given.ofType) : (given ?? undefined);
}
