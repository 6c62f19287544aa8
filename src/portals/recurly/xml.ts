/** Classic XML notifications: what they tell themselves, for a connection without an API key. */
import { exponentOf, fromMinor } from '../../money/money.ts';
import type { FetchRequest, Normalized } from '../contract.ts';
import type { Reference } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseXml, type XmlNode, xmlNode } from '../kit/xml.ts';
import { payerOf } from './account.ts';
import { methodOf } from './methods.ts';
import { become } from './movement.ts';
import type { RecurlySettings } from './settings.ts';
import { instantOf } from './transactions.ts';

const CENTS_DIGITS = 2;

/** Statuses in which a transaction can be, as each notification tells of it; undefined is all of them. */
const TOLD_BY: ReadonlyMap<string, readonly string[] | undefined> = new Map([
  ['scheduled_payment_notification', ['scheduled', 'pending']],
  ['processing_payment_notification', ['processing', 'pending']],
  ['successful_payment_notification', ['success']],
  ['failed_payment_notification', ['declined', 'error']],
  ['void_payment_notification', ['void']],
  ['voided_payment_notification', ['void']],
  ['successful_refund_notification', ['success']],
  ['transaction_authorized_notification', ['success']],
  ['transaction_status_updated_notification', undefined],
]);

/** Words of XML that JSON spells otherwise. */
const STATUS_WORDS: ReadonlyMap<string, string> = new Map([
  ['voided', 'void'],
  ['successful', 'success'],
  ['failed', 'declined'],
  ['authorized', 'success'],
]);

/** Name a transaction, but its money is told by another notification. */
const ACCOMPANYING = /^(fraud_info_updated|new_dunning_event)_/;

/** @throws WireMismatch, UnknownCurrency, MalformedAmount */
export function readXml(body: Buffer, settings: RecurlySettings): Normalized {
  const document = parseXml(body);
  const [root = ''] = Object.keys(document).filter((name) => name.endsWith('_notification'));
  const about = xmlNode(document, root);
  if (!root || !about) throw new WireMismatch('body: the XML is not a notification of Recurly');
  const transaction = xmlNode(about, 'transaction');
  if (TOLD_BY.has(root)) return readTransaction(root, about, settings);
  const invoice = xmlNode(about, 'invoice');
  if (invoice && /_invoice_/.test(root) && !/credit_invoice/.test(root)) {
    return readInvoice(root, invoice, settings);
  }
  if (!transaction || ACCOMPANYING.test(root)) return { ignored: `${root}: moves no money` };
  return settings.apiKey
    ? { fetch: [transactionRequest(transaction)] }
    : {
        quarantined: `${root} is not known and names a transaction: enter \`apiKey\`, then replay`,
      };
}

function transactionRequest(transaction: XmlNode): FetchRequest {
  return { entity: 'transaction', id: `uuid-${required(transaction, 'id')}` };
}

/** With an API key the transaction is read as it stands now; XML tells neither its currency nor its later states. */
function readTransaction(root: string, about: XmlNode, settings: RecurlySettings): Normalized {
  const transaction = xmlNode(about, 'transaction');
  if (!transaction) throw new WireMismatch(`transaction: missing in ${root}`);
  if (settings.apiKey) return { fetch: [transactionRequest(transaction)] };
  const uuid = required(transaction, 'id');
  const word = required(transaction, 'status').toLowerCase();
  const status = STATUS_WORDS.get(word) ?? word;
  const told = TOLD_BY.get(root);
  if (told && !told.includes(status)) {
    return { quarantined: `${root} of ${uuid}, whose status is "${word}": they contradict` };
  }
  if (status === 'chargeback') {
    return {
      quarantined: `${uuid} was charged back, of which XML does not tell enough: enter \`apiKey\`, then replay`,
    };
  }
  const { currency } = settings;
  if (currency === undefined || exponentOf(currency) !== CENTS_DIGITS) {
    return { quarantined: `${root} of ${uuid} ${whyNoMoney(currency)}` };
  }
  const at = dateOf(transaction);
  const account = xmlNode(about, 'account');
  return become({
    id: uuid,
    uuid,
    originalId: null,
    type: typeOf(root, transaction),
    status,
    isChargeback: false,
    money: fromMinor(required(transaction, 'amount_in_cents'), currency),
    at,
    wasCollected: false,
    endedAt: at,
    changedAt: at,
    method: methodOf(textOf(transaction, 'payment_method')),
    references: referencesOf(root, transaction),
    customer: account ? payerIn(account) : null,
    gateway: { name: null, reference: textOf(transaction, 'reference') ?? null },
    reason: reasonOf(transaction),
  });
}

