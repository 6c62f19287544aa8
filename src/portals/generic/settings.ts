/** What a connection to a generic source needs to know; every setting may be absent. */
import { z } from 'zod';
import { currency, flag, nameList } from '../kit/fields.ts';
import { secrets } from '../kit/secret.ts';
import { csvColumns } from './csv-columns.ts';
import { fieldMapping } from './field-mapping.ts';

const FIND_SECRET =
  "The sender's screen for webhooks: its signing secret (whsec_…). Keep quotes away.";

/** Named as their payouts are in bank files; only names that no customer is likely to have. */
const PROCESSORS = [
  'STRIPE',
  'PAYPAL',
  'MOLLIE',
  'ADYEN',
  'BRAINTREE',
  'AUTHORIZE.NET',
  'AUTHNET GATEWAY',
  'SQUARE INC',
  'SHOPIFY',
  'INTUIT PYMT SOLN',
  'WORLDPAY',
  'SUMUP',
  'KLARNA',
  'GOCARDLESS',
];

const publicKeys = z
  .union([z.string(), z.array(z.string())])
  .transform((value) =>
    (typeof value === 'string' ? value.split(',') : value).map((key) => key.trim()),
  )
  .refine(
    (keys) => keys.every(isPublicKey),
    'must be whpk_ and 32 bytes in base64, as the sender shows it',
  )
  .optional()
  .meta({
    description:
      "The sender's public key (whpk_…), where it signs with ed25519 (v1a). Several, comma " +
      'separated, while rotating.',
  });

function isPublicKey(key: string): boolean {
  const encoded = key.replace(/^whpk_/, '');
  return /^[A-Za-z0-9+/]{43}=?$/.test(encoded) && Buffer.from(encoded, 'base64').length === 32;
}

function lines(description: string) {
  return z
    .union([
      z.int(),
      z
        .string()
        .regex(/^\d{1,3}$/, 'must be a whole number')
        .transform(Number),
    ])
    .refine((count) => count >= 0 && count <= 999, 'must be between 0 and 999')
    .default(0)
    .meta({ description });
}

export const settings = z.object({
  webhookSecret: secrets(FIND_SECRET).optional(),
  webhookPublicKey: publicKeys,
  webhookKeyForm: z
    .enum(['base64', 'text'])
    .default('base64')
    .meta({
      description:
        'base64: the key is the decoded secret (Standard Webhooks); text: the key is the text ' +
        'itself, as home-made senders do it.',
    }),
  webhookSignatureForm: z
    .enum(['base64', 'hex'])
    .default('base64')
    .meta({ description: 'How the sender writes its signature; hex deviates from the standard.' }),
  webhookTimestampUnit: z
    .enum(['seconds', 'milliseconds'])
    .default('seconds')
    .meta({ description: 'The unit of its timestamp; milliseconds deviates from the standard.' }),
  fieldMapping: fieldMapping.optional(),
  processorNames: nameList(
    PROCESSORS,
    'Card processors as bank files name them: what they pay is a payout of payments that their ' +
      'own portals tell, so it is not booked as a payment.',
  ),
  csvColumns: csvColumns.optional(),
  csvHeader: flag(true, 'false: the CSV has no line of column names; name columns by number.'),
  csvDelimiter: z
    .enum(['comma', 'semicolon', 'tab', 'pipe'])
    .default('comma')
    .meta({ description: 'What stands between the cells of a CSV.' }),
  csvEncoding: z
    .enum(['utf-8', 'windows-1252'])
    .default('utf-8')
    .meta({ description: 'How a CSV is encoded; old bank exports are often windows-1252.' }),
  csvDecimalMark: z
    .enum(['dot', 'comma'])
    .default('dot')
    .meta({ description: 'dot: 1,234.50; comma: 1.234,50.' }),
  csvDateOrder: z
    .enum(['YMD', 'DMY', 'MDY'])
    .default('YMD')
    .meta({ description: 'The order of year, month and day in a CSV.' }),
  csvSkipLines: lines('Lines of a CSV above the line of column names.'),
  csvFooterLines: lines('Lines at the end of a CSV that are no rows (totals).'),
  csvCurrency: currency('The currency of a CSV without a column for it.').optional(),
  csvAccount: z.string().trim().max(64).optional().meta({
    description: 'The bank account of a CSV without a column for it, to tell accounts apart.',
  }),
  csvReturnWords: nameList(
    [],
    'Words in the description of a debit that make it a returned payment, such as "Return".',
  ),
});

export type GenericSettings = z.output<typeof settings>;
