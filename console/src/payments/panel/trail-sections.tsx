/** The parts of a trail, from what the money did to what the portal said. */
import type { MoneyText, PaymentEvent } from '../../api/payment.ts';
import type { Action, AllocationHistory, Delivery, ReviewItem } from '../../api/trail.ts';
import { InstantCell } from '../../cells/instant-cell.tsx';
import { MoneyCell } from '../../cells/money-cell.tsx';
import { StatusCell } from '../../cells/status-cell.tsx';
import { formatMoney, present } from '../../format/money.ts';
import { actionWords, sentence } from '../../format/words.ts';
import { Section } from './section.tsx';
import { TrailLink } from './trail-link.tsx';

/** What a person must still decide comes before everything else. */
export function OpenReview({ items }: { items: readonly ReviewItem[] }) {
  const open = items.filter(({ state }) => state === 'open');
  if (open.length === 0) return null;
  return (
    <ul aria-label="Waits for a decision" className="cv-review">
      {open.map(({ id, reason }) => (
        <li key={id}>
          <strong>In review.</strong> {reason}
        </li>
      ))}
    </ul>
  );
}

type AllocationsProps = {
  readonly allocations: readonly AllocationHistory[];
  readonly unapplied: MoneyText;
};

export function Allocations({ allocations, unapplied }: AllocationsProps) {
  const left = present(unapplied);
  return (
    <>
      <Section count={allocations.length} nothing="Not applied to anything." title="Applied to">
        {allocations.map((allocation) => (
          <AllocationItem allocation={allocation} key={allocation.id} />
        ))}
      </Section>
      {left !== null && (
        <p className="cv-attention cv-left">{formatMoney(left)} is not applied yet.</p>
      )}
    </>
  );
}

function AllocationItem({ allocation }: { allocation: AllocationHistory }) {
  const { target, amount, originalAmount, explanation, state, entry } = allocation;
  const others = explanation.alternatives ?? [];
  return (
    <li>
      <div className="cv-line">
        <span>
          <span className="cv-dim">{sentence(target.kind)}</span>{' '}
          {target.number ?? target.externalId}
        </span>
        <span className="cv-pair">
          {state === 'taken_back' && <StatusCell status={state} />}
          <MoneyCell money={state === 'taken_back' ? originalAmount : amount} />
        </span>
      </div>
      <p className="cv-because">
        {explanation.because ?? sentence(explanation.rule ?? 'unexplained')}
        {others.length > 0 && ` Also considered: ${others.join(', ')}.`}{' '}
        <TrailLink to={`entry-${entry}`}>Entry {entry}</TrailLink>
      </p>
    </li>
  );
}

export function Actions({ actions }: { actions: readonly Action[] }) {
  return (
    <Section
      count={actions.length}
      nothing="Nothing was waiting for this payment."
      title="Released"
    >
      {actions.map(({ id, name, target, state, at, takenBackAt, takenBackBecause }) => (
        <li key={id}>
          <div className="cv-line">
            <span>
              {actionWords(name)}{' '}
              <span className="cv-dim">
                {sentence(target.kind).toLowerCase()} {target.number ?? target.id}
              </span>
            </span>
            <InstantCell at={at} />
          </div>
          {state === 'taken_back' && (
            <div className="cv-line">
              <span className="cv-because">
                <StatusCell status={state} /> {takenBackBecause}
              </span>
              <InstantCell at={takenBackAt} />
            </div>
          )}
        </li>
      ))}
    </Section>
  );
}

export function Events({ events }: { events: readonly PaymentEvent[] }) {
  return (
    <Section
      count={events.length}
      nothing="No event names this payment."
      title="What the portal said"
    >
      {events.map(({ type, occurredAt, amount, documentId }) => (
        <li key={`${type} ${occurredAt} ${documentId}`}>
          <div className="cv-line">
            <span>
              {sentence(type)} <TrailLink to={documentId}>{documentId}</TrailLink>
            </span>
            <span className="cv-pair">
              {amount !== null && <MoneyCell money={amount} />}
              <InstantCell at={occurredAt} />
            </span>
          </div>
        </li>
      ))}
    </Section>
  );
}

export function Deliveries({ deliveries }: { deliveries: readonly Delivery[] }) {
  return (
    <Section count={deliveries.length} nothing="Nothing to deliver." title="Deliveries">
      {deliveries.map(({ id, system, topic, state, attempts, lastError }) => (
        <li key={id}>
          <div className="cv-line">
            <span>
              {sentence(topic)} <span className="cv-dim">to {system.name}</span>
            </span>
            <span className="cv-pair">
              {attempts > 1 && <span className="cv-dim">{attempts} attempts</span>}
              <StatusCell status={state} />
            </span>
          </div>
          {state !== 'done' && lastError !== null && <p className="cv-because">{lastError}</p>}
        </li>
      ))}
    </Section>
  );
}
