/** The settlement details report of a simulated Adyen, and the server it is downloaded from. */
import { toDecimalText } from '../src/money/money.ts';
import { ACCOUNT } from './adyen-items.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';

/** One movement of the firm's balance at Adyen. */
export type Movement = {
  readonly type: string;
  readonly paymentReference: string;
  readonly reference: string;
  readonly merchantReference: string;
  readonly method: string;
  readonly currency: string;
  /** Above zero when it is to the firm's credit. */
  readonly grossMinor: bigint;
  /** What Adyen keeps of it; above zero when it costs the firm. */
  readonly feeMinor: bigint;
  readonly at: Date;
};

const COLUMNS = [
  'Company Account',
  'Merchant Account',
  'Psp Reference',
  'Merchant Reference',
  'Payment Method',
  'Creation Date',
  'TimeZone',
  'Type',
  'Modification Reference',
  'Gross Currency',
  'Gross Debit (GC)',
  'Gross Credit (GC)',
  'Exchange Rate',
  'Net Currency',
  'Net Debit (NC)',
  'Net Credit (NC)',
  'Commission (NC)',
  'Markup (NC)',
  'Scheme Fees (NC)',
  'Interchange (NC)',
  'Payment Method Variant',
  'Modification Merchant Reference',
  'Batch Number',
] as const;
type Line = Partial<Record<(typeof COLUMNS)[number], string>>;

/** Movements that are no payment's: `Fee` and `MerchantPayout` have neither reference nor gross amount. */
export function csvOf(movements: readonly Movement[], batch: number): Buffer {
  const lines = movements.map((movement) => lineOf(movement, batch));
  const cells = [[...COLUMNS], ...lines.map((line) => COLUMNS.map((name) => line[name] ?? ''))];
  return Buffer.from(cells.map((row) => `${row.map(quoted).join(',')}\n`).join(''));
}

function lineOf(movement: Movement, batch: number): Line {
  const { currency, grossMinor, feeMinor } = movement;
  const netMinor = grossMinor - feeMinor;
  const isOfPayment = movement.paymentReference !== '';
  // Blended prices are one commission; interchange++ is told in its three parts.
  const blended = feeMinor % 2n === 0n;
  const interchange = feeMinor / 2n;
  const money = (minor: bigint) => (minor > 0n ? toDecimalText({ minor, currency }) : '');
  const parts: Line = blended
    ? { 'Commission (NC)': money(feeMinor) }
    : { 'Interchange (NC)': money(interchange), 'Markup (NC)': money(feeMinor - interchange) };
  return {
    'Company Account': 'AirworksRepair',
    'Merchant Account': ACCOUNT,
    'Psp Reference': movement.paymentReference,
    'Merchant Reference': movement.merchantReference,
    'Payment Method': movement.method,
    'Creation Date': new Date(movement.at.getTime() + 3_600_000)
      .toISOString()
      .slice(0, 19)
      .replace('T', ' '),
    TimeZone: 'CET',
    Type: movement.type,
    'Modification Reference': movement.reference,
    ...(isOfPayment
      ? {
          'Gross Currency': currency,
          'Gross Debit (GC)': money(-grossMinor),
          'Gross Credit (GC)': money(grossMinor),
          'Exchange Rate': '1',
          ...parts,
        }
      : {}),
    'Net Currency': currency,
    'Net Debit (NC)': money(-netMinor),
    'Net Credit (NC)': money(netMinor),
    'Batch Number': String(batch),
  };
}

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const problem = (status: number, errorCode: string, message: string): SimulatedAnswer => ({
  status,
  body: { status, errorCode, message, errorType: 'security' },
});

export const TOO_MANY = problem(429, '900', 'Too many requests');

/** Reports by their path below `/reports/download/MerchantAccount/`, for whoever has the key. */
export function answerReports(
  { method, url, headers }: SimulatedRequest,
  area: { readonly apiKey: string; readonly reports: ReadonlyMap<string, Buffer> },
): SimulatedAnswer {
  if (headers['x-api-key'] !== area.apiKey)
    return problem(401, '000', 'HTTP Status Response - Unauthorized');
  const [, account, file] =
    /^\/reports\/download\/MerchantAccount\/([^/]+)\/([^/]+)$/.exec(url.pathname) ?? [];
  if (method !== 'GET' || file === undefined) return problem(404, '0', 'Not found');
  if (account !== ACCOUNT) return problem(403, '010', 'Not allowed');
  const report = area.reports.get(file);
  if (!report) return problem(404, '0', 'Not found');
  return { status: 200, headers: { 'content-type': 'text/csv' }, body: report };
}
