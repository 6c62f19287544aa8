/** What a Wave connection needs, in Wave's own words. */
import { z } from 'zod';
import { Reauthorize } from '../kit/errors.ts';
import { flag } from '../kit/fields.ts';
import { secret } from '../kit/secret.ts';

/** What reading and recording need; Wave drops what lies outside the scopes without a word. */
const SCOPES = 'business:read customer:read invoice:read invoice:write account:read';

const address = z.url({ protocol: /^https?$/ });
const text = z.string().trim().min(1);

export const settings = z
  .object({
    accessToken: secret(
      'Full access token of your own business: developer.waveapps.com > Manage Applications > your application > Create token. Takes the place of the consent page.',
    ).optional(),
    clientId: text
      .optional()
      .describe('Client ID: developer.waveapps.com > Manage Applications > your application.'),
    clientSecret: secret(
      'Client Secret: developer.waveapps.com > Manage Applications > your application.',
    ).optional(),
    refreshToken: secret(
      'Refresh token of a consent given elsewhere. Not needed when somebody lets us in by the consent page.',
    ).optional(),
    redirectUri: address
      .optional()
      .describe(
        'Redirect URI of the application, sent again with each refresh. Leave it out unless Wave asks for it.',
      ),
    businessId: text
      .optional()
      .describe(
        'Id of the business (QnVzaW5lc3M6…): the check of the connection lists those that the token opens. Chosen after the consent page by itself.',
      ),
    scopes: text
      .default(SCOPES)
      .describe(
        'Scopes that the consent page asks for, separated by spaces. Where nothing is recorded in Wave, invoice:write and account:read can be left out.',
      ),
    paymentAccountId: text
      .optional()
      .describe(
        'Id of the account into which our payments are recorded (QnVzaW5lc3M6…): the check of the connection lists the asset accounts. Needed only to record payments in Wave.',
      ),
    approveDrafts: flag(
      false,
      'Approve an invoice that is still a draft in Wave before a payment of ours is recorded on it. Off: a person does.',
    ),
    apiBaseUrl: address.default('https://gql.waveapps.com'),
    authBaseUrl: address.default('https://api.waveapps.com'),
    importInvoices: flag(
      true,
      'Take over the invoices and customers kept in Wave. Off for a firm that writes its invoices ' +
        'elsewhere and only collects through Wave.',
    ),
    mirrorOnly: flag(false, 'Payments entered in Wave by hand are never money here.'),
  })
  .refine(({ accessToken, clientId, clientSecret }) => accessToken || (clientId && clientSecret), {
    message: 'enter accessToken, or clientId and clientSecret of an application',
  });
export type WaveSettings = z.output<typeof settings>;

/** What `normalize` reads; with nothing given, invoices are taken over. */
export type ReadingSettings = Partial<Pick<WaveSettings, 'importInvoices'>>;

/** The business that is read. @throws Reauthorize before one was chosen */
export function businessOf({ businessId }: Pick<WaveSettings, 'businessId'>): string {
  if (businessId === undefined) {
    throw new Reauthorize(
      'no business is chosen yet: enter businessId, or open the consent page of this connection',
    );
  }
  return businessId;
}
