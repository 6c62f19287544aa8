/** What the simulated shop promises: the same story by seed, its own signing, truth and refusals. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import type { SimulatedOrder, SimulatedPortal } from './contract.ts';
import { simulateShopify } from './shopify.ts';

const AT = new Date('2026-11-12T14:58:09.000Z');
const ORDER: SimulatedOrder = {
  amountMinor: 128_450n,
  currency: 'USD',
  customer: { externalId: 'cus_1', name: 'Harbor Millworks LLC', email: 'ap@harbor.example' },
  invoiceNumber: 'INV-1',
};

async function story(seed: number): Promise<string> {
  const shop = await simulateShopify({ seed });
  const { baseUrl } = { baseUrl: String(shop.settings.apiBaseUrl) };
  try {
    const id = shop.pay(ORDER, AT);
    shop.refund?.(id, 1_000n, AT);
    const authorized = shop.authorize?.(ORDER, AT) ?? '';
    shop.capture?.(authorized, AT);
    shop.closeDispute?.(shop.dispute?.(authorized, AT) ?? '', 'won', AT);
    shop.payout?.(AT);
    const told = shop.takeNotices().map((one) => {
      const { headers, body } = one.sign(AT);
      return [one.label, headers, body.toString()];
    });
    const truth = [shop.truth(), shop.payouts?.(), shop.disputeFees?.()];
    return JSON.stringify([told, truth], (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    ).replaceAll(baseUrl, '');
  } finally {
    await shop.close();
  }
}

const post = (shop: SimulatedPortal, path: string, headers: Record<string, string>, body: string) =>
  fetch(`${shop.settings.apiBaseUrl}${path}`, { method: 'POST', headers, body });

describe('the simulated Shopify', () => {
  it('tells the same story by the same seed, and another by another', async () => {
    assert.equal(await story(3), await story(3));
    assert.notEqual(await story(3), await story(4));
  });

  it('signs the bytes with a secret of the settings, under an id that retries keep', async () => {
    const shop = await simulateShopify({ seed: 6 });
    shop.pay(ORDER, AT);
    const secrets = String(shop.settings.webhookSecret).split(', ');
    const notices = shop.takeNotices();
    assert.ok(notices.length >= 4);
    for (const notice of notices) {
      const { headers, body } = notice.sign(AT);
      const digests = secrets.map((key) => createHmac('sha256', key).update(body).digest('base64'));
      assert.ok(digests.includes(String(headers['x-shopify-hmac-sha256'])));
      assert.deepEqual(notice.sign(new Date()), { headers, body });
    }
    const ids = new Set(notices.map((one) => one.sign(AT).headers['x-shopify-webhook-id']));
    const actions = new Set(notices.map((one) => one.sign(AT).headers['x-shopify-event-id']));
    assert.deepEqual([ids.size, actions.size], [notices.length, 1]);
    await shop.close();
  });

  it('knows what is true: fees, refunds, disputes and what was paid out', async () => {
    const shop = await simulateShopify({ seed: 7 });
    const id = shop.pay(ORDER, AT);
    shop.refund?.(id, 10_000n, AT);
    const deposit = shop.begin?.(ORDER, AT) ?? '';
    const disputed = shop.pay(ORDER, AT);
    shop.dispute?.(disputed, AT);
    shop.payout?.(AT);
    const [first, second, third] = shop.truth();
    assert.partialDeepStrictEqual(first, {
      externalId: id,
      refundedMinor: 10_000n,
      feeMinor: 3_725n,
    });
    assert.partialDeepStrictEqual(second, {
      externalId: deposit,
      status: 'pending',
      feeMinor: null,
    });
    assert.partialDeepStrictEqual(third, { disputedMinor: 128_450n, lostMinor: 0n });
    const [payout] = shop.payouts?.() ?? [];
    // 1284.50 less refund and fee; the disputed payment left nothing but its fee and that of the dispute.
    assert.equal(payout?.amountMinor, 128_450n - 10_000n - 3_725n - 3_725n - 1_500n);
    assert.deepEqual(shop.disputeFees?.(), [{ currency: 'USD', amountMinor: 1_500n }]);
    await shop.close();
  });

  it('refuses wrong tokens and wrong clients, and issues tokens to the right one', async () => {
    const shop = await simulateShopify({ seed: 8, credentials: 'client' });
    const api = '/admin/api/2026-10/graphql.json';
    const query = JSON.stringify({ query: 'query Shop { shop { name } }' });
    const wrong = await post(shop, api, { 'x-shopify-access-token': 'shpat_x' }, query);
    assert.equal(wrong.status, 401);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const { clientId = '', clientSecret = '' } = shop.settings;
    const grant = (secret: string) =>
      new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: secret,
      }).toString();
    const refused = await post(shop, '/admin/oauth/access_token', form, grant('no'));
    assert.equal(refused.status, 400);
    const issued = await post(shop, '/admin/oauth/access_token', form, grant(clientSecret));
    const { access_token: token } = (await issued.json()) as { access_token: string };
    const right = await post(shop, api, { 'x-shopify-access-token': token }, query);
    assert.equal(right.status, 200);
    await shop.close();
  });
});
