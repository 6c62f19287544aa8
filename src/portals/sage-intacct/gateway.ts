/** The XML gateway: sessions and where they lead, and answers that can fail at three levels. */
import type { ApiAnswer, ApiSession, PortalApi } from '../contract.ts';
import { Reauthorize, Rejected, WireMismatch } from '../kit/errors.ts';
import { Secret } from '../kit/secret.ts';
import { parseXml, type XmlNode, type XmlValue, xmlList, xmlNode, xmlText } from '../kit/xml.ts';
import type { XmlMarkup } from '../kit/xml-writer.ts';
import { answeredAt } from './instants.ts';
import { baseUrlOf, credentialsOf, type SageIntacctSettings } from './settings.ts';
import {
  functionCall,
  getApiSession,
  inSession,
  login,
  requestBody,
  writes,
} from './xml-functions.ts';

const GATEWAY = 'xmlgw.phtml';
const XML = 'application/xml';
/** The gateway's own refusals come with these, and in XML. */
const ANSWERS = [400, 401, 403];
/** Any company's limit of idle time is longer; what ends sooner is noticed. */
const SESSION_MINUTES = 30;
/** Refusals are short; a long answer is data and is not looked through for their words. */
const LONGEST_REFUSAL = 8_000;
const SIGN_IN_REFUSED = 'XL03000006';
const EXCERPT = 2_000;

/** What is wrong, at the first level that is. */
type Failure = {
  readonly level: 'control' | 'authentication' | 'result';
  readonly codes: readonly string[];
  readonly words: string;
};

export type GatewayResult = {
  /** Rows of `data` with the names of their fields in upper case; empty fields are left out. */
  readonly rows: readonly Readonly<Record<string, string>>[];
  /** Rows that did not fit this answer. */
  readonly remaining: number;
  /** All rows there are, where the answer counts them. */
  readonly total: number | undefined;
  readonly resultId: string | undefined;
  /** The record that an older function made. */
  readonly key: string | undefined;
  /** Whom Intacct takes us for: `payments.sync of AirCompCo`. */
  readonly account: string;
  /** The gateway's clock, when it tells. */
  readonly answeredAt: string | undefined;
};

/**
 * The log-in of a connection. Calls carry nothing but `<function>` elements: who sends them and in which session is
 * put around them here, where they go the log-in says.
 */
export function gatewaySession(settings: SageIntacctSettings): ApiSession {
  const { sender, user } = credentialsOf(settings);
  return {
    kind: 'session',
    minutes: SESSION_MINUTES,
    async open(send) {
      const text = requestBody({
        sender,
        controlId: 'checkvalve',
        unique: false,
        authentication: login(user),
        functions: [functionCall('session', getApiSession)],
      });
      const body = { type: XML, text };
      const answer = await send({ method: 'POST', path: GATEWAY, body, accept: ANSWERS });
      const data = xmlNode(succeeded(answer), 'result', 'data', 'api');
      const sessionId = xmlText(data, 'sessionid');
      const endpoint = xmlText(data, 'endpoint');
      if (sessionId === undefined || endpoint === undefined) {
        throw new WireMismatch('api: the log-in names no session or no endpoint');
      }
      const baseUrl = endpointBase(endpoint, baseUrlOf(settings));
      return { session: new Secret(sessionId), baseUrl };
    },
    attach(call, session) {
      const functions = call.body?.text ?? '';
      const text = requestBody({
        sender,
        controlId: 'checkvalve',
        unique: writes(functions),
        authentication: inSession(session.reveal()),
        functions: [{ markup: functions }],
      });
      return { ...call, body: { type: XML, text } };
    },
    ended,
  };
}

/**
 * Where the company lives (`https://na12.intacct.com/ia/xml`), from the endpoint that the log-in named. Credentials
 * follow it, so it must be Intacct's, or the host of the address that was set for a sandbox. @throws WireMismatch
 */
function endpointBase(endpoint: string, base: string): string {
  const url = URL.parse(endpoint);
  const home = new URL(base);
  const isIntacct =
    url?.protocol === 'https:' &&
    (url.hostname === 'intacct.com' || url.hostname.endsWith('.intacct.com'));
  const isHome = url?.hostname === home.hostname && url.protocol === home.protocol;
  const [, folder] = /^(.*)\/xmlgw\.phtml$/.exec(url?.pathname ?? '') ?? [];
  if (!url || !(isIntacct || isHome) || url.username !== '' || folder === undefined) {
    throw new WireMismatch(`endpoint: "${endpoint.slice(0, 100)}" is not an address of Intacct`);
  }
  return `${url.origin}${folder}`;
}

/** Calls one function and returns its result. @throws Reauthorize, Rejected, RetryLater, WireMismatch */
export async function callGateway(
  api: PortalApi,
  controlId: string,
  call: XmlMarkup,
): Promise<GatewayResult> {
  const { markup } = functionCall(controlId, call);
  const answer = await api.request({
    method: 'POST',
    path: GATEWAY,
    body: { type: XML, text: markup },
    accept: ANSWERS,
  });
  const operation = succeeded(answer);
  const result = xmlNode(operation, 'result');
  const data = xmlNode(result, 'data');
  const user = xmlText(operation, 'authentication', 'userid') ?? 'a user';
  const company = xmlText(operation, 'authentication', 'companyid') ?? 'a company';
  return {
    rows: rowsOf(data),
    remaining: count(data, 'numremaining') ?? 0,
    total: count(data, 'totalcount'),
    resultId: xmlText(data, '@resultid'),
    key: xmlText(result, 'key'),
    account: `${user} of ${company}`,
    answeredAt: answeredAt(answer.headers),
  };
}

