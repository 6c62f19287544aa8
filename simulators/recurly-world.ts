/** What a simulated Recurly site keeps, and the notifications of both generations by which it tells of changes. */
import { createHmac } from 'node:crypto';
import { exponentOf } from '../src/money/money.ts';
import type { SimulatedDelivery, SimulatedNotice, SimulatedOrder } from './contract.ts';
import { type Random, seededRandom } from './random.ts';
import type { Invoice, Resource, Transaction } from './recurly-objects.ts';
import * as recurly from './recurly-objects.ts';

export type WorldOptions = {
  readonly seed: number;
  /** What the endpoints of the site were set to; `both` are two endpoints. */
  readonly format: 'json' | 'xml' | 'both';
  /** The site writes the invoices itself, and we take them over; else they are the firm's, by its own numbers. */
  readonly billsHere: boolean;
  /** A capture is a transaction of its own, or what the authorization becomes. */
  readonly captures: 'own' | 'same';
};

/** Names under which the two generations tell of a change; null where one is silent. */
export type Telling = { readonly json: string | null; readonly xml: string | null };

export type World = ReturnType<typeof newWorld>;

/** Resources are changed in place; a notification holds what they were when it was caused. */
export function newWorld(options: WorldOptions) {
  const random = seededRandom(options.seed);
  const resources = new Map<string, Resource>();
  const site = { id: `q${random.token(11)}`, subdomain: `airworks-${random.token(4)}` };
  const credentials = {
    apiKey: random.token(32),
    webhookSecret: hexadecimal(random, 64),
    webhookUser: 'recurly',
    webhookPassword: `pass:é-${random.token(16)}`,
  };
  let notices: SimulatedNotice[] = [];

  const put = <R extends Resource>(resource: R): R => {
    resources.set(resource.id, resource);
    return resource;
  };

  return {
    random,
    options,
    site,
    credentials,
    put,
    newIds: () => ({ id: `r${random.token(11)}`, uuid: hexadecimal(random, 32) }),
    find: (id: string): Resource | undefined => resources.get(id),
    all: (object: Resource['object']): readonly Resource[] =>
      [...resources.values()].filter((one) => one.object === object),
    change(resource: Resource, facts: Readonly<Record<string, unknown>>, at: Date): void {
      Object.assign(resource, facts, { updated_at: recurly.instant(at) });
    },
    tell(told: Telling, about: Transaction | Invoice, at: Date): void {
      const { format } = options;
      if (told.json !== null && format !== 'xml') {
        const [object_type = '', event_type = ''] = told.json.split('.');
        const body = {
          id: about.id,
          object_type,
          site_id: site.id,
          event_type,
          event_time: recurly.instant(at),
          uuid: about.uuid,
          ...(about.object === 'invoice' ? { number: about.number } : {}),
        };
        const bytes = Buffer.from(JSON.stringify(body));
        notices.push({
          label: `${told.json} ${about.id}`,
          sign: (now) => signed(bytes, credentials.webhookSecret, now),
        });
      }
      if (told.xml !== null && format !== 'json') {
        const bytes = Buffer.from(xmlOf(told.xml, about));
        notices.push({ label: `${told.xml} ${about.id}`, sign: () => behindBasic(bytes) });
      }
    },
    takeNotices(): SimulatedNotice[] {
      const taken = notices;
      notices = [];
      return taken;
    },
  };

  function behindBasic(body: Buffer): SimulatedDelivery {
    const pair = `${credentials.webhookUser}:${credentials.webhookPassword}`;
    const authorization = `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
    return { headers: { 'content-type': 'application/xml', authorization }, body };
  }
}

function signed(body: Buffer, secret: string, now: Date): SimulatedDelivery {
  const timestamp = String(now.getTime());
  const digest = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Recurly Webhooks',
    'recurly-signature': `${timestamp},${digest}`,
  };
  return { headers, body };
}

function hexadecimal(random: Random, length: number): string {
  return Array.from({ length }, () => random.between(0, 15).toString(16)).join('');
}

/** The classic body: the uuid for an id, minor units without a currency, status words with their capitals. */
function xmlOf(root: string, about: Transaction | Invoice): string {
  const { code, email, company } = about.account as recurly.AccountMini;
  const account = `<account>
    <account_code>${code}</account_code>
    <username nil="true"></username>
    <email>${email}</email>
    <first_name nil="true">Verena</first_name>
    <last_name></last_name>
    <company_name>${company}</company_name>
  </account>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<${root}>
  ${account}
  ${about.object === 'invoice' ? xmlInvoice(about) : xmlTransaction(about as Transaction)}
</${root}>
`;
}

function xmlInvoice({ uuid, number, state }: Invoice): string {
  return `<invoice>
    <uuid>${uuid}</uuid>
    <state>${state}</state>
    <invoice_number_prefix></invoice_number_prefix>
    <invoice_number type="integer">${number}</invoice_number>
  </invoice>`;
}

function xmlTransaction(transaction: Transaction): string {
  const { uuid, invoice, type, status, amount, currency } = transaction;
  const cents = Math.round(amount * 10 ** exponentOf(currency));
  return `<transaction>
    <id>${uuid}</id>
    <invoice_id nil="true"></invoice_id>
    <invoice_number_prefix></invoice_number_prefix>
    <invoice_number${invoice ? '' : ' nil="true"'}>${invoice?.number ?? ''}</invoice_number>
    <subscription_id nil="true"></subscription_id>
    <action>${type === 'refund' ? 'credit' : type}</action>
    <payment_method>credit_card</payment_method>
    <date type="datetime">${transaction.created_at}</date>
    <amount_in_cents type="integer">${cents}</amount_in_cents>
    <status>${status === 'declined' ? 'Declined' : status}</status>
    <message>Simulated</message>
    <source>subscription</source>
    <test type="boolean">false</test>
  </transaction>`;
}

/** The account of an order, written when it first pays. */
export function enterAccount(world: World, order: SimulatedOrder, at: Date): recurly.AccountMini {
  const known = world.all('account').find(({ code }) => code === order.customer.externalId);
  const account = known ?? world.put(recurly.newAccount(world.newIds().id, order, at));
  return recurly.accountMini(account.id, order);
}

const INVOICE_TOLD: Readonly<Record<string, Telling>> = {
  open: { json: 'charge_invoice.created', xml: 'new_charge_invoice_notification' },
  paid: { json: 'charge_invoice.paid', xml: 'paid_charge_invoice_notification' },
  past_due: { json: 'charge_invoice.past_due', xml: 'past_due_charge_invoice_notification' },
  voided: { json: 'charge_invoice.updated', xml: 'updated_invoice_notification' },
};

export function tellInvoice(world: World, invoice: Invoice, at: Date): void {
  const told = INVOICE_TOLD[invoice.state];
  if (told) world.tell(told, invoice, at);
}

/**
 * What an order is to pay: an invoice of the site, or one that is written elsewhere and that the transaction only
 * names.
 */
export function invoiceOrder(
  world: World,
  order: SimulatedOrder,
  account: recurly.AccountMini,
  at: Date,
): { readonly id: string; readonly number: string } | null {
  const { id, uuid } = world.newIds();
  if (order.invoiceNumber !== undefined) return { id, number: order.invoiceNumber };
  if (!world.options.billsHere) return null;
  const { currency } = order;
  const number = `RC-${world.random.token(8)}`;
  // Some are paid in part only.
  const rest = world.random.chance(0.3) ? BigInt(world.random.between(1, 9_999)) : 0n;
  const total = recurly.amountOf(order.amountMinor + rest, currency);
  const facts = { currency, total, po_number: null };
  const invoice = world.put(recurly.newInvoice({ id, uuid, number }, account, facts, at));
  tellInvoice(world, invoice, at);
  return { id, number };
}

/** An invoice that was a mistake. */
export function mistakenInvoice(
  world: World,
  order: SimulatedOrder,
  account: recurly.AccountMini,
  at: Date,
): void {
  const ids = { ...world.newIds(), number: `RC-${world.random.token(8)}` };
  const { currency } = order;
  const total = recurly.amountOf(BigInt(world.random.between(100, 99_999)), currency);
  const facts = { currency, total, po_number: 'PO-77' };
  const invoice = world.put(recurly.newInvoice(ids, account, facts, at));
  tellInvoice(world, invoice, at);
  world.change(invoice, { state: 'voided' }, at);
  tellInvoice(world, invoice, at);
}

/** The state of the site's own invoice follows its payment. */
export function markInvoice(world: World, payment: Transaction, state: string, at: Date): void {
  const invoice = payment.invoice && world.find(payment.invoice.id);
  if (!invoice) return;
  world.change(invoice, { state }, at);
  tellInvoice(world, invoice as Invoice, at);
}
