/** Whether a certificate is PayPal's: its chain to a public root, its days and the name it was issued to. */
import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { type Settings, testOrigin } from './settings.ts';

const PATH = '/v1/notifications/certs/';
const NAMES = {
  production: ['messageverificationcerts.paypal.com'],
  sandbox: ['messageverificationcerts.sandbox.paypal.com', 'messageverificationcerts.paypal.com'],
} as const;

/** Retries go on for three days, and a certificate may expire meanwhile; a fourth day is for slow clocks. */
const RETRIES_MS = 4 * 86_400_000;
const MOST_CERTIFICATES = 10;

/** The public roots by the name that certificates give their issuer by. */
const publicRoots: ReadonlyMap<string, readonly X509Certificate[]> = Map.groupBy(
  rootCertificates.map((pem) => new X509Certificate(pem)),
  ({ subject }) => subject,
);

/**
 * Undefined when the address may be PayPal's: host names are compared as parsed, for anybody can own a host that
 * contains "paypal.com". An API on this machine may give certificates of its own.
 */
export function whyNotPayPals(address: string, settings: Settings): string | undefined {
  const url = URL.parse(address);
  if (!url) return 'the address of its certificate is none';
  const { protocol, hostname, port, username, password, pathname, search, hash } = url;
  if (!pathname.startsWith(PATH) || search !== '' || hash !== '') {
    return `its certificate is not below ${PATH}`;
  }
  if (url.origin === testOrigin(settings)) return undefined;
  if (protocol !== 'https:' || port !== '' || username !== '' || password !== '') {
    return 'the address of its certificate is not plain https';
  }
  if (hostname === 'paypal.com' || hostname.endsWith('.paypal.com')) return undefined;
  return `its certificate is at ${hostname}, which is not PayPal: nobody there can sign for PayPal`;
}

export type Judged = { readonly certificate: X509Certificate } | { readonly doubt: string };

/**
 * The certificate that signs, once nothing speaks against it. `pem` holds it first and those that lead to a root
 * after it, as PayPal serves them.
 */
export function judgeCertificate(
  pem: string,
  when: { readonly signedAt: Date; readonly receivedAt: Date },
  settings: Settings,
): Judged {
  const chain = readChain(pem);
  const [certificate] = chain;
  if (!certificate) return { doubt: 'its certificate cannot be read' };
  const name = /^CN=(.+)$/m.exec(certificate.subject)?.[1] ?? '';
  const names: readonly string[] = NAMES[settings.environment];
  if (!names.includes(name)) {
    return { doubt: `its certificate was issued to ${name}, not to ${names[0]}` };
  }
  const at = instantToJudge(certificate, when);
  if (!at) return { doubt: 'its certificate was not valid when it was signed' };
  if (certificate.publicKey.asymmetricKeyType !== 'rsa') return { doubt: 'its key is not RSA' };
  return leadsToRoot(certificate, chain.slice(1), at, settings)
    ? { certificate }
    : { doubt: 'its certificate does not lead to a root that is trusted' };
}

/** Now, or when it was signed as far as retries may explain the delay; undefined when valid at neither. */
function instantToJudge(
  certificate: X509Certificate,
  { signedAt, receivedAt }: { readonly signedAt: Date; readonly receivedAt: Date },
): Date | undefined {
  if (isValid(certificate, receivedAt)) return receivedAt;
  const recent = receivedAt.getTime() - signedAt.getTime() <= RETRIES_MS && signedAt <= receivedAt;
  return recent && isValid(certificate, signedAt) ? signedAt : undefined;
}

function leadsToRoot(
  certificate: X509Certificate,
  others: readonly X509Certificate[],
  at: Date,
  settings: Settings,
): boolean {
  const trusted = testRoots(settings);
  let current = certificate;
  for (let steps = 0; steps <= MOST_CERTIFICATES; steps += 1) {
    const link = current;
    if (trusted.some((one) => one.fingerprint256 === link.fingerprint256)) return true;
    const signs = (issuer: X509Certificate) =>
      isValid(issuer, at) && link.checkIssued(issuer) && link.verify(issuer.publicKey);
    if ([...trusted, ...(publicRoots.get(link.issuer) ?? [])].some(signs)) return true;
    const next = others.find((one) => one.ca && one.subject !== link.subject && signs(one));
    if (!next) return false;
    current = next;
  }
  return false;
}

/** Only ever more than the public roots for an API on this machine. */
function testRoots(settings: Settings): readonly X509Certificate[] {
  const { trustedCertificate } = settings;
  if (trustedCertificate === undefined || testOrigin(settings) === undefined) return [];
  return readChain(trustedCertificate);
}

function readChain(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.slice(0, MOST_CERTIFICATES).map((block) => new X509Certificate(block));
  } catch {
    return [];
  }
}

function isValid(certificate: X509Certificate, at: Date): boolean {
  return certificate.validFromDate <= at && at <= certificate.validToDate;
}
