/** The life of one recording: a token that ends in the middle, an answer lost on its way, recorded once, taken back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortalApi } from '../src/portals/contract.ts';
import { RetryLater } from '../src/portals/kit/errors.ts';
import { portalApi } from '../src/portals/kit/http.ts';
import { memoryTokenStore, tokenSource } from '../src/portals/kit/oauth.ts';
import { zohoBooks } from '../src/portals/zoho-books/index.ts';
import { memoryNotes } from '../test/support/simulated-books.ts';
import { simulateZohoBooks } from './zoho-books.ts';

const NOW = new Date('2026-11-02T10:00:00Z');

test('a payment whose answer was lost is recorded once, read back and taken back', async () => {
  const simulated = await simulateZohoBooks({ seed: 5 });
  try {
    const settings = zohoBooks.settings.parse(simulated.settings);
    const auth = zohoBooks.api?.auth(settings);
    if (auth?.kind !== 'oauth2' || !auth.present) assert.fail('not OAuth with a header of its own');
    const store = memoryTokenStore();
    const tokens = tokenSource({ store, client: auth.client, clock: () => NOW });
    const real = portalApi({
      baseUrl: simulated.settings.apiBaseUrl ?? '',
      authorization: { kind: 'oauth2', tokens, present: auth.present },
      requestsPerMinute: 600_000,
    });
    let lost = 0;
    const api: PortalApi = {
      async request(call) {
        const answer = await real.request(call);
        if (call.method !== 'POST' || lost > 0) return answer;
        lost += 1;
        throw new RetryLater('the answer was lost');
      },
    };
    assert.match((await zohoBooks.check?.(api, settings)) ?? '', /Simulated Air Services/);
    const customer = simulated.addCustomer({ name: 'Diner', email: 'a@diner.example' }, NOW);
    const invoice = { number: '1', customerExternalId: customer, currency: 'KWD' };
    const externalId = simulated.addInvoice({ ...invoice, amountMinor: 45_125n }, NOW);
    const payment = {
      paymentId: 'pay_7',
      from: { portal: 'stripe', externalId: 'pi_7' },
      mark: 'CV-ab12cd-pay_7',
      customerExternalId: customer,
      amountMinor: 45_125n,
      currency: 'KWD',
      receivedOn: '2026-11-02',
      method: 'card',
      memo: 'WO-20881',
      invoices: [{ externalId, amountMinor: 45_125n }],
    };
    const context = { settings, idempotencyKey: 'key', notes: memoryNotes() };
    const record = () => zohoBooks.books?.recordPayment(api, payment, context);
    await assert.rejects(async () => record(), RetryLater);
    simulated.expireAccessTokens();
    const first = await record();
    assert.deepEqual(await record(), first);
    const [kept, ...others] = simulated.recordedPayments();
    assert.deepEqual(others, []);
    assert.equal(kept?.externalId, first?.externalId);
    assert.equal(kept?.amountMinor, 45_125n);
    const recorded = { externalId: kept?.externalId ?? '', mark: payment.mark };
    await zohoBooks.books?.reversePayment?.(api, recorded, context);
    await zohoBooks.books?.reversePayment?.(api, recorded, context);
    assert.deepEqual(simulated.recordedPayments(), []);
  } finally {
    await simulated.close();
  }
});
