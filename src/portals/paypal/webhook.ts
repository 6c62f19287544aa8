/** Whether a delivery is PayPal's: an RSA signature over its id, time, our webhook's id and the body's CRC-32. */
import { type KeyObject, verify } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { Asking, Notice, Verdict } from '../contract.ts';
import { Rejected, RetryLater } from '../kit/errors.ts';
import { Secret } from '../kit/secret.ts';
import { AUTHENTIC, likelyMistake, refused } from '../kit/verdict.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import { judgeCertificate, whyNotPayPals } from './certificates.ts';
import { hasCredentials, type Settings } from './settings.ts';

const ALGORITHM = 'SHA256withRSA';
/** Events of the dashboard's simulator are signed for this id instead of a webhook's. */
const SIMULATOR_ID = 'WEBHOOK_ID';

type Proof = {
  readonly transmissionId: string;
  readonly transmissionTime: string;
  readonly signature: string;
  readonly certificateUrl: string;
};

/** No other portal sends this header. */
export function recognizes(notice: Notice): boolean {
  return notice.headers['paypal-transmission-id'] !== undefined;
}

/**
 * What can be told without a certificate: nothing is asked of anybody for a delivery that cannot be PayPal's. How old
 * it is does not count, for PayPal tries again for three days; an event that came before is known by its id.
 */
export function authenticate(notice: Notice, settings: Settings): Verdict {
  const proof = readProof(notice, settings);
  if ('verdict' in proof) return proof;
  return settings.webhookId.length === 0
    ? refused('signature-wrong', 'this connection has no `webhookId` to check signatures with')
    : { verdict: 'ask' };
}

function readProof({ headers }: Notice, settings: Settings): Proof | Verdict {
  const transmissionId = headers['paypal-transmission-id'];
  const transmissionTime = headers['paypal-transmission-time'];
  const signature = headers['paypal-transmission-sig'];
  const certificateUrl = headers['paypal-cert-url'];
  if (!transmissionId || !transmissionTime || !signature || !certificateUrl) {
    return refused('signature-missing', 'it lacks the PAYPAL-TRANSMISSION and PAYPAL-CERT headers');
  }
  const algorithm = headers['paypal-auth-algo'];
  if (algorithm !== ALGORITHM) {
    return refused(
      'signature-malformed',
      `it says to be signed by "${algorithm ?? ''}", and only ${ALGORITHM} is known: ` +
        'when PayPal has changed its algorithm, this program must learn it',
    );
  }
  // The signed text is joined by bars, so none may hide in its parts.
  if (
    !/^[\w-]{1,100}$/.test(transmissionId) ||
    !z.iso.datetime({ offset: true }).safeParse(transmissionTime).success ||
    !/^[A-Za-z0-9+/]{100,2000}={0,2}$/.test(signature)
  ) {
    return refused(
      'signature-malformed',
      'its PAYPAL-TRANSMISSION headers are not as PayPal writes them',
    );
  }
  const foreign = whyNotPayPals(certificateUrl, settings);
  if (foreign) return refused('signature-wrong', foreign);
  return { transmissionId, transmissionTime, signature, certificateUrl };
}

/**
 * Checks by PayPal's certificate; where that cannot be judged and the API may be called, PayPal itself is asked. A
 * signature that a good certificate does not bear out is refused without asking. @throws RetryLater
 */
export async function ask(notice: Notice, settings: Settings, asking: Asking): Promise<Verdict> {
  const proof = readProof(notice, settings);
  if ('verdict' in proof) return proof;
  let doubt: string;
  try {
    const pem = (await asking.download(proof.certificateUrl)).toString('latin1');
    const when = { signedAt: new Date(proof.transmissionTime), receivedAt: notice.receivedAt };
    const judged = judgeCertificate(pem, when, settings);
    if ('certificate' in judged) {
      return judgeSignature(notice.body, proof, judged.certificate.publicKey, settings);
    }
    doubt = judged.doubt;
  } catch (error) {
    if (!(error instanceof RetryLater) || !hasCredentials(settings)) throw error;
    doubt = error.message;
  }
  return hasCredentials(settings)
    ? askPayPal(notice.body, proof, settings, asking)
    : refused('signature-wrong', `${doubt}; with API credentials PayPal itself would be asked`);
}

function judgeSignature(body: Buffer, proof: Proof, key: KeyObject, settings: Settings): Verdict {
  const fits = (webhookId: string | Buffer, of: Buffer) =>
    signatureFits({ proof, webhookId: String(webhookId), body: of }, key);
  if (settings.webhookId.some((id) => fits(id, body))) return AUTHENTIC;
  if (fits(SIMULATOR_ID, body)) {
    return refused(
      'signature-wrong',
      "it comes from the webhooks simulator of PayPal's dashboard, which signs for no webhook: " +
        'test with a payment in the sandbox',
    );
  }
  const keys = settings.webhookId.map((id) => new Secret(id));
  return refused('signature-wrong', likelyMistake({ keys, body, setting: '`webhookId`', fits }));
}

/** The signature over `id|time|webhook id|crc`, the CRC-32 of the raw body as an unsigned decimal number. */
function signatureFits(
  of: { readonly proof: Proof; readonly webhookId: string; readonly body: Buffer },
  key: KeyObject,
): boolean {
  const { transmissionId, transmissionTime, signature } = of.proof;
  const text = [transmissionId, transmissionTime, of.webhookId, crc32(of.body)].join('|');
  return verify('RSA-SHA256', Buffer.from(text), key, Buffer.from(signature, 'base64'));
}

const verification = z.object({ verification_status: z.string() });

/** PayPal's own verification, whose answer depends on the bytes of the event as they came. */
async function askPayPal(
  body: Buffer,
  proof: Proof,
  settings: Settings,
  { api }: Asking,
): Promise<Verdict> {
  const raw = body.toString('utf8');
  // The text becomes a part of ours: it must be one whole object, and no byte of it may be lost.
  if (!Buffer.from(raw).equals(body) || !isObject(raw)) {
    return refused('signature-malformed', 'its body is not a JSON object');
  }
  for (const webhookId of settings.webhookId) {
    const fields = JSON.stringify({
      auth_algo: ALGORITHM,
      cert_url: proof.certificateUrl,
      transmission_id: proof.transmissionId,
      transmission_sig: proof.signature,
      transmission_time: proof.transmissionTime,
      webhook_id: webhookId,
    });
    const text = `${fields.slice(0, -1)},"webhook_event":${raw}}`;
    try {
      const answer = await api.request({
        method: 'POST',
        path: '/v1/notifications/verify-webhook-signature',
        body: { type: 'application/json', text },
      });
      const { verification_status } = readWire(verification, parseJson(answer.body));
      if (verification_status === 'SUCCESS') return AUTHENTIC;
    } catch (error) {
      // PayPal does not understand what it is asked about: it did not send it.
      if (error instanceof Rejected && [400, 404, 422].includes(error.status)) continue;
      throw error;
    }
  }
  return refused(
    'signature-wrong',
    'PayPal says that it did not send this to `webhookId`: it is probably that of another app or environment',
  );
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
