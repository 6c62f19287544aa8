/** What a simulated Chargebee site keeps, and the events by which it tells of changes. */

import type { Invoice, Resource, Transaction } from './chargebee-objects.ts';
import * as chargebee from './chargebee-objects.ts';
import type { SimulatedNotice, SimulatedOrder } from './contract.ts';
import { seededRandom } from './random.ts';

export type WorldOptions = {
  readonly seed: number;
  /** The site writes the invoices itself, and we take them over; else they are the firm's, by its own numbers. */
  readonly billsHere: boolean;
  /** The name by which it tells of a payment that succeeded. */
  readonly succeeded: string;
};

export type World = ReturnType<typeof newWorld>;

/** Resources are changed in place; an event holds a copy of what they had become. */
export function newWorld(options: WorldOptions) {
  const random = seededRandom(options.seed);
  const resources = new Map<string, Resource>();
  const credentials = {
    apiKey: `live_${random.token(32)}`,
    webhookUser: 'chargebee',
    // As people choose them: the colon belongs to the password, and letters are UTF-8.
    webhookPassword: `pass:é-${random.token(16)}`,
  };
  let notices: SimulatedNotice[] = [];
  let version = 0;

  const keyOf = (object: string, id: string) => `${object} ${id}`;

  function touch<R extends Resource>(resource: R, at: Date): R {
    version += 1;
    resource.updated_at = seconds(at);
    resource.resource_version = at.getTime() + version;
    resources.set(keyOf(resource.object, resource.id), resource);
    return resource;
  }

  function find(object: Resource['object'], id: string): Resource | undefined {
    return resources.get(keyOf(object, id));
  }

  function tell(type: string, content: Readonly<Record<string, unknown>>, at: Date): void {
    const event = {
      id: `ev_${random.token(16)}`,
      occurred_at: seconds(at),
      source: 'api',
      object: 'event',
      api_version: 'v2',
      content: structuredClone(content),
      event_type: type === 'payment_succeeded' ? options.succeeded : type,
      webhook_status: 'scheduled',
      webhooks: [{ id: 'whv2_SimAirworks', webhook_status: 'scheduled', object: 'webhook' }],
    };
    const about = Object.values(content)[0] as Resource;
    notices.push(noticeOf(`${event.event_type} ${about.id}`, event, credentials));
  }

  return {
    random,
    options,
    credentials,
    /** What each authorization is for, to be invoiced once it is captured. */
    orders: new Map<string, SimulatedOrder>(),
    newId: (prefix: string) => `${prefix}_${random.token(17)}`,
    touch,
    find,
    transaction(id: string): Transaction {
      const found = find('transaction', id);
      if (!found) throw new RangeError(`this site has no transaction ${id}`);
      return found as Transaction;
    },
    all: (object: string): readonly Resource[] =>
      [...resources.values()].filter((one) => one.object === object),
    tell,
    /** With everything that stands beside it in the site. */
    tellOf(type: string, transaction: Transaction, at: Date): void {
      const [linked] = transaction.linked_invoices;
      const invoice = linked && find('invoice', linked.invoice_id);
      const customer = find('customer', transaction.customer_id);
      tell(type, { transaction, ...(invoice && { invoice }), ...(customer && { customer }) }, at);
    },
    takeNotices(): SimulatedNotice[] {
      const taken = notices;
      notices = [];
      return taken;
    },
  };
}

export function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}

/** The customer of an order, told of when it is new. */
export function enterCustomer(world: World, order: SimulatedOrder, at: Date): Resource {
  const known = world.find('customer', order.customer.externalId);
  if (known) return known;
  const customer = world.touch(chargebee.newCustomer(order, seconds(at)), at);
  world.tell('customer_created', { customer }, at);
  return customer;
}

/**
 * What an order is to pay: an invoice of the site, one by the firm's number, or none. Where the site bills itself, an
 * invoice by the firm's number is written elsewhere and here only named.
 */
export function invoiceOrder(
  world: World,
  order: SimulatedOrder,
  amount: number,
  at: Date,
): chargebee.LinkedInvoice[] {
  const { billsHere } = world.options;
  if (billsHere && order.invoiceNumber !== undefined) {
    return [{ invoice_id: order.invoiceNumber, applied_amount: amount }];
  }
  const id = billsHere ? `CB-${world.random.token(9)}` : order.invoiceNumber;
  if (id === undefined) return [];
  const known = world.find('invoice', id) as Invoice | undefined;
  const po = billsHere || !order.workOrder ? {} : { po_number: order.workOrder };
  const invoice = known ?? chargebee.newInvoice(id, order, { date: seconds(at), ...po });
  // Some are paid in part only.
  const rest = billsHere && world.random.chance(0.3) ? world.random.between(1, 9_999) : 0;
  invoice.total += amount + rest;
  world.touch(invoice, at);
  world.tell(known ? 'invoice_updated' : 'invoice_generated', { invoice }, at);
  return [{ invoice_id: id, applied_amount: amount }];
}

/** Counts what of a payment was applied to its invoices, or is no longer. */
export function applyToInvoices(
  world: World,
  { linked_invoices }: Transaction,
  sign: 1 | -1,
  at: Date,
): void {
  for (const { invoice_id, applied_amount } of linked_invoices) {
    const invoice = world.find('invoice', invoice_id) as Invoice | undefined;
    if (!invoice) continue;
    invoice.amount_paid += sign * applied_amount;
    invoice.status = invoice.amount_paid >= invoice.total ? 'paid' : 'payment_due';
    world.touch(invoice, at);
    world.tell('invoice_updated', { invoice }, at);
  }
}

/** An invoice that was a mistake. */
export function mistakenInvoice(world: World, order: SimulatedOrder, at: Date): void {
  const facts = { date: seconds(at) };
  const invoice = chargebee.newInvoice(`CB-${world.random.token(9)}`, order, facts);
  invoice.total = world.random.between(100, 99_999);
  world.touch(invoice, at);
  world.tell('invoice_generated', { invoice }, at);
  if (world.random.chance(0.5)) {
    Object.assign(invoice, { deleted: true });
    world.touch(invoice, at);
    return world.tell('invoice_deleted', { invoice }, at);
  }
  Object.assign(invoice, { status: 'voided', voided_at: seconds(at) });
  world.touch(invoice, at);
  world.tell('invoice_updated', { invoice }, at);
}

function noticeOf(
  label: string,
  event: unknown,
  credentials: World['credentials'],
): SimulatedNotice {
  const pair = `${credentials.webhookUser}:${credentials.webhookPassword}`;
  return {
    label,
    sign: () => ({
      headers: {
        'content-type': 'application/json;charset=utf-8',
        authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`,
      },
      body: Buffer.from(JSON.stringify(event)),
    }),
  };
}
