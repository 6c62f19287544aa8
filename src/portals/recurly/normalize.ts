/** What a Recurly document becomes. Pure; whatever it cannot be certain of is set aside with the reason. */
import { z } from 'zod';
import type { Normalized, PortalDocument } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseExactJson, readWire } from '../kit/wire.ts';
import { accountState, invoiceState } from './receivables.ts';
import { type RecurlySettings, settings as settingsSchema } from './settings.ts';
import { transactionState } from './transactions.ts';
import * as wire from './wire.ts';
import { readXml } from './xml.ts';

const anyDocument = z
  .object({ object: z.string().nullish(), object_type: z.string().nullish() })
  .loose();

const defaults = settingsSchema.parse({});

/** Understands notifications of both generations, and transactions, invoices and accounts of API v3. */
export function normalize({ body }: PortalDocument, given: RecurlySettings): Normalized {
  const settings = { ...defaults, ...given };
  if (/^\ufeff?\s*</.test(body.subarray(0, 200).toString('utf8'))) return readXml(body, settings);
  const value = readWire(anyDocument, parseExactJson(body));
  if (value.object_type) return readNotice(readWire(wire.notice, value), settings);
  switch (value.object) {
    case 'transaction':
      return transactionState(readWire(wire.transaction, value));
    case 'invoice':
      return receivable('invoice', settings, () =>
        invoiceState(readWire(wire.invoice, value), settings),
      );
    case 'account':
      return receivable('account', settings, () => accountState(readWire(wire.account, value)));
    default:
  }
  if (value.object) return { ignored: `${value.object}: a resource that carries no money` };
  throw new WireMismatch('body: neither a notification nor a resource of Recurly');
}

/**
 * A JSON notification tells no amount, and some names of what happened to a payment are not documented: whatever it
 * was, the transaction says what became of it.
 */
function readNotice(
  { id, object_type, event_type }: ReturnType<typeof wire.notice.parse>,
  settings: RecurlySettings,
): Normalized {
  const name = `${object_type}.${event_type}`;
  if (object_type === 'payment' || object_type === 'transaction') {
    if (settings.apiKey) return { fetch: [{ entity: 'transaction', id }] };
    return {
      quarantined: `${name} of ${id} tells neither amount nor payer: enter \`apiKey\`, then replay`,
    };
  }
  if (object_type === 'charge_invoice') {
    return receivable(name, settings, () =>
      settings.apiKey
        ? { fetch: [{ entity: 'invoice', id }] }
        : { ignored: `${name}: invoices are read with an API key` },
    );
  }
  return { ignored: `${name}: not about a payment` };
}

function receivable(
  what: string,
  { importInvoices }: RecurlySettings,
  read: () => Normalized,
): Normalized {
  return importInvoices
    ? read()
    : { ignored: `${what}: invoices and accounts are taken over only with \`importInvoices\`` };
}
