/** What is made of what Wave's schema says of itself, none of which is documented. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PortalApi } from '../contract.ts';
import { RetryLater } from '../kit/errors.ts';
import { forgetPayments, schemaOf } from './schema.ts';

/** An API that answers what it is asked one after the other, and counts. */
function answering(...bodies: readonly (object | Error)[]) {
  let asked = 0;
  const api: PortalApi = {
    request: async () => {
      const body = bodies[Math.min(asked, bodies.length - 1)];
      asked += 1;
      if (body instanceof Error) throw body;
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(body)) };
    },
  };
  return { api, asked: () => asked };
}

const scalar = { kind: 'SCALAR', fields: null };
const required = (ofType: object) => ({ kind: 'NON_NULL', fields: null, ofType });
const list = (ofType: object) => ({ kind: 'LIST', fields: null, ofType });
const element = (amount: object, more: readonly object[] = [{ name: 'memo', type: scalar }]) => ({
  kind: 'OBJECT',
  fields: [{ name: 'id', type: scalar }, { name: 'amount', type: amount }, ...more],
});
const business = { fields: [{ name: 'invoice' }] };
const schemaWith = (type: object, args: readonly object[] = []) => ({
  data: { invoice: { fields: [{ name: 'id' }, { name: 'payments', args, type }] }, business },
});
const paymentsIn = async (answer: object) => (await schemaOf(answering(answer).api)).payments;

describe('the schema', () => {
  test('offers payments where they are a list with an amount and a memo', async () => {
    assert.equal(await paymentsIn(schemaWith(list(element(scalar)))), 'payments { amount memo }');
    const wrapped = required(list(required(element(required(scalar)))));
    assert.equal(await paymentsIn(schemaWith(wrapped)), 'payments { amount memo }');
    const money = { kind: 'OBJECT', fields: null };
    assert.equal(
      await paymentsIn(schemaWith(list(element(money)))),
      'payments { amount { value } memo }',
    );
  });

  test('offers none that we could not read or ask for', async () => {
    const connection = { kind: 'OBJECT', fields: [{ name: 'edges', type: list(element(scalar)) }] };
    assert.equal(await paymentsIn(schemaWith(connection)), '');
    assert.equal(await paymentsIn(schemaWith(list(element(scalar, [])))), '');
    const page = [{ name: 'page', type: required(scalar) }];
    assert.equal(await paymentsIn(schemaWith(list(element(scalar)), page)), '');
    assert.equal(await paymentsIn({ data: { invoice: { fields: [] }, business } }), '');
  });

  test('is asked for once, and again only when it was not told', async () => {
    const { api, asked } = answering(new RetryLater('busy'), schemaWith(list(element(scalar))));
    await assert.rejects(schemaOf(api), RetryLater);
    const schema = await schemaOf(api);
    assert.deepEqual(schema, { payments: 'payments { amount memo }', oneInvoice: true });
    await schemaOf(api);
    assert.equal(asked(), 2);
    forgetPayments(api, schema);
    assert.deepEqual(await schemaOf(api), { payments: '', oneInvoice: true });
    assert.equal(asked(), 2);
  });

  test('that tells nothing of itself is taken as documented', async () => {
    const errors = [{ message: 'introspection is off', extensions: { code: 'FORBIDDEN' } }];
    const silent = await schemaOf(answering({ errors }).api);
    assert.deepEqual(silent, { payments: '', oneInvoice: true });
    const nothing = await schemaOf(answering({ data: { invoice: null, business: null } }).api);
    assert.deepEqual(nothing, { payments: '', oneInvoice: true });
  });
});
