import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { split } from './split.ts';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
const keys = (body: Buffer) => split(body).map(({ key }) => key);

describe('notices', () => {
  test('are kept as the XML that was signed', () => {
    const [document, ...others] = split(fixture('webhook-dispute.in.form'));
    assert.equal(others.length, 0);
    assert.match(document?.key ?? '', /^notice:dispute_opened:[0-9a-f]{16}$/);
    assert.match(document?.body.toString() ?? '', /^<\?xml .*<id>dsp_5f8z<\/id>/s);
  });

  test('are the same when only their signature or form differs', () => {
    const form = new URLSearchParams(fixture('webhook-dispute.in.form').toString());
    const payload = form.get('bt_payload') ?? '';
    const retried = new URLSearchParams({ bt_payload: payload, bt_signature: 'a|b&c|d' });
    assert.deepEqual(
      keys(Buffer.from(retried.toString())),
      keys(fixture('webhook-dispute.in.form')),
    );
    assert.notDeepEqual(
      keys(fixture('webhook-dispute-won.in.form')),
      keys(fixture('webhook-dispute.in.form')),
    );
  });
});

describe('pages', () => {
  test('are taken apart, each record by its legacy id and state', () => {
    const body = fixture('api-list-payments.in.json');
    assert.deepEqual(
      keys(body).map((key) => key.replace(/:[0-9a-f]{16}$/, ':')),
      ['refund:3ref7u6y:', 'transaction:6f3k8a2w:', 'transaction:1dec5s3d:'],
    );
    const changed = Buffer.from(body.toString().replace('"PROCESSOR_DECLINED",', '"FAILED",'));
    const same = keys(changed).map((key, index) => key === keys(body)[index]);
    assert.deepEqual(same, [true, true, false]);
  });

  test('without records hold no document', () => {
    const empty = {
      data: { search: { payments: { edges: [], pageInfo: { hasNextPage: false } } } },
    };
    assert.deepEqual(split(Buffer.from(JSON.stringify(empty))), []);
  });

  test('an object that was fetched is the record of a page', () => {
    const page = JSON.parse(fixture('api-list-payments.in.json').toString());
    const { node } = page.data.search.payments.edges[1];
    assert.deepEqual(keys(Buffer.from(JSON.stringify({ data: { node } }))), [
      keys(fixture('api-list-payments.in.json'))[1],
    ]);
  });
});

test('what cannot be read is one document', () => {
  for (const text of ['', 'null', '[]', 'bt_signature=a&bt_payload=', '{"data":null}']) {
    assert.match(keys(Buffer.from(text)).join(), /^unreadable:[0-9a-f]{16}$/, text);
  }
});
