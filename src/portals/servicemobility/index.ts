/**
 * ServiceMobility's Payment Processor Webhook, received as a processor would send it to
 * ServiceMobility.
 */
import { createHash } from 'node:crypto';
import { definePortal, type Notice, type SplitDocument, type Verdict } from '../contract.ts';
import { eventIdOf, inspect, normalize } from './normalize.ts';
import { accepted, answerCreateJwt, gatewayIdOf, standardError } from './replies.ts';
import { type Settings, settings } from './settings.ts';
import { verifyToken } from './token.ts';
import { readCharge, readMerchant } from './wire.ts';

/** Longest key the inbox stores; a longer one is hashed. */
const MAX_KEY_BYTES = 200;
const LOGON_PATH = '/createjwt';
const PROPERTIES = ['PaymentUTC', 'RefNum', 'TransactionID', 'TransactionStatus', 'MerchantID'];

export const servicemobility = definePortal<Settings, unknown>({
  id: 'servicemobility',
  name: 'ServiceMobility',
  settings,
  relays: true,
  tells: [
    'payment.authorized',
    'payment.succeeded',
    'payment.failed',
    'payment.voided',
    'refund.succeeded',
    'refund.failed',
  ],
  webhook: {
    recognizes,
    authenticate,
    acknowledge: (notice, connection) => {
      const inspected = inspect(notice.body, connection);
      return 'invalid' in inspected
        ? standardError(400, 'One or more properties are invalid', inspected.invalid)
        : accepted;
    },
    handshake: (notice, connection) =>
      isLogon(notice) ? answerCreateJwt(notice.body, connection, notice.receivedAt) : undefined,
    paths: ['/seiapi/v3/webhooks/Payments/:gatewayId/Charge', LOGON_PATH],
    bodyLimitBytes: 64 * 1024,
  },
  unitSetting: 'amountUnit',
  split,
  normalize,
});

/** The token's header with one of the object's names, or the object's names alone. */
function recognizes({ headers, body, url }: Notice): boolean {
  if (isLogon({ url }) || gatewayIdOf(url) !== undefined) return true;
  const names = PROPERTIES.filter((name) => body.includes(`"${name}"`)).length;
  return names >= (headers['x-access-token'] === undefined ? PROPERTIES.length : 1);
}

/** Processors log in where ServiceMobility would have them log in. */
function isLogon({ url }: Pick<Notice, 'url'>): boolean {
  return url.split('?')[0]?.endsWith(LOGON_PATH) ?? false;
}

/** Only the token proves the sender, so it counts for its own merchant and gateway alone. */
function authenticate(notice: Notice, connection: Settings): Verdict {
  const token = notice.headers['x-access-token']?.trim();
  if (!token) {
    return { verdict: 'refused', code: 'signature-missing', because: 'no x-access-token header' };
  }
  const verified = verifyToken(token, { secrets: connection.jwtSecret, now: notice.receivedAt });
  if (!verified.valid) {
    return { verdict: 'refused', code: verified.code, because: verified.because };
  }
  const gatewayId = gatewayIdOf(notice.url);
  if (
    gatewayId !== undefined &&
    connection.paymentGatewayId !== undefined &&
    gatewayId !== connection.paymentGatewayId
  ) {
    return wrongAccount('the address names another paymentGatewayId');
  }
  const merchant = readMerchant(notice.body);
  // A body that names no merchant becomes no event; it is stored and set aside.
  if (merchant !== undefined && !connection.merchantId.includes(merchant)) {
    return wrongAccount('MerchantID is not a merchant of this connection');
  }
  return { verdict: 'authentic' };
}

function wrongAccount(because: string): Verdict {
  return { verdict: 'refused', code: 'wrong-account', because };
}

/**
 * One document a body. The key holds the amount beside the event id: a repeat is dropped, but
 * the same event with another amount is kept, so that the difference is seen.
 */
function split(body: Buffer): readonly SplitDocument[] {
  const read = readCharge(body);
  if ('invalid' in read) return [{ key: `body:${sha256(body)}`, body }];
  const amount = read.charge.Amount.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
  const id = `${eventIdOf(read.charge)}|${amount}`;
  const key = `event:${id}`;
  return [{ key: Buffer.byteLength(key) <= MAX_KEY_BYTES ? key : `event:${sha256(id)}`, body }];
}

function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}
