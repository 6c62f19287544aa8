/** The chart of accounts: which accounts exist and what their codes say. */

export type AccountKind = 'asset' | 'liability' | 'income' | 'expense' | 'control';

export type Account = {
  readonly code: string;
  readonly kind: AccountKind;
  readonly customerId: bigint | null;
  readonly connectionId: string | null;
};

const whose = (customerId: bigint | null): string =>
  customerId === null ? 'unidentified' : `cus_${customerId}`;

const ofCustomer =
  (name: string, kind: AccountKind) =>
  (customerId: bigint | null): Account => ({
    code: `${name}:${whose(customerId)}`,
    kind,
    customerId,
    connectionId: null,
  });

const ofConnection =
  (name: string, kind: AccountKind) =>
  (connectionId: string): Account => ({
    code: `${name}:${connectionId}`,
    kind,
    customerId: null,
    connectionId,
  });

const ofFirm = (code: string, kind: AccountKind): Account => ({
  code,
  kind,
  customerId: null,
  connectionId: null,
});

export const chart = {
  /** What a customer owes on registered invoices. */
  receivable: ofCustomer('receivable', 'asset'),
  /** Money received and not yet applied: the customer's credit. */
  unappliedCash: ofCustomer('unapplied-cash', 'liability'),
  /** Money applied to a work order that has no invoice yet. */
  deposit: ofCustomer('customer-deposit', 'liability'),
  /** Money at the portal; returns to zero by payouts. */
  clearing: ofConnection('clearing', 'asset'),
  /** Money a portal withdrew until a dispute is decided. */
  disputedFunds: ofConnection('disputed-funds', 'asset'),
  bank: ofFirm('bank', 'asset'),
  processorFees: ofFirm('processor-fees', 'expense'),
  /** Stands for the firm's revenue accounts, which invoicing owns. */
  invoiced: ofFirm('invoiced', 'control'),
} as const;
