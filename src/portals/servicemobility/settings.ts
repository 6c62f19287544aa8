/** What a connection to ServiceMobility's Payment Processor Webhook is configured with. */
import { z } from 'zod';
import { exponentOf } from '../../money/money.ts';
import { secret, secrets } from '../kit/secret.ts';

export const DEFAULT_CURRENCY = 'USD';

const currencyCode = z
  .string()
  .trim()
  .refine(isCurrency, 'must be an ISO 4217 code in upper case, such as USD');

/** `id=GBP, other-id=JPY` as typed, or the object it stands for. */
const currencyByMerchant = z
  .union([z.string().transform(readPairs), z.record(z.string(), z.string())])
  .pipe(z.record(z.string().min(1), currencyCode));

export const settings = z.object({
  merchantId: z
    .string({ error: 'required; PaymentMerchantID (Payment > MerchantID) of the entity' })
    .transform((text) => text.split(',').map((one) => one.trim()))
    .refine((list) => list.every((one) => one.length > 0), 'must not be blank')
    .meta({
      description:
        'PaymentMerchantID (in newer versions Payment > MerchantID) of the Entity System ' +
        'Configuration object in ServiceMobility. Several, comma separated, for several entities.',
    }),
  jwtSecret: secrets(
    'The secret that signs the tokens in x-access-token: choose one of 32 characters or more and ' +
      'enter the same in the payment processor, or let it log in at our /createjwt.',
  ),
  paymentGatewayId: z
    .string()
    .trim()
    .min(1)
    .optional()
    .meta({
      description:
        'GatewayID in the PayByLink part of the Entity System Configuration object. When set, a ' +
        'delivery to another gateway is refused.',
    }),
  username: z.string().trim().min(1).optional().meta({
    description: 'User name with which the payment processor logs in at our /createjwt.',
  }),
  password: secret(
    'Password with which the payment processor logs in at our /createjwt.',
  ).optional(),
  currency: currencyCode.default(DEFAULT_CURRENCY).meta({
    description:
      'Currency of the amounts; the object names none. It follows the site’s LanguageID.',
  }),
  currencyByMerchant: currencyByMerchant.default({}).meta({
    description: 'Currency of each merchant that differs: merchantId=GBP, comma separated.',
  }),
  amountUnit: z.enum(['major', 'minor']).default('major').meta({
    description: 'Unit of Amount: major (1075.50 dollars, as documented) or minor (107550 cents).',
  }),
});
export type Settings = z.output<typeof settings>;

/** The settings that reading a charge depends on; each has a default. */
export type ReadingSettings = Partial<
  Pick<Settings, 'currency' | 'currencyByMerchant' | 'amountUnit'>
>;

function isCurrency(code: string): boolean {
  try {
    exponentOf(code);
    return true;
  } catch {
    return false;
  }
}

function readPairs(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.lastIndexOf('=');
      return [pair.slice(0, Math.max(at, 0)).trim(), pair.slice(at + 1).trim()];
    }),
  );
}
