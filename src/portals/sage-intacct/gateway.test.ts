/** The XML gateway: bytes of the official SDK, sessions, and answers that fail at three levels. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { ApiAnswer, ApiSession, PortalApi } from '../contract.ts';
import { Reauthorize, Rejected, RetryLater, WireMismatch } from '../kit/errors.ts';
import { Secret } from '../kit/secret.ts';
import { callGateway, gatewaySession, throttled } from './gateway.ts';
import { settings as schema } from './settings.ts';
import { connect } from './simulated-connection.ts';
import {
  compare,
  createArpayment,
  createArpymt,
  functionCall,
  getApiSession,
  inSession,
  login,
  query,
  readByQuery,
  readMore,
  requestBody,
  writes,
} from './xml-functions.ts';

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const SENDER = { id: 'testsenderid', password: 'pass123!' };
const asked = readByQuery({
  object: 'ARPYMT',
  query: "WHENMODIFIED >= '11/20/2026 08:00:00'",
  fields: ['RECORDNO', 'STATE', 'WHENMODIFIED'],
  pageSize: 1000,
});

describe('what we send', () => {
  const vectors = JSON.parse(fixture('signature-vectors.json').toString()) as {
    readonly file?: string;
    readonly sha256?: string;
  }[];
  const digestOf = (file: string) => vectors.find((one) => one.file === file)?.sha256;
  const payment = createArpayment({
    customerId: 'C1234',
    amount: '1075.5',
    account: { bank: 'BOFA1435' },
    paymentMethod: 'Printed Check',
    docNumber: 'CHK 4471',
    description: 'has no place here',
    receivedOn: '2026-11-19',
    currency: 'USD',
    baseCurrency: 'USD',
    details: [{ invoiceKey: '101', amount: '1075.5' }],
    beyond: null,
  });
  const requests = [
    ['xml-readbyquery-request.xml', 'fn-1', asked],
    ['xml-readmore-request.xml', 'fn-2', readMore('7765623332WU1hh8CoA4QAAHxI9i8AAAAA5')],
    ['xml-create-arpayment-request.xml', 'pay-7f3c', payment],
  ] as const;
  for (const [file, controlId, call] of requests) {
    test(`is byte for byte what the official SDK sends: ${file}`, () => {
      const called = functionCall(controlId, call);
      const body = requestBody({
        sender: SENDER,
        controlId: 'req-1',
        unique: writes(called.markup),
        authentication: inSession('testsession..'),
        functions: [called],
      });
      assert.equal(body, fixture(file).toString());
      assert.equal(`sha256:${createHash('sha256').update(body).digest('hex')}`, digestOf(file));
    });
  }

  const documented = [
    [
      'xml-getapisession-request.xml',
      'req-0',
      login({ id: 'payments.sync', companyId: 'AirCompCo', password: 'EXAMPLE-ONLY' }),
      functionCall('fn-0', getApiSession),
    ],
    [
      'xml-query-details-request.xml',
      'req-3',
      inSession('EXAMPLEsessionid..'),
      functionCall(
        'fn-3',
        query({
          object: 'ARPYMTDETAIL',
          select: ['PAYMENTKEY', 'RECORDKEY', 'ENTRYKEY', 'TRX_PAYMENTAMOUNT', 'STATE'],
          filter: compare('in', 'PAYMENTKEY', '7421', '7422'),
          orderBy: 'PAYMENTKEY',
          pageSize: 2000,
          offset: 0,
        }),
      ),
    ],
    [
      'xml-create-arpymt-request.xml',
      'req-4',
      inSession('EXAMPLEsessionid..'),
      functionCall(
        'stripe:py_EXAMPLE0001',
        createArpymt({
          customerId: 'C-0042',
          amount: '452.50',
          account: { bank: 'BOFA1435' },
          paymentMethod: 'EFT',
          docNumber: 'py_EXAMPLE0001',
          description: 'WO-2026-0184',
          receivedOn: '2026-11-19',
          currency: 'USD',
          details: [
            { invoiceKey: '5790', amount: '400.00' },
            { invoiceKey: '5791', amount: '52.50' },
          ],
          beyond: null,
        }),
      ),
    ],
  ] as const;
  for (const [file, controlId, authentication, called] of documented) {
    test(`has the documented elements in their order: ${file}`, () => {
      const unique = writes(called.markup);
      const functions = [called];
      const body = requestBody({ sender: SENDER, controlId, unique, authentication, functions });
      const elements = (text: string) =>
        text
          .slice(text.indexOf('<request>'))
          .replace(/<operation[^>]*>/, '<operation>')
          .trim();
      assert.equal(elements(body), elements(fixture(file).toString()));
    });
  }

  test('what changes the books is unique, and nothing else', () => {
    const unique = (call: Parameters<typeof functionCall>[1]) =>
      writes(functionCall('x<create>', call).markup);
    assert.deepEqual(
      [unique(payment), unique(asked), unique(readMore('create'))],
      [true, false, false],
    );
  });
});

/** Answers without HTTP, for what the simulator never says. */
function answering(body: string | Buffer, status = 200): PortalApi {
  const answer = { status, headers: {}, body: Buffer.from(body) };
  return { request: async () => answer };
}

