/** What a Sage Intacct connection needs, in Intacct's own words. */
import { z } from 'zod';
import { currency, flag, timeZone } from '../kit/fields.ts';
import { secret, secrets } from '../kit/secret.ts';

const API = 'https://api.intacct.com';
const REST_PATH = '/ia/api/v1';

const address = z.url({ protocol: /^https?$/ });
const text = z.string().trim().min(1);
const CURRENCY =
  'Base currency of the company: records of companies with a single currency do not name it.';

/** What each way in cannot do without. */
const NEEDED = {
  xml: ['senderId', 'senderPassword', 'companyId', 'userId', 'userPassword'],
  rest: ['clientId', 'clientSecret'],
} as const;

export const settings = z
  .object({
    api: z
      .enum(['xml', 'rest'])
      .default('xml')
      .describe(
        'xml: the XML gateway with a Web Services user, which every company has. rest: the REST API with an OAuth 2 app.',
      ),
    companyId: text
      .optional()
      .describe('Company ID: what you enter when you sign in to Intacct. Needed for xml.'),
    senderId: text
      .optional()
      .describe('Web Services sender ID of your licence. Authorize it in the company, too.'),
    senderPassword: secret(
      'Password of the sender ID: in the letter of Sage that granted it.',
    ).optional(),
    userId: text.optional().describe('Web Services user: Company > Admin > Web Services users.'),
    userPassword: secret(
      'Password of that user: mailed to its address when it was added.',
    ).optional(),
    entity: text
      .optional()
      .describe(
        'Entity (location ID) to work in. Leave it out to work at the top level of the company.',
      ),
    showPrivate: flag(
      false,
      'Read records that are private to entities as well, from the top level. For xml; REST always does.',
    ),
    clientId: text
      .optional()
      .describe('Client ID of the app: Sage Developer console > your app. Needed for rest.'),
    clientSecret: secret('Client secret: Sage Developer console > your app.').optional(),
    username: text
      .optional()
      .describe(
        'user@company, for an app that signs in by itself (client_credentials). Leave it out when somebody lets us in by the consent page.',
      ),
    refreshToken: secret(
      'Refresh token of a consent given elsewhere. Not needed when somebody lets us in by the consent page.',
    ).optional(),
    financialEntity: text
      .optional()
      .describe(
        'Bank account ID into which payments are recorded: Cash Management > Checking accounts.',
      ),
    undepositedAccountNo: text
      .optional()
      .describe('In place of it, the GL account of undeposited funds.'),
    paymentMethod: z
      .enum(['EFT', 'Credit Card', 'Printed Check', 'Cash'])
      .optional()
      .describe(
        'Payment method written on what we record; chosen by the way the customer paid when absent.',
      ),
    baseCurrency: currency(CURRENCY).default('USD').describe(CURRENCY),
    timeZone: timeZone('IANA time zone of the company, by whose days reversals are dated.'),
    nudgeToken: secrets(
      'A token of your own making that the trigger sends as X-Nudge-Token: see docs/setup/sage-intacct.md.',
    ).optional(),
    apiBaseUrl: address
      .optional()
      .describe('In place of https://api.intacct.com/ia/xml or …/ia/api/v1.'),
    authBaseUrl: address.default(`${API}${REST_PATH}`),
    mirrorOnly: flag(false, 'Payments entered in Intacct by hand are never money here.'),
  })
  .superRefine((given, context) => {
    for (const field of NEEDED[given.api]) {
      if (given[field] !== undefined) continue;
      const message = `required when api is ${given.api}`;
      context.addIssue({ code: 'custom', path: [field], message });
    }
  });
export type SageIntacctSettings = z.output<typeof settings>;

/** What `normalize` reads; each has a meaning when absent. */
export type ReadingSettings = Partial<Pick<SageIntacctSettings, 'baseCurrency' | 'companyId'>>;

/** Below which the calls of the chosen API go. */
export function baseUrlOf({ api, apiBaseUrl }: SageIntacctSettings): string {
  return apiBaseUrl ?? `${API}${api === 'xml' ? '/ia/xml' : REST_PATH}`;
}

/** Who calls the gateway, and as which user of which company. */
export function credentialsOf({
  senderId = '',
  senderPassword,
  companyId = '',
  userId = '',
  userPassword,
  entity,
}: SageIntacctSettings) {
  return {
    sender: { id: senderId, password: senderPassword?.reveal() ?? '' },
    user: { id: userId, companyId, password: userPassword?.reveal() ?? '', locationId: entity },
  };
}
