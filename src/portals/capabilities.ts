/** What each portal can do, read from its definition, so that no list of it is ever kept by hand. */
import { z } from 'zod';
import type { Portal } from './contract.ts';
import type { EventType } from './events.ts';

export const CAPABILITIES = {
  webhook: 'push',
  fetch: 'notice, then fetch',
  pull: 'pull',
  files: 'files',
  refunds: 'refunds',
  disputes: 'disputes',
  payouts: 'payouts',
  invoices: 'invoices',
  recordPayments: 'record payment',
  oauth: 'OAuth',
  check: 'check',
} as const;
export type Capability = keyof typeof CAPABILITIES;

/** Which of them a portal has. */
export function capabilitiesOf(portal: Portal): Readonly<Record<Capability, boolean>> {
  const tells = (kind: string) => portal.tells.some((type: EventType) => type.startsWith(kind));
  return {
    webhook: portal.webhook !== undefined,
    fetch: portal.fetch !== undefined,
    pull: portal.pull !== undefined,
    files: portal.uploadLimitBytes !== undefined,
    refunds: tells('refund.'),
    disputes: tells('dispute.'),
    payouts: tells('payout.'),
    invoices: tells('invoice.'),
    recordPayments: portal.books !== undefined,
    oauth: usesOAuth(portal),
    check: portal.check !== undefined,
  };
}

/** With OAuth there is an authorization server, whose address can be set. */
function usesOAuth({ settings }: Portal): boolean {
  const { properties = {} } = z.toJSONSchema(settings, { io: 'input', unrepresentable: 'any' });
  return 'authBaseUrl' in properties;
}

const SHOWN = Object.keys(CAPABILITIES).filter((one) => one !== 'check') as Capability[];

/** The portals and what they can do, as the Markdown table of README.md. */
export function capabilityTable(portals: readonly Portal[]): string {
  const header = ['portal', ...SHOWN.map((one) => CAPABILITIES[one])];
  const byName = portals.toSorted((left, right) => (left.name < right.name ? -1 : 1));
  const rows = byName.map((portal) => {
    const has = capabilitiesOf(portal);
    return [`${portal.name} (\`${portal.id}\`)`, ...SHOWN.map((one) => (has[one] ? 'yes' : ''))];
  });
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
