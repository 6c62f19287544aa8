import assert from 'node:assert/strict';
import test from 'node:test';
import { stripe } from '../src/portals/stripe/index.ts';
import { noticeBody, receivableRecords, signatureOf, WEBHOOK_SECRET } from './notices.ts';

test('a notice is authentic to the product and pays the invoice that the firm entered', () => {
  const receivedAt = new Date('2026-11-21T07:00:00.000Z');
  const seconds = receivedAt.getTime() / 1000;
  const body = noticeBody(42, seconds);
  const headers = { 'stripe-signature': signatureOf(body, seconds) };
  const settings = stripe.settings.parse({ webhookSecret: WEBHOOK_SECRET });
  const notice = { headers, body, url: '/', receivedAt };
  assert.equal(stripe.webhook?.authenticate(notice, settings).verdict, 'authentic');
  const normalized = stripe.normalize({ body, headers, receivedAt }, settings);
  const [event] = 'events' in normalized ? normalized.events : [];
  const [, invoice] = receivableRecords(42);
  assert.ok(invoice?.kind === 'invoice.upserted');
  assert.equal(event?.references[0]?.number, invoice.number);
  assert.equal(event?.amountMinor, BigInt(invoice.total.amount.replace('.', '')));
});
