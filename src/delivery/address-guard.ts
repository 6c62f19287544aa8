/**
 * Decides which addresses a delivery may connect to. Whoever configures a system names its host,
 * so without this guard a delivery could be aimed at our own network or at a cloud's metadata.
 */
import { lookup } from 'node:dns/promises';
import ipaddr from 'ipaddr.js';

/**
 * The host must not be connected to. No repeat can help until somebody changes the system or its
 * DNS.
 */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

export type Resolve = (host: string) => Promise<readonly string[]>;

/** An address that was checked and to which the connection must be pinned. */
export type PinnedAddress = { readonly address: string; readonly family: 4 | 6 };

/**
 * What a permission for private addresses covers; link-local (metadata), multicast and reserved
 * stay refused.
 */
const PRIVATE_RANGES = new Set(['private', 'loopback', 'uniqueLocal', 'carrierGradeNat']);
/** Public by its number, yet answered by the cloud's own platform. */
const PLATFORM_ADDRESSES = new Set(['168.63.129.16', '100.100.100.200']);
const GLOBAL_UNICAST_V6 = ipaddr.parseCIDR('2000::/3');

export const resolveHost: Resolve = async (host) =>
  (await lookup(host, { all: true, order: 'ipv4first' })).map(({ address }) => address);

/**
 * Resolves the host of `url` once and returns the address to connect to. Every address it
 * resolves to must be allowed: one forbidden among them is a sign of an attempt to slip through.
 * @throws AddressRefused; whatever `resolve` throws when the host is not known.
 */
export async function pinAddress(
  url: URL,
  options: { readonly allowPrivate: boolean; readonly resolve: Resolve },
): Promise<PinnedAddress> {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new AddressRefused(`${url.protocol} is neither https nor http`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new AddressRefused('credentials do not belong into an address');
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const addresses = ipaddr.isValid(host) ? [host] : await options.resolve(host);
  const kinds = addresses.map((address) => ({ address, kind: kindOf(address) }));
  for (const { address, kind } of kinds) {
    if (kind === 'forbidden') throw new AddressRefused(`${host} is ${address}: never delivered to`);
    if (kind === 'private' && !options.allowPrivate) {
      throw new AddressRefused(
        `${host} is ${address}, a private address; set allowPrivateAddresses if that is meant`,
      );
    }
    if (kind === 'public' && url.protocol === 'http:') {
      throw new AddressRefused(`${host} is public and must be reached by https`);
    }
  }
  const [first] = addresses;
  if (first === undefined) throw new AddressRefused(`${host} has no address`);
  return { address: first, family: ipaddr.parse(first).kind() === 'ipv6' ? 6 : 4 };
}

/** What kind of address this is; an IPv4 address inside an IPv6 one counts as that IPv4 address. */
export function kindOf(address: string): 'public' | 'private' | 'forbidden' {
  if (!ipaddr.isValid(address)) return 'forbidden';
  const parsed = ipaddr.process(address);
  if (PLATFORM_ADDRESSES.has(parsed.toString())) return 'forbidden';
  const range = parsed.range();
  if (PRIVATE_RANGES.has(range)) return 'private';
  if (range !== 'unicast') return 'forbidden';
  // IPv4-compatible and other outdated forms lie outside the block that is handed out.
  if (parsed.kind() === 'ipv6' && !parsed.match(GLOBAL_UNICAST_V6)) return 'forbidden';
  return 'public';
}
