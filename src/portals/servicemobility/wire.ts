/** The Payment Processor Webhook object as processors send it, checked property by property. */
import { z } from 'zod';
import { parseExactJson, wireDecimal } from '../kit/wire.ts';

/** Longer texts would not fit the keys we store them under; no processor has ids of that length. */
const MAX_TEXT = 255;

/** Text that PostgreSQL can hold: no NUL, no half of a surrogate pair. */
const text = z
  .string({ error: 'must be a string' })
  .refine((value) => value.trim() !== '', 'must not be blank')
  .refine((value) => value.length <= MAX_TEXT, `must not be longer than ${MAX_TEXT} characters`)
  .refine((value) => value.isWellFormed() && !value.includes('\0'), 'must be printable text');

const utcInstant = z
  .string({ error: 'must be a string' })
  .refine(
    (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) && isOnTheCalendar(value),
    'must be a UTC date-time of the form YYYY-MM-DDTHH:mm:SS.sssZ',
  );

/**
 * A listed word in any case, as the documented spelling; `aliases` are spellings of sibling
 * objects.
 */
function oneOf<const Words extends readonly string[]>(
  words: Words,
  aliases: Readonly<Record<string, Words[number]>> = {},
) {
  const spelling = new Map<string, Words[number]>([
    ...words.map((word) => [word.toLowerCase(), word] as const),
    ...Object.entries(aliases),
  ]);
  return z.unknown().transform((value, context): Words[number] => {
    const word = typeof value === 'string' ? spelling.get(value.toLowerCase()) : undefined;
    if (word !== undefined) return word;
    context.addIssue({ code: 'custom', message: `must be one of ${words.join(', ')}` });
    return z.NEVER;
  });
}

/** Absent, null and blank all say nothing. */
function optional<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value) => (value === '' ? null : value), schema.nullish());
}

const chargeSchema = z.looseObject(
  {
    Amount: z
      .unknown()
      .refine((value) => wireDecimal.safeParse(value).success, 'must be a number')
      .transform(String),
    MerchantID: text,
    PaymentUTC: utcInstant,
    RefNum: text,
    Source: optional(oneOf(['Terminal', 'Link'])),
    TransactionID: text,
    TransactionStatus: oneOf(['Approved', 'Declined']),
    TransactionType: oneOf(['Sales', 'Authorization', 'Void', 'Refund', 'Cancel'], {
      sale: 'Sales',
    }),
    Type: optional(oneOf(['Card', 'Check', 'Phone'])),
  },
  { error: 'must be one JSON object' },
);
export type Charge = z.output<typeof chargeSchema>;

/** One entry of `invalidParams` in ServiceMobility's standard response. */
export type InvalidParam = {
  readonly name: string;
  readonly reason: string;
  readonly path: string;
  readonly value?: unknown;
};

/** The charge in a body, or every property that makes it invalid. Never throws. */
export function readCharge(
  body: Buffer,
): { readonly charge: Charge } | { readonly invalid: readonly InvalidParam[] } {
  const value = parseBody(body);
  const result = chargeSchema.safeParse(value);
  if (result.success) return { charge: result.data };
  return {
    invalid: result.error.issues.map((issue) => {
      const name = issue.path.map(String).join('/');
      if (name === '') return { name: 'body', reason: issue.message, path: '/' };
      return invalidParam(name, issue.message, (value as Record<string, unknown>)[name]);
    }),
  };
}

/** The merchant a body names, however invalid the rest of it is. */
export function readMerchant(body: Buffer): string | undefined {
  const read = z.looseObject({ MerchantID: z.string() }).safeParse(parseBody(body));
  return read.success ? read.data.MerchantID : undefined;
}

export function invalidParam(name: string, reason: string, value: unknown): InvalidParam {
  return { name, reason, path: `/${name}`, ...(value === undefined ? {} : { value }) };
}

function parseBody(body: Buffer): unknown {
  try {
    return parseExactJson(body);
  } catch {
    return undefined;
  }
}

/** `Date` reads 30 February as 2 March; only a real day comes back as it was written. */
function isOnTheCalendar(value: string): boolean {
  const date = new Date(value);
  return !Number.isNaN(date.getTime()) && date.toISOString() === value;
}
