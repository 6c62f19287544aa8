/** What Wave answers: strict on the fields we use, indifferent to all others. */
import { z } from 'zod';
import { fromDecimalText, MalformedAmount } from '../../money/money.ts';
import { WireMismatch } from '../kit/errors.ts';
import { wireDecimal } from '../kit/wire.ts';

const text = z.string().nullish();
const money = z.object({ value: wireDecimal });
const day = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/)
  .nullish();

/** States of an invoice that is no claim yet; what was paid is decided by amounts, never by the state. */
export const DRAFT = 'DRAFT';

export const invoice = z.object({
  id: z.string().min(1),
  invoiceNumber: text,
  status: text,
  modifiedAt: z.string(),
  invoiceDate: day,
  dueDate: day,
  poNumber: text,
  memo: text,
  customer: z.object({ id: z.string().min(1), name: text, email: text }).nullish(),
  currency: z.object({ code: z.string() }),
  total: money,
  amountPaid: money,
  /** Ours, written by the pull: how often the invoice fell back to nothing paid. */
  checkvalve: z.object({ falls: z.int().min(1) }).optional(),
});
export type WireInvoice = z.output<typeof invoice>;

/** The least of a row that the pull orders by; a row that lacks it is left for `normalize` to name. */
export const pulledRow = z.object({
  id: z.string().min(1),
  modifiedAt: z.string(),
  amountPaid: money,
});

export const invoicePage = z.object({
  data: z.object({
    business: z
      .object({
        invoices: z.object({
          pageInfo: z
            .object({ currentPage: z.int().nullish(), totalPages: z.int().nullish() })
            .nullish(),
          edges: z.array(z.object({ node: z.unknown() })),
        }),
      })
      .nullish(),
  }),
});

export const businessPage = z.object({
  data: z.object({
    user: z.object({ defaultEmail: text }).nullish(),
    businesses: z.object({
      pageInfo: z.object({ totalPages: z.int().nullish() }).nullish(),
      edges: z.array(
        z.object({
          node: z.object({
            id: z.string().min(1),
            name: text,
            currency: z.object({ code: text }).nullish(),
          }),
        }),
      ),
    }),
  }),
});

/**
 * Minor units of a decimal that may have thousands separators (`"1,234.50"`).
 * @throws MalformedAmount for commas in other places and for negative amounts; UnknownCurrency
 */
export function minorOf(value: string, currency: string): bigint {
  const plain = /^\d{1,3}(,\d{3})+(\.\d+)?$/.test(value) ? value.replaceAll(',', '') : value;
  const { minor } = fromDecimalText(plain, currency);
  if (minor < 0n) throw new MalformedAmount(`"${value}" is negative`);
  return minor;
}

/** An instant with its offset in UTC with milliseconds. @throws WireMismatch without an offset */
export function instantOf(value: string): string {
  const isWhole = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(value);
  const instant = new Date(value);
  if (!isWhole || Number.isNaN(instant.getTime())) {
    throw new WireMismatch(`modifiedAt: "${value}" is not an instant with its offset`);
  }
  return instant.toISOString();
}
