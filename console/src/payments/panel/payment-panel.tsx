/** One payment, and the trail from its money back to the portal's own bytes. */
import { Alert, Button, CloseButton, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { ApiProblem } from '../../api/client.ts';
import { trailQuery } from '../../api/queries.ts';
import type { Trail } from '../../api/trail.ts';
import { MoneyCell } from '../../cells/money-cell.tsx';
import { StatusCell } from '../../cells/status-cell.tsx';
import { Documents } from './documents.tsx';
import { Entries } from './entries.tsx';
import { Facts } from './facts.tsx';
import { Actions, Allocations, Deliveries, Events, OpenReview } from './trail-sections.tsx';

type PanelProps = { readonly paymentId: string; readonly onClose: () => void };

export function PaymentPanel({ paymentId, onClose }: PanelProps) {
  const trail = useQuery(trailQuery(paymentId));
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => heading.current?.focus({ preventScroll: true }), []);

  // The drawer closes by Escape on its own; beside the list nobody else listens.
  useEffect(() => {
    const closeByEscape = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !event.defaultPrevented) onClose();
    };
    addEventListener('keydown', closeByEscape);
    return () => removeEventListener('keydown', closeByEscape);
  }, [onClose]);

  return (
    <div className="cv-panel">
      <div className="cv-panel-head">
        <h2 ref={heading} tabIndex={-1}>
          Payment <span className="cv-id">{paymentId}</span>
        </h2>
        <CloseButton aria-label="Close payment" onClick={onClose} />
      </div>
      {trail.data ? (
        <TrailOf trail={trail.data} />
      ) : trail.isPending ? (
        <ReadingTrail />
      ) : (
        <NoTrail error={trail.error} onRetry={() => void trail.refetch()} />
      )}
    </div>
  );
}

function TrailOf({ trail }: { trail: Trail }) {
  const { payment } = trail;
  return (
    <>
      <div className="cv-panel-amount">
        <MoneyCell money={payment.amount} />
        <StatusCell status={payment.status} />
      </div>
      <OpenReview items={trail.reviewItems} />
      <Facts payment={payment} />
      <Allocations allocations={trail.allocations} unapplied={payment.unapplied} />
      <Actions actions={trail.actions} />
      <Events events={trail.events} />
      <Entries entries={trail.entries} />
      <Deliveries deliveries={trail.deliveries} />
      <Documents documents={trail.documents} />
    </>
  );
}

function ReadingTrail() {
  return (
    <Stack aria-busy="true" aria-label="Reading the payment" gap="md" role="status">
      <Skeleton height={28} width="50%" />
      <Skeleton height={96} />
      <Skeleton height={64} />
      <Skeleton height={64} />
    </Stack>
  );
}

function NoTrail({ error, onRetry }: { error: Error; onRetry: () => void }) {
  if (error instanceof ApiProblem && error.status === 404) {
    return <Text size="sm">There is no payment with this id.</Text>;
  }
  return (
    <Alert color="red" role="alert" title="The payment could not be read" variant="light">
      <Stack align="flex-start" gap="sm">
        <Text size="sm">{error.message}</Text>
        <Button color="red" onClick={onRetry} size="compact-sm" variant="light">
          Try again
        </Button>
      </Stack>
    </Alert>
  );
}
