/** The life of a payment in a simulated FreshBooks: pulled, told by callback, recorded, read back, taken back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiCall, PaymentToRecord, PortalApi } from '../src/portals/contract.ts';
import type { CanonicalEvent } from '../src/portals/events.ts';
import { freshbooks } from '../src/portals/freshbooks/index.ts';
import { RetryLater } from '../src/portals/kit/errors.ts';
import { portalApi } from '../src/portals/kit/http.ts';
import { memoryTokenStore, tokenSource } from '../src/portals/kit/oauth.ts';
import { memoryNotes } from '../test/support/simulated-books.ts';
import { simulateFreshBooks } from './freshbooks.ts';

const NOW = new Date('2026-11-04T15:00:00.000Z');
const MARK = 'CV-ab12cd-pay_12';
const books = freshbooks.books ?? assert.fail('no books');
const pull = freshbooks.pull ?? assert.fail('no pull');

async function connect() {
  const account = await simulateFreshBooks({ seed: 7 });
  const settings = freshbooks.settings.parse(account.settings);
  const { api: definition } = freshbooks;
  const auth = definition?.auth(settings);
  if (definition === undefined || auth?.kind !== 'oauth2') assert.fail('not OAuth');
  const tokens = tokenSource({
    store: memoryTokenStore(),
    client: auth.client,
    clock: () => NOW,
  });
  const api = portalApi({
    baseUrl: definition.baseUrl(settings),
    authorization: { kind: 'oauth2', tokens },
    requestsPerMinute: 600_000,
  });
  return { account, settings, api, [Symbol.asyncDispose]: () => account.close() };
}
type Connection = Awaited<ReturnType<typeof connect>>;

async function pulled({ api, settings }: Connection): Promise<readonly CanonicalEvent[]> {
  const events: CanonicalEvent[] = [];
  let cursor = pull.start(NOW);
  for (let more = true; more; ) {
    const page = await pull.page(api, cursor, { settings, now: NOW });
    for (const body of page.bodies) {
      for (const part of freshbooks.split(body, {})) {
        const outcome = freshbooks.normalize(
          { body: part.body, headers: {}, receivedAt: NOW },
          settings,
        );
        if ('events' in outcome) events.push(...outcome.events);
      }
    }
    ({ next: cursor, more } = page);
  }
  return events;
}

function fill({ account }: Connection) {
  const customer = account.addCustomer({ name: 'Red Rock Diner', email: 'a@rock.example' }, NOW);
  const invoice = (number: string) =>
    account.addInvoice(
      { number, customerExternalId: customer, amountMinor: 5500n, currency: 'USD' },
      NOW,
    );
  return { customer, first: invoice('1016'), second: invoice('1017') };
}

function ours(customer: string, invoices: readonly string[]): PaymentToRecord {
  return {
    paymentId: 'pay_12',
    from: { portal: 'stripe', externalId: 'pi_12' },
    mark: MARK,
    customerExternalId: customer,
    amountMinor: 5500n * BigInt(invoices.length),
    currency: 'USD',
    receivedOn: '2026-11-04',
    method: 'card',
    memo: 'Stripe payment',
    invoices: invoices.map((externalId) => ({ externalId, amountMinor: 5500n })),
  };
}

describe('a payment in FreshBooks', () => {
  test('is pulled page by page, and found deleted', async () => {
    await using connection = await connect();
    const { account } = connection;
    const order = { amountMinor: 100n, currency: 'USD' };
    const customer = { externalId: 'c1', name: 'Northgate', email: 'a@x.example' };
    const ids = Array.from({ length: 230 }, () => account.pay({ ...order, customer }, NOW));
    account.void(ids[0] as string, NOW);
    const events = await pulled(connection);
    const of = (type: string) => events.filter((event) => event.type === type);
    assert.equal(of('payment.succeeded').length, 229);
    assert.deepEqual(
      of('payment.voided').map((event) => event.externalPaymentId),
      [ids[0]],
    );
  });

  test('is recorded once for each invoice, though the answer got lost and the token expired', async () => {
    await using connection = await connect();
    const { account, settings, api } = connection;
    const { customer, first, second } = fill(connection);
    let losing = true;
    const lossy: PortalApi = {
      async request(call: ApiCall) {
        const answer = await api.request(call);
        if (call.method !== 'POST' || !losing) return answer;
        losing = false;
        throw new RetryLater('the answer got lost');
      },
    };
    const payment = ours(customer, [first, second]);
    const context = { settings, idempotencyKey: 'org_1/pay_12', notes: memoryNotes() };
    await assert.rejects(books.recordPayment(lossy, payment, context), RetryLater);
    account.expireAccessTokens();
    const { externalId } = await books.recordPayment(lossy, payment, context);
    assert.deepEqual(await books.recordPayment(lossy, payment, context), { externalId });
    assert.deepEqual(account.recordedPayments(), [
      {
        externalId,
        reference: MARK,
        customerExternalId: customer,
        amountMinor: 11_000n,
        currency: 'USD',
      },
    ]);
    assert.deepEqual(account.truth(), [], 'our own record is no new money');
    const echoes = (await pulled(connection)).filter(({ type }) => type === 'payment.succeeded');
    assert.equal(echoes.length, 2);
    for (const { references } of echoes) {
      assert.ok(references.some(({ text }) => text?.includes(MARK)));
    }

    const recorded = { externalId, mark: MARK };
    await books.reversePayment?.(api, recorded, context);
    await books.reversePayment?.(api, recorded, context);
    const after = await pulled(connection);
    assert.equal(after.filter(({ type }) => type === 'payment.voided').length, 2);
    assert.equal(after.filter(({ type }) => type === 'payment.succeeded').length, 0);
  });

  test('is refused without an invoice, and when FreshBooks holds something else', async () => {
    await using connection = await connect();
    const { settings, api } = connection;
    const { customer, first } = fill(connection);
    const context = { settings, idempotencyKey: 'org_1/pay_12', notes: memoryNotes() };
    await assert.rejects(books.recordPayment(api, ours(customer, []), context), /invoices only/);
    await books.recordPayment(api, ours(customer, [first]), context);
    const other = { ...ours(customer, [first]), amountMinor: 5400n };
    const changed = { ...other, invoices: [{ externalId: first, amountMinor: 5400n }] };
    await assert.rejects(
      books.recordPayment(api, changed, context),
      /amount is 55\.00, not 54\.00/,
    );
  });

  test('is checked with the name of the account, and callbacks that wait are told again', async () => {
    await using connection = await connect();
    const { account, settings, api } = connection;
    const { callbackid } = account.registerCallback('payment');
    account.takeNotices();
    const said = await freshbooks.check?.(api, settings);
    assert.match(String(said), /Simulated Air Services/);
    assert.match(String(said), new RegExp(`callback ${callbackid} .*sent again`));
    assert.match(account.takeNotices()[0]?.label ?? '', /callback.verify/);
  });
});
