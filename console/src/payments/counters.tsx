/**
 * The figures above the list: what came in today, what of it is not applied, what waits for a
 * person.
 */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { MoneyText, Payment, PaymentStatus } from '../api/payment.ts';
import { openReviewQuery, todayQuery } from '../api/queries.ts';
import { formatMoney, present, totals } from '../format/money.ts';
import { useDay } from '../format/use-day.ts';

/** The states in which the money did come in, whatever became of it later. */
const RECEIVED: readonly PaymentStatus[] = [
  'succeeded',
  'partially_refunded',
  'refunded',
  'disputed',
];

export function Counters() {
  const today = useQuery(todayQuery(useDay()));
  const review = useQuery(openReviewQuery());
  const received = [...(today.data?.payments.values() ?? [])].filter(({ status }) =>
    RECEIVED.includes(status),
  );
  const unapplied = received.flatMap((payment) => present(payment.unapplied) ?? []);
  const atLeast = today.data?.complete === false;

  return (
    <section aria-label="Today" className="cv-counters">
      <Counter
        hint="Gross, before fees and refunds"
        label="Received today"
        note={received.length > 0 ? countOf(received, atLeast) : null}
      >
        {today.data ? (
          <Amounts atLeast={atLeast} money={totals(received.map(({ amount }) => amount))} />
        ) : (
          <Unknown failed={today.isError} />
        )}
      </Counter>
      <Counter
        attention={unapplied.length > 0}
        hint="Received today, not yet on an invoice or work order"
        label="Unapplied today"
        note={
          today.data && unapplied.length > 0 ? `in ${plural(unapplied.length, 'payment')}` : null
        }
      >
        {today.data ? (
          <Amounts atLeast={atLeast} money={totals(unapplied)} />
        ) : (
          <Unknown failed={today.isError} />
        )}
      </Counter>
      <Counter
        attention={(review.data ?? 0) > 0}
        hint="What could not be decided safely and waits for a person"
        label="In review"
        note={review.data ? 'waiting for a decision' : null}
      >
        {review.data !== undefined ? (
          <span className="cv-figure">{review.data.toLocaleString()}</span>
        ) : (
          <Unknown failed={review.isError} />
        )}
      </Counter>
    </section>
  );
}

type CounterProps = {
  readonly label: string;
  readonly hint: string;
  readonly note: string | null;
  readonly attention?: boolean;
  readonly children: ReactNode;
};

function Counter({ label, hint, note, attention = false, children }: CounterProps) {
  return (
    <dl className="cv-counter" data-attention={attention}>
      <dt title={hint}>{label}</dt>
      <dd>
        {children}
        {note !== null && <span className="cv-note">{note}</span>}
      </dd>
    </dl>
  );
}

function Amounts({ money, atLeast }: { money: readonly MoneyText[]; atLeast: boolean }) {
  if (money.length === 0) return <span className="cv-figure">0</span>;
  return money.map((one) => (
    <span className="cv-figure" key={one.currency} title={`${one.amount} ${one.currency}`}>
      {atLeast && <span title="More than could be read; at least this">≥ </span>}
      {formatMoney(one)}
    </span>
  ));
}

function Unknown({ failed }: { failed: boolean }) {
  return (
    <span className="cv-figure cv-nothing" title={failed ? 'Could not be read' : 'Being read'}>
      –
    </span>
  );
}

function countOf(payments: readonly Payment[], atLeast: boolean): string {
  return `${atLeast ? 'at least ' : ''}${plural(payments.length, 'payment')}`;
}

function plural(count: number, noun: string): string {
  return `${count.toLocaleString()} ${noun}${count === 1 ? '' : 's'}`;
}
