/** What a connection to Sage 50 needs to know: the edition, how its data is reached, and what its codes mean. */
import { z } from 'zod';
import { exponentOf } from '../../money/money.ts';
import { METHODS, type Method } from '../events.ts';
import { currency, flag, timeZone } from '../kit/fields.ts';
import { secret, secrets } from '../kit/secret.ts';
import type { DATE_ORDERS } from './dates.ts';

const address = z.url({ protocol: /^https?$/ });
const text = z.string().trim().min(1);

const ZONE =
  'IANA time zone of the PC on which Sage 50 runs: its days and changes carry none. Europe/London for the UK edition when absent.';
const CURRENCIES =
  'UK edition: the currencies behind the numbers in its table (Settings > Currencies), such as 2=EUR,3=USD. 1 is the base currency.';
const BANK_METHODS =
  'UK edition: how money comes in through a bank nominal, such as 1200=bank,1230=cash,1240=card.';

/** `1200=bank,1230=cash` as a record; each value is checked by `read`, which is undefined for one that is wrong. */
function table<T extends string>(
  preset: Readonly<Record<string, T>>,
  options: {
    readonly example: string;
    readonly description: string;
    read(value: string): T | undefined;
  },
) {
  return z
    .union([z.string(), z.record(z.string(), z.string())])
    .transform((given, context): Readonly<Record<string, T>> => {
      const pairs =
        typeof given === 'string'
          ? given.split(',').filter((pair) => pair.trim() !== '')
          : Object.entries(given).map((pair) => pair.join('='));
      const read = pairs.map((pair) => {
        const [, key = '', value = ''] = /^\s*([^=]{1,20}?)\s*=\s*(\S{1,20})\s*$/.exec(pair) ?? [];
        return [key, options.read(value)] as const;
      });
      const wrong = read.findIndex(([key, value]) => key === '' || value === undefined);
      if (wrong < 0) return Object.fromEntries(read) as Record<string, T>;
      const message = `"${pairs[wrong]}" is not of the form ${options.example}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .default(preset)
    .meta({ description: options.description });
}

function readCurrency(code: string): string | undefined {
  try {
    exponentOf(code);
    return code;
  } catch {
    return undefined;
  }
}

const MISSING: Readonly<Record<string, readonly ('apiBaseUrl' | 'apiKey' | 'authToken')[]>> = {
  none: [],
  own: ['apiBaseUrl', 'apiKey'],
  oss: ['apiBaseUrl'],
  hyperaccounts: ['apiBaseUrl', 'authToken'],
};

export const settings = z
  .object({
    edition: z
      .enum(['uk', 'us'])
      .default('uk')
      .describe(
        'uk: Sage 50 Accounts (United Kingdom, Ireland); us: Sage 50 of the United States.',
      ),
    bridge: z
      .enum(['none', 'own', 'oss', 'hyperaccounts'])
      .default('none')
      .describe(
        'What answers on the Sage PC. none: files only; own: a bridge by the contract in the setup page; oss: the open-source Sage50Accounts; hyperaccounts: HyperAccounts. The last two know the UK edition only.',
      ),
    apiBaseUrl: address
      .optional()
      .describe('Address of the bridge, such as http://sage-pc:5000. Not needed for files.'),
    bridgeCertificate: text
      .optional()
      .describe('Certificate (PEM) to trust, where the bridge has one that it signed itself.'),
    apiKey: secret('Key of the own bridge, as its configuration file has it.').optional(),
    authToken: secret('AuthToken of HyperAccounts: given by its support.').optional(),
    webhookSecret: secrets(
      'Secret with which the own bridge signs what it pushes, as its configuration file has it.',
    ).optional(),
    dataset: text
      .max(60)
      .describe(
        'Name of the company data. It becomes part of every id: give another one when the data is restored from a backup or begun anew, never otherwise. The own bridge tells it.',
      ),
    baseCurrency: currency(
      'Base currency of the company (GBP, EUR, USD): its records do not name it.',
    ),
    currencyTable: table<string>(
      {},
      { example: '2=EUR', description: CURRENCIES, read: readCurrency },
    ),
    timeZone: timeZone(ZONE).unwrap().optional().describe(ZONE),
    bankMethods: table<Method>(
      { '1200': 'bank', '1230': 'cash', '1240': 'card' },
      {
        example: `1200=bank, with one of ${METHODS.join(', ')}`,
        description: BANK_METHODS,
        read: (value) => METHODS.find((method) => method === value),
      },
    ),
    dateFormat: z
      .enum(['dd/mm/yyyy', 'mm/dd/yyyy', 'yyyy-mm-dd'])
      .default('dd/mm/yyyy')
      .describe(
        'HyperAccounts: the short date format of Windows on its PC, in which it writes dates.',
      ),
    bankNominal: text
      .max(8)
      .optional()
      .describe('UK edition: nominal of the bank account into which payments are recorded (1200).'),
    cashAccount: text
      .max(15)
      .optional()
      .describe('US edition: id of the cash account into which payments are recorded (10200).'),
    receivablesAccount: text
      .max(15)
      .optional()
      .describe('US edition: id of the accounts receivable account (11000).'),
    depositsAccount: text
      .max(15)
      .optional()
      .describe('US edition: id of the account for customer deposits (24400), for prepayments.'),
    discountAccount: text
      .max(15)
      .optional()
      .describe(
        'US edition: id of the account for sales discounts (49000), where imports ask for it.',
      ),
    mirrorOnly: flag(false, 'Payments entered in Sage 50 by hand are never money here.'),
  })
  .superRefine((given, context) => {
    const need = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message });
    for (const field of MISSING[given.bridge] ?? []) {
      if (given[field] === undefined) need(field, `required for the bridge ${given.bridge}`);
    }
    if (given.edition === 'uk') return;
    if (given.bridge === 'oss' || given.bridge === 'hyperaccounts') {
      need('bridge', `${given.bridge} knows the UK edition only`);
    }
    if (given.timeZone === undefined) need('timeZone', 'required for the US edition');
  });
export type Sage50Settings = z.output<typeof settings>;

/** The zone in which days begin. */
export function zoneOf({ timeZone: given }: Sage50Settings): string {
  return given ?? 'Europe/London';
}

/** The order of day, month and year in HyperAccounts' dates. */
export function hyperOrder({ dateFormat }: Sage50Settings): (typeof DATE_ORDERS)[number] {
  return dateFormat === 'dd/mm/yyyy' ? 'dmy' : dateFormat === 'mm/dd/yyyy' ? 'mdy' : 'ymd';
}

/** The id of something in this company's data; numbers alone begin anew with other data. */
export function idOf({ dataset }: Pick<Sage50Settings, 'dataset'>, number: string): string {
  return `${dataset}:${number}`;
}
