/** Deliveries of both generations: signed JSON, and XML behind HTTP Basic. */
import type { Notice, Verdict } from '../contract.ts';
import { judgeBasic } from '../kit/basic.ts';
import { AUTHENTIC, refused } from '../kit/verdict.ts';
import { parseJson } from '../kit/wire.ts';
import type { RecurlySettings } from './settings.ts';
import { judgeSignature, SIGNATURE_HEADER } from './signature.ts';

/** Members that every JSON notification has, and together nobody else's. */
const MEMBERS = ['"object_type"', '"event_type"', '"event_time"', '"site_id"'];

const XML_ROOT =
  /^\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--[\s\S]{0,500}?-->\s*)?<[a-z_]+_notification[\s>]/;

/** No other portal has this header, these members or such a root. */
export function recognizes({ headers, body }: Notice): boolean {
  if (headers[SIGNATURE_HEADER] !== undefined) return true;
  if (MEMBERS.every((member) => body.includes(member))) return true;
  return XML_ROOT.test(startOf(body));
}

function startOf(body: Buffer): string {
  return body
    .subarray(0, 1_000)
    .toString('utf8')
    .replace(/^\ufeff/, '');
}

/**
 * A signature is judged wherever there is one. HTTP Basic is all the proof that XML has; for JSON it counts only
 * while no secret is set, so that nobody gets around the signature by leaving it out.
 */
export function authenticate(notice: Notice, settings: RecurlySettings): Verdict {
  const { webhookSecret: secrets = [], toleranceMinutes } = settings;
  const isSigned = notice.headers[SIGNATURE_HEADER] !== undefined;
  const verdict = prove();
  return verdict === AUTHENTIC ? ofSite(notice, settings) : verdict;

  function prove(): Verdict {
    if (secrets.length > 0 && isSigned) {
      return judgeSignature(notice, { secrets, toleranceMinutes });
    }
    if (secrets.length > 0 && !isXml(notice)) {
      return refused('signature-missing', `there is no ${SIGNATURE_HEADER} header`);
    }
    if (isSigned && settings.webhookUser === undefined) {
      return refused(
        'signature-wrong',
        'this connection has no `webhookSecret` to check the signature with',
      );
    }
    const { webhookUser: user, webhookPassword: passwords } = settings;
    return judgeBasic(notice, { user, passwords });
  }
}

function isXml({ body }: Notice): boolean {
  return startOf(body).trimStart().startsWith('<');
}

/** One endpoint address may have been entered in the sandbox, too. */
function ofSite({ body }: Notice, { siteId }: RecurlySettings): Verdict {
  const told = siteId === undefined ? undefined : siteOf(body);
  if (told === undefined || told === siteId) return AUTHENTIC;
  return refused('wrong-account', `it is of site ${told}, this connection is of ${siteId}`);
}

function siteOf(body: Buffer): string | undefined {
  try {
    const told = (parseJson(body) as { site_id?: unknown } | null)?.site_id;
    return typeof told === 'string' ? told : undefined;
  } catch {
    // XML names no site, and what cannot be read is stored and set aside with its reason.
    return undefined;
  }
}