/** Rows in an answer of the gateway and the object they are of, or the words of its refusal. @throws WireMismatch */
export function readGatewayBody(
  body: Buffer,
):
  | { readonly refusal: string }
  | { readonly object: string; readonly rows: GatewayResult['rows'] } {
  const response = responseOf(body);
  const failure = failureOf(response);
  if (failure) return { refusal: failure.words };
  const data = xmlNode(response, 'operation', 'result', 'data');
  const listed = xmlText(data, '@listtype') ?? '';
  const only = Object.keys(data ?? {}).find((name) => !name.startsWith('@')) ?? '';
  return {
    object: (listed === 'objects' ? only : listed || only).toUpperCase(),
    rows: rowsOf(data),
  };
}

/** A rate limit, which is told with the status of success, too; in data the words are somebody's own. */
export function throttled({ body }: Pick<ApiAnswer, 'body'>): boolean {
  const text = shortText(body);
  if (!/GW-0010|API rate limit exceeded/i.test(text)) return false;
  return /<errormessage>|"ia::error"/i.test(text) || !/<data[\s>]|"ia::result"/i.test(text);
}

/** The user is not signed in (any more); told with status 200. */
function ended({ body }: ApiAnswer): boolean {
  if (!/<status>\s*failure/i.test(shortText(body))) return false;
  const failure = failureOf(responseOf(body));
  return (
    failure?.level === 'authentication' ||
    (failure?.level === 'control' && failure.codes.includes(SIGN_IN_REFUSED))
  );
}

/** The operation of an answer, all three levels and its only function having succeeded. */
function succeeded({ status, body }: Pick<ApiAnswer, 'status' | 'body'>): XmlNode {
  const response = responseOf(body);
  const failure = failureOf(response);
  const operation = xmlNode(response, 'operation');
  if (!failure) {
    if (operation && xmlNode(operation, 'result')) return operation;
    throw new WireMismatch('result: not exactly one in the answer');
  }
  const { level, codes, words } = failure;
  const sentence = `Intacct refused (${level}): ${words}`;
  if (level === 'authentication' || codes.includes(SIGN_IN_REFUSED))
    throw new Reauthorize(sentence);
  const excerpt = body.subarray(0, EXCERPT).toString('utf8');
  throw new Rejected(sentence, { status: status === 200 ? 400 : status, body: excerpt });
}

function failureOf(response: XmlNode): Failure | undefined {
  const control = xmlText(response, 'control', 'status');
  if (control !== 'success') return failure('control', response);
  const operation = xmlNode(response, 'operation');
  if (!operation) throw new WireMismatch('operation: missing in the answer');
  if (xmlText(operation, 'authentication', 'status') !== 'success') {
    const inside = xmlNode(operation, 'authentication', 'errormessage');
    return failure('authentication', inside ? xmlNode(operation, 'authentication') : operation);
  }
  const failed = xmlList(operation, 'result').find((one) => xmlText(one, 'status') !== 'success');
  if (failed !== undefined) return failure('result', failed);
  return xmlNode(operation, 'errormessage') ? failure('result', operation) : undefined;
}

function failure(level: Failure['level'], place: XmlValue | undefined): Failure {
  const errors = xmlList(place, 'errormessage', 'error');
  const codes = errors.flatMap((error) => xmlText(error, 'errorno') ?? []);
  const words = errors.map((error) =>
    ['errorno', 'description', 'description2', 'correction']
      .flatMap((name) => xmlText(error, name) ?? [])
      .join(' '),
  );
  return { level, codes, words: words.join('; ') || 'without saying why' };
}

/** @throws WireMismatch for what is no answer of the gateway */
function responseOf(body: Buffer): XmlNode {
  const response = xmlNode(lowerCase(parseXml(body)), 'response');
  if (!response || !xmlNode(response, 'control')) {
    throw new WireMismatch('response: the body is not an answer of the XML gateway');
  }
  return response;
}

/** `readByQuery` answers `arpymt`, `query` answers `ARPYMT`: one spelling for all. */
function lowerCase(value: XmlNode): XmlNode {
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name.toLowerCase(), lowerCaseValue(inner)]),
  );
}

function lowerCaseValue(value: XmlValue): XmlValue {
  if (typeof value === 'string') return value;
  return isList(value) ? value.map(lowerCaseValue) : lowerCase(value);
}

function isList(value: XmlValue): value is readonly XmlValue[] {
  return Array.isArray(value);
}

function rowsOf(data: XmlNode | undefined): GatewayResult['rows'] {
  const elements = Object.entries(data ?? {}).filter(([name]) => !/^[@#]/.test(name));
  return elements.flatMap(([name]) =>
    xmlList(data, name).map((row) =>
      Object.fromEntries(
        Object.keys(typeof row === 'string' || isList(row) ? {} : row).flatMap((field) => {
          const text = xmlText(row, field);
          return text === undefined ? [] : [[field.toUpperCase(), text]];
        }),
      ),
    ),
  );
}

/** Counts are texts. @throws WireMismatch */
function count(data: XmlNode | undefined, name: string): number | undefined {
  const text = xmlText(data, `@${name}`);
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new WireMismatch(`${name}: "${text}" is not a count`);
  return Number(text);
}

function shortText(body: Buffer): string {
  return body.length > LONGEST_REFUSAL ? '' : body.toString('utf8');
}