function whyNoMoney(currency: string | undefined): string {
  return currency === undefined
    ? 'names no currency: enter `apiKey`, or the `currency` of the site, then replay'
    : `states cents, which ${currency} does not have: enter \`apiKey\`, then replay`;
}

/** XML calls a refund a credit; an authorization may be called a purchase that is only authorized. */
function typeOf(root: string, transaction: XmlNode): string {
  if (root === 'transaction_authorized_notification') return 'authorization';
  if (root === 'successful_refund_notification') return 'refund';
  const action = textOf(transaction, 'action') ?? 'purchase';
  return action === 'credit' ? 'refund' : action;
}

function referencesOf(root: string, transaction: XmlNode): readonly Reference[] {
  const number = numberOf(transaction);
  const subscription = textOf(transaction, 'subscription_id');
  const isRefund = typeOf(root, transaction) === 'refund';
  return [
    ...(number && !isRefund ? [{ kind: 'invoice' as const, number }] : []),
    ...(subscription ? [{ kind: 'subscription' as const, externalId: subscription }] : []),
  ];
}

function reasonOf(transaction: XmlNode): string | null {
  const words = [textOf(transaction, 'failure_type'), textOf(transaction, 'message')];
  return words.filter((word) => word !== null).join(': ') || null;
}

function readInvoice(root: string, invoice: XmlNode, settings: RecurlySettings): Normalized {
  const number = numberOf(invoice);
  if (!settings.importInvoices) {
    return { ignored: `${root}: invoices are taken over only with \`importInvoices\`` };
  }
  if (!settings.apiKey || !number) {
    return { ignored: `${root}: invoices are read with an API key` };
  }
  return { fetch: [{ entity: 'invoice', id: `number-${number}` }] };
}

/** The number as it is printed: XML keeps its prefix (of a country) apart. */
function numberOf(node: XmlNode): string | null {
  const number = textOf(node, 'invoice_number');
  return number && `${textOf(node, 'invoice_number_prefix') ?? ''}${number}`;
}

function payerIn(account: XmlNode) {
  return payerOf({
    code: textOf(account, 'account_code'),
    email: textOf(account, 'email'),
    first_name: textOf(account, 'first_name'),
    last_name: textOf(account, 'last_name'),
    company: textOf(account, 'company_name'),
  });
}

function dateOf(transaction: XmlNode): string {
  const date = required(transaction, 'date');
  const isInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(date);
  if (!isInstant || Number.isNaN(Date.parse(date))) {
    throw new WireMismatch(`transaction.date: "${date}" is not an instant`);
  }
  return instantOf(date);
}

function required(node: XmlNode, name: string): string {
  const text = textOf(node, name);
  if (text === null) throw new WireMismatch(`${name}: missing`);
  return text;
}

/** An element marked `nil` is null, though official samples put a text into it. */
function textOf(node: XmlNode, name: string): string | null {
  const value = Object.hasOwn(node, name) ? node[name] : undefined;
  if (typeof value === 'string') return value.trim() || null;
  const element = xmlNode(node, name);
  if (!element || element['@nil'] === 'true') return null;
  const text = element['#text'];
  return typeof text === 'string' ? text.trim() || null : null;
}
