/** What is known of the payment itself, in pairs of word and value. */
import type { ReactNode } from 'react';
import type { Payment } from '../../api/payment.ts';
import { InstantCell } from '../../cells/instant-cell.tsx';
import { MoneyCell } from '../../cells/money-cell.tsx';
import { present } from '../../format/money.ts';
import { methodWords, sentence } from '../../format/words.ts';
import { usePortalNames } from '../use-portal-names.ts';

export function Facts({ payment }: { payment: Payment }) {
  const portals = usePortalNames();
  const { customer, method, channel } = payment;
  const connection = portals.connectionName(payment.connectionId);
  const fee = present(payment.fee);
  const refunded = present(payment.refunded);
  const disputed = present(payment.disputed);
  return (
    <dl className="cv-facts">
      <Fact word="Customer">
        {customer?.name ?? customer?.email ?? customer?.externalId ?? 'Unknown payer'}
        {customer?.name && customer.email && <span className="cv-dim"> {customer.email}</span>}
      </Fact>
      {payment.references.length > 0 && (
        <Fact word="It names">
          {payment.references.map(({ kind, value }) => `${wordsOf(kind)} ${value}`).join(', ')}
        </Fact>
      )}
      <Fact word="Portal">
        {portals.nameOf(payment.portal)}
        {connection !== undefined && <span className="cv-dim"> {connection}</span>}
      </Fact>
      <Fact word="Portal’s id">
        <span className="cv-id">{payment.externalId}</span>
      </Fact>
      {method !== null && (
        <Fact word="Method">
          {methodWords(method)}
          {channel !== null && <span className="cv-dim"> {channel}</span>}
        </Fact>
      )}
      {fee !== null && (
        <Fact word="Fee">
          <MoneyCell money={fee} />
        </Fact>
      )}
      {refunded !== null && (
        <Fact word="Refunded">
          <MoneyCell money={refunded} />
        </Fact>
      )}
      {disputed !== null && (
        <Fact word="Disputed">
          <MoneyCell money={disputed} />
        </Fact>
      )}
      {payment.failureReason !== null && <Fact word="Reason">{payment.failureReason}</Fact>}
      <Fact word="Paid">
        <InstantCell at={payment.occurredAt} />
      </Fact>
      <Fact word="Received">
        <InstantCell at={payment.receivedAt} />
      </Fact>
      <Fact word="Posted">
        <InstantCell at={payment.postedAt} />
      </Fact>
    </dl>
  );
}

/** `workOrder` and `work-order` as `work order`. */
function wordsOf(kind: string): string {
  return sentence(kind.replace(/([A-Z])/g, ' $1')).toLowerCase();
}

function Fact({ word, children }: { word: string; children: ReactNode }) {
  return (
    <div>
      <dt>{word}</dt>
      <dd>{children}</dd>
    </div>
  );
}
