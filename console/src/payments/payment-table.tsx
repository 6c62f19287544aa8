/** The table of payments. Narrow, each row becomes a small card of the same cells. */
import { Link } from '@tanstack/react-router';
import { type KeyboardEvent, memo, useLayoutEffect, useRef } from 'react';
import type { Payment, Release } from '../api/payment.ts';
import { InstantCell } from '../cells/instant-cell.tsx';
import { MoneyCell } from '../cells/money-cell.tsx';
import { StatusCell, statusWords } from '../cells/status-cell.tsx';
import { formatMoney, present } from '../format/money.ts';
import { actionWords } from '../format/words.ts';
import { DoneSign, TakenBackSign } from '../icons.tsx';
import { arrivedAt } from '../live/live-batch.ts';
import { CONSOLE_PATHS } from '../paths.ts';
import { rowLinkId } from './row-link.ts';
import { usePortalNames } from './use-portal-names.ts';

type TableProps = { readonly payments: readonly Payment[]; readonly open: string | undefined };

export function PaymentTable({ payments, open }: TableProps) {
  const portals = usePortalNames();
  return (
    <div className="cv-list">
      <table className="cv-table">
        <caption className="cv-unseen">Payments, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Status</th>
            <th className="cv-figures" scope="col">
              Amount
            </th>
            <th scope="col">Customer</th>
            <th scope="col">Applied to</th>
            <th scope="col">Released</th>
            <th className="cv-head-portal" scope="col">
              Portal
            </th>
            <th className="cv-figures" scope="col">
              Received
            </th>
          </tr>
        </thead>
        <tbody>
          {payments.map((payment) => (
            <PaymentRow
              key={payment.id}
              open={payment.id === open}
              payment={payment}
              portal={portals.nameOf(payment.portal)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

type RowProps = { readonly payment: Payment; readonly portal: string; readonly open: boolean };

const PaymentRow = memo(function PaymentRow({ payment, portal, open }: RowProps) {
  const row = useLightOnArrival(payment);
  return (
    <tr aria-current={open || undefined} ref={row}>
      <td className="cv-cell-status">
        <StatusCell status={payment.status} />
      </td>
      <td className="cv-cell-amount cv-figures">
        <MoneyCell money={payment.amount} />
      </td>
      <td className="cv-cell-customer">
        <Link
          aria-label={nameOfRow(payment)}
          className="cv-row-link"
          id={rowLinkId(payment.id)}
          onKeyDown={moveBetweenRows}
          resetScroll={false}
          search={(now) => ({ ...now, payment: payment.id })}
          to={CONSOLE_PATHS.payments}
        >
          {customerOf(payment) ?? <span className="cv-nothing">Unknown payer</span>}
        </Link>
      </td>
      <td className="cv-cell-applied">
        <AppliedTo payment={payment} />
      </td>
      <td className="cv-cell-released">
        <Releases releases={payment.releases} />
      </td>
      <td className="cv-cell-portal">{portal}</td>
      <td className="cv-cell-received cv-figures">
        <InstantCell at={payment.receivedAt} />
      </td>
    </tr>
  );
});

function AppliedTo({ payment }: { payment: Payment }) {
  const numbers = new Set(
    payment.allocations.map(({ target }) => target.number ?? target.externalId),
  );
  const left = payment.status === 'succeeded' ? present(payment.unapplied) : null;
  if (numbers.size === 0 && left === null) return <span className="cv-nothing">–</span>;
  return (
    <span className="cv-applied">
      {[...numbers].map((number, index) => (
        <span className="cv-number" key={number}>
          {number}
          {index < numbers.size - 1 && ','}
        </span>
      ))}
      {left !== null && (
        <span className="cv-attention">
          {numbers.size === 0 ? 'Unapplied' : `${formatMoney(left)} unapplied`}
        </span>
      )}
    </span>
  );
}

function Releases({ releases }: { releases: readonly Release[] }) {
  if (releases.length === 0) return <span className="cv-nothing">–</span>;
  return (
    <ul className="cv-releases">
      {releases.map(({ id, name, target, state }) => (
        <li data-state={state} key={id}>
          {state === 'done' ? <DoneSign /> : <TakenBackSign />}
          <span>
            {actionWords(name)}
            {state === 'taken_back' && ', taken back'}
            {target.number !== null && <span className="cv-dim cv-number"> {target.number}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}

function customerOf({ customer }: Payment): string | null {
  return customer?.name ?? customer?.email ?? customer?.externalId ?? null;
}

function nameOfRow(payment: Payment): string {
  const { amount, status } = payment;
  const who = customerOf(payment) ?? 'an unknown payer';
  return `${formatMoney(amount)} from ${who}, ${statusWords(status).toLowerCase()}`;
}

/** Arrow keys go from row to row; Enter, as on every link, opens. */
function moveBetweenRows(event: KeyboardEvent<HTMLAnchorElement>): void {
  const row = event.currentTarget.closest('tr');
  const target =
    event.key === 'ArrowDown'
      ? row?.nextElementSibling
      : event.key === 'ArrowUp'
        ? row?.previousElementSibling
        : undefined;
  if (target === undefined) return;
  event.preventDefault();
  target?.querySelector<HTMLElement>('.cv-row-link')?.focus();
}

const LIGHT_MS = 1_800;

/** A row that the stream brought or changed a moment ago lights up and fades. */
function useLightOnArrival(payment: Payment) {
  const row = useRef<HTMLTableRowElement>(null);
  useLayoutEffect(() => {
    const at = arrivedAt(payment);
    if (at === undefined || performance.now() - at > LIGHT_MS) return;
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    const light = row.current?.animate(
      [{ backgroundColor: 'var(--cv-arrival)' }, { backgroundColor: 'transparent' }],
      { duration: LIGHT_MS, easing: 'ease-out' },
    );
    return () => light?.cancel();
  }, [payment]);
  return row;
}
