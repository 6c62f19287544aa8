/** Reading what changed: one query for each status a payment may have come into, then what no time finds. */
import { z } from 'zod';
import type { Portal, PortalApi } from '../contract.ts';
import { WireMismatch } from '../kit/errors.ts';
import { parseJson, readWire } from '../kit/wire.ts';
import { askGraphql } from './graphql.ts';
import { DISPUTES, PAYMENTS, VIEWER } from './queries.ts';
import type { Settings } from './settings.ts';

const DAY_MS = 86_400_000;
const OVERLAP_SECONDS = 3_600;
/** A search shows only so many results: an outage or a first pull is read week by week. */
const WINDOW_MS = 7 * DAY_MS;
/** A settlement is declined within days; a bank may return a debit 60 days after it was settled. */
const DECLINED_DAYS = 90;
const RETURNED_DAYS = 75;
const RETURNS_EVERY_MS = 6 * 3_600_000;
/** A processor may date a dispute's outcome back, in a time zone that it does not name. */
const DISPUTE_DAYS = 35;

const TRANSITIONS = [
  'authorizedAt',
  'submittedForSettlementAt',
  'settledAt',
  'failedAt',
  'processorDeclinedAt',
  'gatewayRejectedAt',
  'voidedAt',
  'authorizationExpiredAt',
] as const;
/** `createdAt` finds what no transition does: bank debits whose settlement is pending. */
const IN_WINDOW = [...TRANSITIONS, 'createdAt'] as const;
/** Asked once a round, when the windows have come up to now. */
const AT_THE_END = ['settlementDeclined', 'achReturned', 'disputes'] as const;
const STEPS = [...IN_WINDOW, ...AT_THE_END] as const;
type Step = (typeof STEPS)[number];

/** `until` ends the window being read and is fixed with its first page; `after` is the next page of the step. */
export type Cursor = {
  readonly since: string;
  readonly until: string | null;
  readonly step: Step;
  readonly after: string | null;
  /** When returned bank debits were last looked for. */
  readonly returnsAt: string | null;
};

/** Braintree has no query for what changed; transitions keep their time, so windows may be read again. */
export const pull: NonNullable<Portal<Settings, Cursor>['pull']> = {
  everySeconds: 300,
  overlapSeconds: OVERLAP_SECONDS,
  start: (from) => ({
    since: from.toISOString(),
    until: null,
    step: STEPS[0],
    after: null,
    returnsAt: null,
  }),
  async page(api, cursor, { now }) {
    const until = cursor.until ?? windowEnd(cursor.since, now);
    const { step, after } = cursor;
    const { body, endCursor } = await readPage(api, step, { since: cursor.since, until, after });
    const bodies = [body];
    if (endCursor !== null) {
      if (endCursor === after) throw new WireMismatch('pageInfo.endCursor: does not lead further');
      return { bodies, next: { ...cursor, until, after: endCursor }, more: true };
    }
    const read: Cursor = {
      ...cursor,
      until,
      after: null,
      returnsAt: step === 'achReturned' ? until : cursor.returnsAt,
    };
    const atNow = Date.parse(until) >= now.getTime() - OVERLAP_SECONDS * 1000;
    const following = stepAfter(step, { atNow, returnsAt: read.returnsAt, until });
    if (following) return { bodies, next: { ...read, step: following }, more: true };
    const next: Cursor = { ...read, since: until, until: null, step: STEPS[0] };
    return { bodies, next, more: !atNow, reached: new Date(until) };
  },
};

function windowEnd(since: string, now: Date): string {
  return new Date(Math.min(Date.parse(since) + WINDOW_MS, now.getTime())).toISOString();
}

function stepAfter(
  step: Step,
  at: { readonly atNow: boolean; readonly returnsAt: string | null; readonly until: string },
): Step | undefined {
  const due =
    at.returnsAt === null || Date.parse(at.until) - Date.parse(at.returnsAt) >= RETURNS_EVERY_MS;
  return STEPS.slice(STEPS.indexOf(step) + 1).find((one) => {
    if (one === 'achReturned') return at.atNow && due;
    return at.atNow || (IN_WINDOW as readonly Step[]).includes(one);
  });
}

