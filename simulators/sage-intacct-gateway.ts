/** The XML gateway of a simulated Intacct: envelopes, sessions, three levels of failure, and its functions. */
import { fromDecimalText, scaleDecimalText } from '../src/money/money.ts';
import {
  parseXml,
  type XmlNode,
  type XmlValue,
  xmlList,
  xmlNode,
  xmlText,
} from '../src/portals/kit/xml.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import type { Random } from './random.ts';
import {
  addPayment,
  BusinessRule,
  type Company,
  deleteDraft,
  reversePayment,
} from './sage-intacct-company.ts';
import {
  BadQuery,
  type Condition,
  compare,
  fieldsOf,
  holds,
  readSql,
  requireFields,
} from './sage-intacct-conditions.ts';
import { methodFrom, type Row, xmlRows } from './sage-intacct-rows.ts';

export type GatewayState = {
  readonly company: Company;
  readonly senderId: string;
  readonly senderPassword: string;
  readonly companyId: string;
  readonly userId: string;
  readonly userPassword: string;
  /** Bank accounts and undeposited funds that payments may go to. */
  readonly accounts: readonly string[];
  readonly entities: readonly string[];
  /** Of its own, so that the order of requests does not change the story. */
  readonly random: Random;
  /** Where calls in a session must go. */
  endpoint: string;
  readonly sessions: Map<string, { readonly entity: string | null; used: boolean }>;
  readonly resultSets: Map<string, ResultSet>;
  /** Control ids of functions that were run with `uniqueid`, whatever came of them. */
  readonly controlIds: Set<string>;
  /** Probability that a session or a set of rows is forgotten before its next use; never before the first. */
  readonly forgetRate: number;
  /** Methods that would have charged the customer once more. */
  readonly charges: string[];
};

type ResultSet = {
  readonly object: string;
  readonly rows: readonly Row[];
  readonly fields: readonly string[];
  readonly pageSize: number;
  given: number;
};

/** Fewer than Intacct gives, so that lists have pages. */
const MOST_ROWS = 5;

/** Told with one status or the other. */
export const tooMany = (status: 200 | 429): SimulatedAnswer => ({
  status,
  headers: { 'content-type': 'text/xml' },
  body: controlFailure('GW-0010', 'API rate limit exceeded'),
});

/** The order of the elements is the schema's. */
const ENVELOPE = new RegExp(
  [
    /^<\?xml version="1\.0" encoding="utf-8" \?><request><control>/,
    /<senderid>(?<sender>[^<]*)<\/senderid><password>(?<password>[^<]*)<\/password>/,
    /<controlid>(?<id>[^<]+)<\/controlid><uniqueid>(?<unique>true|false)<\/uniqueid>/,
    /<dtdversion>3\.0<\/dtdversion><includewhitespace>false<\/includewhitespace><\/control>/,
    /<operation(?: transaction="(?:true|false)")?>/,
    /<authentication>(?<authentication>.+)<\/authentication><content>(?<content>.+)<\/content>/,
    /<\/operation><\/request>$/,
  ]
    .map(({ source }) => source)
    .join(''),
  's',
);
const LOGIN = new RegExp(
  [
    /^<login><userid>([^<]*)<\/userid><companyid>([^<]*)<\/companyid>/,
    /<password>([^<]*)<\/password>(?:<locationid>([^<]*)<\/locationid>)?<\/login>$/,
  ]
    .map(({ source }) => source)
    .join(''),
);

type Envelope = {
  readonly id: string;
  readonly unique: boolean;
  readonly controlId: string;
  readonly name: string;
  readonly call: XmlNode;
};

