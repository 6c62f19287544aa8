/** The details of a movement (`:86:`) in the flavours of German and Dutch banks, or as free text. */

/** Words are those of the payer; the rest is what the bank made of its own fields. */
export type Mt940Details = {
  /** German business transaction code (GVC). */
  readonly code?: string | undefined;
  readonly text: string;
  readonly endToEndId?: string | undefined;
  readonly payer?: string | undefined;
  readonly payerAccount?: string | undefined;
  readonly originalAmount?: string | undefined;
  readonly charges?: string | undefined;
  readonly isReturn: boolean;
  /** ISO 20022 reason of a return, such as `AM04`. */
  readonly returnCode?: string | undefined;
};

export function readDetails(details: string): Mt940Details {
  const german = /^(\d{3})([^\w\s])(?=\d\d)/.exec(details);
  if (german) return readGerman(details.slice(4), String(german[1]), String(german[2]));
  return /^\/[A-Z]{2,4}\//.test(details) ? readDutch(details) : free(details);
}

function free(text: string): Mt940Details {
  return { text, isReturn: false, returnCode: isoReason(text) };
}

/** Reasons for returns by ISO 20022; in free words only those that nothing else looks like. */
function isoReason(text: string): string | undefined {
  return /\b(?:AC|AG|AM|BE|MD|MS|RC|RR|SL|FF)\d\d\b/.exec(text)?.[0];
}

const KEYWORDS = /(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|PURP)\+/;

/** Two-digit subfields behind a separator: 20-29 and 60-63 purpose, 31 account, 32 and 33 name. */
function readGerman(fields: string, code: string, separator: string): Mt940Details {
  const found = new Map<string, string>();
  for (const part of fields.split(separator)) {
    const key = part.slice(0, 2);
    if (/^\d\d$/.test(key)) found.set(key, `${found.get(key) ?? ''}${part.slice(2)}`);
    else {
      // The separator stood in the text itself.
      const last = [...found.keys()].at(-1);
      if (last !== undefined) found.set(last, `${found.get(last)}${separator}${part}`);
    }
  }
  const purposeKeys = [...found.keys()].filter((key) => /^(2\d|6[0-3])$/.test(key)).sort();
  // Slices of 27 characters of one text: nothing stood between them.
  const purpose = purposeKeys.map((key) => found.get(key)).join('');
  const [words = '', ...tagged] = purpose.split(KEYWORDS);
  const byKeyword = new Map<string, string>();
  for (let at = 0; at < tagged.length; at += 2) {
    byKeyword.set(String(tagged[at]), (tagged[at + 1] ?? '').trim());
  }
  const text = byKeyword.get('SVWZ') ?? words.trim();
  return {
    code,
    text,
    endToEndId: byKeyword.get('EREF'),
    payer: byKeyword.get('ABWA') || nameOf(found.get('32'), found.get('33')),
    payerAccount: found.get('31')?.trim() || undefined,
    originalAmount: plainAmount(byKeyword.get('OAMT')),
    charges: plainAmount(byKeyword.get('COAM')),
    isReturn: false,
    returnCode: isoReason(text),
  };
}

/** A name is cut at 27 characters; a shorter first part ended at a word. */
function nameOf(first = '', second = ''): string | undefined {
  const name = first.length >= 27 ? `${first}${second}` : `${first} ${second}`;
  return name.replace(/\s+/g, ' ').trim() || undefined;
}

function plainAmount(text: string | undefined): string | undefined {
  const amount = /^(?:[A-Z]{3})?\s*(\d{1,15})(?:[,.](\d{0,5}))?/.exec(text ?? '');
  return amount?.[1] === undefined ? undefined : `${amount[1]}.${amount[2] || '0'}`;
}

const DUTCH_KEYS =
  'EREF|PREF|IREF|MARF|CSID|REMI|ORDP|BENM|NAME|IBAN|BIC|ISDT|RTRN|PURP|CNTP|TRTP|USTD|STRD|SVCL|PROC|NRTX|ULTD|ULTB|ADDR|CHGS|OCMT|ID';

/** `/KEY/value/KEY/value`; a value may hold single slashes. */
function readDutch(details: string): Mt940Details {
  const parts = details.split(new RegExp(`/(${DUTCH_KEYS})/`));
  const found = new Map<string, string>();
  for (let at = 1; at < parts.length; at += 2) {
    const key = String(parts[at]);
    const value = (parts[at + 1] ?? '').replace(/^\/+|\/+$/g, '').trim();
    if (value !== '' && !found.has(key)) found.set(key, value);
  }
  const [iban, , name] = found.get('CNTP')?.split('/') ?? [];
  const returnCode = found.get('RTRN');
  return {
    text: found.get('REMI') ?? found.get('USTD') ?? found.get('STRD') ?? '',
    endToEndId: found.get('EREF'),
    payer: found.get('NAME') ?? (name || undefined),
    payerAccount: found.get('IBAN') ?? (iban || undefined),
    isReturn: returnCode !== undefined,
    returnCode,
  };
}
