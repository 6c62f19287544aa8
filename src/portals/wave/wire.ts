/** What Wave answers: strict on the fields we use, indifferent to all others. */
import { z } from 'zod';
import { fromDecimalText, MalformedAmount, toDecimalText } from '../../money/money.ts';
import { WireMismatch } from '../kit/errors.ts';
import { wireDecimal } from '../kit/wire.ts';

const text = z.string().nullish();
const money = z.object({ value: wireDecimal });
const day = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/)
  .nullish();

const recordedShare = z.object({ value: z.string(), currency: z.string() });
/** A payment that we recorded, in major units. */
export type RecordedShare = z.output<typeof recordedShare>;

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
  /** Ours, written by the pull. */
  checkvalve: z
    .object({
      /** How often the invoice fell back to nothing paid. */
      falls: z.int().min(1).optional(),
      /** What of it we recorded ourselves: money that came through another portal. */
      recorded: z.array(recordedShare).optional(),
    })
    .optional(),
});
export type WireInvoice = z.output<typeof invoice>;

/** As recording reads it: with its payments, where the schema lists them. */
export const invoiceWithPayments = invoice.extend({
  payments: z
    .array(
      z.object({
        amount: z.union([wireDecimal, money.transform(({ value }) => value)]),
        memo: text,
      }),
    )
    .nullish(),
});
export type InvoiceWithPayments = z.output<typeof invoiceWithPayments>;

/** The least of a row that the pull orders by; a row that lacks it is left for `normalize` to name. */
export const pulledRow = z.object({
  id: z.string().min(1),
  modifiedAt: z.string(),
  currency: z.object({ code: z.string() }),
  amountPaid: money,
});

export const invoicePage = z.object({
  data: z.object({
    business: z
      .object({
        currency: z.object({ code: text }).nullish(),
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

export const oneInvoice = z.object({
  data: z.object({
    business: z
      .object({
        currency: z.object({ code: text }).nullish(),
        invoice: invoiceWithPayments.nullish(),
      })
      .nullish(),
  }),
});

const result = {
  didSucceed: z.boolean(),
  inputErrors: z
    .array(z.object({ path: z.array(z.unknown()).nullish(), message: text, code: text }))
    .nullish(),
};
export const recordedAnswer = z.object({
  data: z.object({
    invoicePaymentCreateManual: z.object({
      ...result,
      invoicePayment: z.object({ id: z.string(), amount: wireDecimal }).nullish(),
    }),
  }),
});
export const approvedAnswer = z.object({
  data: z.object({ invoiceApprove: z.object(result) }),
});
export type InputErrors = z.output<typeof approvedAnswer>['data']['invoiceApprove']['inputErrors'];

export const accountPage = z.object({
  data: z.object({
    business: z
      .object({
        accounts: z.object({
          edges: z.array(z.object({ node: z.object({ id: z.string(), name: text }) })),
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

/**
 * What others than we paid of an invoice, in minor units.
 * @throws WireMismatch when less is paid than we recorded: a payment of ours was removed or changed
 */
export function paidByOthers(
  row: Pick<WireInvoice, 'amountPaid' | 'currency' | 'checkvalve'>,
): bigint {
  const currency = row.currency.code;
  const paidMinor = minorOf(row.amountPaid.value, currency);
  let oursMinor = 0n;
  for (const share of row.checkvalve?.recorded ?? []) {
    if (share.currency !== currency) {
      const recorded = `${share.value} ${share.currency}`;
      throw new WireMismatch(`currency: ${currency}, though we recorded ${recorded} there`);
    }
    oursMinor += minorOf(share.value, currency);
  }
  if (oursMinor > paidMinor) {
    const ours = toDecimalText({ minor: oursMinor, currency });
    throw new WireMismatch(
      `amountPaid: ${row.amountPaid.value} is less than the ${ours} that we recorded there, so somebody removed ` +
        'or changed a payment of ours in Wave; what else is paid of this invoice must be looked up there',
    );
  }
  return paidMinor - oursMinor;
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
