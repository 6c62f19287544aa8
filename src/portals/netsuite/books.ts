/** Recording our payments in NetSuite: once, exactly, and read back. */
import { fromDecimalText, toDecimalText } from '../../money/money.ts';
import { rawNumber } from '../../money/raw-number.ts';
import type { PaymentToRecord, Portal, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { differenceOfShares, type Shares, sumShares } from '../kit/shares.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { askSurely, idOf } from './reading.ts';
import type { NetSuiteSettings } from './settings.ts';
import { cell, statements } from './suiteql.ts';
import { type CustomerPayment, customerPayment, errorAnswer } from './wire.ts';

const MEMO_MAX_LENGTH = 999;

export const books: NonNullable<Portal<NetSuiteSettings>['books']> = {
  /**
   * NetSuite forgets its idempotency key in calls that wait for their answer, so the payment is put under an external
   * id of ours: the mark. It is looked for first, and what NetSuite holds in the end is compared with what we meant.
   */
  async recordPayment(api, payment, { settings }) {
    const path = recordPath(`eid:${payment.mark}`);
    const currency = await currencyIdOf(api, payment.currency, settings);
    let kept = await readPayment(api, path);
    if (!kept) {
      const json = recordOf(payment, currency, settings);
      const { headers } = await api.request({ method: 'PUT', path, json });
      // The answer has no body; its address ends with the internal id.
      const id = /\/(\d+)\/?$/.exec(headers.location ?? '')?.[1];
      kept = await readPayment(api, id === undefined ? path : recordPath(id));
    }
    if (!kept) {
      const message = `payment ${payment.mark} was recorded and is gone`;
      throw new Rejected(message, { status: 404, body: '' });
    }
    const different = difference(kept, payment, currency);
    if (different !== undefined) {
      throw new WireMismatch(`payment ${kept.id} (${payment.mark}) in NetSuite: ${different}`);
    }
    return { externalId: kept.id };
  },

  /** Deleted, which NetSuite allows while the period is open; no call voids. */
  async reversePayment(api, { externalId }, { settings }) {
    if (!/^\d+$/.test(externalId)) throw new WireMismatch(`"${externalId}" is no internal id`);
    const { rows } = await askSurely(api, statements.transactionsById(settings, [externalId]));
    const held = rows.find((row) => idOf(row) === externalId);
    if (!held || cell(held, 'voided') === 'T') return;
    try {
      await api.request({ method: 'DELETE', path: recordPath(externalId), accept: [404] });
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      const { status, body } = error;
      const message =
        `NetSuite does not let us delete payment ${externalId}${detailOf(body)}. Is its period closed, or is it part ` +
        'of a bank deposit? Open the period or take it out of the deposit and send this again, or void the payment ' +
        'in NetSuite: open it, Actions > Void';
      throw new Rejected(message, { status, body });
    }
  },
};

function recordPath(name: string): string {
  return `/services/rest/record/v1/customerPayment/${name}`;
}

/** Undefined when there is no record of that name, whichever status says so. */
async function readPayment(api: PortalApi, path: string): Promise<CustomerPayment | undefined> {
  const query = { expandSubResources: 'true' };
  const { status, body } = await api.request({ path, query, accept: [400, 404] });
  if (status === 404 || (status === 400 && body.includes('NONEXISTENT_ID'))) return undefined;
  if (status < 400) return readWire(customerPayment, parseExactJson(body));
  const message = `reading ${path} answered ${status}`;
  throw new Rejected(message, { status, body: body.subarray(0, 2000).toString('utf8') });
}

/** The internal id of a currency; an account that has one alone names none. */
async function currencyIdOf(
  api: PortalApi,
  code: string,
  { singleCurrency }: NetSuiteSettings,
): Promise<string | undefined> {
  const refused = (message: string) => new Rejected(message, { status: 400, body: '' });
  if (singleCurrency !== undefined) {
    if (singleCurrency === code) return undefined;
    throw refused(`the account keeps ${singleCurrency} alone, not ${code}`);
  }
  const { rows } = await askSurely(api, statements.currencies(code));
  const ids = rows.flatMap((row) => idOf(row) ?? []);
  const [id] = ids;
  if (id === undefined) {
    throw refused(
      `NetSuite has no currency with the symbol ${code}: Lists > Accounting > Currencies`,
    );
  }
  if (ids.length > 1) throw refused(`currencies ${ids.join(', ')} all have the symbol ${code}`);
  return id;
}

function recordOf(
  payment: PaymentToRecord,
  currencyId: string | undefined,
  { depositAccount }: NetSuiteSettings,
): unknown {
  const { currency, mark } = payment;
  const decimal = (minor: bigint) => rawNumber(toDecimalText({ minor, currency }));
  const items = [...sumShares(payment.invoices)].map(([id, minor]) => ({
    doc: { id },
    apply: true,
    amount: decimal(minor),
    line: 0,
  }));
  return {
    externalId: mark,
    customer: { id: payment.customerExternalId },
    ...(currencyId === undefined ? {} : { currency: { id: currencyId } }),
    ...(depositAccount === undefined ? {} : { account: { id: depositAccount } }),
    tranDate: payment.receivedOn,
    payment: decimal(payment.amountMinor),
    // What is meant for none of the invoices stays on the customer, and pays no other one by itself.
    autoApply: false,
    toBeEmailed: false,
    // The mark stands last; a long memo gives way to it.
    memo: [payment.memo, mark]
      .filter((part) => part !== '')
      .join('; ')
      .slice(-MEMO_MAX_LENGTH),
    apply: { items },
  };
}

/** Names the first field in which NetSuite holds something else than we meant. */
function difference(
  kept: CustomerPayment,
  meant: PaymentToRecord,
  currencyId: string | undefined,
): string | undefined {
  const { currency, mark } = meant;
  if (kept.externalId && kept.externalId !== mark) return `the external id is ${kept.externalId}`;
  if (currencyId !== undefined && kept.currency?.id !== currencyId) {
    return `the currency has the id ${kept.currency?.id ?? 'of none'}, not ${currencyId} (${currency})`;
  }
  if (fromDecimalText(kept.payment, currency).minor !== meant.amountMinor) {
    const wanted = toDecimalText({ minor: meant.amountMinor, currency });
    return `the amount is ${kept.payment}, not ${wanted}`;
  }
  const payer = kept.customer?.id;
  if (payer !== meant.customerExternalId) {
    return `the customer is ${payer ?? 'absent'}, not ${meant.customerExternalId}`;
  }
  if (kept.apply?.hasMore) return 'it is applied to more documents than one answer shows';
  return differenceOfShares(sharesKept(kept, currency), sumShares(meant.invoices));
}

function sharesKept({ apply }: CustomerPayment, currency: string): Shares {
  return sumShares(
    (apply?.items ?? []).flatMap(({ apply: applied, amount, doc }) =>
      applied
        ? [
            {
              externalId: doc?.id ?? 'of none',
              amountMinor: fromDecimalText(amount ?? '0', currency).minor,
            },
          ]
        : [],
    ),
  );
}

function detailOf(body: string): string {
  try {
    const parsed = errorAnswer.safeParse(JSON.parse(body));
    const detail = parsed.data?.['o:errorDetails'][0]?.detail;
    return detail ? ` (${detail.replace(/\.$/, '')})` : '';
  } catch {
    return '';
  }
}
