/** Each item carries its own HMAC; the webhook may have a user and a password besides. */
import { createHmac } from 'node:crypto';
import type { Notice, Verdict } from '../contract.ts';
import { judgeBasic } from '../kit/basic.ts';
import { sameBytes } from '../kit/hmac.ts';
import { AUTHENTIC, likelyMistake, refused } from '../kit/verdict.ts';
import type { AdyenSettings } from './settings.ts';
import { readDelivery } from './wire.ts';

const MARKS = ['"NotificationRequestItem"', '"notificationItems"'];

/** The JSON names are Adyen's own; a form is known by the two fields that every item has. */
export function recognizes({ body, headers }: Notice): boolean {
  if (MARKS.some((mark) => body.includes(mark))) return true;
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
  return isForm && body.includes('pspReference=') && body.includes('eventCode=');
}

/**
 * Every item must carry the HMAC-SHA256 of its own fields by one of the connection's keys, which are hexadecimal
 * bytes. Only with user and password are the fields proven that the HMAC leaves out.
 */
export function authenticate(notice: Notice, settings: AdyenSettings): Verdict {
  const delivery = readDelivery(notice.body);
  if (!delivery || delivery.items.length === 0) {
    return refused('signature-malformed', 'it holds no notification item that could be checked');
  }
  const signed = delivery.items.map(signedItem);
  if (signed.some((one) => one?.signature === undefined)) {
    return refused(
      'signature-missing',
      'an item has no additionalData.hmacSignature: generate an HMAC key for this webhook at Adyen',
    );
  }
  const keys = settings.hmacKey ?? [];
  const fits = (key: Buffer) => (one: SignedItem | undefined) =>
    one?.signature !== undefined && isSignedWith(key, one);
  const usable = keys.map((key) => hexBytes(key.reveal())).filter((key) => key !== undefined);
  if (!signed.every((one) => usable.map((key) => fits(key)(one)).includes(true))) {
    return refused(
      'signature-wrong',
      usable.length < keys.length
        ? '`hmacKey` is not the hexadecimal text that Adyen shows: copy it again'
        : likelyMistake({
            keys,
            body: notice.body,
            setting: '`hmacKey`',
            fits: (key) => {
              const bytes = typeof key === 'string' ? hexBytes(key) : key;
              return bytes !== undefined && signed.every(fits(bytes));
            },
          }),
    );
  }
  if (settings.webhookUser !== undefined || settings.webhookPassword !== undefined) {
    const { webhookUser: user, webhookPassword: passwords } = settings;
    const verdict = judgeBasic(notice, { user, passwords });
    if (verdict.verdict !== 'authentic') return verdict;
  }
  return judgeArea(delivery.live, settings);
}

/** Test and live are two areas of Adyen's; money of the one is none in the other. */
function judgeArea(live: unknown, { environment }: AdyenSettings): Verdict {
  const expected = environment === 'production' ? 'true' : 'false';
  if (live === undefined || live === null || String(live) === expected) return AUTHENTIC;
  return refused(
    'wrong-account',
    environment === 'production'
      ? 'it comes from Adyen’s test area (live is false): set `environment` to sandbox, or mend the webhook’s address'
      : 'it comes from Adyen’s live area (live is true): set `environment` to production',
  );
}

type SignedItem = { readonly text: string; readonly signature: string | undefined };

/** The signed text: eight values joined by colons, missing ones empty, nothing escaped. */
function signedItem(item: unknown): SignedItem | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  const fields = item as Record<string, unknown>;
  const amount = (fields.amount ?? {}) as Record<string, unknown>;
  const values = [
    fields.pspReference,
    fields.originalReference,
    fields.merchantAccountCode,
    fields.merchantReference,
    amount.value,
    amount.currency,
    fields.eventCode,
    fields.success,
  ];
  const { hmacSignature } = (fields.additionalData ?? {}) as Record<string, unknown>;
  return {
    text: values.map((value) => scalar(value)).join(':'),
    signature: typeof hmacSignature === 'string' ? hmacSignature : undefined,
  };
}

function scalar(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function isSignedWith(key: Buffer, { text, signature = '' }: SignedItem): boolean {
  const expected = createHmac('sha256', key).update(text, 'utf8').digest();
  // Compared as text: base64 has several spellings of the same bytes, Adyen has one.
  return sameBytes(Buffer.from(expected.toString('base64')), Buffer.from(signature));
}

function hexBytes(key: string): Buffer | undefined {
  return /^([0-9a-f]{2}){16,}$/i.test(key) ? Buffer.from(key, 'hex') : undefined;
}