/** Answers one request; `place` is the address that everybody knows, or the company's own. */
export function answerGateway(
  state: GatewayState,
  request: SimulatedRequest,
  place: 'gateway' | 'endpoint',
): SimulatedAnswer {
  const headers = { 'content-type': 'text/xml', date: state.company.latest.toUTCString() };
  const send = (body: string, status = 200): SimulatedAnswer => ({ status, headers, body });
  const { method, body } = request;
  if (method !== 'POST' || !/^application\/xml\b/.test(request.headers['content-type'] ?? '')) {
    return send(controlFailure('GW-0011', 'Invalid Request'), 400);
  }
  const parts = ENVELOPE.exec(body.toString('utf8'))?.groups;
  if (!parts) return send(controlFailure('XL03000003', 'XML Parse schema error'));
  if (
    unescaped(parts.sender) !== state.senderId ||
    unescaped(parts.password) !== state.senderPassword
  ) {
    return send(controlFailure('XL03000006', 'Incorrect Intacct XML Partner ID or password.'));
  }
  const functions = xmlList(parseXml(Buffer.from(`<c>${parts.content}</c>`)), 'c', 'function');
  const [only, ...others] = functions;
  if (only === undefined || typeof only === 'string' || others.length > 0) {
    return send(controlFailure('XL03000003', 'One function is expected'));
  }
  const called = only as XmlNode;
  const name = Object.keys(called).find((key) => !key.startsWith('@')) ?? '';
  const call = called[name];
  const envelope: Envelope = {
    id: parts.id ?? '',
    unique: parts.unique === 'true',
    controlId: String(called['@controlid'] ?? ''),
    name,
    call: typeof call === 'object' && !Array.isArray(call) ? (call as XmlNode) : {},
  };
  const entity = entityOf(state, parts.authentication ?? '', { place, name });
  if (entity === undefined) return send(answered(state, envelope, { entity: null }));
  if (entity === 'moved') return send(controlFailure('GW-0011', 'The company was moved'), 400);
  return send(answered(state, envelope, { entity, result: run(state, envelope, entity) }));
}

/** Undefined when nobody is signed in. */
function entityOf(
  state: GatewayState,
  authentication: string,
  called: { readonly place: 'gateway' | 'endpoint'; readonly name: string },
): string | null | undefined {
  const [, user, company, password, entity] = LOGIN.exec(authentication) ?? [];
  if (user !== undefined) {
    const known =
      unescaped(user) === state.userId &&
      unescaped(company) === state.companyId &&
      unescaped(password) === state.userPassword &&
      (entity === undefined || state.entities.includes(entity));
    return known ? (entity ?? null) : undefined;
  }
  const [, session = ''] = /^<sessionid>([^<]*)<\/sessionid>$/.exec(authentication) ?? [];
  const open = state.sessions.get(session);
  if (!open) return undefined;
  if (open.used && state.random.chance(state.forgetRate)) {
    state.sessions.delete(session);
    return undefined;
  }
  open.used = true;
  return called.place === 'gateway' ? 'moved' : open.entity;
}

function run(state: GatewayState, envelope: Envelope, entity: string | null): string {
  const { name, controlId, unique, call } = envelope;
  try {
    if (unique) {
      if (state.controlIds.has(controlId)) {
        throw new BusinessRule(
          `The control id ${controlId} is not unique: it was submitted before`,
        );
      }
      state.controlIds.add(controlId);
    }
    return success(envelope, work(state, name, call, entity));
  } catch (error) {
    if (!(error instanceof BusinessRule) && !(error instanceof BadQuery)) throw error;
    const number = error instanceof BusinessRule ? 'BL01001973' : 'DL02000001';
    return (
      `<result><status>failure</status><function>${name}</function><controlid>${escaped(controlId)}</controlid>` +
      `${errorMessage(number, error.message)}</result>`
    );
  }
}

