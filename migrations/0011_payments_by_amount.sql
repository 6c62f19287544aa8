-- The same money elsewhere is looked for by amount and day, whether it is applied already or not.
create index payments_by_amount on payments (organization_id, amount_minor, occurred_at);
drop index payments_entered;
drop index refunds_by_amount;
create index refunds_by_amount on refunds (organization_id, amount_minor, succeeded_at);
