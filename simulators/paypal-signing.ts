/** How the simulated PayPal signs: with a certificate that only tests on this machine trust. */
import { createSign, createVerify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { SimulatedDelivery, SimulatedNotice } from './contract.ts';

const FIXTURE = '../src/portals/paypal/fixtures/throw-away-certificates.json';
export const throwAway = JSON.parse(readFileSync(new URL(FIXTURE, import.meta.url)).toString()) as {
  readonly root: string;
  readonly chain: string;
  readonly key: string;
};

export const CERTIFICATE_PATH = '/v1/notifications/certs/CERT-360caa42-fca2a594-simulated';

/** A webhook event as it is sent: each attempt has an id and a time of its own, and the same body. */
export function signedNotice(
  event: { readonly id: string; readonly event_type: string },
  by: { readonly webhookId: string; readonly baseUrl: () => string },
): SimulatedNotice {
  const body = Buffer.from(JSON.stringify(event));
  let attempts = 0;
  return {
    label: `${event.event_type} ${event.id}`,
    sign(now): SimulatedDelivery {
      attempts += 1;
      const id = `${event.id.slice(3).toLowerCase()}-${attempts}`;
      const time = now.toISOString().replace(/\.\d{3}Z$/, 'Z');
      const text = signedText({ id, time, webhookId: by.webhookId, body });
      return {
        headers: {
          'content-type': 'application/json',
          'user-agent': 'PayPal/AUHR-214.0-58298022',
          'paypal-auth-version': 'v2',
          'paypal-auth-algo': 'SHA256withRSA',
          'paypal-transmission-id': id,
          'paypal-transmission-time': time,
          'paypal-cert-url': `${by.baseUrl()}${CERTIFICATE_PATH}`,
          'paypal-transmission-sig': createSign('RSA-SHA256')
            .update(text)
            .sign(throwAway.key, 'base64'),
        },
        body,
      };
    },
  };
}

/** PayPal's own verification of a request whose last field is the event, byte for byte as it was sent. */
export function verifyRequest(request: Buffer, webhookId: string): 'SUCCESS' | 'FAILURE' {
  const field = '"webhook_event":';
  const start = request.indexOf(field);
  const fields = JSON.parse(`${request.subarray(0, start).toString().replace(/,$/, '')}}`);
  const body = request.subarray(start + field.length, request.lastIndexOf('}'));
  const { transmission_id: id, transmission_time: time, transmission_sig: signature } = fields;
  const text = signedText({ id, time, webhookId: String(fields.webhook_id), body });
  const genuine = createVerify('RSA-SHA256')
    .update(text)
    .verify(throwAway.chain, signature, 'base64');
  return genuine && fields.webhook_id === webhookId ? 'SUCCESS' : 'FAILURE';
}

function signedText(of: {
  readonly id: string;
  readonly time: string;
  readonly webhookId: string;
  readonly body: Buffer;
}): string {
  return [of.id, of.time, of.webhookId, crc32(of.body)].join('|');
}
