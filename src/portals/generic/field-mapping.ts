/** `fieldMapping`: where a sender that does not write our contract keeps each field, as the user sets it once. */
import { z } from 'zod';
import { EVENT_TYPES } from '../events.ts';
import { WireMismatch } from '../kit/errors.ts';

/** Fields whose value is a path into the body (`data.payment.id`, `lines[].invoice`) or a constant (`=USD`). */
const PATHS = [
  'type',
  'id',
  'paymentId',
  'amount',
  'amountMinor',
  'currency',
  'fee',
  'feeMinor',
  'occurredAt',
  'method',
  'reason',
  'fundsWithdrawn',
  'customerId',
  'customerName',
  'customerEmail',
  'invoice',
  'invoiceAmount',
  'invoiceAmountMinor',
  'order',
  'workOrder',
  'purchaseOrder',
  'memo',
  'subscription',
] as const;
type PathField = (typeof PATHS)[number];

/** Several values may stand there: `lines[].number`. */
const LISTS: readonly PathField[] = ['invoice', 'invoiceAmount', 'invoiceAmountMinor'];

const TIME_FORMATS = ['iso', 'unixSeconds', 'unixMilliseconds'] as const;
const OTHERS = ['types', 'methods', 'timeFormat'];

const STEP = String.raw`(?:[\w$@-]+|\[\d+\]|\[\])`;
const PATH = new RegExp(String.raw`^${STEP}(?:\.?${STEP})*$`);

export type FieldMapping = {
  readonly paths: Readonly<Partial<Record<PathField, string>>>;
  /** The sender's words for types and methods, as ours. */
  readonly types: Readonly<Record<string, string>>;
  readonly methods: Readonly<Record<string, string>>;
  readonly timeFormat: (typeof TIME_FORMATS)[number];
};

const DESCRIPTION =
  'For a sender with a body of its own: JSON text that says where each field stands, such as ' +
  '{"type":"event","types":{"paid":"payment.succeeded"},"id":"data.id","amount":"data.total",' +
  '"currency":"=USD","occurredAt":"data.at"}. Try it by: checkvalve normalize generic FILE ' +
  '--set fieldMapping=…';

/** Checked when it is set, with a sentence for each mistake. */
export const fieldMapping = z
  .union([z.string(), z.record(z.string(), z.unknown())])
  .transform((given, ctx): FieldMapping => {
    const { problems, mapping } = readMapping(given);
    for (const message of problems) ctx.addIssue({ code: 'custom', message });
    return mapping ?? z.NEVER;
  })
  .meta({ description: DESCRIPTION });

type Read = { readonly problems: readonly string[]; readonly mapping?: FieldMapping };

