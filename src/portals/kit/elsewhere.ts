/** Where the money of a shop, a billing system or the books really is, by what they call their gateway. */
import type { CanonicalEvent } from '../events.ts';

/** How gateways are written, and the portal that each of them is; the first that fits counts. */
const GATEWAYS: readonly (readonly [RegExp, string])[] = [
  [/stripe/i, 'stripe'],
  [/braintree/i, 'braintree'],
  [/pay_?pal|payflow/i, 'paypal'],
  [/square/i, 'square'],
  [/authorize[._ -]?net|authnet/i, 'authorize-net'],
  [/adyen/i, 'adyen'],
  [/mollie/i, 'mollie'],
  [/intuit|quickbooks_?payments|qbo?_?payments/i, 'intuit-payments'],
];

/** The portal that a gateway of that name is; undefined for one that we do not know. */
export function portalOfGateway(gateway: string | null | undefined): string | undefined {
  return GATEWAYS.find(([name]) => name.test(gateway ?? ''))?.[1];
}

/** The link to the money where it is held: the portal, and the ids that the gateway gave, as far as they are known. */
export function elsewhereAt(
  gateway: string | null | undefined,
  ...ids: readonly (string | null | undefined)[]
): Pick<CanonicalEvent['links'], 'elsewhere'> {
  const portal = portalOfGateway(gateway);
  const named = [...new Set(ids.map((id) => id?.trim()).filter((id) => id))];
  if (named.length === 0) return portal === undefined ? {} : { elsewhere: [{ portal }] };
  return {
    elsewhere: named.map((id) => ({
      ...(portal === undefined ? {} : { portal }),
      externalId: id as string,
    })),
  };
}
