/** What Braintree answers in GraphQL: transactions, refunds and disputes, read into facts. */
import { z } from 'zod';
import type { Payer } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { readWire, wireDecimal } from '../kit/wire.ts';
import { type DisputeFacts, type Passed, type PaymentFacts, utc } from './facts.ts';
import { methodOfSnapshot } from './methods.ts';
import { referencesOf } from './references.ts';
import type { Settings } from './settings.ts';

const text = z.string().nullish();
const money = z.object({ value: wireDecimal, currencyCode: z.string() }).nullish();
const code = text.transform((value) => value?.toLowerCase() ?? undefined);
const instant = text.transform((value) => (value ? utc(value) : undefined));

const response = z.object({ legacyCode: text, message: text }).nullish();
const payment = z.object({
  __typename: z.enum(['Transaction', 'Refund']),
  legacyId: z.string().min(1),
  createdAt: instant,
  amount: money,
  orderId: text,
  status: code,
  statusHistory: z
    .array(
      z.object({
        status: code,
        timestamp: instant,
        processorResponse: response,
        gatewayRejectionReason: code,
      }),
    )
    .nullish(),
  purchaseOrderNumber: text,
  customFields: z.array(z.object({ name: text, value: text })).nullish(),
  customer: z
    .object({ legacyId: text, company: text, firstName: text, lastName: text, email: text })
    .nullish(),
  billingAddress: z.object({ company: text, fullName: text }).nullish(),
  paymentMethodSnapshot: z
    .object({
      __typename: text,
      origin: z.object({ type: text }).nullish(),
      cardholderName: text,
      accountholderName: text,
      achReturnCode: text,
      payer: z.object({ email: text, firstName: text, lastName: text }).nullish(),
      transactionFee: money,
    })
    .nullish(),
  partialCaptureDetails: z
    .object({ __typename: text, parentAuthorization: z.object({ legacyId: text }).nullish() })
    .nullish(),
  refundedTransaction: z.object({ legacyId: text }).nullish(),
});
type WirePayment = z.output<typeof payment>;

/** @throws WireMismatch */
export function paymentFromGraphql(value: unknown, settings: Settings): PaymentFacts {
  const wire = readWire(payment, value);
  const snapshot = wire.paymentMethodSnapshot;
  return {
    id: wire.legacyId,
    direction: wire.__typename === 'Refund' ? 'credit' : 'sale',
    status: wire.status,
    amount: wire.amount?.value,
    currency: wire.amount?.currencyCode,
    createdAt: wire.createdAt,
    history: passed(wire.statusHistory),
    references: referencesOf(
      {
        orderId: wire.orderId ?? undefined,
        purchaseOrder: wire.purchaseOrderNumber ?? undefined,
        customFields: (wire.customFields ?? []).map((one) => [one.name ?? '', one.value ?? '']),
        subscriptionId: undefined,
      },
      settings,
    ),
    customer: payerOf(wire),
    method: methodOfSnapshot(
      snapshot?.__typename ?? undefined,
      snapshot?.origin?.type ?? undefined,
    ),
    reason: reasonOf(wire),
    refundedId: wire.refundedTransaction?.legacyId ?? undefined,
    inParts: wire.partialCaptureDetails?.__typename === 'ParentAuthorization',
    authorizationId: wire.partialCaptureDetails?.parentAuthorization?.legacyId ?? undefined,
    achReturnCode: snapshot?.achReturnCode ?? undefined,
    fee: snapshot?.transactionFee
      ? { amount: snapshot.transactionFee.value, currency: snapshot.transactionFee.currencyCode }
      : undefined,
  };
}

function passed(
  events:
    | readonly { readonly status?: string | undefined; readonly timestamp?: string | undefined }[]
    | null
    | undefined,
): readonly Passed[] {
  return (events ?? []).flatMap(({ status, timestamp }) =>
    status ? [{ status, at: timestamp }] : [],
  );
}

function payerOf(wire: WirePayment): Payer | null {
  const { customer, billingAddress, paymentMethodSnapshot: snapshot } = wire;
  const names = (...parts: readonly (string | null | undefined)[]) =>
    parts.flatMap((part) => (part?.trim() ? [part.trim()] : [])).join(' ');
  const name =
    customer?.company?.trim() ||
    names(customer?.firstName, customer?.lastName) ||
    billingAddress?.company?.trim() ||
    billingAddress?.fullName?.trim() ||
    snapshot?.cardholderName?.trim() ||
    snapshot?.accountholderName?.trim() ||
    names(snapshot?.payer?.firstName, snapshot?.payer?.lastName) ||
    null;
  const externalId = customer?.legacyId ?? null;
  const email = customer?.email ?? snapshot?.payer?.email ?? null;
  return externalId || name || email ? { externalId, name, email } : null;
}

function reasonOf({ status, statusHistory }: WirePayment): string | undefined {
  if (status === 'authorization_expired') return status;
  const told = statusHistory?.find((event) => event.status === status);
  if (status === 'gateway_rejected') return told?.gatewayRejectionReason;
  const failed = ['settlement_declined', 'processor_declined', 'failed'].includes(status ?? '');
  if (!failed) return undefined;
  return told?.processorResponse?.message ?? told?.processorResponse?.legacyCode ?? undefined;
}

const dispute = z.object({
  __typename: z.literal('Dispute'),
  legacyId: z.string().min(1),
  createdAt: instant,
  type: code,
  status: code,
  amountDisputed: money,
  amountWon: money,
  statusHistory: z.array(z.object({ status: code, timestamp: instant })).nullish(),
  processorResponse: z.object({ reason: code }).nullish(),
  transaction: z.object({ legacyId: text, amount: money }).nullish(),
});

/** @throws WireMismatch */
export function disputeFromGraphql(value: unknown): DisputeFacts {
  const wire = readWire(dispute, value);
  const { amountDisputed, amountWon, transaction } = wire;
  if (amountWon && amountDisputed && amountWon.currencyCode !== amountDisputed.currencyCode) {
    throw new WireMismatch(`amountWon: ${amountWon.currencyCode}, disputed in another currency`);
  }
  return {
    id: wire.legacyId,
    kind: wire.type,
    status: wire.status,
    disputed: amountDisputed?.value,
    won: amountWon?.value,
    currency: amountDisputed?.currencyCode,
    paymentId: transaction?.legacyId ?? undefined,
    paymentAmount: transaction?.amount?.value,
    createdAt: wire.createdAt,
    history: passed(wire.statusHistory),
    reason: wire.processorResponse?.reason,
  };
}
