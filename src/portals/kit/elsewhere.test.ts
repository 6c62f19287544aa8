import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portals } from '../index.ts';
import { elsewhereAt, portalOfGateway } from './elsewhere.ts';

test('gateways are known by the names that shops and billing systems write', () => {
  const names = {
    stripe: ['stripe', 'Stripe', 'STRIPE_GATEWAY', 'stripe_ach'],
    paypal: ['paypal', 'PayPal Express Checkout', 'paypal_express', 'payflow_pro'],
    braintree: ['braintree', 'Braintree (PayPal)', 'braintree_blue'],
    'authorize-net': ['authorize_net', 'Authorize.Net', 'authorizenet'],
    square: ['square'],
    adyen: ['adyen', 'Adyen Ecommerce'],
    mollie: ['mollie', 'Mollie - iDEAL'],
    'intuit-payments': ['intuit_payments', 'QuickBooks Payments'.replace(' ', '_')],
  };
  for (const [portal, written] of Object.entries(names)) {
    for (const name of written) assert.equal(portalOfGateway(name), portal, name);
  }
  for (const name of ['shopify_payments', 'manual', 'cash', 'gift_card', '', null, undefined]) {
    assert.equal(portalOfGateway(name), undefined);
  }
});

test('each of them is a portal of ours', () => {
  const ids = portals.map(({ id }) => id);
  for (const gateway of ['stripe', 'braintree', 'paypal', 'square', 'authnet', 'adyen', 'mollie']) {
    assert.ok(ids.includes(portalOfGateway(gateway) ?? ''), gateway);
  }
});

test('an id is the link, with the portal where it is known', () => {
  assert.deepEqual(elsewhereAt('stripe', 'ch_1', null, 'ch_1', ' '), {
    elsewhere: [{ portal: 'stripe', externalId: 'ch_1' }],
  });
  assert.deepEqual(elsewhereAt('bogus', 'x'), { elsewhere: [{ externalId: 'x' }] });
  assert.deepEqual(elsewhereAt('stripe', null, undefined, ''), {
    elsewhere: [{ portal: 'stripe' }],
  });
  assert.deepEqual(elsewhereAt('manual', null), {});
});
