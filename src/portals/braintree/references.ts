/** Which invoice, work order or order a transaction names. */
import type { Reference } from '../events.ts';
import type { Settings } from './settings.ts';

type Named = {
  readonly orderId: string | undefined;
  readonly purchaseOrder: string | undefined;
  readonly customFields: readonly (readonly [name: string, value: string])[];
  readonly subscriptionId: string | undefined;
};

/** References in the order of their strength, each once. */
export function referencesOf(named: Named, settings: Settings): readonly Reference[] {
  const field = (kind: Reference['kind'], names: readonly string[]) =>
    names.flatMap((name) =>
      named.customFields
        .filter(([given]) => bare(given) === bare(name))
        .flatMap(([, value]) => numbers(kind, value)),
    );
  const { subscriptionId } = named;
  return distinct([
    ...orderReferences(named.orderId, settings),
    ...field('invoice', settings.invoiceFields),
    ...field('workOrder', settings.workOrderFields),
    ...numbers('purchaseOrder', named.purchaseOrder),
    ...field('purchaseOrder', settings.purchaseOrderFields),
    ...(subscriptionId ? [{ kind: 'subscription', externalId: subscriptionId } as const] : []),
  ]);
}

/** Anybody may write anything into an order ID: what reads like a sentence is a memo. */
function orderReferences(orderId: string | undefined, settings: Settings): readonly Reference[] {
  if (orderId !== undefined && /\S\s+\S+\s+\S/.test(orderId)) {
    return [{ kind: 'memo', text: orderId }];
  }
  return numbers(settings.orderIdNames, orderId);
}

/** Braintree writes `work_order` as `work-order` in XML, its SDKs as `workOrder`. */
function bare(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

function numbers(kind: Reference['kind'], value: string | undefined): readonly Reference[] {
  return (value ?? '')
    .split(/[,;\n]/)
    .map((number) => number.trim())
    .filter((number) => number.length > 0)
    .map((number) => ({ kind, number }));
}

function distinct(references: readonly Reference[]): readonly Reference[] {
  return [...new Map(references.map((one) => [JSON.stringify(one), one])).values()];
}
