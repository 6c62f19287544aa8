-- Payments that are captured in parts, and what a portal keeps with a payout that is the fee of no payment.
alter table payments add column parts jsonb;
comment on column payments.parts is 'Captures by the portal''s names, each with its amount, whether it failed, and its fee; null for a payment taken whole.';
alter table payouts add column cost_minor bigint;
comment on column payouts.cost_minor is 'Kept by the portal with this payout for no single payment (monthly fees, invoices); negative when given back.';