function readMapping(given: string | Readonly<Record<string, unknown>>): Read {
  const value = typeof given === 'string' ? parse(given) : given;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problems: ['is not a JSON object such as {"type":"event","id":"data.id"}'] };
  }
  const entries = value as Readonly<Record<string, unknown>>;
  const problems = Object.entries(entries).flatMap(([field, set]) => problemsOf(field, set));
  problems.push(...missing(entries));
  if (problems.length > 0) return { problems };
  const paths = Object.fromEntries(
    PATHS.flatMap((field) => (entries[field] === undefined ? [] : [[field, entries[field]]])),
  );
  const words = (field: string) => (entries[field] ?? {}) as Record<string, string>;
  return {
    problems,
    mapping: {
      paths: paths as FieldMapping['paths'],
      types: words('types'),
      methods: words('methods'),
      timeFormat: (entries.timeFormat as FieldMapping['timeFormat'] | undefined) ?? 'iso',
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemsOf(field: string, set: unknown): readonly string[] {
  if (field === 'types') return wordProblems(field, set, EVENT_TYPES);
  if (field === 'methods') return wordProblems(field, set, undefined);
  if (field === 'timeFormat') {
    const known = (TIME_FORMATS as readonly unknown[]).includes(set);
    return known ? [] : [`timeFormat: must be one of ${TIME_FORMATS.join(', ')}`];
  }
  if (!(PATHS as readonly string[]).includes(field)) {
    return [`"${field}" is no field; it has ${[...PATHS, ...OTHERS].join(', ')}`];
  }
  if (typeof set !== 'string' || set === '') {
    return [`${field}: must be a path such as data.${field}, or a constant such as =USD`];
  }
  if (set.startsWith('=')) return [];
  if (!PATH.test(set)) return [`${field}: "${set}" is not a path such as data.payment.id`];
  if (set.includes('[]') && !LISTS.includes(field as PathField)) {
    return [`${field}: "${set}" names many values; only ${LISTS.join(', ')} may`];
  }
  return [];
}

function wordProblems(
  field: string,
  set: unknown,
  ours: readonly string[] | undefined,
): readonly string[] {
  if (typeof set !== 'object' || set === null || Array.isArray(set)) {
    return [`${field}: must be an object of the sender's words and ours`];
  }
  return Object.entries(set).flatMap(([word, our]) => {
    if (typeof our !== 'string') return [`${field}: "${word}" must be given as one of our words`];
    if (ours && !ours.includes(our)) {
      return [`${field}: "${our}" is no type of event; there are ${ours.join(', ')}`];
    }
    return [];
  });
}

function missing(entries: Readonly<Record<string, unknown>>): readonly string[] {
  const needed = ['type', 'id', 'currency', 'occurredAt']
    .filter((field) => entries[field] === undefined)
    .map((field) => `${field}: is missing; say where it stands, or a constant such as =USD`);
  const amounts = ['amount', 'amountMinor'].filter((field) => entries[field] !== undefined);
  if (amounts.length === 0) {
    needed.push(
      'amount: is missing; amount is in major units (12.50), amountMinor in cents (1250)',
    );
  }
  return needed;
}

/**
 * The body in the shape of our own contract. What is not there stays away, so that what is needed is missed by
 * the reader of the contract. @throws WireMismatch
 */
export function mapBody(body: unknown, mapping: FieldMapping): unknown {
  const at = (field: PathField) => one(body, mapping.paths[field]);
  const type = at('type');
  if (type === undefined) {
    throw new WireMismatch(`type: there is nothing at ${mapping.paths.type}`);
  }
  const words = String(type);
  const type_ = Object.hasOwn(mapping.types, words) ? mapping.types[words] : words;
  for (const field of ['id', 'currency', 'occurredAt'] as const) {
    const isOurs = (EVENT_TYPES as readonly unknown[]).includes(type_);
    if (isOurs && at(field) === undefined) {
      throw new WireMismatch(`${field}: there is nothing at ${mapping.paths[field]}`);
    }
  }
  return {
    type: type_,
    data: {
      id: at('id'),
      payment_id: at('paymentId'),
      amount: at('amount'),
      amount_minor: at('amountMinor'),
      currency: currencyAt(at('currency')),
      fee: at('fee'),
      fee_minor: at('feeMinor'),
      occurred_at: timeOf(at('occurredAt'), mapping.timeFormat),
      method: methodOf(at('method'), mapping),
      reason: at('reason'),
      funds_withdrawn: flagOf(at('fundsWithdrawn')),
      customer: { id: at('customerId'), name: at('customerName'), email: at('customerEmail') },
      references: {
        invoices: invoicesOf(body, mapping),
        order: at('order'),
        work_order: at('workOrder'),
        purchase_order: at('purchaseOrder'),
        memo: at('memo'),
        subscription: at('subscription'),
      },
    },
  };
}

/** Senders write `usd` as often as `USD`; a currency has one spelling here. */
function currencyAt(value: unknown): unknown {
  return typeof value === 'string' ? value.trim().toUpperCase() : value;
}

function methodOf(value: unknown, { methods }: FieldMapping): unknown {
  const word = value === undefined ? undefined : String(value);
  return word !== undefined && Object.hasOwn(methods, word) ? methods[word] : word;
}

function flagOf(value: unknown): unknown {
  if (typeof value === 'string') return /^(true|yes|1)$/i.test(value);
  return typeof value === 'number' ? value !== 0 : value;
}

function timeOf(value: unknown, format: FieldMapping['timeFormat']): unknown {
  if (value === undefined || format === 'iso') return value;
  const digits = format === 'unixSeconds' ? /^\d{1,11}$/ : /^\d{1,14}$/;
  // A fraction of a second says nothing that matters here.
  const whole = String(value).replace(/\.\d+$/, '');
  if (!digits.test(whole)) {
    throw new WireMismatch(`occurredAt: "${value}" is not a time in the format ${format}`);
  }
  return new Date(Number(whole) * (format === 'unixSeconds' ? 1000 : 1)).toISOString();
}

function invoicesOf(body: unknown, { paths }: FieldMapping): readonly unknown[] {
  const numbers = many(body, paths.invoice);
  const amounts = many(body, paths.invoiceAmount);
  const minors = many(body, paths.invoiceAmountMinor);
  return numbers.flatMap((number, index) =>
    number == null || number === ''
      ? []
      : [{ number, amount: amounts[index], amount_minor: minors[index] }],
  );
}

function one(body: unknown, path: string | undefined): unknown {
  const [value] = many(body, path);
  return value === null || value === '' ? undefined : value;
}

function many(body: unknown, path: string | undefined): readonly unknown[] {
  if (path === undefined) return [];
  if (path.startsWith('=')) return [path.slice(1)];
  const steps = path.match(/\[\d*\]|[^.[\]]+/g) ?? [];
  let found: readonly unknown[] = [body];
  for (const step of steps) found = found.flatMap((value) => stepInto(value, step));
  return found;
}

function stepInto(value: unknown, step: string): readonly unknown[] {
  if (step === '[]') return Array.isArray(value) ? value : [];
  if (typeof value !== 'object' || value === null) return [undefined];
  const name = step.startsWith('[') ? step.slice(1, -1) : step;
  return [Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined];
}
