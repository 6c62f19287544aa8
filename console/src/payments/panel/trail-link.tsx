import type { ReactNode } from 'react';

/**
 * Leads to another part of the trail, without a trace in the address, which names the payment only.
 */
export function TrailLink({ to, children }: { to: string; children: ReactNode }) {
  const show = () => {
    const target = document.getElementById(to);
    target?.scrollIntoView({ block: 'center' });
    target?.focus({ preventScroll: true });
  };
  return (
    <button className="cv-trail-link" onClick={show} type="button">
      {children}
    </button>
  );
}