const answerOf = (body: string | Buffer, status = 200): ApiAnswer => ({
  status,
  headers: {},
  body: Buffer.from(body),
});
const failing = (level: 'authentication' | 'result', errorno: string) =>
  `<response><control><status>success</status></control><operation><authentication><status>${
    level === 'authentication' ? 'failure' : 'success'
  }</status></authentication>${
    level === 'result' ? '<result><status>failure</status>' : ''
  }<errormessage><error><errorno>${errorno}</errorno><description2>No.</description2></error></errormessage>${
    level === 'result' ? '</result>' : ''
  }</operation></response>`;

describe('what comes back', () => {
  test('success is looked for at all three levels', async () => {
    const call = (body: string | Buffer) => callGateway(answering(body), 'x', asked);
    await assert.rejects(call(fixture('error-control.in.xml')), (error) => {
      return error instanceof Reauthorize && /XL03000006 Sign-in information/.test(error.message);
    });
    await assert.rejects(call(failing('authentication', 'XL03000006')), Reauthorize);
    await assert.rejects(call(fixture('error-function.in.xml')), (error) => {
      return (
        error instanceof Rejected &&
        /BL01001973 Could not create arpymt record\. .* try again\./.test(error.message)
      );
    });
    await assert.rejects(call('<html><body>502</body></html>'), WireMismatch);
    await assert.rejects(call('{"message":"no"}'), WireMismatch);
  });

  test('rows are read whatever the case of their elements, empty fields are absences', async () => {
    const answer = await callGateway(answering(fixture('api-readbyquery.in.xml')), 'x', asked);
    assert.deepEqual(
      [answer.rows.length, answer.remaining, answer.total, answer.resultId, answer.account],
      [3, 2, 5, '7765623332WU1hh8CoA4QAAHxI9i8AAAAA5', 'payments.sync of AirCompCo'],
    );
    assert.equal(answer.rows[1]?.CUSTOMERNAME, 'Harbor Foods & Cold LLC');
    assert.ok(!('WHENPAID' in (answer.rows[1] ?? {})));
    const lines = await callGateway(answering(fixture('api-query-details.in.xml')), 'x', asked);
    assert.deepEqual(
      lines.rows.map(({ TRX_PAYMENTAMOUNT }) => TRX_PAYMENTAMOUNT),
      ['400', '52.5'],
    );
    const created = await callGateway(answering(fixture('xml-create-response.xml')), 'x', asked);
    assert.equal(created.rows[0]?.RECORDNO, '7425');
  });

  test('a rate limit is known by its words, whatever the status, and only outside of data', () => {
    const limit = (text: string) => throttled({ body: Buffer.from(text) });
    const xml = fixture('error-control.in.xml').toString();
    assert.ok(limit(xml.replace('XL03000006', 'GW-0010')));
    assert.ok(limit(xml.replace('Sign-in information is incorrect', 'API rate limit exceeded')));
    assert.ok(limit('{"message":"API rate limit exceeded"}'));
    assert.ok(!limit(xml));
    const memo = fixture('api-readmore.in.xml').toString();
    assert.ok(
      !limit(
        memo.replace(
          '<DESCRIPTION></DESCRIPTION>',
          '<DESCRIPTION>API rate limit exceeded</DESCRIPTION>',
        ),
      ),
    );
    assert.ok(!limit('{"ia::result":[{"description":"API rate limit exceeded"}]}'));
  });
});

