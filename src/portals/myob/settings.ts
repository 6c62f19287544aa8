/** What a MYOB company file needs, in MYOB's own words. */
import { z } from 'zod';
import { Reauthorize } from '../kit/errors.ts';
import { currency, flag, timeZone } from '../kit/fields.ts';
import { secret } from '../kit/secret.ts';

/** Keys made since March 2025, and since March 2026 all, ask for these; `CompanyFile` came before them. */
const GRANULAR_SCOPES = [
  'sme-company-file',
  'sme-sales',
  'sme-contacts-customer',
  'sme-banking',
  'sme-general-ledger',
].join(' ');

const address = z.url({ protocol: /^https?$/ });
const guid = z
  .string()
  .trim()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'is not a GUID');

export const settings = z.object({
  clientId: z
    .string()
    .trim()
    .min(1)
    .describe('API key: my.myob.com > Developer > Register app. Sent as x-myobapi-key, too.'),
  clientSecret: secret('API secret: my.myob.com > Developer > your app, beside the key.'),
  refreshToken: secret(
    'Refresh token of a consent given elsewhere. Not needed when somebody lets us in by the consent page.',
  ).optional(),
  companyFileId: guid
    .optional()
    .describe(
      'GUID of the company file (businessId). The consent page tells it by itself; only an administrator of the file can consent.',
    ),
  companyFileUser: z
    .string()
    .trim()
    .min(1)
    .optional()
    .describe('User of the company file, only where the file has a log-in of its own.'),
  companyFilePassword: secret(
    'Password of that user: in the file, Setup > User Access. Leave it out when it is empty.',
  ).optional(),
  baseCurrency: currency('Currency of the company file (AUD, NZD): its records do not name it.')
    .default('AUD')
    .describe('Currency of the company file (AUD, NZD): its records do not name it.'),
  timeZone: timeZone('IANA time zone of the company file, in which its days begin.')
    .default('Australia/Sydney')
    .describe('IANA time zone of the company file, in which its days begin.'),
  depositAccount: guid
    .optional()
    .describe(
      'UID of the account into which payments are recorded; undeposited funds when absent.',
    ),
  paymentMethod: z
    .string()
    .trim()
    .min(1)
    .optional()
    .describe('Payment method written on what we record (EFT …); the company file must know it.'),
  scopes: z
    .string()
    .trim()
    .min(1)
    .default(GRANULAR_SCOPES)
    .describe('Scopes that the consent page asks for. An old key may need CompanyFile instead.'),
  apiBaseUrl: address.default('https://api.myob.com/accountright'),
  authBaseUrl: address.default('https://secure.myob.com'),
  mirrorOnly: flag(false, 'Payments entered in MYOB by hand are never money here.'),
});
export type MyobSettings = z.output<typeof settings>;

/** What `normalize` reads; each has a meaning when absent. */
export type ReadingSettings = Partial<
  Pick<MyobSettings, 'companyFileId' | 'baseCurrency' | 'timeZone'>
>;

/** A path inside the connection's company file. @throws Reauthorize before a file was chosen */
export function filePath({ companyFileId }: MyobSettings, rest: string): string {
  if (companyFileId === undefined) {
    throw new Reauthorize(
      'no company file is chosen yet: open the consent page of this connection',
    );
  }
  return `${companyFileId}/${rest}`;
}

/** The headers of every call: the key, the version, and the file's own log-in where it has one. */
export function callHeaders(given: MyobSettings): Readonly<Record<string, string>> {
  const { clientId, companyFileUser, companyFilePassword } = given;
  const headers = { 'x-myobapi-key': clientId, 'x-myobapi-version': 'v2' };
  if (companyFileUser === undefined && companyFilePassword === undefined) return headers;
  // A file that has a log-in begins with this user and an empty password.
  const pair = `${companyFileUser ?? 'Administrator'}:${companyFilePassword?.reveal() ?? ''}`;
  return { ...headers, 'x-myobapi-cftoken': Buffer.from(pair).toString('base64') };
}
