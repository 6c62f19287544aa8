import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AddressRefused, kindOf, pinAddress } from './address-guard.ts';

const resolveTo =
  (...addresses: string[]) =>
  async () =>
    addresses;

function pin(url: string, allowPrivate = false, ...addresses: string[]) {
  return pinAddress(new URL(url), { allowPrivate, resolve: resolveTo(...addresses) });
}

describe('kindOf', () => {
  const kinds = {
    public: ['8.8.8.8', '1.1.1.1', '2606:4700::1111', '::ffff:8.8.8.8'],
    private: [
      '127.0.0.1',
      '127.255.0.9',
      '10.1.1.1',
      '172.31.0.1',
      '192.168.1.1',
      '100.64.0.1',
      '::1',
      'fd00:ec2::254',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::ffff:10.0.0.1',
    ],
    forbidden: [
      '169.254.169.254',
      '::ffff:169.254.169.254',
      'fe80::1',
      'fec0::1',
      '0.0.0.0',
      '::',
      '255.255.255.255',
      '224.0.0.1',
      'ff02::1',
      '240.0.0.1',
      '192.0.0.192',
      '168.63.129.16',
      '100.100.100.200',
      '::7f00:1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '2001:db8::1',
      'not an address',
    ],
  } as const;
  for (const [kind, addresses] of Object.entries(kinds)) {
    for (const address of addresses) {
      test(`${address} is ${kind}`, () => assert.equal(kindOf(address), kind));
    }
  }
});

describe('pinAddress', () => {
  test('pins the address a public host resolves to', async () => {
    assert.deepEqual(await pin('https://example.com/x', false, '8.8.8.8', '2606:4700::1111'), {
      address: '8.8.8.8',
      family: 4,
    });
    assert.deepEqual(await pin('https://[2606:4700::1111]/'), {
      address: '2606:4700::1111',
      family: 6,
    });
  });

  test('sees through every way of writing a loopback address', async () => {
    for (const host of ['127.1', '0x7f.1', '2130706433', '0177.0.0.1', '[::ffff:127.0.0.1]']) {
      await assert.rejects(pin(`https://${host}/`), AddressRefused, host);
    }
  });

  test('one forbidden address among several refuses the host', async () => {
    await assert.rejects(pin('https://example.com/', false, '8.8.8.8', '10.0.0.1'), AddressRefused);
    await assert.rejects(pin('https://example.com/', false), AddressRefused);
  });

  test('a permission covers private addresses, not metadata', async () => {
    assert.equal((await pin('http://erp.local/', true, '10.0.0.1')).address, '10.0.0.1');
    await assert.rejects(pin('http://erp.local/', true, '169.254.169.254'), AddressRefused);
  });

  test('plain http is for private addresses only', async () => {
    await assert.rejects(pin('http://example.com/', true, '8.8.8.8'), AddressRefused);
  });

  test('refuses other schemes and credentials', async () => {
    await assert.rejects(pin('ftp://example.com/', true, '8.8.8.8'), AddressRefused);
    await assert.rejects(pin('https://me:secret@example.com/', true, '8.8.8.8'), AddressRefused);
  });

  test('whatever a name resolves to, only a public address is pinned', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.ipV4(), fc.ipV6()), async (address) => {
        const pinned = await pin('https://example.com/', false, address).catch((error: Error) => {
          assert.ok(error instanceof AddressRefused);
        });
        assert.equal(pinned !== undefined, kindOf(address) === 'public');
      }),
    );
  });
});
