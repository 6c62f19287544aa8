/** Every portal, each named once; a test keeps this list equal to the folders beside it. */
import { adyen } from './adyen/index.ts';
import { authorizeNet } from './authorize-net/index.ts';
import { braintree } from './braintree/index.ts';
import { chargebee } from './chargebee/index.ts';
import type { Portal } from './contract.ts';
import { freshbooks } from './freshbooks/index.ts';
import { generic } from './generic/index.ts';
import { intuitPayments } from './intuit-payments/index.ts';
import { mollie } from './mollie/index.ts';
import { myob } from './myob/index.ts';
import { netsuite } from './netsuite/index.ts';
import { paypal } from './paypal/index.ts';
import { quickbooks } from './quickbooks/index.ts';
import { recurly } from './recurly/index.ts';
import { sage50 } from './sage-50/index.ts';
import { sageIntacct } from './sage-intacct/index.ts';
import { sapBusinessOne } from './sap-business-one/index.ts';
import { servicemobility } from './servicemobility/index.ts';
import { shopify } from './shopify/index.ts';
import { square } from './square/index.ts';
import { stripe } from './stripe/index.ts';
import { wave } from './wave/index.ts';
import { xero } from './xero/index.ts';
import { zohoBooks } from './zoho-books/index.ts';

export const portals: readonly Portal[] = [
  stripe,
  mollie,
  quickbooks,
  xero,
  servicemobility,
  chargebee,
  authorizeNet,
  shopify,
  paypal,
  adyen,
  square,
  braintree,
  generic,
  recurly,
  wave,
  freshbooks,
  myob,
  zohoBooks,
  netsuite,
  sapBusinessOne,
  sageIntacct,
  intuitPayments,
  sage50,
];

const byId = new Map(portals.map((portal) => [portal.id, portal]));

/** The portal of that id, or undefined when there is none. */
export function findPortal(id: string): Portal | undefined {
  return byId.get(id);
}
