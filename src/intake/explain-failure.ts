/** Why a call to a portal failed, in words that say what to do. Pure. */
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../portals/kit/errors.ts';

/** More than this between our clock and the portal's, and signatures with a time limit begin to fail. */
const SKEW_SECONDS_MAX = 60;
const SAID_LENGTH = 200;

/** What the operating system calls the failure, and what that means. */
const NETWORK: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is not known here; check apiBaseUrl and the DNS of this machine',
  EAI_AGAIN: 'names cannot be looked up now; check the DNS of this machine',
  ECONNREFUSED: 'nothing listens there; check apiBaseUrl and its port',
  ECONNRESET: 'the connection was cut; a firewall or proxy may be in between',
  EHOSTUNREACH: 'there is no way to it; check the network and the firewall of this machine',
  ENETUNREACH: 'there is no way to it; check the network and the firewall of this machine',
  ETIMEDOUT: 'it does not answer; check the firewall of this machine',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer; check the firewall of this machine',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; a proxy may be in between',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted here; a proxy may be in between',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted here; a proxy may be in between',
  CERT_HAS_EXPIRED: 'its certificate has expired, or the clock of this machine is wrong',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name; check apiBaseUrl',
};

/** A sentence or two for the person who connected the portal `name`. */
export function explainFailure(name: string, error: Error): string {
  if (error instanceof Reauthorize) {
    return (
      `${name} refuses the credentials: ${error.message}. They have expired, were revoked, or belong to ` +
      'another account or mode (a test key does not open a live account): enter them again.'
    );
  }
  if (error instanceof Rejected && error.status === 403) {
    return (
      `${name} knows the credentials but forbids the call: ${error.message}${said(error)}. ` +
      'Give the key or app the missing permission (scope), then try again.'
    );
  }
  if (error instanceof Rejected && error.status === 404) {
    return `${name} does not know what was asked for: ${error.message}${said(error)}. Check apiBaseUrl and the account's id.`;
  }
  if (error instanceof Rejected) {
    return `${name} answered unexpectedly: ${error.message}${said(error)}.`;
  }
  if (error instanceof RetryLater) {
    const why = NETWORK[codeOf(error) ?? ''];
    return `${name} cannot be reached now: ${error.message}${why ? `: ${why}` : ''}.`;
  }
  if (error instanceof WireMismatch) {
    return `What answers is not ${name} as documented: ${error.message}. Check apiBaseUrl.`;
  }
  return `${name} answered unexpectedly: ${error.message}.`;
}

/** What the portal itself said, when it is short enough to be read. */
function said({ body }: Rejected): string {
  const text = body.replace(/\s+/g, ' ').trim();
  return text === '' || text.startsWith('<') ? '' : ` (it says: ${text.slice(0, SAID_LENGTH)})`;
}

/** The first system error code along the chain of causes. */
function codeOf(error: unknown, depth = 0): string | undefined {
  if (!(error instanceof Error) || depth > 5) return undefined;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : codeOf(error.cause, depth + 1);
}

/** A warning when the `Date` of an answer and our clock are far apart; undefined when they agree. */
export function explainSkew(name: string, answeredAt: Date, now: Date): string | undefined {
  const seconds = Math.round((now.getTime() - answeredAt.getTime()) / 1000);
  if (!(Math.abs(seconds) > SKEW_SECONDS_MAX)) return undefined;
  const side = seconds > 0 ? 'ahead of' : 'behind';
  return (
    `The clock of this machine is ${Math.abs(seconds)} seconds ${side} that of ${name}: deliveries with a ` +
    'time limit will be refused. Set it (NTP).'
  );
}
