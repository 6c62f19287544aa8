/** The HTTP side of Intuit's simulated processor: transactions and refunds by their ids, and no list of them. */
import { toDecimalText } from '../src/money/money.ts';
import type { AuthorizationServer } from './authorization-server.ts';
import type { SimulatedAnswer, SimulatedRequest } from './faulty-server.ts';
import {
  type ProcessorRefund,
  type ProcessorTransaction,
  type ProcessorWorld,
  statusOf,
} from './intuit-payments-world.ts';
import { decimal } from './quickbooks-company.ts';

const PREFIX = '/quickbooks/v4/payments/';

export type ProcessorApi = {
  readonly world: ProcessorWorld;
  readonly authorization: AuthorizationServer;
  /** What consent was given for: a token without payments opens accounting alone. */
  readonly scope: 'both' | 'accounting';
  /** A company that never applied for payments has a token and no merchant account. */
  readonly merchant: boolean;
};

/** What the processor answers when asked too often; it names no time to wait. */
export const TOO_MANY_PAYMENTS: SimulatedAnswer = { status: 429, body: '' };

/** Answers one request by what the processor knows. */
export function answerProcessor(api: ProcessorApi, request: SimulatedRequest): SimulatedAnswer {
  const { method, url, headers } = request;
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (!api.authorization.accepts(token)) return refusal(401, 'AuthenticationFailed');
  if (!url.pathname.startsWith(PREFIX)) return { status: 404, body: '' };
  if (api.scope === 'accounting') return refusal(403, 'AuthorizationFailed');
  if (!api.merchant) return problem(400, 'PMT-3000', 'account_error', 'No merchant account.');
  if (method !== 'GET') {
    const named = (headers['request-id'] ?? '').length;
    return named > 0 && named <= 50
      ? problem(400, 'PMT-4000', 'invalid_request', 'Nobody takes money through this simulator.')
      : problem(400, 'PMT-4001', 'invalid_request', 'Request-Id is missing.');
  }
  const path = url.pathname.slice(PREFIX.length).split('/').map(decodeURIComponent);
  return answerRead(api.world, path);
}

function answerRead(world: ProcessorWorld, path: readonly string[]): SimulatedAnswer {
  const [list, id = '', refunds, refundId] = path;
  const transaction = world.transactions.get(id);
  // Which of the two statuses means "there is none" is not documented.
  if (!transaction || list !== `${transaction.kind}s`) {
    const status = list === 'charges' ? 404 : 400;
    return problem(status, 'PMT-4000', 'invalid_request', 'id is invalid.');
  }
  if (refunds === undefined) return ok(transactionBody(world, transaction));
  const refund = transaction.refunds.find((one) => one.id === refundId);
  if (refunds !== 'refunds' || !refund) {
    return problem(404, 'PMT-4000', 'invalid_request', 'id is invalid.');
  }
  return ok(refundBody(refund, transaction));
}

function transactionBody(world: ProcessorWorld, transaction: ProcessorTransaction) {
  const { kind, id, order, createdAt, captured } = transaction;
  const { name } = order.customer;
  const texts = [order.invoiceNumber, order.workOrder, order.memo];
  const description = texts.filter((text) => text !== undefined).join(' ');
  const common = {
    amount: amountOf(transaction, order.amountMinor),
    created: whole(createdAt),
    id,
    status: statusOf(world, transaction),
    ...(description === '' ? {} : { description }),
  };
  if (kind === 'echeck') {
    return {
      ...common,
      bankAccount: { accountNumber: 'xxxxxxxxxxx3274', accountType: 'PERSONAL_SAVINGS', name },
      context: { deviceInfo: {} },
      paymentMode: 'WEB',
    };
  }
  return {
    ...common,
    capture: captured === undefined,
    card: { cardType: 'Visa', name, number: 'xxxxxxxxxxxx1111', expMonth: '12', expYear: '2028' },
    context: { isEcommerce: false, mobile: false, recurring: false },
    currency: order.currency,
    ...(captured
      ? {
          captureDetail: {
            amount: amountOf(transaction, captured.amountMinor),
            created: whole(captured.at),
          },
        }
      : {}),
  };
}

/** A void was seen with a month and a day of one digit. */
function refundBody(
  { id, amountMinor, createdAt, type, status }: ProcessorRefund,
  transaction: ProcessorTransaction,
) {
  const created = whole(createdAt);
  return {
    amount: amountOf(transaction, amountMinor),
    context: { isEcommerce: false, mobile: false, recurring: false },
    created: type === 'VOID' ? created.replace(/-0/g, '-') : created,
    id,
    status,
    type,
  };
}

function amountOf({ numbers, order }: ProcessorTransaction, minor: bigint): unknown {
  const { currency } = order;
  return numbers ? decimal(minor, currency) : toDecimalText({ minor, currency });
}

function whole(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}

/** Encoded here, because the answer is a promise of digits. */
function ok(body: unknown): SimulatedAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
}

function problem(status: number, code: string, type: string, message: string): SimulatedAnswer {
  return { status, body: { errors: [{ code, type, message, detail: message }] } };
}

function refusal(status: number, code: string): SimulatedAnswer {
  return { status, body: { code, type: 'INPUT', message: null, detail: null } };
}
