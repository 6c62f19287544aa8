/**
 * The live page: counters, filters, the payments as they come, and one payment's trail beside them.
 */
import { Drawer } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { useCallback } from 'react';
import { CONSOLE_PATHS } from '../paths.ts';
import { Counters } from './counters.tsx';
import { Filters } from './filters.tsx';
import { PaymentPanel } from './panel/payment-panel.tsx';
import { PaymentList } from './payment-list.tsx';
import { rowLinkId } from './row-link.ts';

const route = getRouteApi(CONSOLE_PATHS.payments);
/** Below this the panel covers the list instead of standing beside it. */
const BESIDE = '(min-width: 68.75em)';

export function LivePage() {
  const { payment } = route.useSearch();
  const navigate = route.useNavigate();
  const beside = useMediaQuery(BESIDE, undefined, { getInitialValueInEffect: false });

  const close = useCallback(() => {
    void navigate({ search: ({ payment: _closed, ...rest }) => rest, resetScroll: false });
    // Back to the row the panel was opened from, as a closing dialog does.
    if (payment !== undefined) document.getElementById(rowLinkId(payment))?.focus();
  }, [navigate, payment]);

  const open = payment !== undefined;
  return (
    <div className="cv-page" data-panel={open && beside}>
      <main className="cv-main">
        <h1 className="cv-unseen">Payments</h1>
        <Counters />
        <Filters />
        <PaymentList />
      </main>
      {beside && open && (
        <aside aria-label="Payment" className="cv-aside">
          <PaymentPanel key={payment} onClose={close} paymentId={payment} />
        </aside>
      )}
      {!beside && (
        <Drawer.Root onClose={close} opened={open} position="right" size="32rem">
          <Drawer.Overlay />
          <Drawer.Content aria-label="Payment" className="cv-drawer">
            {open && <PaymentPanel key={payment} onClose={close} paymentId={payment} />}
          </Drawer.Content>
        </Drawer.Root>
      )}
    </div>
  );
}
