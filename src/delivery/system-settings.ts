/** What the systems that we deliver to are configured with. */
import { z } from 'zod';
import { exponentOf } from '../money/money.ts';
import { secret, secrets } from '../portals/kit/secret.ts';
import { isSigningSecret } from './webhook-signature.ts';

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);

const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an address such as https://erp.example.com/hook' })
  .refine((text) => !text.includes('@'), 'must not contain credentials');

const common = {
  allowPrivateAddresses: flag.default(false).meta({
    description: 'The system is in our own network: private and loopback addresses are meant.',
  }),
  topics: z
    .union([z.array(z.string()), z.string().transform((text) => text.split(/\s*,\s*/))])
    .optional()
    .meta({ description: 'Which topics to deliver, comma separated; all when absent.' }),
};

export const webhookSettings = z.object({
  ...common,
  url: httpUrl.meta({ description: 'Where to POST the messages.' }),
  signingSecret: secrets(
    'Signing secret of the form whsec_…, by which the receiver verifies webhook-signature.',
  ).refine(
    (list) => list.every((one) => isSigningSecret(one.reveal())),
    'must be whsec_ and 24 to 64 bytes in base64',
  ),
});
export type WebhookSettings = z.output<typeof webhookSettings>;

export const serviceMobilitySettings = z.object({
  ...common,
  baseUrl: httpUrl
    .transform((text) => text.replace(/\/+$/, ''))
    .meta({ description: 'Address of the ServiceMobility host, without /seiapi.' }),
  username: z.string().trim().min(1).meta({ description: 'User name for /createjwt.' }),
  password: secret('Password for /createjwt.'),
  merchantId: z.string().trim().min(1).meta({
    description: 'PaymentMerchantID (Payment > MerchantID) of the Entity System Configuration.',
  }),
  paymentGatewayId: z.string().trim().min(1).meta({
    description: 'GatewayID in the PayByLink part of the Entity System Configuration.',
  }),
  currency: z
    .string()
    .trim()
    .default('USD')
    .refine((code) => {
      try {
        return exponentOf(code) >= 0;
      } catch {
        return false;
      }
    }, 'must be an ISO 4217 code')
    .meta({ description: 'Currency of the site; the object names none, so no other is sent.' }),
  unsupportedMethods: z.enum(['skip', 'card']).default('skip').meta({
    description: 'Bank debits and wallets have no Type of their own: skip them or send as Card.',
  }),
});
export type ServiceMobilitySettings = z.output<typeof serviceMobilitySettings>;