function work(state: GatewayState, name: string, call: XmlNode, entity: string | null): string {
  switch (name) {
    case 'getAPISession': {
      const session = `simulated-session-${state.random.token(24)}..`;
      state.sessions.set(session, { entity, used: false });
      const where = `<endpoint>${state.endpoint}</endpoint><locationid>${entity ?? ''}</locationid>`;
      return `<data><api><sessionid>${session}</sessionid>${where}</api></data>`;
    }
    case 'readByQuery':
      return readByQuery(state, call, entity);
    case 'readMore':
      return readMore(state, xmlText(call, 'resultId') ?? '');
    case 'query':
      return query(state, call, entity);
    case 'create':
      return createArpymt(state, xmlNode(call, 'ARPYMT'), entity);
    case 'create_arpayment':
      return createArpayment(state, call, entity);
    case 'reverse_arpayment':
      return reverse(state, call);
    case 'delete':
      if (xmlText(call, 'object') !== 'ARPYMT') throw new BadQuery('object');
      deleteDraft(state.company, xmlText(call, 'keys') ?? '');
      return '';
    default:
      throw new BadQuery(`There is no function ${name}`);
  }
}

/** What is private to an entity is seen in it alone. */
function isSeen(entity: string | null): (row: Row) => boolean {
  return (row) => row.entity === null || row.entity === entity;
}

function readByQuery(state: GatewayState, call: XmlNode, entity: string | null): string {
  const object = xmlText(call, 'object') ?? '';
  const all = xmlRows(state.company, object);
  const pageSize = Number(xmlText(call, 'pagesize') ?? '100');
  if (!all || pageSize < 1 || pageSize > 1000) throw new BadQuery(`object ${object} or pagesize`);
  const condition = readSql(xmlText(call, 'query') ?? '');
  const fields = (xmlText(call, 'fields') ?? '').split(',');
  requireFields([...fields, ...fieldsOf(condition)], all);
  const rows = all.filter(isSeen(entity)).filter((row) => holds(condition, row));
  const id = `${state.random.token(36)}`;
  const set: ResultSet = { object: object.toLowerCase(), rows, fields, pageSize, given: 0 };
  state.resultSets.set(id, set);
  return nextPage(id, set);
}

function readMore(state: GatewayState, id: string): string {
  if (state.random.chance(state.forgetRate)) state.resultSets.delete(id);
  const set = state.resultSets.get(id);
  if (!set) throw new BadQuery('The resultId is not valid or has expired');
  return nextPage(id, set);
}

function nextPage(id: string, set: ResultSet): string {
  const { object, rows, fields, pageSize } = set;
  const page = rows.slice(set.given, set.given + Math.min(pageSize, MOST_ROWS));
  set.given += page.length;
  const counts =
    `count="${page.length}" totalcount="${rows.length}" numremaining="${rows.length - set.given}" ` +
    `resultId="${id}"`;
  return `<data listtype="${object}" ${counts}>${page.map((row) => element(object, row, fields)).join('')}</data>`;
}

function query(state: GatewayState, call: XmlNode, entity: string | null): string {
  const object = xmlText(call, 'object') ?? '';
  const all = xmlRows(state.company, object);
  const filter = xmlNode(call, 'filter');
  const fields = xmlList(call, 'select', 'field').map(String);
  const orderBy = xmlText(call, 'orderby', 'order', 'field') ?? '';
  const [size, offset] = ['pagesize', 'offset'].map((name) => Number(xmlText(call, name) ?? '0'));
  if (!all || !filter || !size || size > 2000 || offset === undefined) throw new BadQuery(object);
  const condition = conditionOf(filter);
  requireFields([...fields, orderBy, ...fieldsOf(condition)], all);
  const seen =
    xmlText(call, 'options', 'showprivate') === 'true' && entity === null
      ? () => true
      : isSeen(entity);
  const rows = all
    .filter(seen)
    .filter((row) => holds(condition, row))
    .sort((a, b) => compare(a.fields[orderBy] ?? '', b.fields[orderBy] ?? ''));
  const page = rows.slice(offset, offset + Math.min(size, MOST_ROWS));
  const remaining = rows.length - offset - page.length;
  const counts = `totalcount="${rows.length}" offset="${offset}" count="${page.length}" numremaining="${remaining}"`;
  return `<data listtype="${object}" ${counts}>${page.map((row) => element(object, row, fields)).join('')}</data>`;
}

