/** Sends one signed webhook. */
import { AddressRefused, NoAnswer, type Post } from './outbound.ts';
import { excerptOf, retryAfterMs, type SendResult } from './send-result.ts';
import type { WebhookSettings } from './system-settings.ts';
import { signatureHeaders } from './webhook-signature.ts';

const TIMEOUT_MS = 15_000;

/** The id is the same for each attempt, so that the receiver can drop repeats. */
export async function sendWebhook(
  ctx: { readonly post: Post; readonly now: () => Date },
  settings: WebhookSettings,
  message: { readonly id: string; readonly body: Buffer },
): Promise<SendResult> {
  const sentAt = ctx.now();
  try {
    const answer = await ctx.post({
      url: settings.url,
      headers: signatureHeaders({ ...message, sentAt }, settings.signingSecret),
      body: message.body,
      allowPrivateAddresses: settings.allowPrivateAddresses,
      timeoutMs: TIMEOUT_MS,
    });
    const { status } = answer;
    const answered = { status, excerpt: excerptOf(answer.body) };
    if (status >= 200 && status < 300) return { outcome: 'done', ...answered };
    // By the specification, 410 says that the endpoint wants no more messages.
    if (status === 410) return { outcome: 'park', because: 'the endpoint is gone', ...answered };
    const afterMs = retryAfterMs(answer.headers['retry-after'], sentAt);
    return { outcome: 'retry', because: `it answered ${status}`, afterMs, ...answered };
  } catch (error) {
    if (error instanceof AddressRefused) return { outcome: 'park', because: error.message };
    if (error instanceof NoAnswer) return { outcome: 'retry', because: error.message };
    throw error;
  }
}
