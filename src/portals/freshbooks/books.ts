/** Recording our payments in FreshBooks: one row for each invoice, once, and read back. */
import { fromDecimalText, toDecimalText } from '../../money/money.ts';
import type { PaymentToRecord, Portal, PortalApi } from '../contract.ts';
import { Rejected, WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { readObject } from './fetch.ts';
import { accountingPath, type FreshBooksSettings } from './settings.ts';
import { rowBodies } from './split.ts';
import { pageNumbers, payment as paymentRow, type WirePayment } from './wire.ts';

const NOTE_MAX_LENGTH = 1000;
const MOST_PAGES = 50;
const DELETED = 1;

type Share = { readonly invoiceId: string; readonly amountMinor: bigint };

export const books: NonNullable<Portal<FreshBooksSettings>['books']> = {
  /**
   * FreshBooks knows no idempotency key, so before each row the invoice's payments are looked through for the mark.
   * A payment of several invoices becomes several rows with one mark, and the first stands for all.
   */
  async recordPayment(api, payment, { settings }) {
    const ids: string[] = [];
    for (const share of sharesOf(payment)) {
      ids.push(await recordShare(api, payment, share, settings));
    }
    const [externalId] = ids;
    if (externalId !== undefined) return { externalId };
    throw new Rejected('FreshBooks records payments of invoices only, and this one pays none', {
      status: 422,
      body: '',
    });
  },

  /** Deleted in FreshBooks' way: the rows stay readable, and their invoices open again. */
  async reversePayment(api, { externalId, mark }, { settings }) {
    const first = await readPayment(api, externalId, settings);
    const sameDay = first?.date
      ? await search(api, settings, {
          'search[date_min]': first.date,
          'search[date_max]': first.date,
        })
      : [];
    const rows = new Map(sameDay.filter((row) => carries(row, mark)).map((row) => [row.id, row]));
    if (first) rows.set(first.id, first);
    for (const row of rows.values()) {
      if (row.vis_state === DELETED) continue;
      await api.request({
        method: 'PUT',
        path: paymentsPath(settings, row.id),
        json: { payment: { vis_state: DELETED } },
        accept: [404],
      });
    }
  },
};

/** What each invoice gets; what exceeds all of them goes with the last and becomes credit there. */
function sharesOf({ invoices, amountMinor }: PaymentToRecord): readonly Share[] {
  const shares = new Map<string, bigint>();
  for (const { externalId, amountMinor: minor } of invoices) {
    shares.set(externalId, (shares.get(externalId) ?? 0n) + minor);
  }
  const surplus = [...shares.values()].reduce((rest, minor) => rest - minor, amountMinor);
  const last = [...shares].at(-1);
  if (last && surplus > 0n) shares.set(last[0], last[1] + surplus);
  return [...shares].map(([invoiceId, minor]) => ({ invoiceId, amountMinor: minor }));
}

async function recordShare(
  api: PortalApi,
  payment: PaymentToRecord,
  share: Share,
  settings: FreshBooksSettings,
): Promise<string> {
  const paying = await search(api, settings, { 'search[invoiceid]': share.invoiceId });
  const ours = paying.filter(
    (row) =>
      row.invoiceid === share.invoiceId &&
      row.vis_state !== DELETED &&
      !row.from_credit &&
      carries(row, payment.mark),
  );
  if (ours.length > 1) {
    const ids = ours.map(({ id }) => id).join(', ');
    throw new WireMismatch(`payments ${ids} of one invoice all carry ${payment.mark}`);
  }
  const id = ours[0]?.id ?? (await create(api, payment, share, settings));
  const kept = await readPayment(api, id, settings);
  if (!kept) throw new Rejected(`payment ${id} was created and is gone`, { status: 404, body: '' });
  const different = difference(kept, payment, share);
  if (different === undefined) return id;
  throw new WireMismatch(`payment ${id}, recorded as ${payment.mark}: ${different}`);
}

async function create(
  api: PortalApi,
  payment: PaymentToRecord,
  { invoiceId, amountMinor }: Share,
  settings: FreshBooksSettings,
): Promise<string> {
  const { currency, memo, mark } = payment;
  const note = [memo, mark].filter((part) => part !== '').join('; ');
  const { body } = await api.request({
    method: 'POST',
    path: paymentsPath(settings),
    json: {
      payment: {
        invoiceid: /^\d{1,15}$/.test(invoiceId) ? Number(invoiceId) : invoiceId,
        amount: { amount: toDecimalText({ minor: amountMinor, currency }), code: currency },
        date: payment.receivedOn,
        type: TYPES[payment.method ?? ''] ?? 'Other',
        // The mark stands last; a long memo gives way to it.
        note: note.slice(-NOTE_MAX_LENGTH),
        send_client_notification: false,
      },
    },
  });
  return readRow(body).id;
}

const TYPES: Readonly<Record<string, string>> = {
  card: 'Credit Card',
  ach: 'ACH',
  bank: 'Bank Transfer',
  check: 'Check',
  cash: 'Cash',
};

/** Names the first field in which FreshBooks holds something else than we meant. */
function difference(kept: WirePayment, meant: PaymentToRecord, share: Share): string | undefined {
  const { amount, code } = kept.amount;
  if (kept.vis_state === DELETED) return 'it is deleted';
  if (code !== meant.currency) return `amount.code is ${code}, not ${meant.currency}`;
  if (kept.invoiceid !== share.invoiceId) {
    return `invoiceid is ${kept.invoiceid ?? 'absent'}, not ${share.invoiceId}`;
  }
  if (kept.clientid && kept.clientid !== meant.customerExternalId) {
    return `clientid is ${kept.clientid}, not ${meant.customerExternalId}`;
  }
  const minor = fromDecimalText(amount, code).minor;
  // What exceeds the invoice became credit, and the row shows the rest.
  if (minor === share.amountMinor || (kept.overpaymentid && minor < share.amountMinor)) {
    return undefined;
  }
  const wanted = toDecimalText({ minor: share.amountMinor, currency: code });
  return `amount is ${amount}, not ${wanted}`;
}

/** The rows that a search finds, all pages. */
async function search(
  api: PortalApi,
  settings: FreshBooksSettings,
  query: Readonly<Record<string, string>>,
): Promise<readonly WirePayment[]> {
  const found: WirePayment[] = [];
  for (let number = 1; number <= MOST_PAGES; number += 1) {
    const { body } = await api.request({
      path: paymentsPath(settings),
      query: { ...query, page: String(number), per_page: '100' },
    });
    found.push(...rowBodies(body, 'payments').map(readRow));
    const { page, pages } = readWire(pageNumbers, parseExactJson(body)).response.result;
    if (page >= pages) return found;
  }
  // An account that does not know the filter would list everything; recording blindly could pay twice.
  throw new WireMismatch(`payments: more than ${MOST_PAGES} pages for one search`);
}

async function readPayment(
  api: PortalApi,
  id: string,
  settings: FreshBooksSettings,
): Promise<WirePayment | undefined> {
  const body = await readObject(api, paymentsPath(settings, id));
  return body && readRow(body);
}

function readRow(body: Buffer): WirePayment {
  const answer = parseExactJson(body) as {
    readonly response?: { readonly result?: { readonly payment?: unknown } };
  } | null;
  return readWire(paymentRow, answer?.response?.result?.payment);
}

function paymentsPath(settings: FreshBooksSettings, id = ''): string {
  return accountingPath(settings, `payments/payments${id && `/${encodeURIComponent(id)}`}`);
}

/** The whole mark, not the beginning of a longer one. */
function carries({ note }: WirePayment, mark: string): boolean {
  const at = note?.indexOf(mark) ?? -1;
  return at >= 0 && !/[A-Za-z0-9]/.test(note?.charAt(at + mark.length) ?? '');
}