const OPERATORS: Readonly<Record<string, '=' | '>' | '>=' | 'in'>> = {
  equalto: '=',
  greaterthan: '>',
  greaterthanorequalto: '>=',
  in: 'in',
};

function conditionOf(filter: XmlNode): Condition {
  const conditions = Object.entries(filter).flatMap(([name, inner]) =>
    xmlList({ inner }, 'inner').map((one) => conditionNamed(name, one)),
  );
  const [only, ...others] = conditions;
  return only && others.length === 0 ? only : { all: conditions };
}

function conditionNamed(name: string, value: XmlValue): Condition {
  if (typeof value === 'string') throw new BadQuery(name);
  const node = value as XmlNode;
  if (name === 'and' || name === 'or') {
    const inner = Object.entries(node).flatMap(([inside, one]) =>
      xmlList({ one }, 'one').map((each) => conditionNamed(inside, each)),
    );
    return name === 'and' ? { all: inner } : { any: inner };
  }
  const operator = OPERATORS[name];
  if (operator === undefined) throw new BadQuery(`There is no operator ${name}`);
  const values = xmlList(node, 'value').map(String);
  return { field: xmlText(node, 'field') ?? '', operator, values };
}

function createArpymt(
  state: GatewayState,
  asked: XmlNode | undefined,
  entity: string | null,
): string {
  const account = xmlText(asked, 'FINANCIALENTITY') ?? xmlText(asked, 'UNDEPOSITEDACCOUNTNO');
  const currency = xmlText(asked, 'CURRENCY') ?? state.company.baseCurrency;
  const shares = xmlList(asked, 'ARPYMTDETAILS', 'ARPYMTDETAIL').map((line) => ({
    invoice: xmlText(line, 'RECORDKEY') ?? '',
    minor: rounded(xmlText(line, 'TRX_PAYMENTAMOUNT') ?? '', currency),
  }));
  if (shares.length === 0) throw new BusinessRule('ARPYMT needs details');
  const key = addPayment(
    state.company,
    {
      method: allowedMethod(state, xmlText(asked, 'PAYMENTMETHOD')),
      customerId: xmlText(asked, 'CUSTOMERID') ?? '',
      docNumber: xmlText(asked, 'DOCNUMBER') ?? '',
      description: xmlText(asked, 'DESCRIPTION') ?? '',
      day: isoDay(xmlText(asked, 'RECEIPTDATE') ?? ''),
      currency: knownAccount(state, account, currency),
      minor: shares.reduce((sum, { minor }) => sum + minor, 0n),
      shares,
      entity,
      recorded: true,
    },
    state.company.latest,
  );
  return `<data listtype="objects" count="1"><arpymt><RECORDNO>${key}</RECORDNO></arpymt></data>`;
}

const CREATE_ARPAYMENT =
  'customerid paymentamount translatedamount batchkey bankaccountid undepfundsacct refid overpaylocid overpaydeptid datereceived paymentmethod basecurr currency exchratedate exchratetype exchrate cctype authcode arpaymentitem'.split(
    ' ',
  );

function createArpayment(state: GatewayState, asked: XmlNode, entity: string | null): string {
  const places = Object.keys(asked).map((name) => CREATE_ARPAYMENT.indexOf(name));
  if (places.some((place, index) => place < 0 || place < (places[index - 1] ?? 0))) {
    throw new BadQuery('create_arpayment: an element is unknown or not in its place');
  }
  const currency = xmlText(asked, 'currency') ?? state.company.baseCurrency;
  const account = xmlText(asked, 'bankaccountid') ?? xmlText(asked, 'undepfundsacct');
  const day = ['year', 'month', 'day'].map((part) => xmlText(asked, 'datereceived', part) ?? '');
  const key = addPayment(
    state.company,
    {
      method: allowedMethod(state, xmlText(asked, 'paymentmethod')),
      customerId: xmlText(asked, 'customerid') ?? '',
      docNumber: xmlText(asked, 'refid') ?? '',
      description: '',
      day: day.join('-'),
      currency: knownAccount(state, account, currency),
      minor: rounded(xmlText(asked, 'paymentamount') ?? '', currency),
      shares: xmlList(asked, 'arpaymentitem').map((line) => ({
        invoice: xmlText(line, 'invoicekey') ?? '',
        minor: rounded(xmlText(line, 'amount') ?? '', currency),
      })),
      entity,
      recorded: true,
    },
    state.company.latest,
  );
  return `<key>${key}</key>`;
}