type Window = { readonly since: string; readonly until: string; readonly after: string | null };

async function readPage(
  api: PortalApi,
  step: Step,
  window: Window,
): Promise<{ readonly body: Buffer; readonly endCursor: string | null }> {
  const query = step === 'disputes' ? DISPUTES : PAYMENTS;
  const variables = { input: searchOf(step, window), after: window.after };
  const body = await askGraphql(api, { query, variables });
  if (!body) throw new WireMismatch('data.search: not found');
  const { search } = readWire(pageWire, parseJson(body)).data;
  const info = (step === 'disputes' ? search.disputes : search.payments)?.pageInfo;
  if (!info) throw new WireMismatch(`data.search: no page of ${step}`);
  if (!info.hasNextPage) return { body, endCursor: null };
  if (!info.endCursor) throw new WireMismatch('pageInfo.endCursor: missing though there is more');
  return { body, endCursor: info.endCursor };
}

const connection = z
  .object({ pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() }) })
  .nullish();
const pageWire = z.object({
  data: z.object({ search: z.object({ payments: connection, disputes: connection }) }),
});

function searchOf(step: Step, { since, until }: Window): Readonly<Record<string, unknown>> {
  const within = {
    greaterThanOrEqualTo: before(since, OVERLAP_SECONDS * 1000),
    lessThanOrEqualTo: until,
  };
  const back = (days: number) => before(earlier(since, until), days * DAY_MS);
  switch (step) {
    case 'createdAt':
      return { createdAt: within };
    case 'settlementDeclined':
      // No transition says when: what was declined is few, and is read again.
      return {
        status: { in: ['SETTLEMENT_DECLINED'] },
        createdAt: { greaterThanOrEqualTo: back(DECLINED_DAYS), lessThanOrEqualTo: until },
      };
    case 'achReturned':
      return {
        statusTransition: {
          settledAt: { greaterThanOrEqualTo: back(RETURNED_DAYS), lessThanOrEqualTo: until },
        },
        paymentMethod: { paymentMethodSnapshot: { type: { is: 'US_BANK_ACCOUNT' } } },
      };
    case 'disputes':
      return {
        effectiveDate: {
          greaterThanOrEqualTo: back(DISPUTE_DAYS).slice(0, 10),
          // Where the gateway is, the day may have begun already.
          lessThanOrEqualTo: before(until, -DAY_MS).slice(0, 10),
        },
      };
    default:
      return { statusTransition: { [step]: within } };
  }
}

function before(instant: string, ms: number): string {
  return new Date(Date.parse(instant) - ms).toISOString();
}

function earlier(left: string, right: string): string {
  return left < right ? left : right;
}

const viewer = z.object({
  data: z.object({
    viewer: z
      .object({
        merchant: z.object({ id: z.string(), companyName: z.string().nullish() }).nullish(),
      })
      .nullish(),
  }),
});

/** Names the merchant, and reads one payment and one dispute: the permissions that a pull needs. */
export async function check(api: PortalApi, settings: Settings): Promise<string> {
  const body = await askGraphql(api, { query: VIEWER });
  const merchant = body && readWire(viewer, parseJson(body)).data.viewer?.merchant;
  if (!merchant) throw new WireMismatch('data.viewer.merchant: missing');
  if (settings.merchantId !== undefined && settings.merchantId !== merchant.id) {
    throw new WireMismatch(
      `the API key is of merchant ${merchant.id}, and merchantId is ${settings.merchantId}`,
    );
  }
  const day = { since: '2026-01-01T00:00:00.000Z', until: '2026-01-02T00:00:00.000Z', after: null };
  await readPage(api, 'settledAt', day);
  await readPage(api, 'disputes', day);
  return `Braintree merchant ${merchant.id}${merchant.companyName ? ` (${merchant.companyName})` : ''}`;
}
