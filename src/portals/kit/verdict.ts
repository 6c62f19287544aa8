/** Verdicts on deliveries, and what probably went wrong when a signature does not fit. */
import type { RefusalCode, Verdict } from '../contract.ts';
import type { Secret } from './secret.ts';

export const AUTHENTIC: Verdict = { verdict: 'authentic' };

/** `because` is read by the person who connects the portal: say what to look at. */
export function refused(code: RefusalCode, because: string): Verdict {
  return { verdict: 'refused', code, because };
}

/** Keys in the forms in which people paste them wrongly, with what each mistake is called. */
const KEY_MISTAKES: readonly {
  readonly what: string;
  readonly variants: (key: string) => readonly (string | Buffer)[];
}[] = [
  {
    what: 'the secret has quotes around it',
    variants: (key) => (/^(["'`]).+\1$/.test(key) ? [key.slice(1, -1)] : []),
  },
  {
    what: 'the sender uses the secret as base64, this portal takes its text',
    variants: (key) => (/^[A-Za-z0-9+/_-]{8,}=*$/.test(key) ? [Buffer.from(key, 'base64')] : []),
  },
  {
    what: 'the sender uses the secret as hexadecimal bytes, this portal takes its text',
    variants: (key) => (/^([0-9a-f]{2}){8,}$/i.test(key) ? [Buffer.from(key, 'hex')] : []),
  },
  {
    what: 'the sender uses the text of the secret, this portal decodes it first',
    variants: (key) => [Buffer.from(key, 'utf8')],
  },
];

/** Forms in which something between the portal and us may have written the body anew. */
function rewrittenBodies(body: Buffer): readonly Buffer[] {
  const forms = [body.toString('utf8').trim()];
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    forms.push(JSON.stringify(value), JSON.stringify(value, null, 2), `${JSON.stringify(value)}\n`);
    forms.push(JSON.stringify(value).replaceAll('/', '\\/'));
  } catch {
    // Not JSON: only its blanks can have changed.
  }
  return forms.map((form) => Buffer.from(form)).filter((form) => !form.equals(body));
}

/**
 * Names the common mistake that explains why a signature does not fit, by trying it: `fits` says whether the
 * signature is right for a key (its text, or bytes) and body. Only for the words of a refusal: nothing that
 * fits here is ever accepted.
 */
export function likelyMistake(input: {
  readonly keys: readonly Secret[];
  readonly body: Buffer;
  readonly setting: string;
  fits(key: string | Buffer, body: Buffer): boolean;
}): string {
  const { keys, body, setting, fits } = input;
  if (keys.length === 0) return `this connection has no ${setting} to check with`;
  const tries = (key: string | Buffer, of: Buffer): boolean => {
    try {
      return fits(key, of);
    } catch {
      return false;
    }
  };
  for (const key of keys) {
    const text = key.reveal();
    const mistake = KEY_MISTAKES.find(({ variants }) =>
      variants(text).some((variant) => tries(variant, body)),
    );
    if (mistake) return `the signature does not fit, because ${mistake.what}: check ${setting}`;
    if (rewrittenBodies(body).some((form) => tries(text, form))) {
      return 'the body was written anew on its way (by a proxy or a relay): pass its bytes on as they come';
    }
  }
  return `the signature fits no ${setting}: it is probably that of another endpoint, app or mode`;
}