describe('sessions', () => {
  const given = {
    senderId: SENDER.id,
    senderPassword: SENDER.password,
    companyId: 'AirCompCo',
    userId: 'payments.sync',
    userPassword: 'EXAMPLE-ONLY',
  };
  const session = (change: Readonly<Record<string, string>> = {}): ApiSession =>
    gatewaySession(schema.parse({ ...given, ...change }));
  const opened = (endpoint: string, change: Readonly<Record<string, string>> = {}) => {
    const text = fixture('xml-getapisession-response.xml').toString();
    const body = text.replace('https://na12.intacct.com/ia/xml/xmlgw.phtml', endpoint);
    return session(change).open(async () => answerOf(body));
  };

  test('the log-in tells session and endpoint, which is where calls go from then on', async () => {
    const { session: id, baseUrl } = await opened('https://na12.intacct.com/ia/xml/xmlgw.phtml');
    assert.deepEqual(
      [id.reveal(), baseUrl],
      ['EXAMPLEsessionid..', 'https://na12.intacct.com/ia/xml'],
    );
  });

  test('credentials follow an endpoint only to Intacct, or to the host that was set', async () => {
    const elsewhere = [
      'http://na12.intacct.com/ia/xml/xmlgw.phtml',
      'https://intacct.com.evil.example/ia/xml/xmlgw.phtml',
      'https://evilintacct.com/ia/xml/xmlgw.phtml',
      'https://na12.intacct.com@evil.example/ia/xml/xmlgw.phtml',
      'https://user:pass@na12.intacct.com/ia/xml/xmlgw.phtml',
      'https://na12.intacct.com/ia/xml/other.phtml',
      'http://127.0.0.1/ia/xml/xmlgw.phtml',
      'javascript:alert(1)',
      'xmlgw.phtml',
    ];
    for (const endpoint of elsewhere) {
      await assert.rejects(opened(endpoint), WireMismatch, endpoint);
    }
    const home = { apiBaseUrl: 'http://127.0.0.1:8080/ia/xml' };
    const { baseUrl } = await opened('http://127.0.0.1:9090/na12/ia/xml/xmlgw.phtml', home);
    assert.equal(baseUrl, 'http://127.0.0.1:9090/na12/ia/xml');
    await assert.rejects(opened('http://127.0.0.2:9090/ia/xml/xmlgw.phtml', home), WireMismatch);
  });

  test('the entity is said when logging in; functions are put into the envelope', async () => {
    let sent = '';
    await session({ entity: 'E100' }).open(async (call) => {
      sent = call.body?.text ?? '';
      return answerOf(fixture('xml-getapisession-response.xml'));
    });
    assert.match(sent, /<password>EXAMPLE-ONLY<\/password><locationid>E100<\/locationid><\/login>/);
    const { markup } = functionCall('pay', asked);
    const call = { path: 'xmlgw.phtml', body: { type: 'application/xml', text: markup } };
    const attached = session().attach(call, new Secret('a<b')).body?.text ?? '';
    assert.match(attached, /<authentication><sessionid>a&lt;b<\/sessionid><\/authentication>/);
    assert.ok(attached.includes(`<content>${markup}</content>`));
  });

  test('a session has ended when Intacct says so with status 200, not when a function fails', () => {
    const { ended } = session();
    assert.ok(ended(answerOf(failing('authentication', 'XL03000006'))));
    assert.ok(ended(answerOf(fixture('error-control.in.xml'))));
    assert.ok(!ended(answerOf(fixture('error-function.in.xml'))));
    assert.ok(!ended(answerOf(failing('result', 'XL03000006'))));
    assert.ok(!ended(answerOf(fixture('api-readbyquery.in.xml'))));
    assert.ok(!ended(answerOf('{"error":"internal"}', 500)));
  });

  test('an ended session is opened once more, and the call repeated', async () => {
    await using connection = await connect();
    const { company, api } = connection;
    await callGateway(api, 'x', asked);
    assert.equal(company.requestCount(), 2);
    await callGateway(api, 'x', asked);
    assert.equal(company.requestCount(), 3);
    company.expireAccessTokens();
    await callGateway(api, 'x', asked);
    assert.equal(company.requestCount(), 6);
  });

  test('a wrong password or sender is for a person to mend, and is tried once', async () => {
    for (const change of [{ userPassword: 'wrong' }, { senderPassword: 'wrong' }]) {
      await using connection = await connect({ change });
      await assert.rejects(callGateway(connection.api, 'x', asked), Reauthorize);
      assert.equal(connection.company.requestCount(), 1);
    }
  });

  test('limits are waited for, be they told with 429 or with 200', async () => {
    await using connection = await connect({ faultRate: 0.6, seed: 3 });
    const seen = new Set<string>();
    for (let count = 0; count < 40; count += 1) {
      connection.company.expireAccessTokens();
      await callGateway(connection.api, 'x', asked).catch((error: Error) => {
        assert.ok(error instanceof RetryLater, String(error));
        const [, status] = / answered (\d+): too many requests/.exec(error.message) ?? [];
        if (status) seen.add(status);
      });
    }
    assert.deepEqual([...seen].sort(), ['200', '429']);
  });
});
