/** The HTTP side of a simulated Zoho Books: lists sorted by change, payments read, created and deleted. */
import { fromDecimalText } from '../src/money/money.ts';
import { parseExactJson } from '../src/portals/kit/wire.ts';
import type { AuthorizationServer } from './authorization-server.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import {
  decimal,
  dueOf,
  keep,
  type Organization,
  type Payment,
  paymentRow,
  wireTime,
} from './zoho-books.ts';

const ROOT = '/books/v3/';
/** Where money may be put, the first unless another is chosen. */
const ACCOUNTS: readonly string[] = ['460000000000353', '460000000000361'];
/** The custom field of payments that prevents duplicate values. */
const UNIQUE_FIELD = 'cf_external_payment_id';

export const TOO_MANY: SimulatedAnswer = {
  status: 429,
  body: { code: 44, message: 'You have exceeded the maximum number of requests in a minute.' },
};

type State = { readonly world: Organization; readonly authorization: AuthorizationServer };

/** Answers one request by the state of the organization. */
export function answerRequest(state: State, request: SimulatedRequest): SimulatedAnswer {
  const authorized = state.authorization.answer(request);
  if (authorized) return authorized;
  const { method, url, headers } = request;
  const { world } = state;
  const token = /^Zoho-oauthtoken (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (!state.authorization.accepts(token)) return refusal(401, 57, 'You are not authorized');
  if (!url.pathname.startsWith(ROOT)) return refusal(404, 5, 'Invalid URL Passed');
  const [list = '', id, part] = url.pathname.slice(ROOT.length).split('/');
  if (list === 'organizations') {
    const own = { organization_id: world.id, name: 'Simulated Air Services' };
    return ok({ organizations: [own] });
  }
  if (url.searchParams.get('organization_id') !== world.id) {
    return refusal(400, 6041, 'This user is not associated with the organization');
  }
  if (id === undefined && method === 'PUT') return upsert(world, request);
  if (id === undefined)
    return method === 'POST' ? create(world, request) : readList(world, list, url);
  const payment = list === 'customerpayments' ? world.payments.get(id) : undefined;
  if (!payment || payment.deleted) return refusal(404, 1002, 'Payment does not exist.');
  if (method === 'DELETE') {
    if (payment.refunds.length > 0) return refusal(400, 24018, 'Refunds have been made of it.');
    keep(world, { ...payment, deleted: true, changedAt: world.latest }, 'deleted');
    return ok({});
  }
  if (part === 'refunds') return readRefunds(payment);
  return ok({ payment: paymentRow(world, payment) });
}

function readRefunds({ id, currency, refunds }: Payment): SimulatedAnswer {
  const rows = refunds.map((one) => ({
    payment_refund_id: one.id,
    payment_id: id,
    date: one.date,
    refund_mode: 'cash',
    amount_bcy: decimal(one.amountMinor, currency),
    amount_fcy: decimal(one.amountMinor, currency),
  }));
  return ok({ payment_refunds: rows, page_context: { page: 1, has_more_page: false } });
}

function readList(world: Organization, list: string, url: URL): SimulatedAnswer {
  const query = url.searchParams;
  const rows = rowsOf(world, list);
  if (!rows) return refusal(404, 5, 'Invalid URL Passed');
  const reference = query.get('reference_number');
  const found = rows
    .filter((row) => reference === null || row.reference_number === reference)
    .sort((left, right) => (left.last_modified_time < right.last_modified_time ? 1 : -1));
  const page = Number(query.get('page') ?? 1);
  const size = Math.min(200, Number(query.get('per_page') ?? 200));
  const some = found.slice((page - 1) * size, page * size);
  const context = { page, per_page: size, has_more_page: found.length > page * size };
  return ok({ [list]: some, page_context: context });
}

type Row = { readonly last_modified_time: string; readonly reference_number?: string };

function rowsOf(world: Organization, list: string): Row[] | undefined {
  if (list === 'customerpayments') {
    const living = [...world.payments.values()].filter(({ deleted }) => !deleted);
    // Rows lack currency, shares and what was given back.
    return living.map((payment) => {
      const { currency_code, invoices, amount_refunded, status, email, ...row } = paymentRow(
        world,
        payment,
      );
      return { ...row, invoice_numbers: invoices.map((one) => one.invoice_number).join(', ') };
    });
  }
  if (list === 'invoices') {
    return [...world.invoices.values()].map(({ id, number, customerId, ...facts }) => ({
      invoice_id: id,
      invoice_number: number,
      status: dueOf(world, id) > 0n ? 'sent' : 'paid',
      date: facts.changedAt.toISOString().slice(0, 10),
      due_date: facts.changedAt.toISOString().slice(0, 10),
      total: decimal(facts.totalMinor, facts.currency),
      currency_code: facts.currency,
      customer_id: customerId,
      customer_name: world.contacts.get(customerId)?.name ?? '',
      reference_number: facts.workOrder,
      last_modified_time: wireTime(facts.changedAt),
    }));
  }
  if (list !== 'contacts') return undefined;
  return [...world.contacts.values()].map(({ id, name, email, changedAt }) => ({
    contact_id: id,
    contact_type: 'customer',
    contact_name: name,
    email,
    last_modified_time: wireTime(changedAt),
  }));
}

type Asked = {
  readonly customer_id: string;
  readonly payment_mode: string;
  readonly amount: string | number;
  readonly date: string;
  readonly reference_number?: string;
  readonly description?: string;
  readonly account_id?: string;
  readonly custom_fields?: readonly { readonly api_name: string; readonly value: string }[];
  readonly invoices?: readonly { invoice_id: string; amount_applied: string | number }[];
};

/** By a custom field whose values are kept apart: what is there under the value stays, what is not is created. */
function upsert(world: Organization, request: SimulatedRequest): SimulatedAnswer {
  const { headers, body } = request;
  const { 'x-unique-identifier-key': key, 'x-unique-identifier-value': value } = headers;
  if (key !== UNIQUE_FIELD || !value) return refusal(400, 2, 'Invalid value passed for the key.');
  const known = [...world.payments.values()].find(
    ({ uniqueValue, deleted }) => uniqueValue === value && !deleted,
  );
  if (known) return ok({ payment: paymentRow(world, known) });
  const asked = parseExactJson(body) as Asked;
  const isSame = asked.custom_fields?.some((one) => one.api_name === key && one.value === value);
  if (headers['x-upsert'] !== 'true' || !isSame) return refusal(404, 1002, 'No such payment.');
  return create(world, request, value);
}

function create(
  world: Organization,
  { body }: SimulatedRequest,
  uniqueValue?: string,
): SimulatedAnswer {
  const asked = parseExactJson(body) as Asked;
  const account = asked.account_id ?? String(ACCOUNTS[0]);
  if (!ACCOUNTS.includes(account)) return refusal(404, 1002, 'Account does not exist.');
  if (!world.contacts.has(asked.customer_id)) return refusal(404, 1002, 'Customer does not exist.');
  const invoices = asked.invoices ?? [];
  const first = world.invoices.get(invoices[0]?.invoice_id ?? '');
  const currency = first?.currency ?? 'USD';
  const minorOf = (amount: string | number) => fromDecimalText(String(amount), currency).minor;
  const shares = invoices.map((one) => ({
    externalId: one.invoice_id,
    amountMinor: minorOf(one.amount_applied),
  }));
  if (shares.some((one) => one.amountMinor > dueOf(world, one.externalId))) {
    return refusal(400, 24016, 'The amount entered is more than the balance due.');
  }
  const at = world.latest;
  const payment: Payment = {
    id: world.nextId(),
    customerId: asked.customer_id,
    amountMinor: minorOf(asked.amount),
    currency,
    mode: asked.payment_mode,
    reference: asked.reference_number ?? '',
    description: asked.description ?? '',
    date: asked.date,
    shares,
    recorded: true,
    account,
    ...(uniqueValue === undefined ? {} : { uniqueValue }),
    refunds: [],
    createdAt: at,
    changedAt: at,
    deleted: false,
  };
  keep(world, payment, 'created');
  return { ...ok({ payment: paymentRow(world, payment) }), status: 201 };
}

function ok(answer: object): SimulatedAnswer {
  return { status: 200, body: { code: 0, message: 'success', ...answer } };
}

function refusal(status: number, code: number, message: string): SimulatedAnswer {
  return { status, body: { code, message } };
}
