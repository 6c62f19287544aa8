/** What a connection to Stripe needs to know. */
import { z } from 'zod';
import { flag, nameList, timeZone } from '../kit/fields.ts';
import { secret, secrets } from '../kit/secret.ts';

const FIND_WEBHOOK_SECRET =
  'Workbench > Event destinations > your destination > Signing secret (whsec_…). One for each ' +
  'destination and mode.';
const FIND_SECRET_KEY =
  'Developers > API keys: a restricted key (rk_…) with read access to charges, payment intents, ' +
  'refunds, disputes, invoices, payouts, balance transactions, events and customers. Needed to ' +
  'pull, for thin events, and for fees.';

/** Metadata is the firm's own: its keys have whatever names it chose. */
const metadataKeys = (what: string, names: readonly string[]) =>
  nameList(names, `Metadata keys that hold the ${what}.`);

/**
 * Every setting may be absent, so that a webhook can be connected before Stripe shows its secret.
 */
export const settings = z.object({
  webhookSecret: secrets(FIND_WEBHOOK_SECRET).optional(),
  secretKey: secret(FIND_SECRET_KEY).optional(),
  accountId: z
    .string()
    .trim()
    .regex(/^acct_\w+$/, 'starts with acct_')
    .optional()
    .meta({
      description:
        'Settings > Business > Account details (acct_…). Only for a destination that also ' +
        'receives the events of connected accounts: those of any other account are ignored.',
    }),
  livemode: z.union([z.boolean(), z.stringbool()]).optional().meta({
    description: 'true: live events only; false: test mode and sandbox events only. Absent: both.',
  }),
  importInvoices: flag(
    false,
    'Take over the invoices written in Stripe, for firms that bill with Stripe Invoicing.',
  ),
  timeZone: timeZone('IANA time zone in which issue and due dates of invoices are read.'),
  invoiceMetadataKeys: metadataKeys('invoice number', ['invoice_number', 'invoice']),
  workOrderMetadataKeys: metadataKeys('work order', ['work_order']),
  purchaseOrderMetadataKeys: metadataKeys('purchase order', ['purchase_order']),
  orderMetadataKeys: metadataKeys('order', ['order']),
  apiBaseUrl: z.url().default('https://api.stripe.com'),
});

export type StripeSettings = z.output<typeof settings>;
