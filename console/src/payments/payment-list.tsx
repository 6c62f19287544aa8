/**
 * The list of payments with its states: being read, unreadable, empty, filtered to nothing, and
 * full.
 */
import { Alert, Button, Code, Group, Skeleton, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { paymentsQuery } from '../api/queries.ts';
import { Notice } from '../notice.tsx';
import { CONSOLE_PATHS } from '../paths.ts';
import { useSearchChange } from './filters.tsx';
import { matchesText } from './match-text.ts';
import { PaymentTable } from './payment-table.tsx';
import { isFiltered } from './search-params.ts';

const route = getRouteApi(CONSOLE_PATHS.payments);
const SKELETON_ROWS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

export function PaymentList() {
  const search = route.useSearch();
  const change = useSearchChange();
  const { status = null, portal = null, text = '' } = search;
  const list = useInfiniteQuery(paymentsQuery({ status, portal }));

  if (list.isPending) return <Reading />;
  if (!list.data) return <Unreadable error={list.error} onRetry={() => void list.refetch()} />;

  const loaded = list.data.pages.flatMap((page) => page.data);
  const shown = text === '' ? loaded : loaded.filter((payment) => matchesText(payment, text));
  const older = list.hasNextPage && (
    <OlderPayments
      asking={list.isFetchingNextPage}
      onAsk={() => void list.fetchNextPage()}
      text={text}
      total={loaded.length}
    />
  );
  return (
    <>
      {list.isError && <OutOfDate error={list.error} onRetry={() => void list.refetch()} />}
      {shown.length > 0 && <PaymentTable open={search.payment} payments={shown} />}
      {shown.length === 0 && isFiltered(search) && (
        <Notice title="No payment matches these filters">
          <Button
            onClick={() => change({ status: undefined, portal: undefined, text: undefined })}
            size="compact-sm"
            variant="light"
          >
            Clear filters
          </Button>
        </Notice>
      )}
      {shown.length === 0 && !isFiltered(search) && <NoPaymentsYet />}
      {older}
    </>
  );
}

function Reading() {
  return (
    <div aria-busy="true" aria-label="Reading payments" className="cv-list" role="status">
      {SKELETON_ROWS.map((row) => (
        <div className="cv-skeleton-row" key={row}>
          <Skeleton height={12} width="12%" />
          <Skeleton height={12} width="14%" />
          <Skeleton height={12} width="34%" />
          <Skeleton height={12} width="16%" />
        </div>
      ))}
    </div>
  );
}

function Unreadable({ error, onRetry }: { error: Error; onRetry: () => void }) {
  return (
    <Notice role="alert" title="The payments could not be read">
      <Text size="sm">{error.message}</Text>
      <Button onClick={onRetry} size="compact-sm" variant="light">
        Try again
      </Button>
    </Notice>
  );
}

function OutOfDate({ error, onRetry }: { error: Error; onRetry: () => void }) {
  return (
    <Alert color="yellow" mt="sm" p="xs" role="alert" variant="light">
      <Group gap="sm" justify="space-between">
        <Text size="sm">The list could not be refreshed: {error.message}</Text>
        <Button color="yellow" onClick={onRetry} size="compact-sm" variant="subtle">
          Try again
        </Button>
      </Group>
    </Alert>
  );
}

function NoPaymentsYet() {
  return (
    <Notice title="No payments yet">
      <Text c="dimmed" maw={460} size="sm" ta="center">
        They appear here by themselves as soon as a portal sends one. To connect a portal, or to see
        simulated ones at work, run
      </Text>
      <Code block className="cv-command">
        {'./bin/checkvalve connect stripe --name Cards\n./bin/checkvalve demo'}
      </Code>
    </Notice>
  );
}

type OlderProps = {
  readonly asking: boolean;
  readonly onAsk: () => void;
  readonly text: string;
  readonly total: number;
};

/** The text filter only sees what is loaded, and says so. */
function OlderPayments({ asking, onAsk, text, total }: OlderProps) {
  return (
    <Group gap="sm" justify="center" py="md">
      {text !== '' && (
        <Text c="dimmed" size="sm">
          Searched the {total.toLocaleString()} newest payments.
        </Text>
      )}
      <Button loading={asking} onClick={onAsk} size="compact-sm" variant="default">
        {text === '' ? 'Show older payments' : 'Search older payments'}
      </Button>
    </Group>
  );
}
