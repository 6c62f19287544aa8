/**
 * Status, portal and text; they live in the address, so a filtered view can be sent to a colleague.
 */
import { Button, Kbd, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback, useHotkeys } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { PAYMENT_STATUSES } from '../api/payment.ts';
import { statusWords } from '../cells/status-cell.tsx';
import { CONSOLE_PATHS } from '../paths.ts';
import { isFiltered, type PaymentSearch, readPaymentSearch } from './search-params.ts';
import { usePortalNames } from './use-portal-names.ts';

const route = getRouteApi(CONSOLE_PATHS.payments);
const WRITE_AFTER_MS = 150;
const STATUS_OPTIONS = PAYMENT_STATUSES.map((value) => ({ value, label: statusWords(value) }));

export function Filters() {
  const search = route.useSearch();
  const change = useSearchChange();
  const portals = usePortalNames();
  const portalOptions = portals.options(search.portal);

  return (
    <search className="cv-filters">
      <TextFilter change={change} text={search.text ?? ''} />
      <Select
        allowDeselect
        aria-label="Status"
        className="cv-filter"
        clearable
        data={STATUS_OPTIONS}
        onChange={(status) => change({ status: status ?? undefined })}
        placeholder="Any status"
        size="sm"
        value={search.status ?? null}
      />
      <Select
        allowDeselect
        aria-label="Portal"
        className="cv-filter"
        clearable
        data={portalOptions}
        onChange={(portal) => change({ portal: portal ?? undefined })}
        placeholder="Any portal"
        size="sm"
        value={search.portal ?? null}
      />
      {isFiltered(search) && (
        <Button
          onClick={() => change({ status: undefined, portal: undefined, text: undefined })}
          size="sm"
          variant="subtle"
        >
          Clear filters
        </Button>
      )}
    </search>
  );
}

type Change = (to: { readonly [Name in keyof PaymentSearch]?: string | undefined }) => void;

/**
 * Changes some of the page's parameters. Filters replace the address: going back leaves the page.
 */
export function useSearchChange(): Change {
  const navigate = route.useNavigate();
  return (to) => {
    void navigate({
      search: (now) => readPaymentSearch({ ...now, ...to }),
      replace: true,
      resetScroll: false,
    });
  };
}

/** Shows each letter at once and writes the address when the typing pauses. */
function TextFilter({ text, change }: { text: string; change: Change }) {
  const [typed, setTyped] = useState(text);
  const written = useRef(text);
  const input = useRef<HTMLInputElement>(null);
  const write = useDebouncedCallback((next: string) => {
    written.current = next;
    change({ text: next });
  }, WRITE_AFTER_MS);

  // The address changed by other means: back, a cleared filter, a link.
  useEffect(() => {
    if (text === written.current) return;
    written.current = text;
    setTyped(text);
  }, [text]);

  useHotkeys([['/', () => input.current?.focus()]]);

  return (
    <TextInput
      aria-label="Search payments"
      className="cv-search"
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        write(event.currentTarget.value);
      }}
      placeholder="Customer, invoice, amount, id"
      ref={input}
      rightSection={<Kbd size="xs">/</Kbd>}
      size="sm"
      type="search"
      value={typed}
    />
  );
}
