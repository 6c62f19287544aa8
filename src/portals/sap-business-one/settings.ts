/** What a company database of SAP Business One needs, in the words of its Service Layer. */
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { exponentOf } from '../../money/money.ts';
import { WireMismatch } from '../kit/errors.ts';
import { currency, flag, timeZone } from '../kit/fields.ts';
import { secret, secrets } from '../kit/secret.ts';

const name = z.string().trim().min(1);
const userField = name.regex(
  /^U_[A-Za-z0-9_]{1,50}$/,
  'is not a user-defined field such as U_SyncId',
);

export const settings = z.object({
  apiBaseUrl: z
    .url({ protocol: /^https?$/, error: 'required; such as https://b1.example.com:50000' })
    .transform((url) => url.replace(/\/+$/, '').replace(/\/b1s(\/v\d)?$/, ''))
    .describe('Address of the Service Layer without /b1s, usually https://<server>:50000.'),
  serviceLayerVersion: z
    .enum(['v2', 'v1'])
    .default('v2')
    .describe('v2 (OData 4), or v1 (OData 3) for systems before 10.0.'),
  certificateAuthority: z
    .string()
    .trim()
    .refine(isCertificate, 'is not a certificate in PEM form (-----BEGIN CERTIFICATE-----)')
    .optional()
    .describe(
      'Certificate (PEM) that issued that of the server, or the server’s own where it is self-signed.',
    ),
  companyDb: name.describe('CompanyDB: name of the company database, as in the log-in window.'),
  userName: name.describe('User of Business One that only Checkvalve uses.'),
  password: secret('Password of that user: Administration > Setup > General > Users.'),
  localCurrency: currency(
    'Local currency of the company as ISO 4217: Administration > System Initialization > Company Details > Basic Initialization.',
  ),
  currencies: z
    .string()
    .default('')
    .transform(readCurrencies)
    .describe(
      'What the company’s own currency codes mean: "$=USD, US$=USD, £=GBP". Codes that are ISO 4217 need no entry.',
    ),
  foreignSums: z
    .enum(['document', 'local'])
    .optional()
    .describe(
      'The currency in which the sums (CashSum, TransferSum …) of a payment in foreign currency are told: that of the document, or the local one. Without it, only what is applied to invoices in full is read.',
    ),
  timeZone: timeZone('IANA time zone of the company, in which its days begin.'),
  transferAccount: name
    .optional()
    .describe(
      'G/L account (TransferAccount) that our payments are recorded into: its code, _SYS….',
    ),
  syncIdField: userField
    .optional()
    .describe(
      'User-defined field of payments that keeps our mark (U_SyncId), where one was added.',
    ),
  invoiceNumberField: name
    .regex(
      /^(DocNum|NumAtCard|U_\w{1,50})$/,
      'is neither DocNum, NumAtCard nor a user-defined field',
    )
    .default('DocNum')
    .describe(
      'Field of invoices with the number that customers know: DocNum, or a field of its own (U_…).',
    ),
  workOrderField: userField
    .optional()
    .describe('User-defined field of invoices and payments that holds the work order.'),
  nudgeSecret: secrets(
    'A long random text of your own, the same as in the script that sends nudges: docs/setup/sap-business-one.md.',
  ).optional(),
  mirrorOnly: flag(false, 'Payments entered in Business One by hand are never money here.'),
});
export type BusinessOneSettings = z.output<typeof settings>;

/** What `normalize` reads. */
export type ReadingSettings = Pick<
  BusinessOneSettings,
  | 'companyDb'
  | 'localCurrency'
  | 'currencies'
  | 'foreignSums'
  | 'timeZone'
  | 'syncIdField'
  | 'invoiceNumberField'
  | 'workOrderField'
>;

/** The ISO 4217 currency of a company's own code. @throws WireMismatch for a code nobody explained */
export function isoOf(code: string, { currencies }: Pick<ReadingSettings, 'currencies'>): string {
  const iso = currencies.get(code) ?? (isIso(code) ? code : undefined);
  if (iso !== undefined) return iso;
  throw new WireMismatch(
    `"${code}" is no ISO 4217 currency: say what it means in the setting currencies ("${code}=…"), then replay`,
  );
}

/** The company's own code of an ISO 4217 currency. */
export function codeOf(iso: string, { currencies }: Pick<ReadingSettings, 'currencies'>): string {
  return [...currencies].find(([, meant]) => meant === iso)?.[0] ?? iso;
}

function readCurrencies(text: string, ctx: z.RefinementCtx): ReadonlyMap<string, string> {
  const pairs = text.split(',').filter((part) => part.trim() !== '');
  return new Map(
    pairs.map((pair): [string, string] => {
      const [, code = '', iso = ''] = /^\s*(\S{1,3})\s*=\s*([A-Z]{3})\s*$/.exec(pair) ?? [];
      if (!isIso(iso)) {
        ctx.addIssue({ code: 'custom', message: `"${pair.trim()}" is not of the form $=USD` });
      }
      return [code, iso];
    }),
  );
}

function isIso(code: string): boolean {
  try {
    exponentOf(code);
    return true;
  } catch {
    return false;
  }
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
