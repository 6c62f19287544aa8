import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { capabilitiesOf, capabilityTable } from './capabilities.ts';
import { findPortal, portals } from './index.ts';

test('the table in README.md is what the code says; write it by tools/write-portal-table.ts', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, table] = /<!-- portals -->\n([\s\S]*?)\n<!-- \/portals -->/.exec(readme) ?? [];
  assert.equal(table, capabilityTable(portals));
});

test('what is known of four portals', () => {
  const of = (id: string) => {
    const portal = findPortal(id) ?? assert.fail(id);
    const has = Object.entries(capabilitiesOf(portal)).filter(([, can]) => can);
    return has.map(([name]) => name).join(' ');
  };
  assert.equal(of('stripe'), 'webhook fetch pull refunds disputes payouts invoices check');
  assert.equal(of('mollie'), 'webhook fetch pull refunds disputes payouts check');
  assert.equal(
    of('quickbooks'),
    'webhook fetch pull refunds payouts invoices recordPayments oauth check',
  );
  assert.equal(of('servicemobility'), 'webhook refunds');
});