function reverse({ company }: GatewayState, asked: XmlNode): string {
  const parts = ['year', 'month', 'day'].map((part) => xmlText(asked, 'datereversed', part) ?? '');
  reversePayment(company, String(asked['@key'] ?? ''), parts.join('-'), company.latest);
  return '';
}

function allowedMethod(state: GatewayState, said = ''): string {
  const method = methodFrom(said);
  if (method === undefined) {
    state.charges.push(said);
    throw new BusinessRule(`Payment method ${said} charges the customer`);
  }
  return method;
}

function knownAccount(
  { accounts }: GatewayState,
  account: string | undefined,
  currency: string,
): string {
  if (account === undefined || !accounts.includes(account)) {
    throw new BusinessRule(`Account ${account ?? ''} is not valid`);
  }
  return currency;
}

/** More than two decimals are rounded, as Intacct says of itself. */
export function rounded(text: string, currency: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  const up = Number(fraction[2] ?? '0') >= 5 ? 1n : 0n;
  const cents = scaleDecimalText(`${whole}.${fraction.slice(0, 2)}0`, 2) + up;
  const decimal = `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`;
  return fromDecimalText(decimal, currency).minor;
}

function isoDay(text: string): string {
  const [, month, day, year] = /^(\d\d)\/(\d\d)\/(\d{4})$/.exec(text) ?? [];
  if (year === undefined) throw new BusinessRule(`"${text}" is not a date`);
  return `${year}-${month}-${day}`;
}

function element(name: string, { fields }: Row, wanted: readonly string[]): string {
  const inside = wanted.map((field) => `<${field}>${escaped(fields[field] ?? '')}</${field}>`);
  return `<${name}>${inside.join('')}</${name}>`;
}

type Outcome = { readonly entity: string | null; readonly result?: string };

function answered(state: GatewayState, { id, unique }: Envelope, outcome: Outcome): string {
  const { result, entity } = outcome;
  const at = state.company.latest.toISOString().slice(0, 19);
  const authentication =
    `<authentication><status>${result === undefined ? 'failure' : 'success'}</status>` +
    `<userid>${state.userId}</userid><companyid>${state.companyId}</companyid><locationid>${entity ?? ''}</locationid>` +
    `<sessiontimestamp>${at}+00:00</sessiontimestamp></authentication>`;
  const rest = result ?? errorMessage('XL03000006', 'Sign-in information is incorrect');
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<response><control><status>success</status>` +
    `<senderid>${escaped(state.senderId)}</senderid><controlid>${escaped(id)}</controlid><uniqueid>${unique}</uniqueid>` +
    `<dtdversion>3.0</dtdversion></control><operation>${authentication}${rest}</operation></response>`
  );
}

function success({ name, controlId }: Envelope, data: string): string {
  return (
    `<result><status>success</status><function>${name}</function>` +
    `<controlid>${escaped(controlId)}</controlid>${data}</result>`
  );
}

function controlFailure(number: string, words: string): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n<response><control><status>failure</status></control>' +
    `${errorMessage(number, words)}</response>`
  );
}

function errorMessage(number: string, words: string): string {
  return (
    `<errormessage><error><errorno>${number}</errorno><description></description>` +
    `<description2>${escaped(words)} [Support ID: simulated]</description2><correction></correction></error></errormessage>`
  );
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function unescaped(text = ''): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
