import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { split } from './split.ts';

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`./fixtures/${name}.in.json`, import.meta.url));
const keys = (body: Buffer | string) => split(Buffer.from(body)).map(({ key }) => key);

describe('documents', () => {
  test('a notification is itself, keyed by its id', () => {
    const body = fixture('webhook-void');
    assert.deepEqual(split(body), [
      { key: 'notification:3b1f7a92-6d44-4b0c-9b77-1e2f3a4b5c04', body },
    ]);
  });

  test('rows of lists are documents whose keys change with their content', () => {
    const text = fixture('api-list-payments').toString();
    const before = keys(text);
    const after = keys(text.replace('"settledSuccessfully"', '"returnedItem"'));
    assert.deepEqual(
      before.map((key) => key.replace(/[0-9a-f]{16}$/, '…')),
      ['listed:60020981676:…', 'listed:60020981677:…', 'listed:60020981679:…'],
    );
    assert.notEqual(after[0], before[0]);
    assert.deepEqual(after.slice(1), before.slice(1));
  });

  test('batches keep the digits of their amounts', () => {
    const [first, second] = split(fixture('api-settled-batches'));
    assert.match(String(first?.key), /^batch:11842207:[0-9a-f]{16}$/);
    assert.match(String(first?.body), /"chargeAmount":2310\.0,/);
    assert.match(String(second?.key), /^batch:11851990:/);
  });

  test('a transaction is the same document however it was asked for', () => {
    const text = fixture('api-transaction-details').toString();
    const [plain] = keys(text);
    assert.deepEqual(keys(text.replace('sync-000184', 'sync-000185')), [plain]);
    assert.deepEqual(keys(fixture('api-transaction-details-bom')), [plain]);
    assert.notDeepEqual(keys(text.replace('452.5,', '452.50,')), [plain]);
  });

  test('what holds no record is one document', () => {
    for (const name of ['api-unsettled-empty', 'api-notifications', 'error-auth']) {
      assert.match(keys(fixture(name)).join(), /^answer:[0-9a-f]{16}$/, name);
    }
    for (const body of ['', 'null', '{"transactions":[]}', '<html>', '{"transId":7}', '[1]']) {
      assert.equal(keys(body).length, 1, body);
    }
  });
});
