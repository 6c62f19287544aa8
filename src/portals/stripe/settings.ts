/** What a connection to Stripe needs to know. */
import { z } from 'zod';
import { secret, secrets } from '../kit/secret.ts';

const FIND_WEBHOOK_SECRET =
  'Workbench > Event destinations > your destination > Signing secret (whsec_…). One for each ' +
  'destination and mode.';
const FIND_SECRET_KEY =
  'Developers > API keys: a restricted key (rk_…) with read access to charges, payment intents, ' +
  'refunds, disputes, invoices, payouts, balance transactions, events and customers. Needed to ' +
  'pull, for thin events, and for fees.';

/** A switch given as `true`/`false`, as text or not. */
const flag = z.union([z.boolean(), z.stringbool()]);

/** Names of metadata keys, comma separated, tried in order. */
function metadataKeys(what: string, names: readonly string[]) {
  return z
    .union([z.string(), z.array(z.string())])
    .transform((value) =>
      (typeof value === 'string' ? value.split(',') : value)
        .map((name) => name.trim())
        .filter((name) => name.length > 0),
    )
    .default([...names])
    .meta({ description: `Metadata keys that hold the ${what}, comma separated.` });
}

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
  livemode: flag.optional().meta({
    description: 'true: live events only; false: test mode and sandbox events only. Absent: both.',
  }),
  importInvoices: flag.default(false).meta({
    description:
      'Take over the invoices written in Stripe, for firms that bill with Stripe Invoicing.',
  }),
  timeZone: z
    .string()
    .trim()
    .refine(isTimeZone, 'is not an IANA time zone such as America/Chicago')
    .default('UTC')
    .meta({ description: 'IANA time zone in which issue and due dates of invoices are read.' }),
  invoiceMetadataKeys: metadataKeys('invoice number', ['invoice_number', 'invoice']),
  workOrderMetadataKeys: metadataKeys('work order', ['work_order']),
  purchaseOrderMetadataKeys: metadataKeys('purchase order', ['purchase_order']),
  orderMetadataKeys: metadataKeys('order', ['order']),
  apiBaseUrl: z.url().default('https://api.stripe.com'),
});

export type StripeSettings = z.output<typeof settings>;

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
