/** The simulated Authorize.Net's two APIs: JSON checked like XML and always answered with 200, and REST. */
import {
  CURRENCY,
  type Transaction,
  type World,
  wireBatch,
  wireSummary,
  wireTransaction,
} from './authorize-net-world.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The members of each request in the order of the schema. */
const SEQUENCES: Readonly<Record<string, readonly string[]>> = {
  getTransactionDetailsRequest: ['transId'],
  getUnsettledTransactionListRequest: ['status', 'sorting', 'paging'],
  getSettledBatchListRequest: ['includeStatistics', 'firstSettlementDate', 'lastSettlementDate'],
  getTransactionListRequest: ['batchId', 'sorting', 'paging'],
  getMerchantDetailsRequest: [],
};

const MOST_ROWS = 1000;
const LONGEST_WINDOW_MS = 31 * 86_400_000;
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/** What the service says when it is asked too much: an error of its own like any other, with status 200. */
export const TOO_MANY = refusal('E00001', 'An error occurred during processing. Please try again.');

export function answerAuthorizeNet(world: World, request: SimulatedRequest): SimulatedAnswer {
  const { pathname } = request.url;
  if (pathname === '/rest/v1/webhooks') return listWebhooks(world, request);
  if (pathname !== '/xml/v1/request.api' || request.method !== 'POST') return { status: 404 };
  const [[name, fields] = ['', {}], ...others] = Object.entries(
    JSON.parse(request.body.toString()) as Record<string, Fields>,
  );
  const sequence = SEQUENCES[name];
  if (!sequence || others.length > 0) {
    return refusal('E00003', `The element '${name}' is not declared.`);
  }
  const misplaced = misplacedMember(fields, ['merchantAuthentication', 'refId', ...sequence]);
  if (misplaced) {
    return refusal('E00003', `The element '${name}' has invalid child element '${misplaced}'.`);
  }
  const proof = fields.merchantAuthentication as Fields | undefined;
  if (proof?.name !== world.apiLoginId || proof.transactionKey !== world.transactionKey) {
    return refusal('E00007', 'User authentication failed due to invalid authentication values.');
  }
  return answers(world, name, fields);
}

/** The first member that stands where the schema does not allow it. */
function misplacedMember(fields: Fields, sequence: readonly string[]): string | undefined {
  let place = 0;
  for (const member of Object.keys(fields)) {
    const found = sequence.indexOf(member, place);
    if (found < 0) return member;
    place = found + 1;
  }
  return undefined;
}

function answers(world: World, name: string, fields: Fields): SimulatedAnswer {
  switch (name) {
    case 'getTransactionDetailsRequest': {
      const found = world.transactions.find(({ transId }) => transId === fields.transId);
      if (!found) return refusal('E00040', 'The record cannot be found.');
      return success({ transaction: wireTransaction(found) });
    }
    case 'getUnsettledTransactionListRequest':
      return listed(
        world.transactions.filter(({ batch }) => batch === null),
        fields,
      );
    case 'getTransactionListRequest': {
      const batch = world.batches.find(({ batchId }) => batchId === fields.batchId);
      return listed(batch?.rows ?? [], fields);
    }
    case 'getSettledBatchListRequest':
      return listBatches(world, fields);
    default:
      return success({ merchantName: 'Simulated Compressors', currencies: [CURRENCY] });
  }
}

function listed(all: readonly Transaction[], { paging }: Fields): SimulatedAnswer {
  const { limit, offset } = (paging ?? {}) as Fields;
  const [size, page] = [Number(limit ?? MOST_ROWS), Number(offset ?? 1)];
  if (!(size >= 1 && size <= MOST_ROWS && page >= 1)) {
    return refusal('E00013', 'Paging is invalid.');
  }
  const rows = [...all]
    .sort((one, other) => one.submittedAt.getTime() - other.submittedAt.getTime())
    .slice((page - 1) * size, page * size);
  if (rows.length === 0) return nothing({ totalNumInResultSet: all.length });
  return success({ transactions: rows.map(wireSummary), totalNumInResultSet: all.length });
}

function listBatches(world: World, fields: Fields): SimulatedAnswer {
  const from = Date.parse(String(fields.firstSettlementDate));
  const to = Date.parse(String(fields.lastSettlementDate));
  if (!(to >= from && to - from <= LONGEST_WINDOW_MS)) {
    return refusal('E00013', 'The date range is invalid.');
  }
  const found = world.batches.filter(
    ({ settledAt }) => settledAt.getTime() >= from && settledAt.getTime() <= to,
  );
  return found.length === 0 ? nothing({}) : success({ batchList: found.map(wireBatch) });
}

function listWebhooks(world: World, request: SimulatedRequest): SimulatedAnswer {
  const pair = Buffer.from(`${world.apiLoginId}:${world.transactionKey}`).toString('base64');
  if (request.headers.authorization !== `Basic ${pair}`) {
    const body = { status: 401, reason: 'UNAUTHORIZED', message: 'Invalid credentials.' };
    return { status: 401, body };
  }
  return { status: 200, body: [{ webhookId: '1', name: 'payment sync', status: 'active' }] };
}

function success(record: object): SimulatedAnswer {
  return answer({ ...record, messages: messages('Ok', 'I00001', 'Successful.') });
}

function nothing(record: object): SimulatedAnswer {
  return answer({ ...record, messages: messages('Ok', 'I00004', 'No records found.') });
}

function refusal(code: string, text: string): SimulatedAnswer {
  return answer({ messages: messages('Error', code, text) });
}

function messages(resultCode: string, code: string, text: string) {
  return { resultCode, message: [{ code, text }] };
}

/** With the byte order mark that every answer begins with. */
function answer(value: object): SimulatedAnswer {
  return { status: 200, headers: JSON_TYPE, body: `\ufeff${JSON.stringify(value)}` };
}
