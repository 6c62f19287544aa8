/** What a connection to Adyen needs to know. */
import { z } from 'zod';
import { baseUrl, environment, nameList } from '../kit/fields.ts';
import { secret, secrets } from '../kit/secret.ts';

const FIND_HMAC_KEY =
  'Customer Area > Developers > Webhooks > your standard webhook > Security > HMAC key > ' +
  'Generate (64 hexadecimal digits, shown once). One for each webhook; test and live differ.';
const FIND_WEBHOOK_PASSWORD =
  'Customer Area > Developers > Webhooks > your standard webhook > Security > Basic ' +
  'authentication: the password you chose there.';
const FIND_REPORT_API_KEY =
  'Customer Area > Developers > API credentials > Report Service user (report_…@Company.…) with ' +
  'the role Merchant Report > API key. Needed for fees and payouts; or give user and password.';
const FIND_REPORT_PASSWORD =
  'Customer Area > Developers > API credentials > Report Service user > Basic authentication.';

/** Methods by which the payer sends the money, so that there is nothing left to capture. */
const PUSHED_METHODS = [
  'alipay*',
  'bankTransfer*',
  'blik',
  'boletobancario*',
  'directEbanking',
  'econtext*',
  'eps',
  'giropay',
  'ideal',
  'multibanco',
  'onlineBanking*',
  'oxxo',
  'pix',
  'swish',
  'trustly',
  'wechatpay*',
];

/**
 * Every setting may be absent, so that the webhook's address can be entered at Adyen, which only then shows the
 * HMAC key.
 */
export const settings = z.object({
  environment: environment(),
  hmacKey: secrets(FIND_HMAC_KEY).optional(),
  webhookUser: z
    .string()
    .trim()
    .min(1)
    .optional()
    .meta({ description: 'User of the webhook’s Basic authentication, when it has one.' }),
  webhookPassword: secrets(FIND_WEBHOOK_PASSWORD).optional(),
  merchantAccounts: nameList(
    [],
    'Merchant accounts to take, for a company webhook that also tells of others; empty: all.',
  ),
  capture: z
    .enum(['automatic', 'manual'])
    .default('automatic')
    .meta({
      description:
        'Settings > Merchant account > Capture delay: automatic (also with a delay of days) means ' +
        'that an AUTHORISATION is paid; manual that each payment waits for its CAPTURE.',
    }),
  automaticCaptureMethods: nameList(
    PUSHED_METHODS,
    'With manual capture: payment methods that are captured at once all the same; * ends a prefix.',
  ),
  manualCaptureMethods: nameList(
    [],
    'With automatic capture: payment methods that wait for their CAPTURE; * ends a prefix.',
  ),
  merchantReferenceMeans: z
    .enum(['invoice', 'workOrder', 'order', 'purchaseOrder', 'memo'])
    .default('invoice')
    .meta({ description: 'What you send to Adyen as merchantReference.' }),
  invoiceMetadataKeys: nameList(['invoice_number', 'invoice'], 'Metadata keys of the invoice.'),
  workOrderMetadataKeys: nameList(['work_order'], 'Metadata keys of the work order.'),
  purchaseOrderMetadataKeys: nameList(['purchase_order'], 'Metadata keys of the purchase order.'),
  orderMetadataKeys: nameList(['order'], 'Metadata keys of the order.'),
  memoMetadataKeys: nameList(['memo', 'description'], 'Metadata keys of a text for people.'),
  reportApiKey: secret(FIND_REPORT_API_KEY).optional(),
  reportUser: z
    .string()
    .trim()
    .min(1)
    .optional()
    .meta({ description: 'Report Service user (report_…@Company.…), in place of an API key.' }),
  reportPassword: secret(FIND_REPORT_PASSWORD).optional(),
  apiBaseUrl: baseUrl('Where reports are downloaded: ca-live.adyen.com, or ca-test.adyen.com.'),
});

export type AdyenSettings = z.output<typeof settings>;

const CUSTOMER_AREAS = {
  production: 'https://ca-live.adyen.com',
  sandbox: 'https://ca-test.adyen.com',
} as const;

/** The only place that report credentials are ever sent to. */
export function reportsBaseUrl(given: AdyenSettings): string {
  return given.apiBaseUrl ?? CUSTOMER_AREAS[given.environment];
}

/** Whether reports can be downloaded: their user is another one than the webhook's. */
export function canFetchReports(given: AdyenSettings): boolean {
  const byPassword = given.reportUser !== undefined && given.reportPassword !== undefined;
  return given.reportApiKey !== undefined || byPassword;
}
