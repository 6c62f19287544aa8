/** Portals that have a consent page, connected in a way in which nobody is asked. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { SimulatedPortal } from '../../simulators/contract.ts';
import { simulateNetSuite } from '../../simulators/netsuite.ts';
import { simulateSageIntacct } from '../../simulators/sage-intacct.ts';
import { simulateSquare } from '../../simulators/square.ts';
import { simulateWave } from '../../simulators/wave.ts';
import { startTestServer, type TestServer } from '../../src/api/test-server.ts';
import { tested } from './let-in.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
});

async function connect(simulated: SimulatedPortal): Promise<string> {
  const { portal, role, settings } = simulated;
  const body = { portal, name: 'Ours', role, settings };
  const made = await server.call('POST', '/api/v1/connections', { body });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body.id;
}

async function isRefusedConsent(id: string): Promise<void> {
  const { status, body } = await server.call('POST', `/api/v1/connections/${id}/consent`);
  assert.deepEqual([status, body.code], [409, 'no-consent']);
  assert.match(JSON.stringify(body), /not connected by consent, or not with these settings/);
}

type Way = {
  readonly open: () => Promise<SimulatedPortal>;
  readonly says: RegExp;
};

const WAYS: Readonly<Record<string, Way>> = {
  'NetSuite by a certificate': {
    open: () => simulateNetSuite({ seed: 4880, way: 'certificate' }),
    says: /signed in by certificate/,
  },
  'NetSuite by tokens': {
    open: () => simulateNetSuite({ seed: 4881, way: 'tokens' }),
    says: /NetSuite account \d+_SB1/,
  },
  'Sage Intacct by its gateway, where a user signs in': {
    open: () => simulateSageIntacct({ seed: 4882 }),
    says: /Sage Intacct/,
  },
  'Square by the token of one seller': {
    open: () => simulateSquare({ seed: 4883 }),
    says: /Square seller/,
  },
  'Wave by the token of one person': {
    open: () => simulateWave({ seed: 4884, credentials: 'token' }),
    says: /Wave business/,
  },
};

describe('nobody is asked', () => {
  for (const [name, { open, says }] of Object.entries(WAYS)) {
    test(name, async () => {
      const simulated = await open();
      try {
        const id = await connect(simulated);
        await isRefusedConsent(id);
        assert.match(await tested(server, id), says);
      } finally {
        await simulated.close();
      }
    });
  }

  test('a connection of NetSuite moves from tokens to a certificate, and has one of them at a time', async () => {
    const old = await simulateNetSuite({ seed: 4873, way: 'tokens' });
    const account = await simulateNetSuite({ seed: 4873, way: 'certificate' });
    try {
      const id = await connect(old);
      const path = `/api/v1/connections/${id}`;
      const mixed = await server.call('PATCH', path, { body: { settings: account.settings } });
      assert.match(JSON.stringify(mixed.body), /are of different ways to sign in/);
      const none = { consumerKey: null, consumerSecret: null, tokenId: null, tokenSecret: null };
      const body = { settings: { ...account.settings, ...none } };
      const moved = await server.call('PATCH', path, { body });
      assert.equal(moved.status, 200, JSON.stringify(moved.body));
      await isRefusedConsent(id);
      assert.match(await tested(server, id), /signed in by certificate/);
    } finally {
      await old.close();
      await account.close();
    }
  });
});
