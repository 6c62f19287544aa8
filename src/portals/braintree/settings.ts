/** What a Braintree connection is told when it is made, in Braintree's own words. */
import { z } from 'zod';
import { baseUrl, environment, nameList } from '../kit/fields.ts';
import { secret } from '../kit/secret.ts';

const FIND_KEYS = 'Control Panel > gear > API > Keys';
const PUBLIC_KEY = `${FIND_KEYS}: the public key. Its user needs to see transactions and disputes.`;

export const settings = z.object({
  publicKey: z
    .string({ error: `required; ${PUBLIC_KEY}` })
    .trim()
    .min(1, `required; ${PUBLIC_KEY}`)
    .regex(/^[^|&\s]+$/, 'is one public key, without blanks')
    .meta({ description: PUBLIC_KEY }),
  privateKey: secret(
    `${FIND_KEYS}: "View" beside the public key shows the private key. It signs the webhooks and ` +
      'reads the API.',
  ),
  merchantId: z
    .string()
    .trim()
    .min(1)
    .optional()
    .meta({
      description: `${FIND_KEYS}: the merchant ID. Notices for another merchant are then ignored.`,
    }),
  environment: environment(),
  paidWhen: z
    .enum(['settled', 'submitted_for_settlement'])
    .default('settled')
    .meta({
      description:
        'The status from which a card or wallet payment counts as received. Bank debits always ' +
        'wait until they are settled. Decide once: changing it later books nothing twice, but ' +
        'earlier payments keep the day they were booked on.',
    }),
  orderIdNames: z
    .enum(['invoice', 'workOrder', 'purchaseOrder', 'order'])
    .default('invoice')
    .meta({ description: 'What the order ID of a transaction holds.' }),
  invoiceFields: nameList(
    ['invoice', 'invoice_number'],
    'Custom fields that hold the invoice number.',
  ),
  workOrderFields: nameList(
    ['work_order', 'work_order_number', 'wo'],
    'Custom fields that hold the work order.',
  ),
  purchaseOrderFields: nameList(
    ['purchase_order', 'po_number', 'po'],
    'Custom fields that hold the purchase order, besides the purchase order number itself.',
  ),
  apiBaseUrl: baseUrl('Address of the GraphQL API without /graphql.'),
});
export type Settings = z.output<typeof settings>;

const ADDRESSES = {
  production: 'https://payments.braintree-api.com',
  sandbox: 'https://payments.sandbox.braintree-api.com',
} as const;

/** Where the API of the connection's environment is. */
export function apiAddress(of: Settings): string {
  return of.apiBaseUrl ?? ADDRESSES[of.environment];
}
